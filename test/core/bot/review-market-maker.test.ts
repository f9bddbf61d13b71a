/** Reads, quotes and limits where things cross: what a market maker's machine must make of them. */
import { describe, expect, test } from '@jest/globals';
import type { Effect } from '../../../core/bot/effects.ts';
import type { BotEvent } from '../../../core/bot/events.ts';
import type { FillFact, SyncInput } from '../../../core/bot/input.ts';
import { Reason } from '../../../core/bot/reasons.ts';
import { encodeState } from '../../../core/bot/state.ts';
import { RecordKind } from '../../../core/events/record.ts';
import type { Bar } from '../../../core/market/bars.ts';
import type { PriceTicks, QtyLots, QuoteAmount, SignedLots } from '../../../core/money/money.ts';
import { BotMachine } from '../../../core/bot/machine.ts';
import { Effects } from '../../../core/bot/effects.ts';
import { alerts, Bench, book, botConfig, BTC, cancelled, placed } from '../../support/bots.ts';
import { LivingBench } from './living-bench.ts';

const MINUTE_MS = 60_000;
const MID = 600_000;

/** Never blocked by a supervisor that is not there. */
function makerConfig(strategy: Record<string, unknown> = {}, risk: Record<string, unknown> = {}) {
  return botConfig({
    deadmanS: 600,
    strategy: {
      name: 'epp_v2_4',
      size: { orderQuote: '270', inventoryQuoteMax: '1200', skewBps: 0 },
      spread: { minNetEdgeBps: 2, atrFactor: 0, adverseSelectionBps: 1, fillFactor: 1, market: 'range' },
      requoteBps: 400,
      requoteMsMin: 500,
      ...strategy,
    },
    risk: { ...botConfig().risk, ...risk },
  });
}

/** Flat bars of the last 40 minutes with a range of `rangeBps`. */
function bars(nowMs: number, rangeBps = 10): Bar[] {
  const half = (MID * rangeBps) / 2e4;
  const first = nowMs - (nowMs % MINUTE_MS) - 40 * MINUTE_MS;
  return Array.from({ length: 40 }, (_, index) => ({
    openAtMs: first + index * MINUTE_MS,
    open: MID,
    high: MID + half,
    low: MID - half,
    close: MID,
  }));
}

/** A market maker that is warm: the next book is quoted. */
function warmMaker(config = makerConfig(), { position = 0 } = {}): Bench {
  const bench = new Bench(config);
  bench.nowMs += 3_600_000;
  bench.run({ position, entryPrice: position === 0 ? null : '60000' });
  bench.tell({ kind: RecordKind.barsInput, bars: bars(bench.nowMs) });
  bench.book(MID - 1, MID + 1);
  return bench;
}

function events(effects: readonly Effect[]): BotEvent[] {
  return effects.flatMap((effect) => (effect.effect === 'record' ? [effect.event] : []));
}

function answerSync(bench: Bench, sync: Partial<SyncInput>): Effect[] {
  return bench.tell({
    kind: RecordKind.positionInput,
    openOrders: [],
    fills: [],
    positions: [],
    stops: [],
    equity: 10_000_000_000_000_000n as QuoteAmount,
    marginRatio: null,
    maintenanceRatio: null,
    fundingPayments: [],
    ...sync,
  });
}

describe('the read at the start', () => {
  function starting(): Bench {
    const bench = new Bench(botConfig({ deadmanS: 600 }));
    bench.tell({ kind: RecordKind.startInput, epoch: 1, configHash: '', codeVersion: '' });
    for (const channel of ['book', 'orders'] as const)
      bench.tell({ kind: RecordKind.connectorInput, channel, status: 'up', reason: '' });
    return bench;
  }

  test('that fails keeps its pauses while the stream tells of a position that we do not know yet', () => {
    const bench = starting();
    bench.tell({ kind: RecordKind.toldPositionInput, leg: 'net', qty: 5 as SignedLots });
    const fail = (): Effect[] =>
      bench.tell({ kind: RecordKind.connectorInput, channel: 'sync', status: 'down', reason: '', part: 'balance' });
    fail();
    for (let second = 0; second < 60; second += 1) if (bench.timer().some(({ effect }) => effect === 'sync')) fail();
    expect(bench.state.isSyncGivenUp).toBe(false);
    expect(bench.state.syncTries).toBeLessThanOrEqual(6);
  });

  test('does not take over a position that was read while a fill was told', () => {
    const bench = starting();
    const askedAtMs = bench.nowMs;
    bench.nowMs += 200;
    bench.fill('bot1-of-before', 'buy', MID, 2, 't1');
    bench.nowMs += 200;
    answerSync(bench, { askedAtMs, positions: [{ leg: 'net', qty: 7 as SignedLots, entryPrice: '60000' }] });
    expect(bench.state.synced).toBe(false);
    const again = bench.timer(1_000);
    expect(again).toContainEqual({ effect: 'sync' });
    bench.nowMs += 100;
    answerSync(bench, { positions: [{ leg: 'net', qty: 9 as SignedLots, entryPrice: '60000' }] });
    expect([bench.state.synced, bench.state.holdings.net.qty]).toEqual([true, 9]);
  });
});

