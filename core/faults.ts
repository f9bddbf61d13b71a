/** What a schema refused, one line a fault: path, rule and value. */
import type { z } from 'zod';

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  let value = root;
  for (const key of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<PropertyKey, unknown>)[key];
  }
  return value;
}

const VALUE_LENGTH_MAX = 80;

/** A value as one short line; nothing where there is none. */
export function showValue(value: unknown): string {
  const text = value === undefined ? 'missing' : (JSON.stringify(value) ?? typeof value);
  return text.length > VALUE_LENGTH_MAX ? `${text.slice(0, VALUE_LENGTH_MAX)}…` : text;
}

export function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`))
    .join('')
    .replace(/^\./, '');
}

export interface Fault {
  readonly path: string;
  readonly rule: string;
  readonly value: string;
}

export function faultsOf(error: z.ZodError, raw: unknown): Fault[] {
  return error.issues.map((issue) => ({
    path: pathText(issue.path) || '(whole)',
    rule: issue.message,
    value: showValue(valueAt(raw, issue.path)),
  }));
}

export function faultLine({ path, rule, value }: Fault): string {
  return `${path}: ${rule}, was ${value}`;
}

/** All faults of `error` in one text, one a line. */
export function describeFaults(error: z.ZodError, raw: unknown): string {
  return faultsOf(error, raw).map(faultLine).join('\n');
}
