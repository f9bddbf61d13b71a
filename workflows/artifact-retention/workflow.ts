/**
 * What may go is said first, every time. It goes only where the policy or whoever starts this says so. Something that is
 * refused needs a person and is no failure of the run.
 */
import { setCurrentDetails } from '@temporalio/workflow';
import { began, housekeepingHands, judged, orFail } from '../housekeeping-hands.ts';
import { parseInput } from '../parse-input.ts';
import { carriedOut } from '../retention-evidence.ts';
import { ArtifactRetentionInput, type ArtifactRetentionResult } from './contract.ts';

export async function artifactRetention(raw: unknown): Promise<ArtifactRetentionResult> {
  const { desk, host, mode: asked } = parseInput(ArtifactRetentionInput, raw);
  began(desk, 'artifactRetention');
  const hands = housekeepingHands(host);
  const startMs = Date.now();
  const { mode, planned, markdown } = await orFail('nothing was planned, and nothing removed', () =>
    hands.planRetention({ mode: asked ?? null, atMs: startMs }),
  );
  if (mode === 'plan' || planned.items === 0) {
    judged(true, markdown);
    return { mode, pass: true, planned, done: null, evidence: null };
  }
  setCurrentDetails(markdown);
  const reason = asked === undefined ? 'as config/retention.yml says' : 'asked for in the input';
  const { run, evidence } = await carriedOut(
    { desk, host, startMs, reason, orElse: 'not all that was planned was done' },
    () => hands.carryOutRetention({ reason }),
  );
  const { done, refused, bytes } = run;
  judged(refused === 0, run.markdown);
  return { mode, pass: refused === 0, planned, done: { done, refused, bytes }, evidence };
}