describe('an answer to a read that was given up says nothing', () => {
  function quoting(): Bench {
    const bench = new Bench(botConfig({ deadmanS: 600 })).run();
    for (const { clientOrderId } of placed(bench.book(MID, MID + 1))) bench.answer(clientOrderId, 'yes');
    return bench;
  }

  /** The first read is asked for and hangs; its time is over and the second is asked for. */
  function twoReads(bench: Bench, meanwhile: () => void = () => {}): [number, number] {
    const asked: number[] = [];
    bench.state.syncDueAtMs = bench.nowMs;
    for (let second = 0; second < 40 && asked.length < 2; second += 1) {
      if (second === 5) meanwhile();
      if (bench.timer().some(({ effect }) => effect === 'sync')) asked.push(bench.nowMs);
    }
    return asked as [number, number];
  }

  test('of a position that a fill has changed since', () => {
    const bench = quoting();
    const [bid] = bench.state.orders;
    const [first, second] = twoReads(bench, () => bench.fill(bid!.clientOrderId, 'buy', bid!.price, 2, 't0'));
    // Of before the fill.
    expect(alerts(answerSync(bench, { askedAtMs: first }))).toEqual([]);
    expect([bench.state.syncMismatches, bench.state.syncSentAtMs]).toEqual([0, second]);
  });

  test('of what happened after it was asked for', () => {
    const bench = quoting();
    const [first, second] = twoReads(bench);
    bench.nowMs += 100;
    bench.tell({ kind: RecordKind.connectorInput, channel: 'orders', status: 'down', reason: '' });
    bench.tell({ kind: RecordKind.connectorInput, channel: 'orders', status: 'up', reason: '' }, 50);
    answerSync(bench, { askedAtMs: first });
    expect(bench.state.provenAtMs).toBeLessThan(first);
    expect(bench.state.syncSentAtMs).toBe(second);
    expect(bench.reason()).toBe(Reason.reconciling);
  });

  test('when it fails at last: the one that runs is still waited for', () => {
    const bench = quoting();
    const [first, second] = twoReads(bench);
    const failed = { channel: 'sync', status: 'down', reason: '', part: 'balance' } as const;
    bench.tell({ kind: RecordKind.connectorInput, ...failed, askedAtMs: first });
    expect(bench.state.syncSentAtMs).toBe(second);
    bench.tell({ kind: RecordKind.connectorInput, ...failed, askedAtMs: second });
    expect(bench.state.syncSentAtMs).toBe(0);
  });

  test('when a later one was answered before it', () => {
    const bench = quoting();
    const [first, second] = twoReads(bench);
    answerSync(bench, { askedAtMs: second });
    const [bid] = bench.state.orders;
    const before = { ...bid! };
    expect(alerts(answerSync(bench, { askedAtMs: first, positions: [{ leg: 'net', qty: 4 as SignedLots, entryPrice: '60000' }] }))).toEqual([]); // prettier-ignore
    expect(bench.state.syncMismatches).toBe(0);
    expect(bench.state.holdings.net.qty).toBe(0);
    expect(bench.state.orders[0]).toEqual(before);
  });
});

