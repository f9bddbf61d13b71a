/** How a record's hashes are made; nobody else makes them. */
import { EVIDENCE_SCHEMA, NO_HASH, type EvidenceDraft, type EvidenceHead, type EvidenceHeader, type EvidenceRecord } from './record.ts'; // prettier-ignore
import type { HashOf } from './json.ts';

/** The record that follows `head` with what `draft` measured. */
export function sealRecord(
  { key: _, ...draft }: EvidenceDraft,
  head: EvidenceHead | null,
  hashOf: HashOf,
): EvidenceRecord {
  const unsealed = {
    schema: EVIDENCE_SCHEMA,
    number: (head?.number ?? 0) + 1,
    ...draft,
    payloadHash: hashOf(draft.payload),
    previousHash: head?.hash ?? NO_HASH,
  } as const;
  return { ...unsealed, hash: hashOf(headerOf(unsealed)) };
}

/** The record without its payload, which `payloadHash` stands for, and without its own hash. */
export function headerOf(record: Omit<EvidenceRecord, 'hash'> & { readonly hash?: string }): EvidenceHeader {
  const { payload: _, hash: __, ...header } = record;
  return header;
}
