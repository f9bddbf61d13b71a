/** What three grades would have filled of a bot's orders, beside what its venue did: on a paper account, and by hand. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { ShadowFills } from '../../bots/shadow-fills.ts';
import type { ShadowFillsEvent } from '../../core/bot/events.ts';
import type { FillGrade } from '../../core/fill-model/fill-model.ts';
import { SILENT } from '../../core/log.ts';
import type { BookFrame } from '../../core/market/book.ts';
import type { PriceTicks, QtyLots, QuoteAmount } from '../../core/money/money.ts';
import type { OrderIntent, Side } from '../../core/orders/order-intent.ts';
import type { ApprovedIntent } from '../../core/risk/decision.ts';
import { createPaperVenue } from '../../gateway/paper/venue.ts';
import { createRecordedMarket } from '../../gateway/recorded/market.ts';
import type { VenueFill, VenueOrder, VenueSink } from '../../gateway/venue.ts';
import { frameOf, INSTRUMENT, type Levels } from '../core/paper/helpers.ts';
import { DATA_DIR, loadOnce, recordedMarkets } from '../gateway/conformance/recordings.ts';

const SYMBOL = 'BTCUSDT';
const MINUTE = 60_000;

describe('on a paper account over a recording', () => {
  const closing: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
  });

  /** Quotes the touch again and again; `relayed` decides which fills reach the bot's books. */
  async function quoted(grade: FillGrade, rounds: number, relayed: (fill: VenueFill) => boolean = () => true) {
    let atMs = 1_700_000_000_000;
    const now = (): number => atMs;
    const stateDir = mkdtempSync(join(tmpdir(), 'shadow-'));
    const market = createRecordedMarket({ dataDir: DATA_DIR, markets: recordedMarkets(SYMBOL), speed: 0, load: loadOnce, now }); // prettier-ignore
    const venue = createPaperVenue({ market, account: 'bot1', openingBalance: '1000000', grade, stateDir, now, log: SILENT }); // prettier-ignore
    closing.push(async () => {
      await venue.close();
      rmSync(stateDir, { recursive: true, force: true });
    });
    const instrument = await venue.instrument(SYMBOL);
    const shadow = new ShadowFills({ instrument, ownLotsInBook: false, startedAtMs: atMs });
    const top = { bid: 0, ask: 0 };
    const booked: string[] = [];
    const sink: VenueSink = {
      onBook: (book) => {
        shadow.onBook(book, atMs);
        Object.assign(top, { bid: book.bidTicks[0]!, ask: book.askTicks[0]! });
      },
      onTrade: (trade) => shadow.onTrade(trade, atMs),
      onTicker: () => undefined,
      onFunding: () => undefined,
      onPosition: () => undefined,
      onOrder: (order) => shadow.onOrder(order, atMs),
      onFill: (fill) => {
        if (!relayed(fill)) return;
        shadow.onFill(fill);
        booked.push(fill.tradeId);
      },
      onConnector: (channel, status) => shadow.onConnector(channel, status, atMs),
    };
    venue.stream(instrument, sink);
    while (top.bid === 0) await new Promise((resolve) => setImmediate(resolve));
    for (let round = 0; round < rounds; round += 1) {
      const ids = [`b${round}`, `s${round}`];
      for (const [index, side] of (['buy', 'sell'] as const).entries()) {
        const price = (side === 'buy' ? top.bid : top.ask) as PriceTicks;
        const intent: OrderIntent = { clientOrderId: ids[index]!, symbol: SYMBOL, side, price, qty: 200 as QtyLots, kind: 'post_only', reduceOnly: false, leg: 'net', expiresAtMs: Infinity }; // prettier-ignore
        expect(await venue.place(intent as ApprovedIntent)).toMatchObject({ answer: 'yes' });
      }
      for (let moved = 0; moved < 8; moved += 1) {
        atMs += 250;
        market.advance(250);
      }
      for (const id of ids) await venue.cancel(SYMBOL, id);
    }
    return { shadow, venue, booked, now: () => atMs, elapse: (ms: number) => (atMs += ms) };
  }

  test.each(['touch', 'queue', 'strict'] as const)(
    'of grade %s that grade says to the lot what was filled, and the others lie around it',
    async (grade) => {
      const { shadow, venue, now } = await quoted(grade, 60);
      const { sinceStart, ordersNotCompared, droppedRelayCount } = shadow.takeReport(now());
      const fills = await venue.fillsSince(SYMBOL, 0);
      expect(sinceStart[grade]).toEqual(sinceStart.actual);
      expect(sinceStart.actual.fills).toBe(fills.length);
      expect([sinceStart.orders, ordersNotCompared, droppedRelayCount]).toEqual([120, 0, 0]);
      expect(fills.length).toBeGreaterThan(5);
      const [touch, queue, strict] = [sinceStart.touch, sinceStart.queue, sinceStart.strict].map(({ qty }) => Number(qty)); // prettier-ignore
      expect(touch! >= queue! && queue! >= strict! && touch! > strict!).toBe(true);
      for (const { qty, filledByGrade } of shadow.predictions()) {
        expect(filledByGrade.strict <= filledByGrade.queue && filledByGrade.queue <= filledByGrade.touch).toBe(true);
        expect(filledByGrade.touch).toBeLessThanOrEqual(qty);
      }
    },
    30_000,
  );

  test('a fill that is dropped on its way to the books is counted once, a minute later, and not before', async () => {
    let dropped: string | null = null;
    const drop = (fill: VenueFill): boolean => {
      dropped ??= fill.tradeId;
      return fill.tradeId !== dropped;
    };
    const { shadow, venue, booked, now, elapse } = await quoted('touch', 15, drop);
    const read = await venue.fillsSince(SYMBOL, 0);
    elapse(read[0]!.atMs + MINUTE - now());
    expect(shadow.onFillsRead(read, booked, now())).toEqual([]);
    elapse(20 * MINUTE);
    expect(read.length).toBe(booked.length + 1);
    expect(shadow.onFillsRead(read, booked, now())).toEqual([dropped]);
    expect(shadow.onFillsRead(read, booked, now())).toEqual([]);
    expect(shadow.takeReport(now()).droppedRelayCount).toBe(1);
  }, 30_000);
});

