/** A stop of the bot's own after a re-run by other limits or code: what is on record decides. */
import { describe, expect, test } from '@jest/globals';
import { heldSince, settleLatch } from '../../../core/bot/risk-watch.ts';
import { blankState, type BotState } from '../../../core/bot/state.ts';
import type { Level } from '../../../core/escalation/ladder.ts';
import { T0 } from '../../support/bots.ts';

const RECORDED = { level: 'hard_stop', code: 'margin_ratio_high', measured: 0.9, limit: 0.8, causeAtMs: T0 } as const;

function rerunTo(level: Level): BotState {
  const state = blankState();
  state.risk.ladder.level = level;
  return state;
}

describe('a stop that is on record', () => {
  test('stands although the re-run found none', () => {
    const state = rerunTo('allow');
    settleLatch(state, RECORDED);
    expect(state.risk.ladder).toMatchObject(RECORDED);
    expect(state.hardStopped).toBe(true);
    expect(heldSince(state)).toBe(T0);
    // Its orders were cancelled then: not once more.
    expect(state.cancelAllSentAtMs).toBe(T0);
  });

  test('and the cancel that followed it is not forgotten', () => {
    const state = rerunTo('soft_pause');
    state.cancelAllSentAtMs = T0 + 700;
    settleLatch(state, RECORDED);
    expect(state.cancelAllSentAtMs).toBe(T0 + 700);
  });

  test('is as the re-run has it where it found one, too', () => {
    const state = rerunTo('hard_stop');
    state.risk.ladder.measured = 0.85;
    const before = structuredClone(state.risk.ladder);
    settleLatch(state, RECORDED);
    expect(state.risk.ladder).toEqual(before);
    expect(state.hardStopped).toBe(false);
  });
});

describe('with none on record', () => {
  test('a stop that only the re-run found is one step away from being found anew', () => {
    const state = rerunTo('hard_stop');
    settleLatch(state, null);
    expect(state.risk.ladder.level).toBe('soft_pause');
  });

  test.each(['allow', 'reduce_exposure', 'soft_pause'] as const)('%s stays', (level) => {
    const state = rerunTo(level);
    const before = structuredClone(state);
    settleLatch(state, null);
    expect(state).toEqual(before);
  });
});
