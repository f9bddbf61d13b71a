/** A real Temporal server of its own, workers in this process, and virtual time for single workflows. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection, type WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import type { Workflow } from '@temporalio/common';
import { DefaultLogger, NativeConnection, Runtime, Worker, type WorkerOptions } from '@temporalio/worker';
import { deskHome, type DeskHome } from '../../config/home.ts';
import { SILENT } from '../../core/log.ts';
import { choosePorts } from '../../stack/ports.ts';
import { findTemporalCli } from '../../stack/temporal-cli.ts';
import { declaredPorts, onFreePorts, readTemporalDev } from '../../stack/temporal-dev.ts';
import { startTemporalServer } from '../../stack/temporal-server.ts';
import type { BotWorkflow, BotWorkflowStart } from '../../workflows/bot/contract.ts';
import { botWorkflowId } from '../../workflows/bot/contract.ts';
import { until } from './desk.ts';

export interface TestTemporal {
  readonly home: DeskHome;
  readonly client: Client;
  readonly address: string;
  /** The `temporal` command. */
  readonly cliPath: string;
  /** Runs a worker until the environment ends. */
  work(options: Omit<WorkerOptions, 'connection'>): Promise<void>;
  /** Starts a `bot` workflow whose timers and retries take no real time. */
  startInVirtualTime(input: BotWorkflowStart): Promise<WorkflowHandleWithFirstExecutionRunId<BotWorkflow>>;
  /** Starts a workflow whose time goes on by `advance` alone. */
  startStepwise<W extends Workflow>(
    type: string,
    workflowId: string,
    input: Parameters<W>[0],
  ): Promise<WorkflowHandleWithFirstExecutionRunId<W>>;
  /**
   * Lets so much virtual time pass for it, from timer to timer; resolves when it has. The server would skip on while a workflow
   * task waits for a busy worker, and then a timer is heard of late: so no skip goes beyond the next timer.
   */
  advance(workflowId: string, ms: number): Promise<void>;
  stop(): Promise<void>;
}

/** `dynamicConfig` goes beside what `temporal-dev.yml` sets. */
export async function startTestTemporal(
  dynamicConfig: Record<string, string | number | boolean> = {},
): Promise<TestTemporal> {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  const home = deskHome(mkdtempSync(join(tmpdir(), 'desk-temporal-')));
  const declared = onFreePorts(readTemporalDev(join(process.cwd(), 'temporal-dev.yml')));
  const declaration = {
    ...declared,
    temporal: { ...declared.temporal, dynamicConfig: { ...declared.temporal.dynamicConfig, ...dynamicConfig } },
  };
  const cli = await findTemporalCli({ env: process.env, projectRoot: process.cwd(), log: SILENT });
  const { ports } = await choosePorts(declaredPorts(declaration), {});
  const server = await startTemporalServer({ home, cli, declaration, ports, log: SILENT });
  const connection = await Connection.connect({ address: server.address });
  const native = await NativeConnection.connect({ address: server.address });
  const client = new Client({ connection });
  let advances = 0;
  const msOf = (told: { seconds?: unknown; nanos?: number | null } | null | undefined): number =>
    Number(told?.seconds ?? 0) * 1_000 + (told?.nanos ?? 0) / 1e6;
  const skipBy = (ms: number, id: string): object => ({
    fastForwardConfig: { id, duration: { seconds: Math.floor(ms / 1_000), nanos: Math.round((ms % 1_000) * 1e6) } },
    maxSessionSkipCount: 100_000,
  });

  /** The SDK has no option for it yet: the field is set on the raw request, for this start alone. */
  async function startSkipping<W extends Workflow>(
    type: string,
    workflowId: string,
    input: Parameters<W>[0],
    timeSkippingConfig: object,
  ): Promise<WorkflowHandleWithFirstExecutionRunId<W>> {
    const { workflowService } = connection;
    const plain = workflowService.startWorkflowExecution.bind(workflowService);
    workflowService.startWorkflowExecution = ((request: object) =>
      plain({ ...request, timeSkippingConfig })) as typeof plain;
    try {
      return await client.workflow.start<W>(type, {
        workflowId,
        taskQueue: 'desk',
        args: [input] as unknown as Parameters<W>,
      } as never);
    } finally {
      workflowService.startWorkflowExecution = plain;
    }
  }
  async function skip(workflowId: string, ms: number): Promise<void> {
    const { workflowService } = connection;
    advances += 1;
    const fastForwardId = `advance-${advances}`;
    const of = { namespace: client.options.namespace, workflowExecution: { workflowId } };
    await workflowService.updateWorkflowExecutionOptions({
      ...of,
      workflowExecutionOptions: { timeSkippingConfig: { enabled: true, ...skipBy(ms, fastForwardId) } },
      updateMask: { paths: ['time_skipping_config'] },
    });
    for (let isDone = false; !isDone;) {
      const { fastForwardInfo } = await workflowService.pollWorkflowExecutionTimeSkipping({ ...of, fastForwardId });
      isDone = fastForwardInfo?.hasCompleted === true;
    }
  }

  /** Its time once it has nothing to do. */
  function idle(workflowId: string): Promise<number> {
    const look = async (): Promise<number | null> => {
      const { raw } = await client.workflow.getHandle(workflowId).describe();
      if ((raw.pendingActivities ?? []).length > 0 || raw.pendingWorkflowTask) return null;
      return msOf(raw.workflowExtendedInfo?.timeSkippingInfo?.currentTime);
    };
    return until(`${workflowId} to have nothing to do`, look, 120_000, 5);
  }

  /** When the timer fires that it started last. */
  async function nextTimerMs(workflowId: string): Promise<number> {
    const { history } = await connection.workflowService.getWorkflowExecutionHistoryReverse({
      namespace: client.options.namespace,
      execution: { workflowId },
      maximumPageSize: 20,
    });
    const started = history?.events?.find(({ timerStartedEventAttributes }) => timerStartedEventAttributes);
    if (started === undefined) return Infinity;
    return msOf(started.eventTime) + msOf(started.timerStartedEventAttributes?.startToFireTimeout);
  }

  const running: { worker: Worker; run: Promise<void> }[] = [];
  return {
    home,
    client,
    address: server.address,
    cliPath: cli.path,
    async work(options) {
      const worker = await Worker.create({
        ...options,
        connection: native,
        shutdownGraceTime: 500,
        stickyQueueScheduleToStartTimeout: 500,
      });
      running.push({ worker, run: worker.run() });
    },
    startInVirtualTime: (input) =>
      startSkipping<BotWorkflow>('bot', botWorkflowId(input.bot), input, { enabled: true }),
    // A session that may skip nothing yet: `advance` says how far.
    startStepwise: (type, workflowId, input) =>
      startSkipping(type, workflowId, input, { enabled: true, ...skipBy(1, 'begin') }),
    async advance(workflowId, ms) {
      const untilMs = (await idle(workflowId)) + ms;
      for (;;) {
        const nowMs = await idle(workflowId);
        if (nowMs >= untilMs) return;
        const timerMs = await nextTimerMs(workflowId);
        // One that is due fires by itself within moments.
        if (timerMs <= nowMs) await sleep(5);
        else await skip(workflowId, Math.min(timerMs, untilMs) - nowMs);
      }
    },
    async stop() {
      for (const { worker } of running) worker.shutdown();
      await Promise.all(running.map(({ run }) => run));
      await native.close();
      await connection.close();
      await server.stop();
      rmSync(home.root, { recursive: true, force: true });
    },
  };
}
