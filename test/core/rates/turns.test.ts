import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { SPREAD_MS, WINDOW_MS } from '../../../core/rates/limits.ts';
import {
  createTurnTrain,
  nextTurnAtMs,
  openTurn,
  planTurns,
  TURN_OPEN_MS,
  turnsBeside,
} from '../../../core/rates/turns.ts';

const limitOf = fc.integer({ min: 1, max: 200 });
const momentOf = fc.integer({ min: 0, max: 10_000_000 });

describe('turns', () => {
  test.each([
    ['ten cancels leave seven to hand out', 10, true, 3],
    ['ten places leave eight', 10, false, 2],
    ['a limit of one is shared by time', 1, true, 1],
    ['five settings leave four', 5, false, 1],
    ['five that cancel by symbol leave two', 5, true, 3],
    ['three urgent ones leave two', 3, true, 1],
  ] as const)('%s', (_name, limit, isUrgent, perWindow) => {
    expect(createTurnTrain(limit, isUrgent).perWindow).toBe(perWindow);
  });

  test('every turn has one owner, and each bot has its own', () => {
    fc.assert(
      fc.property(limitOf, fc.integer({ min: 1, max: 40 }), momentOf, (limit, of, nowMs) => {
        const train = createTurnTrain(limit, false);
        const open = Array.from({ length: of }, (_, index) => openTurn(train, { index, of }, nowMs));
        expect(open.filter((turn) => turn !== null).length).toBeLessThanOrEqual(1);
        for (let index = 0; index < of; index += 1) {
          const after = Math.floor(nowMs / train.everyMs);
          const nextAtMs = nextTurnAtMs(train, { index, of }, after);
          expect(openTurn(train, { index, of }, nextAtMs)).not.toBeNull();
          expect(nextAtMs).toBeGreaterThan(nowMs);
          expect(nextAtMs - nowMs).toBeLessThanOrEqual(of * train.everyMs);
        }
      }),
    );
  });

  test('calls made in turns, however late they arrive, keep to their share of any window', () => {
    const lateness = fc.array(fc.integer({ min: 0, max: TURN_OPEN_MS + SPREAD_MS - 1 }), {
      minLength: 60,
      maxLength: 60,
    });
    fc.assert(
      fc.property(limitOf, fc.boolean(), lateness, (limit, isUrgent, late) => {
        const { everyMs, perWindow } = createTurnTrain(limit, isUrgent);
        const arrivals = late.map((lateMs, turn) => turn * everyMs + lateMs).sort((a, b) => a - b);
        for (const fromMs of arrivals) {
          const inWindow = arrivals.filter((atMs) => atMs >= fromMs && atMs < fromMs + WINDOW_MS);
          expect(inWindow.length).toBeLessThanOrEqual(perWindow);
        }
        expect(perWindow).toBeLessThanOrEqual(Math.max(1, limit * (isUrgent ? (limit < 10 ? 0.6 : 0.3) : 0.2)));
      }),
    );
  });

  test('every turn that can share a window with a call is counted beside it', () => {
    fc.assert(
      fc.property(limitOf, momentOf, fc.integer({ min: 0, max: 2_000 }), (limit, fromMs, lastsMs) => {
        const train = createTurnTrain(limit, true);
        const toMs = fromMs + lastsMs;
        const arrivalMs = TURN_OPEN_MS + SPREAD_MS;
        let near = 0;
        const first = Math.floor(fromMs / train.everyMs) - Math.ceil(3_000 / train.everyMs);
        for (let turn = first; turn * train.everyMs < toMs + 3_000; turn += 1) {
          const startMs = turn * train.everyMs;
          if (startMs < toMs + WINDOW_MS && startMs + arrivalMs > fromMs - WINDOW_MS) near += 1;
        }
        expect(turnsBeside(train, fromMs, toMs)).toBe(Math.min(train.perWindow, near));
      }),
    );
  });

  test('accounts have trains of their own until the whole would not hold them', () => {
    const limits = {
      perSecond: { place: 10, cancel: 10 },
      ofAddress: [],
      overallPerSecond: 24,
      urgent: ['cancel'] as const,
      reserved: 2,
    };
    const bots = ['a', 'b', 'c', 'd'].map((bot) => ({ bot, account: `of-${bot}` }));
    expect(planTurns(bots.slice(0, 2), limits)).toEqual({
      shareOf: new Map([
        ['a', { index: 0, of: 1 }],
        ['b', { index: 0, of: 1 }],
      ]),
      trains: 2,
      perWindow: 10,
    });
    const crowded = planTurns(bots, limits);
    expect(crowded.perWindow).toBe(10);
    expect(crowded.shareOf.get('a')).toEqual({ index: 0, of: 2 });
    expect(crowded.shareOf.get('c')).toEqual({ index: 1, of: 2 });
  });
});