/** A shadow on a market drawn by hand, at 1,000 ms and later. */
class Bench {
  readonly shadow: ShadowFills;
  atMs = 1_000;

  constructor(ownLotsInBook = false) {
    this.shadow = new ShadowFills({ instrument: INSTRUMENT, ownLotsInBook, startedAtMs: this.atMs });
    for (const channel of ['book', 'trades', 'orders'] as const) this.shadow.onConnector(channel, 'up', this.atMs);
    this.book(BIDS, ASKS);
  }

  book(bids: Levels, asks: Levels): this {
    this.atMs += 10;
    const frame: BookFrame = frameOf(this.atMs, bids, asks);
    this.shadow.onBook(frame, this.atMs);
    return this;
  }

  trade(takerSide: Side, price: number, qty: number): this {
    this.atMs += 10;
    const sized = { price: price as PriceTicks, qty: qty as QtyLots };
    this.shadow.onTrade({ symbol: SYMBOL, venueAtMs: this.atMs, takerSide, ...sized }, this.atMs);
    return this;
  }

  order(venueOrderId: string, price: number, qty: number, status: VenueOrder['status'], filled = 0): this {
    const sized = { price: price as PriceTicks, qty: qty as QtyLots, filled: filled as QtyLots };
    const rest = { clientOrderId: null, symbol: SYMBOL, side: 'buy', leg: 'net', reduceOnly: false } as const;
    this.shadow.onOrder({ venueOrderId, ...rest, ...sized, status, updatedAtMs: this.atMs }, this.atMs);
    return this;
  }

  fill(venueOrderId: string, price: number, qty: number, liquidity: 'maker' | 'taker' = 'maker'): this {
    const sized = { price: price as PriceTicks, qty: qty as QtyLots, fee: 0n as QuoteAmount };
    const rest = { clientOrderId: null, symbol: SYMBOL, side: 'buy', leg: 'net' } as const;
    this.shadow.onFill({ tradeId: `t${this.atMs}`, venueOrderId, ...rest, ...sized, liquidity, atMs: this.atMs });
    return this;
  }

