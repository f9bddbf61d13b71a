/**
 * Virtual time for single workflows, by the server's own time skipping: timers end at once and `Date.now()` in the workflow
 * goes on as far as it is told to. Everything else on the server stays in real time.
 *
 * Left alone the server skips on while a workflow task waits for a busy worker, and then a timer is heard of late. So no
 * skip goes beyond the next timer, and none is made while the workflow has something to do.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { isGrpcServiceError, type Client } from '@temporalio/client';

/** gRPC's INVALID_ARGUMENT and UNIMPLEMENTED: what a server without time skipping says. */
const UNKNOWN_TO_THE_SERVER: readonly number[] = [3, 12];
const LOOK_EVERY_MS = 5;
/** More than a rehearsal of months needs; the server's own limit is 200. */
const SKIPS_MAX = 100_000;

export class NoVirtualTime extends Error {}

/** It had something to do for longer than `busyMs`: its worker is gone, or an activity hangs. */
export class StillBusy extends Error {}

export interface VirtualTimeOptions {
  /** How long a workflow may have something to do before it is given up. */
  readonly busyMs?: number;
}

let skips = 0;

/**
 * Lets `ms` of virtual time pass for a workflow, from timer to timer; resolves with its time when they have. Throws
 * `NoVirtualTime`, `StillBusy`, and `WorkflowNotFoundError` where none of that id runs.
 */
export async function advance(
  client: Client,
  workflowId: string,
  ms: number,
  { busyMs = 120_000 }: VirtualTimeOptions = {},
): Promise<number> {
  const untilMs = (await idleSince(client, workflowId, busyMs)) + ms;
  for (;;) {
    const nowMs = await idleSince(client, workflowId, busyMs);
    if (nowMs >= untilMs) return nowMs;
    const timerMs = await nextTimerMs(client, workflowId);
    // One that is due fires by itself within moments.
    if (timerMs <= nowMs) await sleep(LOOK_EVERY_MS);
    else await skip(client, workflowId, Math.min(timerMs, untilMs) - nowMs);
  }
}

/** Its time, once it has nothing to do. */
async function idleSince(client: Client, workflowId: string, busyMs: number): Promise<number> {
  const handle = client.workflow.getHandle(workflowId);
  for (const giveUpAt = performance.now() + busyMs; performance.now() < giveUpAt; await sleep(LOOK_EVERY_MS)) {
    const { raw } = await handle.describe();
    if ((raw.pendingActivities ?? []).length > 0 || raw.pendingWorkflowTask) continue;
    const told = raw.workflowExtendedInfo?.timeSkippingInfo?.currentTime;
    return told ? msOf(told) : Date.now();
  }
  throw new StillBusy(`${workflowId}: had something to do for ${busyMs} ms`);
}

/** When the timer fires that it started last. */
async function nextTimerMs({ connection, options }: Client, workflowId: string): Promise<number> {
  const { history } = await connection.workflowService.getWorkflowExecutionHistoryReverse({
    namespace: options.namespace,
    execution: { workflowId },
    maximumPageSize: 20,
  });
  const started = history?.events?.find(({ timerStartedEventAttributes }) => timerStartedEventAttributes);
  if (started === undefined) return Infinity;
  return msOf(started.eventTime) + msOf(started.timerStartedEventAttributes?.startToFireTimeout);
}

async function skip({ connection, options }: Client, workflowId: string, ms: number): Promise<void> {
  const { workflowService } = connection;
  const of = { namespace: options.namespace, workflowExecution: { workflowId } };
  skips += 1;
  const fastForwardId = `${process.pid}-${skips}`;
  // The protocol's types want its own 64-bit integers, which a plain number becomes on the wire.
  const duration: object = { seconds: Math.floor(ms / 1_000), nanos: Math.round((ms % 1_000) * 1e6) };
  const timeSkippingConfig = {
    enabled: true,
    fastForwardConfig: { id: fastForwardId, duration },
    maxSessionSkipCount: SKIPS_MAX,
  };
  try {
    await workflowService.updateWorkflowExecutionOptions({
      ...of,
      workflowExecutionOptions: { timeSkippingConfig },
      updateMask: { paths: ['time_skipping_config'] },
    });
  } catch (error) {
    if (isGrpcServiceError(error) && UNKNOWN_TO_THE_SERVER.includes(error.code))
      throw new NoVirtualTime(`the Temporal server cannot skip time: ${error.details}`);
    throw error;
  }
  for (let isDone = false; !isDone;) {
    const { fastForwardInfo } = await workflowService.pollWorkflowExecutionTimeSkipping({ ...of, fastForwardId });
    isDone = fastForwardInfo?.hasCompleted === true;
  }
}

function msOf(told: { seconds?: unknown; nanos?: number | null } | null | undefined): number {
  return Number(told?.seconds ?? 0) * 1_000 + (told?.nanos ?? 0) / 1e6;
}
