/** JSON that has one canonical text (RFC 8785), and what keeps a value from having one. */
import type { Fault } from '../faults.ts';
import { pathText, showValue } from '../faults.ts';

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: JsonValue;
}

/** Hex SHA-256 over the canonical text of `value`. The edges bring it: `ledger/evidence/hash.ts`. */
export type HashOf = (value: JsonValue) => string;

/** Far more than evidence needs, and far less than a stack holds. */
export const DEPTH_MAX = 32;

const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * Why `value` cannot be hashed, stored and read back the same: the first fault by the order of keys; null when it can.
 * A number that is none, half a character, a NUL (Postgres' jsonb has none), what JSON cannot say, or too deep.
 */
export function jsonFault(value: unknown): Fault | null {
  const path: PropertyKey[] = [];
  const found = refusal(value, path);
  return found === null ? null : { path: pathText(path) || '(whole)', ...found };
}

/** `path` is left at what was refused. */
function refusal(value: unknown, path: PropertyKey[]): Omit<Fault, 'path'> | null {
  switch (typeof value) {
    case 'boolean':
      return null;
    case 'number':
      return Number.isFinite(value) ? null : { rule: 'expected a finite number', value: String(value) };
    case 'string':
      return textRefusal(value);
    case 'object':
      break;
    default:
      return { rule: 'expected a JSON value', value: typeof value };
  }
  if (value === null) return null;
  if (path.length >= DEPTH_MAX) return { rule: `expected nesting of at most ${DEPTH_MAX}`, value: 'deeper' };
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index += 1) {
      path.push(index);
      const found = refusal(value[index], path);
      if (found !== null) return found;
      path.pop();
    }
    return null;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  // Of whatever realm: its prototype is the root.
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null)
    return { rule: 'expected a plain object', value: 'an instance' };
  for (const key of Object.keys(value).sort()) {
    path.push(key);
    const found =
      key === '__proto__'
        ? { rule: 'expected another key', value: showValue(key) }
        : (textRefusal(key) ?? refusal((value as Record<string, unknown>)[key], path));
    if (found !== null) return found;
    path.pop();
  }
  return null;
}

function textRefusal(text: string): Omit<Fault, 'path'> | null {
  if (LONE_SURROGATE.test(text))
    return { rule: 'expected whole characters, no half of a surrogate pair', value: showValue(text) };
  return text.includes('\0') ? { rule: 'expected no NUL', value: showValue(text) } : null;
}

/** The same value with the keys of every object in order, so that what is said of it does not depend on how it was built. */
export function sortedKeys(value: unknown, depth = 0): unknown {
  if (typeof value !== 'object' || value === null || depth >= DEPTH_MAX) return value;
  if (Array.isArray(value)) return value.map((each) => sortedKeys(each, depth + 1));
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, sortedKeys((value as Record<string, unknown>)[key], depth + 1)]),
  );
}

/** By UTF-16 code units: the same in every locale. */
export function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