  wait(ms: number): this {
    this.atMs += ms;
    return this;
  }

  /** Lots since the start: actual, touch, queue, strict; and orders that were compared and not. */
  lots(): number[] {
    const { sinceStart, ordersNotCompared } = this.shadow.takeReport(this.atMs);
    const of = ({ qty }: { qty: string }): number => Number(qty) / INSTRUMENT.lotSize;
    const { actual, touch, queue, strict, orders } = sinceStart;
    return [...[actual, touch, queue, strict].map((counts) => Math.round(of(counts))), orders, ordersNotCompared];
  }
}

const BIDS: Levels = [[100, 10], [99, 10], [98, 10], [97, 10], [96, 10]]; // prettier-ignore
const ASKS: Levels = [[102, 10], [103, 10], [104, 10], [105, 10], [106, 10]]; // prettier-ignore

describe('which orders are compared', () => {
  test('one that rests: until it is cancelled, and its late fills with it', () => {
    const bench = new Bench().order('a', 100, 5, 'open').trade('sell', 100, 12);
    bench.order('a', 100, 5, 'cancelled').trade('sell', 90, 50).fill('a', 100, 2);
    expect(bench.lots()).toEqual([2, 5, 2, 0, 1, 0]);
  });

  test('one that is filled goes on for half a second: its trade may be told after it', () => {
    const bench = new Bench().order('a', 100, 5, 'open').fill('a', 100, 5).order('a', 100, 5, 'filled', 5);
    bench.trade('sell', 100, 15).wait(600).trade('sell', 90, 50);
    expect(bench.lots()).toEqual([5, 5, 5, 0, 1, 0]);
  });

  test('one whose fill is told again when the stream begins anew: the fill counts once', () => {
    const bench = new Bench().order('a', 100, 5, 'open').trade('sell', 100, 12).fill('a', 100, 2);
    expect(bench.fill('a', 100, 2).lots()).toEqual([2, 5, 2, 0, 1, 0]);
    expect(bench.wait(1).fill('a', 100, 2).lots()).toEqual([4, 5, 2, 0, 1, 0]);
  });

  test('an amended one, from its new place', () => {
    const bench = new Bench().order('a', 100, 5, 'open').order('a', 101, 4, 'open').trade('sell', 101, 3);
    expect(bench.lots()).toEqual([0, 3, 3, 0, 1, 0]);
  });

  test('told again it is the same one', () => {
    const bench = new Bench().order('a', 101, 5, 'open').trade('sell', 101, 3).order('a', 101, 5, 'open', 3);
    expect(bench.trade('sell', 101, 9).lots()).toEqual([0, 5, 5, 0, 1, 0]);
  });

  test.each([
    ['it takes what we see', (b: Bench) => b.order('a', 102, 5, 'open').fill('a', 102, 5, 'maker')],
    ['it was told as partly filled', (b: Bench) => b.order('a', 100, 5, 'open', 2).fill('a', 100, 2)],
    ['it filled before it was told', (b: Bench) => b.fill('a', 100, 2).order('a', 100, 5, 'open', 2)],
    [
      'the trades are not told',
      (b: Bench) => {
        b.shadow.onConnector('trades', 'down', b.atMs);
        return b.order('a', 100, 5, 'open').fill('a', 100, 5);
      },
    ],
    [
      'the book is not one of now',
      (b: Bench) => {
        b.shadow.onConnector('book', 'down', b.atMs);
        b.shadow.onConnector('book', 'up', b.atMs);
        return b.order('a', 100, 5, 'open').fill('a', 100, 5);
      },
    ],
  ])('not when %s', (_name, happens) => {
    const bench = happens(new Bench());
    expect(bench.trade('sell', 90, 50).lots()).toEqual([0, 0, 0, 0, 0, 1]);
  });

  test('no longer when it turns out to have taken', () => {
    const bench = new Bench().order('a', 101, 5, 'open').fill('a', 101, 2, 'taker').trade('sell', 90, 50);
    expect(bench.lots()).toEqual([0, 0, 0, 0, 1, 1]);
  });

  test('nor after an interruption, which ends it on both sides', () => {
    const bench = new Bench().order('a', 101, 5, 'open').trade('sell', 101, 1).fill('a', 101, 1);
    bench.shadow.onConnector('orders', 'down', bench.atMs);
    bench.shadow.onConnector('orders', 'up', bench.atMs);
    bench.trade('sell', 90, 50).fill('a', 101, 4).order('b', 101, 2, 'open').trade('sell', 101, 2).fill('b', 101, 2);
    expect(bench.lots()).toEqual([3, 3, 3, 0, 2, 1]);
  });
});

