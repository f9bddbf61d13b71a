/** What a strict promotion cycle wants and has: one item of evidence of each kind, all of them good. */
import { z } from 'zod';
import { judgeEvidence, type EvidenceVerdict, type Judging, type WantedEvidence } from '../../core/evidence/judge.ts';
import { EVIDENCE_KINDS, headOf, type EvidenceDraft, type EvidenceHead, type EvidenceRecord } from '../../core/evidence/record.ts'; // prettier-ignore
import { hashOf } from '../../ledger/evidence/hash.ts';
import { chainOf, COMMIT, CONFIG_HASH, draft, HOUR_MS, T0 } from '../core/evidence/builders.ts';

const MANIFEST = { codeVersion: COMMIT, bundles: { 'cli/main.js': 'a'.repeat(64) } };
export const RELEASE = hashOf(MANIFEST);

const Passed = z.looseObject({ passed: z.literal(true), deltaMax: z.number().max(5), missing: z.literal(0) });

/** The manifest first: the others belong to it. */
export const ITEMS = [...EVIDENCE_KINDS].sort(
  (a, b) => Number(b === 'release_manifest') - Number(a === 'release_manifest'),
);

export const CYCLE_DRAFTS: readonly EvidenceDraft[] = ITEMS.map((kind, n) =>
  draft({
    key: kind,
    kind,
    atMs: T0 + n,
    releaseId: RELEASE,
    account: n % 2 === 0 ? 'mm-btc' : null,
    payload: kind === 'release_manifest' ? MANIFEST : { passed: true, deltaMax: n / 2, missing: 0 },
  }),
);

export const WANTED: readonly WantedEvidence[] = ITEMS.map((kind) => ({
  kind,
  subject: 'bot1',
  venue: 'bitget',
  account: 'mm-btc',
  codeVersion: COMMIT,
  configHash: CONFIG_HASH,
  releaseId: RELEASE,
  ageMsMax: HOUR_MS,
  spanMsMin: 23 * HOUR_MS,
  sources: ['bot1'],
  payload: kind === 'release_manifest' ? z.looseObject({ codeVersion: z.literal(COMMIT) }) : Passed,
}));

export const NOW_MS = T0 + 10 * 60_000;

export function cycleRecords(): EvidenceRecord[] {
  return chainOf(CYCLE_DRAFTS);
}

/** What the gate remembers: the head of the store, and every head that an append answered. */
export function keptHeadsOf(records: readonly EvidenceRecord[]): EvidenceHead[] {
  return records.map(headOf);
}

export function judge(
  records: readonly unknown[],
  keptHeads: readonly EvidenceHead[],
  { wanted = WANTED, ...changes }: Partial<Judging> & { wanted?: readonly WantedEvidence[] } = {},
): EvidenceVerdict {
  return judgeEvidence(records, wanted, { purpose: 'live_lease', nowMs: NOW_MS, hashOf, keptHeads, ...changes });
}
