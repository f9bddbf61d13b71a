/** The canonical text of JSON (RFC 8785) and its SHA-256: what every hash of the evidence chain is made of. */
import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import { invariant } from '../../core/invariant.ts';
import type { JsonValue } from '../../core/evidence/json.ts';

/**
 * Values that `jsonFault` refuses have no canonical text: they are sorted out before. What was read from canonical text has its
 * keys in order already, and then JSON's own text is the canonical one, at a fraction of the price.
 */
export function canonicalText(value: JsonValue): string {
  if (isInOrder(value)) return JSON.stringify(value);
  const text = canonicalize(value);
  invariant(text !== undefined, 'a JSON value has a canonical text');
  return text;
}

/** Whether every object's keys come by UTF-16 code units. Keys like 9 and 10 never do: objects put them by their numbers. */
function isInOrder(value: JsonValue): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value !== 'object' || value === null) return true;
  if (Array.isArray(value)) return (value as readonly JsonValue[]).every(isInOrder);
  let before: string | null = null;
  for (const [key, each] of Object.entries(value)) {
    if ((before !== null && before >= key) || !isInOrder(each)) return false;
    before = key;
  }
  return true;
}

export function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}

export function hashOf(value: JsonValue): string {
  return sha256(canonicalText(value));
}
