/** Benches are run by hand, so each is run here with little to do: one that no longer runs is found before it is needed. */
import { expect, test } from '@jest/globals';
import { z } from 'zod';
import { runDesk } from '../support/desk-command.ts';

const LITTLE = {
  BENCH_ROUNDS: '1',
  BENCH_LAPS: '1',
  BENCH_ORDERS: '20',
  BENCH_EVENTS: '2000',
  BENCH_MESSAGES: '200',
  BENCH_MS: '300',
  BENCH_PACED_MS: '1',
  BENCH_SPEED: '20',
};

const Line = z.looseObject({ bench: z.string(), ratios: z.record(z.string(), z.unknown()).optional() });

test.each([
  'machine-steps',
  'graded-fills',
  'parse-frames',
  'sign-and-place',
  'frame-to-order',
  'tick-to-order',
  'journal-append',
  'event-shipping',
  'projection-rebuild',
  'evidence-verify',
  'duckdb-query',
])(
  '%s prints one line, with figures that are numbers',
  async (name) => {
    const { code, out, text } = await runDesk(LITTLE, 'bench', name);
    if (code !== 0) throw new Error(text);
    const lines = out.split('\n').filter((line) => line.startsWith('{'));
    expect(lines).toHaveLength(1);
    expect(Line.parse(JSON.parse(lines[0]!)).bench).toBe(name);
    // What JSON makes of NaN and Infinity.
    expect(lines[0]).not.toMatch(/:null/);
  },
  120_000,
);
