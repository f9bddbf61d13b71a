/** What fills earned: by hand, and what holds for any of them. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { BotFillEvent } from '../../../core/bot/events.ts';
import { formatQuote, parseQuote, parseScaled } from '../../../core/money/decimal.ts';
import type { QuoteAmount } from '../../../core/money/money.ts';
import { edgeDocument } from '../../../core/reporting/edge-document.ts';
import type { EdgeGroup, EdgeReport } from '../../../core/reporting/edge-report.ts';
import { markdownOf } from '../../../core/reporting/document.ts';
import { createChance } from '../../../core/simulation/chance.ts';
import { edgeOfEvents, fillEvent, markoutOf, MINUTE, T0, TERMS, type Journaled } from './builders.ts';

const SECOND = 1_000;

/** A buy of 100 that captured 5 and kept 1; a sell of 300 that captured 2 and lost 3; a taker; a fill without a markout. */
const BUY = fillEvent();
const SELL = fillEvent({ tradeId: 't2', side: 'sell', qty: '3', fee: '0.06', atMs: T0 + 3_600_000, captureBps: 2, regime: 'up', realised: '1.5', expectedEdgeBps: 0 }); // prettier-ignore
const TAKER = fillEvent({ tradeId: 't3', liquidity: 'taker', fee: '0.06', feeBps: 6, captureBps: -1 });
const UNMARKED = fillEvent({ tradeId: 't4', captureBps: 50, qty: '0.5', fee: '0.01' });
const STORY: readonly Journaled[] = [
  { event: BUY, atMs: T0 + 120 },
  { event: TAKER, atMs: T0 + 150 },
  { event: UNMARKED, atMs: T0 + 160 },
  { event: markoutOf(BUY, { s1: 3, s5: 1, s60: -7 }), atMs: T0 + MINUTE + 10 },
  { event: SELL, atMs: SELL.atMs + 120 },
  { event: markoutOf(SELL, { s1: -1, s5: -3, s30: -4 }), atMs: SELL.atMs + MINUTE + 10 },
];

