/** The housekeeping activities of one host, each with its patience, and what a workflow does when that has an end. */
import {
  ActivityFailure,
  ApplicationFailure,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import type { HousekeepingActivities } from '../activities/housekeeping.ts';
import { botHostTaskQueue, DeskId, DeskKind, DeskPhase, DeskSeverity, DeskVerdict } from './desk-attributes.ts';

export function housekeepingHands(host: string): HousekeepingActivities {
  const shared = {
    taskQueue: botHostTaskQueue(host),
    // A host without a worker is noticed by the task that nobody takes.
    scheduleToStartTimeout: '1 hour',
    heartbeatTimeout: '15s',
    // Left out, the workflow would end while files are still being written.
    cancellationType: 'WAIT_CANCELLATION_COMPLETED',
    // Some twenty minutes of a store that is away, or of another run in the way: then somebody has to know.
    retry: { initialInterval: '5s', maximumInterval: '2 minutes', maximumAttempts: 15, nonRetryableErrorTypes: FINAL },
  } as const;
  const hands = (tryMinutesMax: number, summary: string): HousekeepingActivities =>
    proxyActivities<HousekeepingActivities>({ ...shared, startToCloseTimeout: tryMinutesMax * 60_000, summary });
  return {
    planRetention: hands(30, 'what may go today').planRetention,
    carryOutRetention: hands(360, 'does what the plan says').carryOutRetention,
    retentionDone: hands(30, 'what was done before it stopped').retentionDone,
    forgetRetention: hands(1, 'clears the log of what is on the chain now').forgetRetention,
    makeBackup: hands(240, 'copies the database').makeBackup,
    proveBackup: hands(360, 'reads the copy back').proveBackup,
    thinOutBackups: hands(60, 'lets old backups go').thinOutBackups,
    exportEvents: hands(55, 'exports what was stored since').exportEvents,
  };
}

/** Trying again is of no use. */
const FINAL = ['ConfigError', 'BackupImpossible', 'BackupDamaged'];

export function began(desk: string, kind: string): void {
  upsertSearchAttributes([
    { key: DeskId, value: desk },
    { key: DeskKind, value: kind },
    { key: DeskPhase, value: 'working' },
  ]);
}

/** What did not pass is a warning, unless somebody has to look at once. */
export function judged(isPassed: boolean, markdown: string, worst: 'warn' | 'page' = 'warn'): void {
  setCurrentDetails(markdown);
  upsertSearchAttributes([
    { key: DeskPhase, value: 'done' },
    { key: DeskVerdict, value: isPassed ? 'PASS' : 'FAIL' },
    { key: DeskSeverity, value: isPassed ? 'ok' : worst },
  ]);
}

/** The workflow's end where an activity has run out of patience: one sentence, and a person is told. */
export async function orFail<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw failureOf(what, error);
  }
}

/** A cancellation stays one. */
export function failureOf(what: string, error: unknown): unknown {
  if (isCancellation(error) || !(error instanceof ActivityFailure)) return error;
  const text = `${what}: ${causeOf(error)}`;
  setCurrentDetails(`**Failed**: ${text}\n`);
  upsertSearchAttributes([
    { key: DeskPhase, value: 'failed' },
    { key: DeskVerdict, value: 'FAIL' },
    { key: DeskSeverity, value: 'page' },
  ]);
  return ApplicationFailure.nonRetryable(text, 'HousekeepingFailed');
}

export function causeOf(error: unknown): string {
  if (error instanceof ActivityFailure) return error.cause?.message ?? error.message;
  return error instanceof Error ? error.message : String(error);
}