describe('an order of ours that ends while the venue is being read', () => {
  /** Two quotes rest, a read is under way, and the venue has listed both as open. */
  function reading() {
    const bench = new Bench(botConfig({ deadmanS: 600 })).run();
    for (const { clientOrderId } of placed(bench.book(MID, MID + 1))) bench.answer(clientOrderId, 'yes');
    bench.state.syncDueAtMs = bench.nowMs;
    expect(bench.timer()).toContainEqual({ effect: 'sync' });
    const openOrders = bench.state.orders.map((order) => ({ clientOrderId: order.clientOrderId, filled: order.venueFilled, order: { ...order } })); // prettier-ignore
    return { bench, openOrders, askedAtMs: bench.nowMs, bid: bench.state.orders[0]! };
  }

  test.each([
    ['cancelled', (bench: Bench, id: string) => bench.seen(id, 'cancelled')],
    ['filled', (bench: Bench, id: string, price: number) => bench.fill(id, 'buy', price, 4, 't1')],
  ])('%s: does not come back with an answer that still lists it', (_name, end) => {
    const { bench, openOrders, askedAtMs, bid } = reading();
    end(bench, bid.clientOrderId, bid.price);
    const { qty } = bench.state.holdings.net;
    const positions = [{ leg: 'net' as const, qty, entryPrice: '60000' }];
    bench.nowMs += 100;
    const effects = answerSync(bench, { askedAtMs, openOrders, positions });
    expect(events(effects).map(({ type }) => type)).not.toContain('order_adopted');
    expect(bench.state.orders.some(({ clientOrderId }) => clientOrderId === bid.clientOrderId)).toBe(false);
  });

  test('and one that ended before the read is adopted: the venue must know', () => {
    const { bench, openOrders, bid } = reading();
    bench.seen(bid.clientOrderId, 'cancelled');
    answerSync(bench, {});
    bench.state.syncDueAtMs = bench.nowMs;
    bench.timer();
    bench.nowMs += 100;
    answerSync(bench, { openOrders });
    expect(bench.state.orders.some(({ clientOrderId }) => clientOrderId === bid.clientOrderId)).toBe(true);
  });
});

describe('a flip of the regime', () => {
  /** The market jumps by 30 bps and stays: a shock after three seconds. */
  function shock(bench: Bench): Effect[] {
    const mid = MID + 1_800;
    const effects: Effect[] = [];
    for (let second = 0; second < 5; second += 1) {
      effects.push(...bench.book(mid - 1 + (second % 2), mid + 2, 500));
      effects.push(...bench.timer(500));
    }
    return effects;
  }

  test('takes off what was on its way to the venue when it came, too', () => {
    const bench = warmMaker();
    const sent = placed(bench.timer());
    expect(sent).toHaveLength(2);
    expect(events(shock(bench))).toContainEqual(expect.objectContaining({ type: 'regime', to: 'high_volatility_shock' })); // prettier-ignore
    const gone = sent.flatMap(({ clientOrderId }) => cancelled(bench.answer(clientOrderId, 'yes')));
    expect(gone).toEqual(sent.map(({ clientOrderId }) => clientOrderId));
  });

  test('takes off what a cancel did not reach at the first try', () => {
    const bench = warmMaker();
    const ids = placed(bench.timer()).map(({ clientOrderId }) => clientOrderId);
    for (const id of ids) bench.answer(id, 'yes');
    expect(cancelled(shock(bench))).toEqual(ids);
    for (const clientOrderId of ids)
      bench.tell({ kind: RecordKind.orderInput, clientOrderId, news: { news: 'cancelAnswered', answer: 'no' } });
    expect(cancelled(bench.book(MID + 1_800, MID + 1_802, 1_500)).sort()).toEqual([...ids].sort());
  });

  test('leaves alone what was placed after it', () => {
    const bench = warmMaker();
    for (const { clientOrderId } of placed(bench.timer())) bench.answer(clientOrderId, 'yes');
    const later = cancelled(shock(bench)).flatMap((id) => placed(bench.seen(id, 'cancelled')));
    for (const { clientOrderId } of later) bench.answer(clientOrderId, 'yes');
    expect(later.length).toBeGreaterThan(0);
    expect(cancelled([...bench.book(MID + 1_801, MID + 1_803), ...bench.timer()])).toEqual([]);
  });
});

test('standing aside, no more rests on the way out than there is to take back', () => {
  const bench = warmMaker(undefined, { position: 2 });
  const sent = placed(bench.timer());
  const ask = sent.find(({ side }) => side === 'sell')!;
  expect(ask.qty).toBeGreaterThan(3);
  for (const { clientOrderId } of sent) bench.answer(clientOrderId, 'yes');
  // Fees of 60 bps: no market pays that.
  const fee = (BigInt(MID) * BTC.quotePerTickLotE12 * 60n) / 10_000n;
  const fill: FillFact = { tradeId: 'x', clientOrderId: sent[0]!.clientOrderId, side: 'buy', leg: 'net', price: sent[0]!.price, qty: 1 as QtyLots, fee: fee as QuoteAmount, liquidity: 'maker', venueAtMs: bench.nowMs }; // prettier-ignore
  bench.tell({ kind: RecordKind.fillInput, fill });
  const effects = [...bench.timer(), ...bench.book(MID - 1, MID + 2), ...bench.timer()];
  expect(bench.reason()).toBe(Reason.spread_floor_above_market);
  expect(cancelled(effects)).toContain(ask.clientOrderId);
  const back = placed(bench.seen(ask.clientOrderId, 'cancelled'));
  expect(back.map(({ side, qty }) => [side, qty])).toEqual([['sell', 3]]);
});

