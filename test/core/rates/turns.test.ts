import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { InvariantError } from '../../../core/invariant.ts';
import { SPREAD_MS, WINDOW_MS, type RateLimits } from '../../../core/rates/limits.ts';
import {
  createTurnTrain,
  createTurnTrains,
  nextTurnAtMs,
  openTurn,
  planTurns,
  TURN_OPEN_MS,
  turnPassedAtMs,
  turnsBeside,
  turnsPerWindow,
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

  test('a limit too small to be divided has rare turns, and what is between them is handed out', () => {
    expect([1, 2].map((limit) => createTurnTrain(limit, false))).toEqual([{ everyMs: 5_400, perWindow: 1 }, { everyMs: 5_400, perWindow: 1 }]); // prettier-ignore
    expect(createTurnTrain(3, false)).toEqual({ everyMs: 1_351, perWindow: 1 });
    expect(createTurnTrain(10, true)).toEqual({ everyMs: 451, perWindow: 3 });
    for (const limit of [0, 1.5, NaN]) expect(() => createTurnTrain(limit, false)).toThrow(InvariantError);
  });

  test('what takes risk away and what finds out what became of a call have turns enough; places may be few', () => {
    const limits: RateLimits<'place' | 'cancel' | 'read'> = { perSecond: { place: 10, cancel: 10, read: 10 }, ofAddress: [], overallPerSecond: 30, urgent: ['cancel'], lookUps: ['read'], reserved: 2 }; // prettier-ignore
    const trains = createTurnTrains(limits);
    expect([trains.place.perWindow, trains.cancel.perWindow, trains.read.perWindow]).toEqual([2, 3, 3]);
    expect(turnsPerWindow(limits)).toBe(8);
    expect(createTurnTrains({ ...limits, lookUps: [] }).read.perWindow).toBe(2);
  });

  test('a turn is open for its first tenth of a second, to its owner', () => {
    const train = createTurnTrain(10, true);
    const share = { index: 1, of: 3 };
    const open = (nowMs: number): number | null => openTurn(train, share, nowMs);
    expect([450, 451, 550, 551, 902, 4 * 451].map(open)).toEqual([null, 1, 1, null, null, 4]);
    expect([0, 1, 2, 3].map((after) => nextTurnAtMs(train, share, after) / 451)).toEqual([1, 4, 4, 4]);
  });

  test('a turn that was beside a call is passed when nothing of it can share a window with anything that comes', () => {
    fc.assert(
      fc.property(limitOf, momentOf, fc.integer({ min: 0, max: 2_000 }), (limit, fromMs, lastsMs) => {
        const train = createTurnTrain(limit, true);
        const toMs = fromMs + lastsMs;
        const last = Math.ceil((toMs + WINDOW_MS) / train.everyMs) - 1;
        // The last turn that begins within a window after the call; its call may arrive late, and counts for a window.
        expect(last * train.everyMs).toBeLessThan(toMs + WINDOW_MS);
        expect(turnPassedAtMs(train, toMs)).toBe(last * train.everyMs + TURN_OPEN_MS + SPREAD_MS + WINDOW_MS);
      }),
    );
  });

  test('bots of one account share its train by name, whoever is listed first', () => {
    const limits = { perSecond: { place: 10 }, ofAddress: [], overallPerSecond: 100, urgent: [], reserved: 2 };
    const bots = [['c', 'one'], ['a', 'two'], ['b', 'one'], ['d', 'one']].map(([bot, account]) => ({ bot: bot!, account: account! })); // prettier-ignore
    for (const listed of [bots, [...bots].reverse()]) {
      expect(planTurns(listed, limits)).toEqual({
        shareOf: new Map([
          ['b', { index: 0, of: 3 }],
          ['c', { index: 1, of: 3 }],
          ['d', { index: 2, of: 3 }],
          ['a', { index: 0, of: 1 }],
        ]),
        trains: 2,
        perWindow: 4,
      });
    }
    expect(planTurns([], limits)).toEqual({ shareOf: new Map(), trains: 0, perWindow: 0 });
  });

  test('an address that holds less than one train still has one', () => {
    const limits = { perSecond: { place: 100 }, ofAddress: [], overallPerSecond: 30, urgent: [], reserved: 2 };
    const plan = planTurns([{ bot: 'a', account: 'one' }, { bot: 'b', account: 'two' }], limits); // prettier-ignore
    expect([plan.trains, plan.shareOf.get('a'), plan.shareOf.get('b')]).toEqual([1, { index: 0, of: 2 }, { index: 1, of: 2 }]); // prettier-ignore
  });
});
