import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  applyLadder,
  approveLadder,
  blankLadder,
  LADDER,
  worse,
  type Change,
  type Finding,
  type LadderMemory,
  type Level,
} from '../../../core/escalation/ladder.ts';

const DWELL_MS = 60_000;
const found = (level: Finding['level'], code = 'cause'): Finding => ({ level, code, measured: 7, limit: 5 });

/** The levels that a ladder goes through, told as `[ms since the last, finding]`. */
function climb(steps: readonly (readonly [number, Finding | null])[]): Level[] {
  const memory = blankLadder();
  let atMs = 1_000_000;
  return steps.map(([afterMs, finding]) => {
    atMs += afterMs;
    applyLadder(memory, finding, atMs, DWELL_MS);
    return memory.level;
  });
}

test.each([
  ['nothing found', [[0, null]], ['allow']],
  [
    'up at once',
    [
      [0, found('reduce_exposure')],
      [1, found('soft_pause')],
    ],
    ['reduce_exposure', 'soft_pause'],
  ],
  ['up over steps', [[0, found('hard_stop')]], ['hard_stop']],
  [
    'down by one step after each dwell',
    [
      [0, found('soft_pause')],
      [DWELL_MS - 1, null],
      [1, null],
      [DWELL_MS - 1, null],
      [1, null],
    ],
    ['soft_pause', 'soft_pause', 'reduce_exposure', 'reduce_exposure', 'allow'],
  ],
  [
    'a cause seen again begins the dwell anew',
    [
      [0, found('soft_pause')],
      [DWELL_MS - 1, found('soft_pause')],
      [DWELL_MS - 1, null],
      [1, null],
    ],
    ['soft_pause', 'soft_pause', 'soft_pause', 'reduce_exposure'],
  ],
  [
    'a lesser cause does not hold the level, and holds its own',
    [
      [0, found('soft_pause')],
      [DWELL_MS, found('reduce_exposure')],
      [DWELL_MS, found('reduce_exposure')],
    ],
    ['soft_pause', 'reduce_exposure', 'reduce_exposure'],
  ],
  [
    'latched',
    [
      [0, found('hard_stop')],
      [10 * DWELL_MS, null],
    ],
    ['hard_stop', 'hard_stop'],
  ],
  [
    'the desk may go higher',
    [
      [0, found('hard_stop')],
      [1, found('kill_switch')],
    ],
    ['hard_stop', 'kill_switch'],
  ],
  [
    'a clock set back by an hour neither cuts the dwell short nor makes it an hour longer',
    [
      [0, found('soft_pause')],
      [-3_600_000, null],
      [DWELL_MS - 1, null],
      [1, null],
    ],
    ['soft_pause', 'soft_pause', 'soft_pause', 'reduce_exposure'],
  ],
] as const)('%s', (_name, steps, levels) => expect(climb(steps)).toEqual(levels));

test('a change names both levels and the cause; on the way down what has passed', () => {
  const memory = blankLadder();
  const up = applyLadder(memory, found('soft_pause', 'margin'), 1, 10);
  expect(up).toEqual({ from: 'allow', to: 'soft_pause', code: 'margin', measured: 7, limit: 5 });
  expect(applyLadder(memory, found('reduce_exposure', 'leverage'), 2, 10)).toBeNull();
  const down = applyLadder(memory, found('reduce_exposure', 'leverage'), 11, 10);
  expect(down).toEqual({ from: 'soft_pause', to: 'reduce_exposure', code: 'margin', measured: 7, limit: 5 });
  expect(applyLadder(memory, null, 21, 10)).toMatchObject({ from: 'reduce_exposure', to: 'allow', code: 'leverage' });
  expect(memory).toEqual({ ...blankLadder(), causeAtMs: 21 });
});

test('a step down to a level that has a cause of its own tells that cause from then on', () => {
  const memory = blankLadder();
  applyLadder(memory, found('soft_pause', 'margin'), 1, 10);
  applyLadder(memory, { ...found('reduce_exposure', 'leverage'), measured: 3, limit: 2 }, 11, 10);
  expect(memory).toEqual({ level: 'reduce_exposure', code: 'leverage', measured: 3, limit: 2, causeAtMs: 11 });
});

test('a step down to a level without a cause still tells what had led above it', () => {
  const memory = blankLadder();
  applyLadder(memory, found('soft_pause', 'margin'), 1, 10);
  applyLadder(memory, null, 11, 10);
  expect(memory).toEqual({ level: 'reduce_exposure', code: 'margin', measured: 7, limit: 5, causeAtMs: 11 });
});

test('a cause that goes on is told as it was measured last', () => {
  const memory = blankLadder();
  applyLadder(memory, found('soft_pause', 'margin'), 1, 10);
  applyLadder(memory, { ...found('soft_pause', 'margin'), measured: 9 }, 2, 10);
  expect(memory).toEqual({ level: 'soft_pause', code: 'margin', measured: 9, limit: 5, causeAtMs: 2 });
});

