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

/** An unknown key is a fault at its own path, not at that of the object around it. */
export function faultsOf(error: z.ZodError, raw: unknown): Fault[] {
  return error.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => faultAt([...issue.path, key], 'unknown key', raw))
      : [faultAt(issue.path, ruleOf(issue), raw)],
  );
}

function faultAt(path: readonly PropertyKey[], rule: string, raw: unknown): Fault {
  return { path: pathText(path) || '(whole)', rule, value: showValue(valueAt(raw, path)) };
}

const KINDS: Readonly<Record<string, string>> = {
  number: 'a number',
  int: 'a whole number',
  string: 'a text',
  boolean: 'true or false',
  object: 'a group of fields',
  record: 'a group of fields',
  array: 'a list',
};

/** A schema's own words, or where it has none what its rule comes to. */
export function ruleOf(issue: z.core.$ZodIssue): string {
  // The library's own words begin so, and a schema's own ones never do.
  if (!/^(Invalid|Too|Unrecognized) /.test(issue.message)) return issue.message;
  switch (issue.code) {
    case 'invalid_type':
      return `expected ${KINDS[issue.expected] ?? issue.expected}`;
    case 'too_small':
      return `expected ${issue.inclusive === false ? 'more than' : 'at least'} ${sized(issue.minimum, issue.origin)}`;
    case 'too_big':
      return `expected ${issue.inclusive === false ? 'less than' : 'at most'} ${sized(issue.maximum, issue.origin)}`;
    case 'invalid_value':
      return `expected ${oneOf(issue.values.map(String))}`;
    case 'invalid_format':
      return `expected ${issue.pattern === undefined ? issue.format : `text that matches ${issue.pattern}`}`;
    case 'not_multiple_of':
      return `expected a multiple of ${issue.divisor}`;
    case 'invalid_union':
      return issue.errors.length === 0 && 'options' in issue
        ? `expected ${oneOf((issue.options as readonly unknown[]).map(String))}`
        : `expected ${[...new Set(issue.errors.flatMap((each) => each.slice(0, 1).map(bareRule)))].join(', or ')}`;
    case 'invalid_key':
    case 'invalid_element':
      return `expected its name to be as ruled: ${issue.issues.map(bareRule).join(', ')}`;
    default:
      return issue.message;
  }
}

function bareRule(issue: z.core.$ZodIssue): string {
  return ruleOf(issue).replace(/^expected /, '');
}

function oneOf(values: readonly string[]): string {
  return values.length === 1 ? values.join() : `one of ${values.join(', ')}`;
}

function sized(size: number | bigint, origin: string): string {
  if (origin === 'string') return `${size} characters`;
  return origin === 'array' || origin === 'set' || origin === 'map' ? `${size} entries` : String(size);
}

export function faultLine({ path, rule, value }: Fault): string {
  return `${path}: ${rule}, was ${value}`;
}

/** All faults of `error` in one text, one a line. */
export function describeFaults(error: z.ZodError, raw: unknown): string {
  return faultsOf(error, raw).map(faultLine).join('\n');
}
