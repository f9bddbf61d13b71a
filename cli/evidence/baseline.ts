/** `desk evidence baseline`: what is stored now, as a person says that counting starts here. */
import { randomUUID } from 'node:crypto';
import type { BaselineFreeze } from '../../core/evidence/payloads.ts';
import type { EvidenceRecord } from '../../core/evidence/record.ts';
import { storedCounts } from '../../ledger/evidence/baseline.ts';
import type { Context } from '../context.ts';
import { deskFacts, withEvidence } from './store.ts';

/** With `dryRun` nothing is recorded, and there is no record. */
export async function freezeBaseline(
  context: Context,
  { operator, reason, dryRun }: { operator: string; reason: string; dryRun: boolean },
): Promise<{ baseline: BaselineFreeze; record: EvidenceRecord | null }> {
  const facts = deskFacts(context);
  return withEvidence(context, 'desk_writer', async (store, pool) => {
    const { counts, sources, firstAtMs } = await storedCounts(pool);
    const baseline: BaselineFreeze = { operator, reason, counts };
    if (dryRun) return { baseline, record: null };
    const atMs = Date.now();
    const record = await store.append({
      ...facts,
      key: `baseline/${randomUUID()}`,
      kind: 'baseline_freeze',
      atMs,
      range: { fromMs: Math.max(1, Math.min(firstAtMs ?? atMs, atMs)), toMs: atMs, sources: [...sources] },
      releaseId: await store.releaseOf(facts.codeVersion),
      payload: { ...baseline },
    });
    return { baseline, record };
  });
}