test('a latched level keeps the cause that was told of it', () => {
  const memory = blankLadder();
  applyLadder(memory, found('hard_stop', 'margin'), 1, 10);
  applyLadder(memory, { ...found('hard_stop', 'drawdown'), measured: 9 }, 2, 10);
  expect(memory).toEqual({ level: 'hard_stop', code: 'margin', measured: 7, limit: 5, causeAtMs: 1 });
});

test('an approval leads from everywhere to all allowed, and says from where', () => {
  const memory = blankLadder();
  expect(approveLadder(memory, 1)).toBeNull();
  applyLadder(memory, found('kill_switch', 'margin'), 1, 10);
  expect(approveLadder(memory, 2)).toMatchObject({ from: 'kill_switch', to: 'allow', code: 'margin' });
  expect(memory).toEqual({ ...blankLadder(), causeAtMs: 2 });
});

test('a page can tell every level from the others, in words', () => {
  const meanings = Object.values(LADDER).map(({ meaning }) => meaning);
  expect(new Set(meanings).size).toBe(5);
  for (const meaning of meanings) expect(meaning).toMatch(/^(\S+ )+\S+$/);
});

test('a supervisor takes exactly the two highest levels for a hard stop', () => {
  const latched = Object.entries(LADDER).filter(([, { isLatched }]) => isLatched);
  expect(latched.map(([level]) => level)).toEqual(['hard_stop', 'kill_switch']);
});

test.each([
  [null, null, null],
  [found('soft_pause', 'a'), null, 'a'],
  [null, found('soft_pause', 'b'), 'b'],
  [found('soft_pause', 'a'), found('hard_stop', 'b'), 'b'],
  [found('hard_stop', 'a'), found('soft_pause', 'b'), 'a'],
  [found('soft_pause', 'a'), found('soft_pause', 'b'), 'a'],
])('the worse of two: %#', (a, b, code) => expect(worse(a, b)?.code ?? null).toBe(code));

describe('whatever is found whenever', () => {
  const levels: Finding['level'][] = ['reduce_exposure', 'soft_pause', 'hard_stop', 'kill_switch'];
  const finding = fc.option(
    fc.record({
      level: fc.constantFrom(...levels),
      code: fc.constantFrom('a', 'b', 'c'),
      measured: fc.option(fc.double({ noNaN: true, noDefaultInfinity: true })),
      limit: fc.double({ noNaN: true, noDefaultInfinity: true }),
    }),
    { nil: null },
  );
  const steps = fc.array(fc.tuple(fc.integer({ min: -500, max: 2_000 }), finding), { maxLength: 60 });
  const rank = (level: Level): number => LADDER[level].rank;

  /** Runs the ladder over JSON copies, as a restart at every step would, and hands each step to `look`. */
  function run(
    told: readonly (readonly [number, Finding | null])[],
    dwellMs: number,
    look: (step: { from: Level; to: Level; worst: Finding | null; atMs: number; change: Change | null }) => void,
  ): string {
    let memory: LadderMemory = blankLadder();
    let atMs = 1_000_000;
    for (const [afterMs, worst] of told) {
      atMs += afterMs;
      const from = memory.level;
      const change = applyLadder(memory, worst, atMs, dwellMs);
      look({ from, to: memory.level, worst, atMs, change });
      memory = JSON.parse(JSON.stringify(memory)) as LadderMemory;
    }
    return JSON.stringify(memory);
  }

  test('the level is never below the worst finding', () => {
    fc.assert(
      fc.property(steps, fc.integer({ min: 0, max: 3_000 }), (told, dwellMs) => {
        run(told, dwellMs, ({ to, worst }) => {
          if (worst !== null) expect(rank(to)).toBeGreaterThanOrEqual(rank(worst.level));
        });
      }),
    );
  });

  test('it goes down one step, never from a latched level, and never before the dwell is over', () => {
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 3_000 }), (told, dwellMs) => {
        let heldAtMs = 0;
        run(told, dwellMs, ({ from, to, worst, atMs }) => {
          if (rank(to) < rank(from)) {
            expect(rank(from) - rank(to)).toBe(1);
            expect(LADDER[from].isLatched).toBe(false);
            expect(atMs - heldAtMs).toBeGreaterThanOrEqual(dwellMs);
          }
          const isHeld = worst !== null && rank(worst.level) >= rank(from);
          if (isHeld || to !== from) heldAtMs = atMs;
          heldAtMs = Math.min(heldAtMs, atMs);
        });
      }),
    );
  });

  test('a change is told exactly when the level moves, with the levels it moved between', () => {
    fc.assert(
      fc.property(steps, fc.integer({ min: 0, max: 3_000 }), (told, dwellMs) => {
        run(told, dwellMs, ({ from, to, change }) => {
          if (from === to) return expect(change).toBeNull();
          expect(change).toMatchObject({ from, to });
          expect(typeof change?.code).toBe('string');
        });
      }),
    );
  });

  test('two runs agree to the byte', () => {
    fc.assert(
      fc.property(steps, fc.integer({ min: 0, max: 3_000 }), (told, dwellMs) => {
        const nothing = (): void => undefined;
        expect(run(told, dwellMs, nothing)).toBe(run(told, dwellMs, nothing));
      }),
    );
  });
});
