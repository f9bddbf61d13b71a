/** The runs of one workflow id, as the server has them on record: what reached each, how large it became, how it ended. */
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import type { temporal } from '@temporalio/proto';
import { Worker } from '@temporalio/worker';
import { builtCode } from '../support/build.ts';

export type HistoryEvent = temporal.api.history.v1.IHistoryEvent;

/** A signal, or an update that was accepted. */
export interface Received {
  readonly kind: 'signal' | 'update';
  readonly name: string;
  readonly message: unknown;
}

export interface Run {
  readonly runId: string;
  readonly input: unknown;
  readonly events: readonly HistoryEvent[];
  readonly bytes: number;
  /** In the order in which they came. */
  readonly received: readonly Received[];
  readonly ended: 'continued' | 'completed' | 'running' | 'by the server or by force';
  /** Workflow tasks that the server took back since something had come meanwhile. */
  readonly takenBack: number;
}

/** From the first run to the one that is there now. */
export async function runsOf(client: Client, workflowId: string, firstRunId: string): Promise<Run[]> {
  const runs: Run[] = [];
  for (let runId: string | null = firstRunId; runId !== null;) {
    const handle = client.workflow.getHandle(workflowId, runId);
    const events: readonly HistoryEvent[] = (await handle.fetchHistory()).events ?? [];
    const { raw } = await handle.describe();
    runs.push({ runId, events, bytes: Number(raw.workflowExecutionInfo?.historySizeBytes ?? 0), ...read(events) });
    runId = events.at(-1)?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId ?? null;
  }
  return runs;
}

function read(events: readonly HistoryEvent[]): Pick<Run, 'input' | 'received' | 'ended' | 'takenBack'> {
  const last = events.at(-1);
  const isClosed = last?.workflowExecutionTimedOutEventAttributes ?? last?.workflowExecutionTerminatedEventAttributes ?? last?.workflowExecutionFailedEventAttributes; // prettier-ignore
  return {
    input: firstOf(events[0]?.workflowExecutionStartedEventAttributes?.input?.payloads),
    received: events.flatMap(receivedOf),
    takenBack: events.filter(({ workflowTaskFailedEventAttributes }) => workflowTaskFailedEventAttributes).length,
    ended: last?.workflowExecutionContinuedAsNewEventAttributes
      ? 'continued'
      : last?.workflowExecutionCompletedEventAttributes
        ? 'completed'
        : isClosed
          ? 'by the server or by force'
          : 'running',
  };
}

function receivedOf(event: HistoryEvent): Received[] {
  const signal = event.workflowExecutionSignaledEventAttributes;
  if (signal) return [{ kind: 'signal', name: signal.signalName ?? '', message: firstOf(signal.input?.payloads) }];
  const update = event.workflowExecutionUpdateAcceptedEventAttributes?.acceptedRequest?.input;
  return update ? [{ kind: 'update', name: update.name ?? '', message: firstOf(update.args?.payloads) }] : [];
}

export function firstOf(payloads: readonly Payload[] | null | undefined): unknown {
  const [payload] = payloads ?? [];
  return payload === undefined ? undefined : defaultPayloadConverter.fromPayload(payload);
}

/** Runs that today's code cannot be replayed on: whoever takes one of them over is stuck. */
export async function replayFaults(runs: readonly Run[], workflowId: string): Promise<string[]> {
  const workflowBundle = { codePath: join(await builtCode(), 'workflows', 'bundle.js') };
  const histories = runs.map(({ events }) => ({ workflowId, history: { events: [...events] } }));
  const faults: string[] = [];
  for await (const { runId, error } of Worker.runReplayHistories({ workflowBundle }, histories))
    if (error !== undefined) faults.push(`run ${runId} does not replay: ${error.message}`);
  return faults;
}

/** The largest of all runs, as it is published. */
export function largest(runs: readonly Run[]): { events: number; bytes: number } {
  return {
    events: Math.max(...runs.map(({ events }) => events.length)),
    bytes: Math.max(...runs.map(({ bytes }) => bytes)),
  };
}
