/** A record as it is stored: the two texts that were hashed, and what they say. */
import { z } from 'zod';
import type { ChainCheck, ChainFault, ChainRule } from '../../core/evidence/chain.ts';
import type { JsonValue } from '../../core/evidence/json.ts';
import { EvidenceRecord, faultOf } from '../../core/evidence/record.ts';
import { headerOf } from '../../core/evidence/seal.ts';
import { faultLine } from '../../core/faults.ts';
import { SafeInt } from '../rows.ts';
import { canonicalText } from './hash.ts';

export const StoredEvidence = z.object({
  number: SafeInt,
  record: z.string(),
  payload_text: z.string(),
  hash: z.string(),
});
export type StoredEvidence = z.infer<typeof StoredEvidence>;

/** What is wrong with a text before anything can be said of the record in it. */
export type TextRule = 'not_utf8' | 'not_json' | 'not_canonical' | 'no_newline' | 'head_file' | 'index_page';

/** The first bad record, or the file about them that is bad. */
export interface EvidenceFault extends Omit<ChainFault, 'rule'> {
  readonly rule: ChainRule | TextRule;
}

/** Somebody changed the table itself; `./desk evidence verify` tells where. */
export class EvidenceDamaged extends Error {
  override readonly name = 'EvidenceDamaged';
}

/** Throws `EvidenceDamaged` where the texts are no record. Its hashes are not checked. */
export function recordOf(stored: StoredEvidence): EvidenceRecord {
  const raw = rawRecord(stored);
  const parsed = EvidenceRecord.safeParse(raw);
  if (parsed.success) return parsed.data;
  throw new EvidenceDamaged(`record ${stored.number}: ${faultLine(faultOf(EvidenceRecord, raw)!)}`);
}

/** Null when `stored` is the next record of the chain, character by character. */
export function storedFault(chain: ChainCheck, stored: StoredEvidence): EvidenceFault | null {
  const raw = rawRecord(stored);
  const number = (chain.head?.number ?? 0) + 1;
  if (raw === undefined) return { number, rule: 'not_json', expected: 'JSON', found: shown(stored.record) };
  const fault = chain.next(raw);
  if (fault !== null) return fault;
  const record = raw as EvidenceRecord;
  return (
    textFault(number, canonicalText(headerOf(record)), stored.record) ??
    textFault(number, canonicalText(record.payload), stored.payload_text)
  );
}

/** Null where `found` is the canonical text itself. */
export function textFault(number: number, canonical: string, found: string): EvidenceFault | null {
  if (found === canonical) return null;
  let at = 0;
  while (found[at] === canonical[at]) at += 1;
  return { number, rule: 'not_canonical', expected: shown(canonical, at), found: shown(found, at) };
}

const SHOWN_MAX = 60;

/** A piece of a text around the place that matters. */
export function shown(text: string, at = 0): string {
  const from = Math.max(0, at - 10);
  const piece = text.slice(from, from + SHOWN_MAX);
  return `${from > 0 ? '…' : ''}${piece}${from + SHOWN_MAX < text.length ? '…' : ''}`;
}

/** Undefined where it is no JSON. */
function rawRecord({ record, payload_text, hash }: StoredEvidence): Record<string, unknown> | undefined {
  try {
    return { ...(JSON.parse(record) as object), payload: JSON.parse(payload_text) as JsonValue, hash };
  } catch {
    return undefined;
  }
}
