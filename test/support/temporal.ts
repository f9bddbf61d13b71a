/** A real Temporal server of its own, workers in this process, and virtual time for single workflows. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection, type WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import type { Workflow } from '@temporalio/common';
import { DefaultLogger, NativeConnection, Runtime, Worker, type WorkerOptions } from '@temporalio/worker';
import { deskHome, type DeskHome } from '../../config/home.ts';
import { SILENT } from '../../core/log.ts';
import { choosePorts } from '../../stack/ports.ts';
import { findTemporalCli } from '../../stack/temporal-cli.ts';
import { declaredPorts, onFreePorts, readTemporalDev } from '../../stack/temporal-dev.ts';
import { startTemporalServer } from '../../stack/temporal-server.ts';
import { advance } from '../../stack/virtual-time.ts';
import type { BotWorkflow, BotWorkflowStart } from '../../workflows/bot/contract.ts';
import { botWorkflowId } from '../../workflows/bot/contract.ts';

export interface TestTemporal {
  readonly home: DeskHome;
  readonly client: Client;
  readonly address: string;
  /** The `temporal` command. */
  readonly cliPath: string;
  /** Runs a worker until the environment ends. */
  work(options: Omit<WorkerOptions, 'connection'> & { isolateExecutionTimeout?: string }): Promise<void>;
  /** Starts a `bot` workflow whose timers and retries take no real time. */
  startInVirtualTime(input: BotWorkflowStart): Promise<WorkflowHandleWithFirstExecutionRunId<BotWorkflow>>;
  /** The same for a workflow of any type. */
  startSkipping<W extends Workflow>(
    type: string,
    workflowId: string,
    input: Parameters<W>[0],
  ): Promise<WorkflowHandleWithFirstExecutionRunId<W>>;
  /** Starts a workflow whose time goes on by `advance` alone. */
  startStepwise<W extends Workflow>(
    type: string,
    workflowId: string,
    input: Parameters<W>[0],
  ): Promise<WorkflowHandleWithFirstExecutionRunId<W>>;
  /** Lets so much virtual time pass for it, from timer to timer; resolves when it has. */
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
  /** The SDK has no option for it yet: the field is set on the raw request, for this start alone. */
  async function startSkipping<W extends Workflow>(
    type: string,
    workflowId: string,
    input: Parameters<W>[0],
  ): Promise<WorkflowHandleWithFirstExecutionRunId<W>> {
    const { workflowService } = connection;
    const plain = workflowService.startWorkflowExecution.bind(workflowService);
    workflowService.startWorkflowExecution = ((request: object) =>
      plain({ ...request, timeSkippingConfig: { enabled: true } })) as typeof plain;
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
    startInVirtualTime: (input) => startSkipping<BotWorkflow>('bot', botWorkflowId(input.bot), input),
    startSkipping,
    startStepwise: <W extends Workflow>(type: string, workflowId: string, input: Parameters<W>[0]) =>
      client.workflow.start<W>(type, {
        workflowId,
        taskQueue: 'desk',
        args: [input] as unknown as Parameters<W>,
      } as never),
    advance: async (workflowId, ms) => void (await advance(client, workflowId, ms)),
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
