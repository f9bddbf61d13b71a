/** A recording played from its beginning over its end: forward, mirrored, from a saved place, and moved as a whole. */
import fc from 'fast-check';
import { describe, expect, test } from '@jest/globals';
import { planLaps, sizeDistance } from '../../../core/recording/laps.ts';
import { MarketReplay } from '../../../core/recording/market-replay.ts';
import type { Recording } from '../../../core/recording/recording.ts';
import { recordingOf, type Frame, type Op } from './builders.ts';

const START: Frame = [0, ['bid', 100, 5], ['bid', 99, 6], ['ask', 101, 5], ['ask', 102, 6]];
/** The mid goes from 100.5 up to 102.5 with a trade on the way. */
const SMALL = recordingOf(
  START,
  [1_000, ['buyTrade', 101, 5], ['ask', 101, 0]],
  [1_000, ['bid', 101, 3]],
  [3_000, ['ask', 102, 0], ['ask', 103, 5], ['ask', 104, 6], ['bid', 102, 5]],
); // prettier-ignore

class Played {
  readonly told: string[] = [];
  readonly replay: MarketReplay;

  constructor(recording: Recording) {
    this.replay = new MarketReplay(recording, {
      onLevel: (side, price, before, after) => void this.told.push(`${side} ${price}: ${before} > ${after}`),
      onTrade: (side, price, qty) => void this.told.push(`${side} trade ${price}: ${qty}`),
      onFrame: () => void this.told.push('frame'),
    });
  }

  /** What is told meanwhile. */
  during(act: (replay: MarketReplay) => void): string[] {
    this.told.length = 0;
    act(this.replay);
    return [...this.told];
  }

  levels(): { bids: number[][]; asks: number[][] } {
    const { bids, asks } = this.replay.book;
    const [bidRows, askRows] = [bids, asks].map((levels) =>
      Array.from({ length: levels.count }, (_, depth) => [levels.priceAt(depth), levels.sizeAt(depth)]),
    );
    return { bids: bidRows!, asks: askRows! };
  }
}

describe('a recording is played', () => {
  test('frame by frame, each when its time has come, changes after the book', () => {
    const played = new Played(SMALL);
    expect(played.replay.nextFrameInMs()).toBe(0);
    expect(played.during((replay) => replay.advance(1))).toEqual(['buy 100: 0 > 5', 'buy 99: 0 > 6', 'sell 101: 0 > 5', 'sell 102: 0 > 6', 'frame']); // prettier-ignore
    expect([played.replay.nextFrameInMs(), played.replay.position]).toEqual([999, { lap: 0, lapAtMs: 1 }]);
    expect(played.during((replay) => replay.advance(998))).toEqual([]);
    expect(played.during((replay) => replay.advance(1))).toEqual(['buy trade 101: 5', 'sell 101: 5 > 0', 'frame', 'buy 101: 0 > 3', 'frame']); // prettier-ignore
    expect(played.levels()).toEqual({ bids: [[101, 3], [100, 5], [99, 6]], asks: [[102, 6]] }); // prettier-ignore
    expect([played.replay.nextFrameInMs(), played.replay.origin]).toEqual([2_000, 'recorded']);
    expect(played.during((replay) => replay.advance(0))).toEqual([]);
  });

  test('and tells of each frame how much of the step is still to come, over the end of the lap', () => {
    const seen: number[] = [];
    const replay: MarketReplay = new MarketReplay(SMALL, {
      onLevel: () => {},
      onTrade: () => {},
      onFrame: () => void seen.push(replay.stepLeftAtFrameMs),
    });
    replay.advance(2_000);
    replay.advance(1_100);
    expect(seen).toEqual([2_000, 1_000, 1_000, 100, 50]);
  });
});

