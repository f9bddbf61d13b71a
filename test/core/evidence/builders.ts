/** Evidence as collectors make it, and chains of it. */
import type { EvidenceDraft, EvidenceHead, EvidenceRecord } from '../../../core/evidence/record.ts';
import { headOf } from '../../../core/evidence/record.ts';
import { sealRecord } from '../../../core/evidence/seal.ts';
import { hashOf } from '../../../ledger/evidence/hash.ts';

export const T0 = Date.UTC(2026, 2, 1, 12);
export const HOUR_MS = 3_600_000;
export const COMMIT = 'd8239e7a1b2c';
export const CONFIG_HASH = '0123456789abcdef';

export function draft(changes: Partial<EvidenceDraft> = {}): EvidenceDraft {
  return {
    key: 'event-store-integrity/run-1/1',
    kind: 'event_store_integrity',
    subject: 'bot1',
    atMs: T0,
    workflow: { id: 'event-store-integrity', runId: '0195e1d2-0000-7000-8000-000000000001', atMs: T0 - 40 },
    range: {
      fromMs: T0 - 24 * HOUR_MS,
      toMs: T0 - 100,
      sources: [{ source: 'bot1', fromSequence: 1, toSequence: 86_400 }],
    },
    venue: 'bitget',
    account: 'mm-btc',
    dataSource: 'live',
    rehearsal: [],
    codeVersion: COMMIT,
    configHash: CONFIG_HASH,
    releaseId: null,
    payload: { gaps: 0, missingCorrelation: 0, deltaMax: 0, passed: true },
    ...changes,
  };
}

/** One record after another, from the chain's beginning or after `head`. */
export function chainOf(drafts: readonly EvidenceDraft[], head: EvidenceHead | null = null): EvidenceRecord[] {
  const records: EvidenceRecord[] = [];
  for (const each of drafts) {
    const record = sealRecord(each, head, hashOf);
    records.push(record);
    head = headOf(record);
  }
  return records;
}

export function chain(count: number): EvidenceRecord[] {
  return chainOf(
    Array.from({ length: count }, (_, n) =>
      draft({
        key: `k${n}`,
        atMs: T0 + n,
        subject: `bot${(n % 3) + 1}`,
        payload: { n, note: `Überschuß ${n} 🚀`, ratio: n / 7 },
      }),
    ),
  );
}

/** The record with these fields and hashes that fit them: what a forger makes who knows the rules. */
export function resealed(record: EvidenceRecord, changes: Partial<EvidenceRecord>): EvidenceRecord {
  const { schema: _, number, payloadHash: __, previousHash, hash: ___, ...measured } = { ...record, ...changes };
  const before = number === 1 ? null : { number: number - 1, hash: previousHash };
  return sealRecord({ key: 'forged', ...measured }, before, hashOf);
}
