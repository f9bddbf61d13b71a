/** What a run of retention did, as the payload of evidence of the kind `retention`. */
import type { JsonObject } from '../evidence/json.ts';
import { targetName, type RetentionPlan, type RetentionTarget } from './plan.ts';
import type { RetentionPolicy } from './policy.ts';

/** What became of one item of a plan; `why` is why it was done, or why it was refused after all. */
export interface RetentionResult {
  readonly target: RetentionTarget;
  readonly done: boolean;
  readonly why: string;
  readonly bytes: number;
}

/** Evidence is at most 1 MiB: a first run over years names so many, and counts all. */
const NAMED_MAX = 2_000;

export function retentionPayload(
  { operator, reason }: { operator: string; reason: string },
  policy: RetentionPolicy,
  { held }: RetentionPlan,
  results: readonly RetentionResult[],
): JsonObject {
  const done = results.filter((each) => each.done);
  return {
    operator,
    reason,
    policy,
    done: done.length,
    bytes: done.reduce((sum, { bytes }) => sum + bytes, 0),
    refused: results.length - done.length,
    held: held.length,
    items: results.slice(0, NAMED_MAX).map(({ target, done: isDone, why, bytes }) => ({
      action: target.action,
      what: targetName(target),
      done: isDone,
      why,
      bytes,
    })),
  };
}