describe('after its end', () => {
  const LAP_MS = 3_050;

  test('the lap ends at the frame that fits best, and prices are mirrored about the joining mid', () => {
    expect(planLaps(SMALL)).toEqual({ endFrame: 3, mirrorTicks: 203, lapMs: LAP_MS });
  });

  test('it goes on mirrored: bids become asks, a bought trade a sold one, without a jump of the mid', () => {
    const played = new Played(SMALL);
    played.replay.advance(LAP_MS - 1);
    expect([played.replay.nextFrameInMs(), played.replay.position]).toEqual([1, { lap: 0, lapAtMs: LAP_MS - 1 }]);
    const mid = played.replay.book.midDoubled();
    // Only what the mirrored start does not have leaves; what is there in another size changes.
    expect(played.during((replay) => replay.advance(2))).toEqual(['buy 99: 6 > 0', 'buy 100: 5 > 0', 'buy 101: 3 > 6', 'frame']); // prettier-ignore
    expect([played.replay.origin, played.replay.position]).toEqual(['derived', { lap: 1, lapAtMs: 1 }]);
    expect(played.replay.book.midDoubled()).toBe(mid);
    expect(played.levels()).toEqual({ bids: [[102, 5], [101, 6]], asks: [[103, 5], [104, 6]] }); // prettier-ignore
    expect(played.during((replay) => replay.advance(1_000))).toEqual(['sell trade 102: 5', 'buy 102: 5 > 0', 'frame', 'sell 102: 0 > 3', 'frame']); // prettier-ignore
  });

  test('two laps later it is where it began, with the book that it began with', () => {
    const played = new Played(SMALL);
    played.replay.advance(1);
    const before = played.levels();
    played.replay.advance(2 * LAP_MS);
    expect(played.replay.position).toEqual({ lap: 2, lapAtMs: 1 });
    expect(played.levels()).toEqual(before);
  });

  test('one long step plays what many short ones do', () => {
    const [long, short] = [new Played(SMALL), new Played(SMALL)];
    long.replay.advance(4 * LAP_MS + 1_234);
    for (let step = 0; step < 4 * LAP_MS + 1_234; step += 1) short.replay.advance(1);
    expect(long.told).toEqual(short.told);
    expect(long.replay.position).toEqual(short.replay.position);
    expect(long.levels()).toEqual(short.levels());
  });

  test('asks so high that their mirror image has no price are left out', () => {
    const far = recordingOf([0, ['bid', 10, 5], ['ask', 11, 5], ['ask', 900, 1]], [1_000, ['bid', 9, 1]], [2_000, ['buyTrade', 900, 1], ['bid', 9, 0]]); // prettier-ignore
    const played = new Played(far);
    played.replay.advance(2_051);
    expect(played.levels()).toEqual({ bids: [[10, 5]], asks: [[11, 5]] });
    expect(played.during((replay) => replay.advance(2_000)).filter((told) => told.includes('trade'))).toEqual([]);
  });
});

describe('where a lap ends', () => {
  const quiet = (atMs: number, ...ops: readonly Op[]): Frame => [atMs, ...ops];
  const book = (bid: number, bidLots: number, askLots: number): Op[] => [['bid', bid, bidLots], ['ask', bid + 1, askLots]]; // prettier-ignore

  test('is the frame of the last tenth whose sizes look most like those of the start, in the mirror', () => {
    const plan = planLaps(
      recordingOf(
        quiet(0, ...book(100, 5, 9)),
        quiet(8_999, ...book(100, 9, 5)),
        quiet(9_000, ...book(100, 8, 6)),
        quiet(9_500, ...book(100, 9, 6)),
        quiet(9_700, ['buyTrade', 101, 1]),
        quiet(10_000, ...book(100, 2, 40)),
      ),
    );
    expect(plan).toEqual({ endFrame: 3, mirrorTicks: 201, lapMs: 9_550 });
  });

  test('is the first of two that look alike', () => {
    const twice = planLaps(recordingOf(quiet(0, ...book(100, 5, 9)), quiet(9_500, ...book(100, 9, 5)), quiet(10_000, ['bid', 100, 9]))); // prettier-ignore
    expect(twice.endFrame).toBe(1);
  });

  test('is no frame with a spread of another width, however well its sizes fit', () => {
    const wide: Op[] = [['bid', 100, 9], ['ask', 101, 0], ['ask', 102, 5]]; // prettier-ignore
    const plan = planLaps(recordingOf(quiet(0, ...book(100, 5, 9)), quiet(9_500, ...book(100, 5, 8)), quiet(10_000, ...wide))); // prettier-ignore
    expect(plan).toMatchObject({ endFrame: 1, lapMs: 9_550 });
  });

  test('is no trade: the depth that it removed comes after it', () => {
    const traded = recordingOf(quiet(0, ...book(100, 5, 9)), quiet(8_999, ...book(100, 9, 5)), quiet(9_500, ['buyTrade', 101, 1]), quiet(10_000, ['ask', 101, 4])); // prettier-ignore
    expect(planLaps(traded).endFrame).toBe(3);
  });

  test('lies within the last minute of a long recording', () => {
    const plan = planLaps(recordingOf(quiet(0, ...book(100, 5, 9)), quiet(939_999, ...book(100, 9, 5)), quiet(940_000, ...book(100, 8, 5)), quiet(1_000_000, ...book(100, 1, 1)))); // prettier-ignore
    expect(plan.endFrame).toBe(2);
  });

  test('is the last frame where none fits, and the mids still join', () => {
    const plan = planLaps(recordingOf(quiet(0, ...book(100, 5, 9)), quiet(10_000, ['ask', 101, 0], ['ask', 105, 9])));
    expect(plan).toEqual({ endFrame: 1, mirrorTicks: 203, lapMs: 10_050 });
  });

  test.each([
    [[5, 5], [5, 5], 0],
    [[1], [3], Math.log(2)],
    [[3], [1], Math.log(2)],
    [[], [1], Math.log(2)],
    [[1, 3], [1], Math.log(4)],
    [[3, 1], [1, 3], 2 * Math.log(2)],
  ])('sizes of %j and %j are %d apart: twice as much counts as half of it', (a, b, apart) => {
    expect(sizeDistance(a, b)).toBeCloseTo(apart, 12);
  }); // prettier-ignore
});