describe('a fill that is read back long after it happened', () => {
  function readBack(ageMs: number, clientOrderId?: string) {
    const bench = warmMaker();
    const id = clientOrderId ?? placed(bench.timer())[0]!.clientOrderId;
    for (let second = 0; second < 12; second += 1) {
      bench.book(MID - 1 + (second % 2), MID + 2, 500);
      bench.timer(500);
    }
    const price = (MID - 6_000) as PriceTicks;
    const fill: FillFact = { tradeId: 'late', clientOrderId: id, side: 'buy', leg: 'net', price, qty: 1 as QtyLots, fee: 1_000_000_000n as QuoteAmount, liquidity: 'maker', venueAtMs: bench.nowMs - ageMs }; // prettier-ignore
    const effects = bench.tell({ kind: RecordKind.fillInput, fill });
    const after: Effect[] = [];
    for (let second = 0; second < 70; second += 1) {
      after.push(...bench.book(MID - 1 + (second % 2), MID + 2, 500));
      after.push(...bench.timer(500));
    }
    return { effects, markouts: events(after).filter(({ type }) => type === 'markout'), bench };
  }

  test('has no markout by the market of now, and teaches nothing', () => {
    const { markouts, bench } = readBack(1_800_000);
    expect(markouts).toEqual([expect.objectContaining({ bps: { s1: null, s5: null, s30: null, s60: null } })]);
    expect((bench.state.strategy as unknown as { markouts: { buy: { fills: number } } }).markouts.buy.fills).toBe(0);
  });

  test('has no capture by the market of now, and is far from no market', () => {
    const { effects } = readBack(1_800_000);
    expect(events(effects)).toContainEqual(expect.objectContaining({ type: 'BotFill', captureBps: null, mid: null }));
    expect(alerts(effects)).not.toContain('fill_price_deviation');
  });

  test('that was told at once has both', () => {
    const { effects, markouts } = readBack(100);
    expect(events(effects)).toContainEqual(
      expect.objectContaining({ type: 'BotFill', captureBps: expect.any(Number) }),
    );
    expect(markouts).toEqual([expect.objectContaining({ bps: expect.objectContaining({ s30: expect.any(Number) }) })]);
  });

  test("of somebody else's order teaches the strategy nothing", () => {
    const { markouts, bench } = readBack(100, 'by-hand');
    expect(bench.state.holdings.net.qty).toBe(1);
    expect(markouts).toEqual([]);
  });
});

test('a bot that uses up its cancels minute after minute is stopped, and not only held at the limit', () => {
  const busy = botConfig({
    deadmanS: 600,
    strategy: { name: 'two_sided_quotes', halfSpreadBps: 2, orderQuote: '250', inventoryQuoteMax: '1000', skewBps: 0, requoteBps: 0, requoteMsMin: 50 }, // prettier-ignore
    risk: { ...botConfig().risk, cancelsPerMinuteMax: 20 },
  });
  const bench = new LivingBench(busy);
  bench.run();
  for (let tick = 0; tick < 10 * 120 && !bench.state.hardStopped; tick += 1) {
    // Ten ticks up and down: every book is a reason to quote anew.
    bench.pass(bench.book(MID + (tick % 2) * 60, MID + 10 + (tick % 2) * 60, 400));
    bench.pass(bench.timer(100));
    if (tick % 40 === 0) bench.clock();
  }
  expect(bench.steps()).toEqual(['allow hard_stop cancel_budget_used']);
});

test('levels that a side does not have any more are no part of the state', () => {
  const bench = new Bench().run();
  bench.book(MID, MID + 1);
  // Feeds reuse one frame: what stands behind the last level is of an older book.
  const thin = book(MID, MID + 1);
  thin.bidCount = 2;
  thin.askCount = 3;
  bench.tell({ kind: RecordKind.bookInput, book: thin }, 100);
  const replayed = new BotMachine(bench.config, BTC);
  for (const input of bench.told) replayed.step(input, new Effects());
  expect(encodeState(replayed.state)).toBe(encodeState(bench.state));
});