describe('a venue whose book shows our own lots', () => {
  /** Alone at a better price than all others, and then filled: with our lots in the book once it is told anew. */
  const better = (ownLotsInBook: boolean): number[] => {
    const bench = new Bench(ownLotsInBook).order('a', 101, 5, 'open');
    bench.order('b', 100, 5, 'open').book([[101, 5], [100, 15], [99, 10], [98, 10], [97, 10]], ASKS); // prettier-ignore
    bench.order('c', 101, 1, 'open').trade('sell', 101, 6).trade('sell', 100, 12);
    return bench.lots();
  };

  test('is read without them: nothing of ours is in front of us', () => {
    expect(better(true)).toEqual([0, 11, 8, 6, 3, 0]);
  });

  test('is taken as it is where it does not', () => {
    expect(better(false)).toEqual([0, 11, 7, 6, 3, 0]);
  });

  test('a level that is ours alone does not end the window', () => {
    const bench = new Bench(true).order('a', 101, 5, 'open');
    bench.book([[101, 5], [100, 10], [99, 10], [98, 10], [97, 10]], ASKS); // prettier-ignore
    // Beyond the window nobody knows the queue: only a worse price fills there.
    bench.order('far', 90, 5, 'open').trade('sell', 90, 10);
    expect(bench.lots()).toEqual([0, 10, 5, 5, 2, 0]);
  });
});

test('a report comes once a minute, says what that minute brought, and all that was', () => {
  const bench = new Bench().order('a', 101, 5, 'open').trade('sell', 101, 2).fill('a', 101, 2);
  expect(bench.shadow.report(1_000 + MINUTE - 1)).toBeNull();
  const first = bench.shadow.report(1_000 + MINUTE) as ShadowFillsEvent;
  const two = { orders: 1, fills: 1, qty: '0.002', notional: '0.202' };
  const none = { orders: 0, fills: 0, qty: '0', notional: '0' };
  expect(first).toMatchObject({ type: 'shadow_fills', symbol: SYMBOL, spanMs: MINUTE, droppedRelayCount: 0 });
  expect(first.minute).toEqual({ orders: 1, actual: two, touch: two, queue: two, strict: none });
  expect(first.sinceStart).toEqual(first.minute);
  bench.wait(MINUTE).trade('sell', 101, 3);
  expect(bench.shadow.report(1_000 + 2 * MINUTE - 1)).toBeNull();
  const second = bench.shadow.report(1_000 + 2 * MINUTE) as ShadowFillsEvent;
  const three = { orders: 0, fills: 1, qty: '0.003', notional: '0.303' };
  expect(second.minute).toEqual({ orders: 0, actual: none, touch: three, queue: three, strict: none });
  expect(second.sinceStart).toMatchObject({
    orders: 1,
    actual: two,
    queue: { orders: 1, fills: 2, qty: '0.005', notional: '0.505' },
  });
  // Events are JSON, and equal counts give equal texts.
  expect(JSON.parse(JSON.stringify(second))).toEqual(second);
});

test('thousands of orders leave no trace but the counts', () => {
  const bench = new Bench();
  for (let n = 0; n < 4_000; n += 1) bench.order(`o${n}`, 95, 1, 'open').order(`o${n}`, 95, 1, 'cancelled');
  expect(bench.shadow.predictions().length).toBeLessThan(600);
  expect(bench.lots()).toEqual([0, 0, 0, 0, 4_000, 0]);
});