describe('from a saved place', () => {
  test('it goes on as if it had never stopped, and tells nothing of the way there', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12_000 }), fc.integer({ min: 1, max: 7_000 }), (toMs, onMs) => {
        const [whole, sought] = [new Played(SMALL), new Played(SMALL)];
        whole.replay.advance(toMs);
        sought.replay.advance(777);
        expect(sought.during((replay) => replay.seek(whole.replay.position))).toEqual([]);
        expect(sought.levels()).toEqual(whole.levels());
        expect(sought.replay.position).toEqual(whole.replay.position);
        expect(sought.during((replay) => replay.advance(onMs))).toEqual(whole.during((replay) => replay.advance(onMs))); // prettier-ignore
      }),
    );
  });

  test('that lies beyond the lap is its end', () => {
    const { replay } = new Played(SMALL);
    replay.seek({ lap: 1, lapAtMs: 99_999 });
    expect(replay.position).toEqual({ lap: 1, lapAtMs: 3_050 });
  });
});

describe('a jump of the price', () => {
  test('moves the book at once, the old levels first, and all that comes after it', () => {
    const played = new Played(SMALL);
    played.replay.advance(1);
    const told = played.during((replay) => replay.shift(-50));
    expect(told).toEqual([
      'buy 100: 5 > 0', 'buy 99: 6 > 0', 'sell 101: 5 > 0', 'sell 102: 6 > 0',
      'buy 50: 0 > 5', 'buy 49: 0 > 6', 'sell 51: 0 > 5', 'sell 52: 0 > 6', 'frame',
    ]); // prettier-ignore
    expect(played.during((replay) => replay.advance(1_000)).slice(0, 2)).toEqual(['buy trade 51: 5', 'sell 51: 5 > 0']);
    played.replay.shift(10);
    played.replay.advance(2 * 3_050);
    played.replay.shift(40);
    expect(played.replay.position).toEqual({ lap: 2, lapAtMs: 1_001 });
    const plain = new Played(SMALL);
    plain.replay.advance(2 * 3_050 + 1_001);
    expect(played.levels()).toEqual(plain.levels());
  });

  test('goes over a join as if there had been none', () => {
    const [moved, plain] = [new Played(SMALL), new Played(SMALL)];
    for (const { replay } of [moved, plain]) replay.advance(3_049);
    moved.replay.shift(40);
    const joins = [moved, plain].map((played) => played.during((replay) => replay.advance(3_052)));
    expect(joins[0]).toEqual(
      joins[1]!.map((told) => told.replace(/\d+:/, (price) => `${Number.parseInt(price) + 40}:`)),
    );
  });

  test('below the first tick leaves those levels out', () => {
    const played = new Played(SMALL);
    played.replay.advance(1);
    played.replay.shift(-100);
    expect(played.levels()).toEqual({ bids: [], asks: [[1, 5], [2, 6]] }); // prettier-ignore
  });
});