describe('by hand', () => {
  const report = edgeOfEvents(STORY);

  test('the sums are exact and of every fill', () => {
    expect(report.all).toEqual({ fills: 4, notional: '550', fees: '0.15', realised: '1.5', net: '1.35' });
    expect(report.others).toEqual({ fills: 0, notional: '0', fees: '0', realised: '0', net: '0' });
  });

  test('capture - impact - fee is the net edge, weighted by notional, of the measured fills alone', () => {
    const { measured, captureBps, impactBps, feeBps, netBps } = report.quotes;
    expect(measured).toBe(2);
    expect(captureBps.mean).toBeCloseTo((5 * 100 + 2 * 300) / 400, 12);
    expect(impactBps.mean).toBeCloseTo((4 * 100 + 5 * 300) / 400, 12);
    expect(feeBps.mean).toBeCloseTo(2, 12);
    // 1 - 2 of 100 and -3 - 2 of 300.
    expect(netBps.mean).toBeCloseTo((-1 * 100 - 5 * 300) / 400, 12);
    expect(netBps).toMatchObject({ n: 2, minutes: 2, low: null, high: null });
  });

  test('a fill without a markout is counted and not averaged; a taker has none', () => {
    expect(report.unmeasured).toEqual({ withoutMarkout: 2, withoutMid: 0, heardLate: 0, otherMode: 0 });
    expect(report.by.liquidity.map(({ key, fills, measured }) => [key, fills, measured])).toEqual([['maker', 3, 2], ['taker', 1, 0]]); // prettier-ignore
    expect(report.by.liquidity[1]!.netBps.mean).toBeNull();
  });

  test('groups: by side, regime, both, and the UTC hour of the execution', () => {
    const told = (groups: readonly EdgeGroup[]) => groups.map(({ key, fills, netBps }) => [key, fills, netBps.mean]);
    expect(told(report.by.side)).toEqual([['buy', 3, -1], ['sell', 1, -5]]); // prettier-ignore
    expect(told(report.by.regime)).toEqual([['neutral', 3, -1], ['up', 1, -5]]); // prettier-ignore
    expect(told(report.by.regimeSide)).toEqual([['neutral buy', 3, -1], ['up sell', 1, -5]]); // prettier-ignore
    expect(told(report.by.hour)).toEqual([['03', 3, -1], ['04', 1, -5]]); // prettier-ignore
  });

  test('the curve: each time over the fills that have it', () => {
    const { captureBps, markoutBps } = report.curve;
    expect([captureBps.n, captureBps.mean]).toEqual([3, (5 * 100 + 2 * 300 + 50 * 50) / 450]);
    expect(markoutBps.map(({ s, bps }) => [s, bps.n, bps.mean])).toEqual([[1, 2, 0], [5, 2, -2], [30, 1, -4], [60, 1, -7]]); // prettier-ignore
  });

  test('the edge is read where the strategy reads it', () => {
    expect(edgeOfEvents(STORY, { ...TERMS, horizonS: 60 }).quotes.netBps).toMatchObject({ n: 1, mean: -9 });
    expect(edgeOfEvents(STORY, { ...TERMS, horizonS: 1 }).quotes.netBps).toMatchObject({ n: 2, mean: -2 });
  });

  test('makers and takers: what was paid beside what is listed, and what the bot noticed', () => {
    const told = { type: 'fee_differs', liquidity: 'taker', listedBps: 6, seenBps: 7 } as const;
    const { maker, taker } = edgeOfEvents([...STORY, { event: told, atMs: T0 }]).liquidity;
    expect(maker).toMatchObject({ fills: 3, notional: '450', fees: '0.09', listedBps: 2, toldBps: null });
    expect(maker.paidBps).toBeCloseTo(2, 12);
    expect(taker).toMatchObject({ fills: 1, notional: '100', fees: '0.06', listedBps: 6, toldBps: 7 });
    expect(taker.paidBps).toBeCloseTo(6, 12);
    expect(maker.notionalRatio).toBeCloseTo(450 / 550, 12);
  });

  test('the expected edge is held against the net edge of the same fills', () => {
    const { expectedBps, realisedBps, differenceBps, verdict } = report.model;
    expect(expectedBps.mean).toBeCloseTo(100 / 400, 12);
    expect(realisedBps.mean).toBeCloseTo(-4, 12);
    expect(differenceBps).toMatchObject({ n: 2, mean: -4.25 });
    expect(verdict).toBe('not_enough_data');
  });
});

describe('what is no edge of a quote', () => {
  test('a fill that was heard of late is counted: its mid and its markouts are of another time', () => {
    const { quotes, unmeasured, all, curve } = edgeOfEvents([
      { event: BUY, atMs: T0 + 5_001 },
      { event: markoutOf(BUY, { s5: 1 }), atMs: T0 + MINUTE },
    ]);
    expect([all.fills, quotes.measured, unmeasured.heardLate, unmeasured.withoutMarkout]).toEqual([1, 0, 1, 0]);
    expect([curve.captureBps.n, ...curve.markoutBps.map(({ bps }) => bps.n)]).toEqual([0, 0, 0, 0, 0]);
    const before = edgeOfEvents([{ event: BUY, atMs: T0 - 5_001 }]);
    expect(before.unmeasured.heardLate).toBe(1);
  });

  test('a fill without a mid is told apart', () => {
    const { unmeasured, quotes } = edgeOfEvents([
      { event: { ...BUY, mid: null, captureBps: null }, atMs: T0 },
      { event: markoutOf(BUY, { s5: 1 }), atMs: T0 + MINUTE },
    ]);
    expect([unmeasured.withoutMid, unmeasured.withoutMarkout, quotes.measured]).toEqual([1, 0, 0]);
  });

  test('an executed stop and a stranger are others', () => {
    const stop = fillEvent({ tradeId: 's', clientOrderId: 'bot1_1-9', liquidity: 'taker', realised: '-4' });
    const stranger = fillEvent({ tradeId: 'x', clientOrderId: '8812', realised: '-1' });
    const { others, quotes, all } = edgeOfEvents([
      ...STORY,
      { event: { type: 'place_stop', clientOrderId: 'bot1_1-9', symbol: 'BTCUSDT', leg: 'net', triggerPrice: '95', replaces: null }, atMs: T0 }, // prettier-ignore
      { event: stop, atMs: T0 },
      { event: stranger, atMs: T0 },
    ]);
    expect([all.fills, quotes.fills, others.fills, others.realised]).toEqual([6, 4, 2, '-5']);
  });
});

