import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { declaredPorts, onFreePorts, parseTemporalDev, readTemporalDev } from '../../stack/temporal-dev.ts';
import { PROJECT_ROOT } from './helpers.ts';

const file = join(PROJECT_ROOT, 'temporal-dev.yml');
const text = readFileSync(file, 'utf8');

function faultsOf(changed: string): string[] {
  try {
    parseTemporalDev(changed);
  } catch (error) {
    return (error as Error).message.split('\n');
  }
  return [];
}

const change = (from: string | RegExp, to: string) => {
  const changed = text.replace(from, to);
  expect(changed).not.toBe(text);
  return changed;
};

describe('the project file', () => {
  test('is valid and keeps the promised ports', () => {
    const ports = declaredPorts(readTemporalDev(file));
    expect(ports).toMatchObject({ temporal: 7233, temporalUi: 8233, console: 8787, simulator: 9700 });
  });

  test('keeps what durability and speed rest on', () => {
    const { temporal, worker, postgres } = readTemporalDev(file);
    expect(temporal.sqlite).toEqual({ journal_mode: 'wal', synchronous: 2 });
    expect(temporal.dynamicConfig).toMatchObject({
      'history.timerProcessorMaxTimeShift': '20ms',
      'system.enableActivityEagerExecution': true,
      'history.transferProcessorMaxPollRPS': 1000,
      'history.timerProcessorMaxPollRPS': 1000,
      'frontend.WorkflowTimeSkippingEnabled': true,
    });
    expect(worker.stickyTimeoutMs).toBe(500);
    expect(postgres.settings).toMatchObject({ fsync: 'on', synchronous_commit: 'on' });
  });

  test('explains every field: each key has a comment above it or beside its block', () => {
    const lines = text.split('\n');
    const bare = lines.filter((line, at) => {
      const key = /^\s*[\w.]+:/.test(line);
      const opensBlock = /:\s*$/.test(lines[at - 1] ?? '');
      return key && !/^\s*#/.test(lines[at - 1] ?? '') && !opensBlock && !isListed(lines, at);
    });
    expect(bare).toEqual([]);
  });

  test('moves as a whole to free ports', () => {
    expect(new Set(Object.values(declaredPorts(onFreePorts(readTemporalDev(file)))))).toEqual(new Set([0]));
  });
});

/** Inside a block whose comment speaks for all its lines: search attributes, durable settings. */
function isListed(lines: readonly string[], at: number): boolean {
  return /^\s+(Desk\w+|synchronous_commit|full_page_writes):/.test(lines[at] ?? '');
}

describe('a fault names line, path, rule and value', () => {
  test.each([
    ['a port out of range', 'port: 7233', 'port: 99999', /:\d+ temporal\.port: expected 0 to 65535, was 99999$/],
    [
      'an unknown key',
      'uiPort: 8233',
      'uiPrt: 8233',
      /:\d+ temporal\.uiPrt: unknown key \(known: ip, port.*\), was 8233$/,
    ],
    [
      'an unknown dynamic config key',
      'matching.enableFairness',
      'matching.enableFairnes',
      /:\d+ temporal\.dynamicConfig\.matching\.enableFairnes: unknown key .*, was true$/,
    ],
    [
      'a duration without unit',
      'Shift: 20ms',
      'Shift: 20',
      /timerProcessorMaxTimeShift: expected a duration.*, was 20$/,
    ],
    ['a weaker flush', 'synchronous: 2', 'synchronous: 1', /temporal\.sqlite\.synchronous: expected 2 or 3.*, was 1$/],
    [
      'rows that a power cut loses',
      "fsync: 'on'",
      "fsync: 'off'",
      /postgres\.settings\.fsync: expected 'on'.*, was "off"$/,
    ],
    ['an open address', 'ip: 127.0.0.1', 'ip: 0.0.0.0', /temporal\.ip: expected 127\.0\.0\.1.*, was "0\.0\.0\.0"$/],
    [
      'an unknown attribute type',
      'DeskBot: Keyword',
      'DeskBot: Word',
      /searchAttributes\.DeskBot: expected one of.*, was "Word"$/,
    ],
    ['a missing key', /stickyTimeoutMs: 500/, '{}', /worker\.stickyTimeoutMs: .*, was missing$/],
    ['a later format', 'version: 1', 'version: 2', /:\d+ version: expected 1.*, was 2$/],
  ] as const)('%s', (_name, from, to, fault) => {
    expect(faultsOf(change(from, to)).join('\n')).toMatch(fault);
  });

  test('all of them at once, each with its own line', () => {
    const changed = change('port: 7233', 'port: 1.5').replace('port: 8787', 'port: -1').replace('worker:', 'wrker:');
    const faults = faultsOf(changed);
    expect(faults).toHaveLength(4);
    expect(faults.map((fault) => /:(\d+) /.exec(fault)?.[1])).toContain(String(lineOf('port: 7233')));
  });

  test('text that is no YAML', () => {
    expect(faultsOf('version: 1\ntemporal: { port: ')[0]).toMatch(/^temporal-dev\.yml:2 /);
  });

  test('a key given twice', () => {
    expect(faultsOf(change('uiPort: 8233', 'port: 8233'))[0]).toMatch(/unique/);
  });

  test('a file that is not there', () => {
    expect(() => readTemporalDev('/nowhere/temporal-dev.yml')).toThrow(/cannot be read/);
  });
});

function lineOf(part: string): number {
  return text.slice(0, text.indexOf(part)).split('\n').length;
}
