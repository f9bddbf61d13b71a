/** Retention that a workflow asks for is evidence, whatever ends it: what is gone cannot be asked any more. */
import { CancellationScope } from '@temporalio/workflow';
import type { RetentionDone } from '../activities/housekeeping-retention.ts';
import type { EvidenceHead } from '../core/evidence/record.ts';
import { evidenceHands } from './evidence-hands.ts';
import { causeOf, failureOf, housekeepingHands, orFail } from './housekeeping-hands.ts';

export interface RetentionAsked {
  readonly desk: string;
  readonly host: string;
  readonly startMs: number;
  /** Who says that it may be done, as the record tells it. */
  readonly reason: string;
  /** What the workflow's failure begins with. */
  readonly orElse: string;
}

/** Null evidence: nothing was there to be done. Throws the workflow's failure, or its cancellation. */
export async function carriedOut(
  { desk, host, startMs, reason, orElse }: RetentionAsked,
  work: () => Promise<RetentionDone>,
): Promise<{ run: RetentionDone; evidence: EvidenceHead | null }> {
  const hands = housekeepingHands(host);
  const record = async (run: RetentionDone, error: string | null): Promise<EvidenceHead | null> => {
    if (run.done + run.refused === 0) return null;
    const atMs = Date.now();
    const evidence = await evidenceHands(host).recordEvidence({
      kind: 'retention',
      subject: desk,
      range: { fromMs: startMs, toMs: Math.max(startMs, atMs), sources: [] },
      rehearsal: [],
      payload: error === null ? run.payload : { ...run.payload, error },
      atMs,
      key: 'retention',
      markdown: run.markdown,
    });
    await hands.forgetRetention();
    return evidence;
  };
  let run: RetentionDone;
  try {
    run = await work();
  } catch (error) {
    await CancellationScope.nonCancellable(
      async () =>
      record(await orFail(`${orElse}, and what was done is not known`, () => hands.retentionDone({ reason })), causeOf(error)), // prettier-ignore
    );
    throw failureOf(orElse, error);
  }
  return { run, evidence: await record(run, null) };
}