describe('the model is judged', () => {
  /** Fills in `count` minutes that expect 1 bps and come to `netBps`, give or take 1. */
  const judged = (count: number, netBps: number): EdgeReport['model'] => {
    const story = Array.from({ length: count }, (_, index) => {
      const event = fillEvent({ tradeId: `t${index}`, atMs: T0 + index * MINUTE });
      const markout = markoutOf(event, { s5: netBps + 2 + ((index * 7) % 3) - 1 });
      return [{ event, atMs: event.atMs }, { event: markout, atMs: event.atMs + MINUTE }]; // prettier-ignore
    });
    return edgeOfEvents(story.flat()).model;
  };
  test.each([
    ['too hopeful', 60, -3, 'too_hopeful'],
    ['about right', 60, 1, 'agrees'],
    ['too cautious', 60, 4, 'too_cautious'],
    ['on too little', 19, -3, 'not_enough_data'],
  ] as const)('%s', (_name, count, netBps, verdict) => expect(judged(count, netBps).verdict).toBe(verdict));

  test('a strategy that expects nothing is not judged', () => {
    const events = STORY.map((each) => ('expectedEdgeBps' in each.event ? { ...each, event: { ...each.event, expectedEdgeBps: null } } : each)); // prettier-ignore
    expect(edgeOfEvents(events).model.verdict).toBe('no_expectation');
  });
});

/** Fills of any kind, some with a markout, in any minute of some hours. */
const anyStory = fc
  .array(
    fc.record({
      second: fc.nat(4 * 3_600),
      side: fc.constantFrom('buy', 'sell'),
      liquidity: fc.constantFrom('maker', 'taker'),
      regime: fc.constantFrom('neutral', 'up', 'high_volatility_shock', null),
      ticks: fc.integer({ min: 1, max: 900_000 }),
      lots: fc.integer({ min: 1, max: 5_000 }),
      lateMs: fc.constantFrom(100, 100, 100, 9_000),
      capture: fc.option(fc.double({ min: -80, max: 80, noNaN: true })),
      markout: fc.option(fc.double({ min: -80, max: 80, noNaN: true })),
      isQuote: fc.constantFrom(true, true, false),
    }),
    { maxLength: 60, size: 'max' },
  )
  .map((all): Journaled[] =>
    all.flatMap(({ second, side, liquidity, regime, ticks, lots, lateMs, capture, markout, isQuote }, index) => {
      const atMs = T0 + second * SECOND;
      const event: BotFillEvent = fillEvent({
        tradeId: `t${index}`,
        clientOrderId: isQuote ? `bot1_1-${index}` : `${index}`,
        side,
        liquidity,
        regime,
        atMs,
        price: formatQuote((BigInt(ticks) * 10n ** 11n) as QuoteAmount),
        qty: formatQuote((BigInt(lots) * 10n ** 9n) as QuoteAmount),
        fee: formatQuote((BigInt(ticks * lots) * 20_000n) as QuoteAmount),
        realised: formatQuote(BigInt(ticks - lots) as QuoteAmount),
        captureBps: capture,
      });
      const told: Journaled[] = [{ event, atMs: atMs + lateMs }];
      if (markout !== null && liquidity === 'maker')
        told.push({ event: markoutOf(event, { s5: markout, s30: markout / 2 }), atMs: atMs + MINUTE });
      return told;
    }),
  );

const GROUPINGS = ['regime', 'side', 'regimeSide', 'hour', 'liquidity'] as const;

