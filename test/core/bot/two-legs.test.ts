/** What is held in two legs counts whole against the leverage though it nets to nothing, and is closed leg by leg. */
import { expect, test } from '@jest/globals';
import type { SyncInput } from '../../../core/bot/input.ts';
import { Reason } from '../../../core/bot/reasons.ts';
import { riskLevelOf } from '../../../core/bot/risk-watch.ts';
import { RecordKind } from '../../../core/events/record.ts';
import { botConfig, BTC, placed } from '../../support/bots.ts';
import { LivingBench } from './living-bench.ts';

const MINUTE_MS = 60_000;
const MAKER = {
  name: 'epp_v2_4',
  size: { levels: 2, levelSpacingBps: 1, orderQuote: '250', inventoryQuoteMax: '900', skewBps: 4 },
  spread: { minNetEdgeBps: 1, atrFactor: 0, adverseSelectionBps: 0.5, market: 'range', standAsideBps: 5 },
  requoteBps: 1,
  requoteMsMin: 100,
};

/** 10,000 USDT, and twice 100 lots of 60 USDT: a leverage of 1.2 where 1 is allowed. */
function hedged(strategy: object, longLots: number, shortLots: number): LivingBench {
  const risk = { ...botConfig().risk, exposureQuoteMax: '50000', ordersActiveMax: 6, cancelsPerMinuteMax: 600 };
  const config = botConfig({ positionMode: 'hedge', hedgeInventoryRatio: 1, leverageMax: 1, deadmanS: 600, strategy, risk }); // prettier-ignore
  const bench = new LivingBench(config);
  bench.nowMs += 24 * 3_600_000;
  bench.restart(legsOf(longLots, shortLots), []);
  const first = bench.nowMs - (bench.nowMs % MINUTE_MS) - 40 * MINUTE_MS;
  const bar = { open: 600_005, high: 600_350, low: 599_650, close: 600_005 };
  const bars = Array.from({ length: 40 }, (_, index) => ({ openAtMs: first + index * MINUTE_MS, ...bar }));
  bench.tell({ kind: RecordKind.barsInput, bars });
  bench.events.length = 0;
  bench.done.length = 0;
  return bench;
}

const legsOf = (longLots: number, shortLots: number): SyncInput['positions'] => [
  { leg: 'long', qty: longLots as never, entryPrice: '60000.5' },
  { leg: 'short', qty: (0 - shortLots) as never, entryPrice: '60000.5' },
];

const gross = ({ state: { holdings } }: LivingBench) => holdings.long.qty - holdings.short.qty;
const net = ({ state: { holdings } }: LivingBench) => holdings.long.qty + holdings.short.qty;

test.each([
  ['quotes', botConfig().strategy, 4],
  ['the market maker', MAKER, 8],
])('%s: both legs are closed until what is held is no more than allowed', (_name, strategy, sideLots) => {
  const bench = hedged(strategy, 100, 100).live(3);
  expect(riskLevelOf(bench.state)).toBe('reduce_exposure');
  expect(bench.reason()).toBe(Reason.reducing_only);
  expect(new Set(bench.state.orders.map(({ side, leg, reduceOnly }) => `${side} ${leg} ${reduceOnly}`))).toEqual(new Set(['buy short true', 'sell long true'])); // prettier-ignore
  bench.done.length = 0;
  let fills = 0;
  while (fills < 100) {
    const order = bench.state.orders[fills % bench.state.orders.length]!;
    const before = gross(bench);
    fills += 1;
    bench.pass(bench.fill(order.clientOrderId, order.side, order.price, order.qty, `t${fills}`, order.leg));
    expect(gross(bench)).toBe(before - order.qty);
    expect(Math.abs(net(bench))).toBeLessThanOrEqual(2 * sideLots);
    const isFew = gross(bench) * 600_000 * BTC.quotePerTickLot < 9_000;
    bench.live(isFew ? 90 : 3);
    if (riskLevelOf(bench.state) !== 'reduce_exposure') break;
    expect(placed(bench.done).every(({ reduceOnly }) => reduceOnly)).toBe(true);
  }
  expect(riskLevelOf(bench.state)).toBe('allow');
  expect(gross(bench)).toBeGreaterThan(120);
});

test('of unequal legs only the larger one is closed: the net never grows for it', () => {
  const bench = hedged(botConfig().strategy, 120, 80).live(3);
  expect(bench.state.orders.map(({ side, leg, reduceOnly }) => [side, leg, reduceOnly])).toEqual([['sell', 'long', true]]); // prettier-ignore
});
