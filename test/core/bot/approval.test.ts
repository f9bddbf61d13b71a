/** An approval counts for what whoever gave it could have seen: never for a stop or a pause that came after it. */
import { describe, expect, test } from '@jest/globals';
import type { Effect } from '../../../core/bot/effects.ts';
import { Reason } from '../../../core/bot/reasons.ts';
import { heldSince, riskLevelOf } from '../../../core/bot/risk-watch.ts';
import { RecordKind } from '../../../core/events/record.ts';
import { copyOf } from '../../support/bots.ts';
import { LivingBench } from './living-bench.ts';

function approve(bench: LivingBench, givenAtMs: number): Effect[] {
  const command = { command: 'approveRestart', operator: 'ana', reason: 'looked at it', givenAtMs } as const;
  return bench.tell({ kind: RecordKind.controlInput, command });
}

const margin = (marginRatio: number): LivingBench => LivingBench.holding(0).read({ marginRatio }).live(1);

describe.each([
  ["a hard stop of the bot's own", () => margin(0.9), Reason.hard_stopped],
  ["a soft pause of the bot's own", () => margin(0.6), Reason.margin_ratio_high],
  [
    'a hard stop by a person',
    () => {
      const bench = LivingBench.holding(0);
      bench.operator('hardStop');
      return bench;
    },
    Reason.hard_stopped,
  ],
])('%s', (_name, held, reason) => {
  test('stays when the approval was given before it, and the refusal is on record', () => {
    const bench = held();
    const since = heldSince(bench.state);
    expect(since).toBeGreaterThan(0);
    for (const givenAtMs of [since! - 3_600_000, since!]) {
      bench.read({ marginRatio: 0.1 });
      approve(bench, givenAtMs);
      expect(bench.events.at(-1)).toMatchObject({
        type: 'command',
        operator: 'ana',
        detail: { command: 'approveRestart', refused: expect.stringContaining('approval: expected one given after ') },
      });
      expect(bench.live(1).reason()).toBe(reason);
      expect(heldSince(bench.state)).toBe(since);
    }
  });

  test('is lifted by one that was given after it', () => {
    const bench = held();
    bench.read({ marginRatio: 0.1 });
    approve(bench, heldSince(bench.state)! + 1);
    expect(bench.live(2).reason()).toBe(Reason.quoted);
    expect(heldSince(bench.state)).toBeNull();
  });

  test('began when it began, also for the process after this one', () => {
    const bench = held();
    const since = heldSince(bench.state);
    bench.live(30);
    expect(heldSince(copyOf(bench.state))).toBe(since);
    bench.restartProcess();
    expect(heldSince(bench.state)).toBe(since);
    bench.read({ marginRatio: 0.1 });
    approve(bench, since! - 1);
    expect(bench.live(1).reason()).toBe(reason);
  });
});

test('a pause that became a stop is as young as the stop', () => {
  const bench = margin(0.6);
  const seenAtMs = bench.nowMs + 1;
  bench.live(5).read({ marginRatio: 0.9 }).live(1);
  approve(bench, seenAtMs);
  expect(riskLevelOf(bench.state)).toBe('hard_stop');
});

test('a person who stops a bot again after the approval is obeyed', () => {
  const bench = margin(0.9);
  const seenAtMs = bench.nowMs + 1;
  bench.live(5);
  bench.operator('hardStop');
  approve(bench, seenAtMs);
  expect(bench.state.hardStopped).toBe(true);
});

test.each([
  ['of any age', 1],
  ['of now', Infinity],
])(
  'what nothing holds, an approval %s leaves alone, its fall from the peak included, and is told so',
  (_name, givenAtMs) => {
    const bench = LivingBench.holding(100).live(3).live(3, 598_000);
    expect(heldSince(bench.state)).toBeNull();
    const { equityPeak, equityLast } = bench.state.daily;
    expect(equityPeak! - equityLast!).toBeGreaterThan(10);
    const risk = JSON.stringify(bench.state.risk);
    approve(bench, givenAtMs);
    expect(bench.state.daily.equityPeak).toBe(equityPeak);
    expect(JSON.stringify(bench.state.risk)).toBe(risk);
    expect(bench.events.at(-1)).toMatchObject({
      type: 'command',
      operator: 'ana',
      detail: { command: 'approveRestart', refused: 'approval: expected a bot that is held, was nothing held' },
    });
    expect(bench.machine.judgeCommand({ command: 'approveRestart', operator: 'ana', reason: 'x' })).toHaveLength(1);
    expect(bench.live(1).reason()).toBe(Reason.inventory_full);
  },
);