describe('laws', () => {
  test('groups of any kind add up to the quotes, and quotes and others to all, to the last digit', () => {
    fc.assert(
      fc.property(anyStory, (story) => {
        const { all, quotes, others, by, liquidity } = edgeOfEvents(story);
        const sum = (
          parts: readonly { readonly [K in keyof typeof all]: unknown }[],
          of: 'notional' | 'fees' | 'realised' | 'net',
        ) => formatQuote(parts.reduce((total, part) => total + parseQuote(String(part[of])), 0n) as QuoteAmount);
        const partitions = [...GROUPINGS.map((name) => by[name]), [liquidity.maker, liquidity.taker]];
        for (const what of ['notional', 'fees', 'realised', 'net'] as const) {
          for (const parts of partitions) expect(sum(parts, what)).toBe(quotes[what]);
          expect(sum([quotes, others], what)).toBe(all[what]);
        }
        for (const name of GROUPINGS) {
          expect(by[name].reduce((total, { fills }) => total + fills, 0)).toBe(quotes.fills);
          expect(by[name].reduce((total, { measured }) => total + measured, 0)).toBe(quotes.measured);
        }
      }),
    );
  });

  test('the sums are those of the events', () => {
    fc.assert(
      fc.property(anyStory, (story) => {
        const fills = story.flatMap(({ event }) => (event.type === 'BotFill' ? [event] : []));
        const { all } = edgeOfEvents(story);
        const total = (of: (fill: BotFillEvent) => bigint): string => formatQuote(fills.reduce((sum, fill) => sum + of(fill), 0n) as QuoteAmount); // prettier-ignore
        expect(all).toEqual({
          fills: fills.length,
          notional: total(({ price, qty }) => (parseScaled(price, 12) * parseScaled(qty, 12)) / 10n ** 12n),
          fees: total(({ fee }) => parseQuote(fee)),
          realised: total(({ realised }) => parseQuote(realised)),
          net: total(({ realised, fee }) => parseQuote(realised) - parseQuote(fee)),
        });
      }),
    );
  });

  test('capture - impact - fee = net in every group', () => {
    fc.assert(
      fc.property(anyStory, (story) => {
        const { quotes, by } = edgeOfEvents(story);
        for (const group of [quotes, ...GROUPINGS.flatMap((name) => by[name])]) {
          const { captureBps, impactBps, feeBps, netBps, measured, fills } = group;
          expect(measured).toBeLessThanOrEqual(fills);
          expect(new Set([captureBps, impactBps, feeBps, netBps].map(({ n }) => n))).toEqual(new Set([measured]));
          if (netBps.mean === null) expect(measured).toBe(0);
          else expect(captureBps.mean! - impactBps.mean! - feeBps.mean!).toBeCloseTo(netBps.mean, 8);
        }
      }),
    );
  });

  test('the order in which events were found, and telling them twice, change not a byte', () => {
    fc.assert(
      fc.property(anyStory, fc.integer(), (story, seed) => {
        const chance = createChance(seed);
        const shuffled = story.map((each) => ({ each, key: chance() })).sort((a, b) => a.key - b.key).map(({ each }) => each); // prettier-ignore
        expect(JSON.stringify(edgeOfEvents(shuffled))).toBe(JSON.stringify(edgeOfEvents(story)));
        expect(JSON.stringify(edgeOfEvents([...story, ...story]))).toBe(JSON.stringify(edgeOfEvents(story)));
      }),
    );
  });

  test('no number that is none is in a report, its words or its plots', () => {
    fc.assert(
      fc.property(anyStory, (story) => {
        const report = edgeOfEvents(story);
        expect(numbersOf(report).every((value) => Number.isFinite(value))).toBe(true);
        const document = edgeDocument(report);
        const text = markdownOf(document, () => '') + JSON.stringify(document);
        expect(text).not.toMatch(/NaN|Infinity|undefined/);
      }),
    );
  });
});

function numbersOf(value: unknown): number[] {
  if (typeof value === 'number') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(numbersOf) : [];
}
