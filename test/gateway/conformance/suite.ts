/**
 * What every venue of the desk must do, whoever it speaks to: each promise of `gateway/venue.ts` as a test. A venue is
 * given as a function that opens it, and the capabilities that it claims decide which promises hold for it.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { Leg } from '../../../core/accounting/legs.ts';
import { formatPrice, type Instrument } from '../../../core/market/instrument.ts';
import { notional, type PriceTicks, type QtyLots, type SignedLots } from '../../../core/money/money.ts';
import type { OrderIntent } from '../../../core/orders/order-intent.ts';
import type { ApprovedIntent } from '../../../core/risk/decision.ts';
import { ORDER_FAMILIES, type ProtectiveStop, type Venue, type VenueCapabilities } from '../../../gateway/venue.ts';
import { Listener, type HeardBook } from './listener.ts';

export interface OpenedVenue {
  readonly venue: Venue;
  readonly symbol: string;
  /** It knows what was traded before it was opened. */
  readonly hasHistory: boolean;
  /** Takes the venue's market data away, as an outage does, and brings it back. */
  interrupt(): Promise<void>;
  restore(): Promise<void>;
  /** Ends all that was opened but the venue itself. */
  release(): Promise<void>;
}

const MINUTE_MS = 60_000;
const CHANNELS = ['book', 'trades', 'ticker', 'orders', 'positions'];
const DECIMAL = /^-?\d+(\.\d+)?$/;
const POSITIVE = /^\d+(\.\d+)?$/;

export function describeVenue(name: string, open: () => Promise<OpenedVenue>, capabilities: VenueCapabilities): void {
  describe(name, () => {
    let opened: OpenedVenue;
    let venue: Venue;
    let symbol: string;
    let instrument: Instrument;
    let listener: Listener;
    let stopListening: () => Promise<void>;
    let nextId = 0;
    const run = `${process.pid.toString(36)}-${Math.floor(performance.now()).toString(36)}`;
    const freshId = (): string => `c-${run}-${(nextId += 1)}`;
    const hasStops = capabilities.stopReplacement !== 'none';

    beforeAll(async () => {
      opened = await open();
      ({ venue, symbol } = opened);
      instrument = await venue.instrument(symbol);
      listener = new Listener();
      const stream = venue.stream(instrument, listener.sink);
      stopListening = () => stream.stop();
      await Promise.all(CHANNELS.map((channel) => listener.connector(channel, 'up')));
      await listener.next('book');
    });
    afterEach(async () => {
      await flatten();
      // One by one: some venues take one call for all of them a second.
      for (const { clientOrderId } of await venue.openOrders(null)) await venue.cancel(symbol, clientOrderId!);
      for (const { clientOrderId } of await venue.triggerOrders(null)) await venue.cancelStop(symbol, clientOrderId!);
    });
    afterAll(async () => {
      await stopListening();
      await venue.close();
      await opened.release();
    });

    const top = (): HeardBook => listener.all('book').at(-1)!;
    /** Enough for the smallest order, and no more than a few hundred USDT. */
    const smallQty = (price: PriceTicks): QtyLots => {
      const perLot = notional(price, 1 as QtyLots, instrument);
      const forNotional = Number((instrument.notionalMinE12 + perLot - 1n) / perLot);
      return Math.max(instrument.qtyMinLots, forNotional, 2) as QtyLots;
    };
    function intent(change: Partial<OrderIntent> = {}): ApprovedIntent {
      const price = (change.price ?? Math.floor(top().bid * 0.97)) as PriceTicks;
      return {
        clientOrderId: freshId(),
        symbol,
        side: 'buy',
        price,
        qty: smallQty(price),
        kind: 'limit',
        reduceOnly: false,
        leg: 'net',
        expiresAtMs: Date.now() + 60_000,
        ...change,
      } as ApprovedIntent;
    }
    const crossing = (side: 'buy' | 'sell', change: Partial<OrderIntent> = {}): ApprovedIntent =>
      intent({
        side,
        price: Math.floor(side === 'buy' ? top().ask * 1.02 : top().bid * 0.98) as PriceTicks,
        ...change,
      });

    /** Sends an order that takes and waits until the venue told that it is filled. */
    async function trade(order: ApprovedIntent): Promise<void> {
      const from = listener.heard.length;
      expect(await venue.place(order)).toMatchObject({ answer: 'yes' });
      await listener.next('order', ({ clientOrderId, status }) => clientOrderId === order.clientOrderId && status === 'filled', from); // prettier-ignore
      await settled(order.symbol);
    }
    /** Until the venue's positions say what its fills say, for venues whose lists lag behind their streams. */
    async function settled(of: string): Promise<void> {
      const net = listener.all('fill').reduce((sum, { side, qty }) => sum + (side === 'buy' ? qty : 0 - qty), 0);
      for (;;) {
        const held = (await venue.positions(of)).reduce((sum, { qty }) => sum + qty, 0);
        if (held === net) return;
      }
    }
    async function flatten(): Promise<void> {
      for (const { leg, qty } of await venue.positions(symbol)) {
        const side = qty > 0 ? 'sell' : 'buy';
        await trade(crossing(side, { leg, qty: Math.abs(qty) as QtyLots, reduceOnly: true }));
      }
    }
    const position = async (leg: Leg = 'net') => (await venue.positions(symbol)).find((held) => held.leg === leg);
    const stopOf = (change: Partial<ProtectiveStop>): ProtectiveStop => ({
      clientOrderId: freshId(),
      symbol,
      leg: 'net',
      positionLots: 1 as SignedLots,
      triggerPrice: Math.floor(top().bid * 0.9) as PriceTicks,
      triggerSource: 'mark',
      ...change,
    });

    test('claims what it can do', () => {
      expect(venue.capabilities).toEqual(capabilities);
    });

    describe('rules and prices', () => {
      test('the instrument is named as the desk names it and counts in plain decimals', async () => {
        expect(instrument.symbol).toBe(symbol);
        expect(symbol).toMatch(/^[A-Z0-9]+USDT$/);
        expect(instrument.qtyMinLots).toBeGreaterThan(0);
        expect(instrument.notionalMinE12).toBeGreaterThan(0n);
        expect(await venue.feeRates(symbol)).toEqual({
          maker: instrument.spec.makerFeeRate,
          taker: instrument.spec.takerFeeRate,
        });
      });

      test('a symbol that the venue does not have is refused', async () => {
        await expect(venue.instrument('NOSUCHUSDT')).rejects.toMatchObject({ name: 'VenueRefused' });
      });

      test('time and funding are those of the venue', async () => {
        expect(Math.abs((await venue.serverTimeMs()) - Date.now())).toBeLessThan(60_000);
        const { rate, nextAtMs, venueAtMs } = await venue.funding(symbol);
        expect(rate).toMatch(DECIMAL);
        expect(nextAtMs === null || nextAtMs > venueAtMs).toBe(true);
      });

      test('the ticker is that of the market', async () => {
        const ticker = await venue.ticker(symbol);
        expect(ticker).toMatchObject({ symbol, lastPrice: expect.stringMatching(POSITIVE) });
        expect(Math.abs(ticker.venueAtMs - Date.now())).toBeLessThan(60_000);
        expect(ticker.markPrice === null || POSITIVE.test(ticker.markPrice)).toBe(true);
        await expect(venue.ticker('NOSUCHUSDT')).rejects.toBeInstanceOf(Error);
      });

      test('recent bars are closed, follow each other and end at the market', async () => {
        const bars = await venue.recentBars(symbol, MINUTE_MS, 150);
        const atMs = await venue.serverTimeMs();
        expect(bars).toHaveLength(opened.hasHistory ? 150 : bars.length);
        for (const [index, { openAtMs, open, high, low, close, volume }] of bars.entries()) {
          expect(openAtMs).toBe(bars[0]!.openAtMs + index * MINUTE_MS);
          for (const text of [open, high, low, close, volume]) expect(text).toMatch(POSITIVE);
          expect(Number(high)).toBeGreaterThanOrEqual(Math.max(Number(open), Number(close)));
          expect(Number(low)).toBeLessThanOrEqual(Math.min(Number(open), Number(close)));
          expect(openAtMs + MINUTE_MS).toBeLessThanOrEqual(atMs);
        }
        const few = await venue.recentBars(symbol, MINUTE_MS, 2);
        expect(few.length).toBeLessThanOrEqual(2);
        if (!opened.hasHistory) return;
        expect(atMs - bars.at(-1)!.openAtMs).toBeLessThan(3 * MINUTE_MS);
        expect(Math.abs(Number(bars.at(-1)!.close) / Number((await venue.ticker(symbol)).lastPrice) - 1)).toBeLessThan(0.05); // prettier-ignore
        expect(few).toHaveLength(2);
        const again = bars.filter(({ openAtMs }) => few.some((bar) => bar.openAtMs === openAtMs));
        expect(few.slice(0, again.length)).toEqual(again);
        const [hour] = await venue.recentBars(symbol, 60 * MINUTE_MS, 1);
        const [highest] = bars.filter(({ openAtMs }) => openAtMs === hour!.openAtMs);
        if (highest !== undefined) expect(hour!.open).toBe(highest.open);
      });

      test('bars that the venue does not have are refused by name', async () => {
        const refused = {
          name: 'VenueRefused',
          code: 'interval_not_offered',
          message: expect.stringContaining('7777'),
        };
        await expect(venue.recentBars(symbol, 7_777, 10)).rejects.toMatchObject(refused);
        await expect(venue.recentBars('NOSUCHUSDT', MINUTE_MS, 10)).rejects.toMatchObject({ name: 'VenueRefused' });
      });

      test('the balance is a decimal, and an open order binds some of it', async () => {
        const before = await venue.balance();
        expect(before.equity).toMatch(POSITIVE);
        expect(Number(before.available)).toBeGreaterThan(0);
        await venue.place(intent());
        expect(Number((await venue.balance()).available)).toBeLessThan(Number(before.available));
      });
    });

    describe('one order', () => {
      test('is placed once under its id, is found by it, is cancelled, is gone', async () => {
        const order = intent({ kind: 'post_only' });
        const { clientOrderId } = order;
        const placed = await venue.place(order);
        expect(placed).toEqual({ answer: 'yes', venueOrderId: expect.any(String) });
        expect(await venue.place(order)).toEqual({ answer: 'duplicate' });
        const found = await venue.orderByClientId(symbol, clientOrderId);
        const { price, qty } = order;
        const stated = { clientOrderId, symbol, side: 'buy', leg: 'net', price, qty, filled: 0, reduceOnly: false };
        expect(found).toMatchObject({ ...stated, status: 'open' });
        expect(placed).toMatchObject({ venueOrderId: found?.venueOrderId });
        expect(await venue.openOrders(symbol)).toEqual([found]);
        expect(await venue.openOrders(null)).toEqual([found]);
        expect(await venue.cancel(symbol, clientOrderId)).toEqual({ answer: 'yes' });
        expect(await venue.cancel(symbol, clientOrderId)).toEqual({ answer: 'gone' });
        expect(await venue.orderByClientId(symbol, clientOrderId)).toMatchObject({ status: 'cancelled', filled: 0 });
        expect(await venue.openOrders(symbol)).toEqual([]);
      });

      test('that nobody placed is null, and cancelling it is gone', async () => {
        expect(await venue.orderByClientId(symbol, 'never-placed')).toBeNull();
        expect(await venue.cancel(symbol, 'never-placed')).toEqual({ answer: 'gone' });
      });

      test.each<[string, (order: ApprovedIntent) => Partial<OrderIntent>]>([
        ['no quantity', () => ({ qty: 0 as QtyLots })],
        ['too little money in it', () => ({ price: 1 as PriceTicks, qty: instrument.qtyMinLots })],
        ['more than the account has', () => ({ qty: 100_000_000 as QtyLots })],
        ['no position to reduce', () => ({ side: 'sell', reduceOnly: true, price: (top().ask * 2) as PriceTicks })],
        ['an id that is too long', () => ({ clientOrderId: 'x'.repeat(60) })],
        ['no time left', () => ({ expiresAtMs: Date.now() - 1 })],
      ])('with %s is a no, and nothing is left of it', async (_name, change) => {
        const order = { ...intent(), ...change(intent()) };
        const answer = await venue.place(order);
        expect(answer).toMatchObject({ answer: 'no', code: expect.stringMatching(/./), reason: expect.any(String) });
        expect(await venue.openOrders(null)).toEqual([]);
        expect(await venue.positions(null)).toEqual([]);
      });

      test('post-only that would take neither rests nor fills', async () => {
        const order = crossing('buy', { kind: 'post_only' });
        const answer = await venue.place(order);
        if (answer.answer === 'yes') {
          await listener.next('order', ({ clientOrderId, status }) => clientOrderId === order.clientOrderId && status === 'cancelled'); // prettier-ignore
        } else {
          expect(answer).toMatchObject({ answer: 'no' });
        }
        expect(await venue.openOrders(symbol)).toEqual([]);
        expect(await venue.positions(symbol)).toEqual([]);
        expect(listener.all('fill').filter(({ clientOrderId }) => clientOrderId === order.clientOrderId)).toEqual([]);
      });

      test(`${capabilities.amend ? 'gets another price and size' : 'cannot be amended, and says so'}`, async () => {
        const order = intent();
        const to = intent({ price: (order.price - 10) as PriceTicks, qty: (order.qty * 2) as QtyLots });
        await venue.place(order);
        const answer = await venue.amend(order.clientOrderId, to);
        if (!capabilities.amend) {
          expect(answer).toMatchObject({ answer: 'no', code: 'not_supported' });
          return;
        }
        expect(answer).toMatchObject({ answer: 'yes' });
        const { clientOrderId, price, qty } = to;
        expect(await venue.openOrders(symbol)).toMatchObject([{ clientOrderId, price, qty, status: 'open' }]);
        expect(await venue.cancel(symbol, clientOrderId)).toEqual({ answer: 'yes' });
        expect((await venue.amend(clientOrderId, intent())).answer).not.toBe('yes');
        expect(await venue.openOrders(symbol)).toEqual([]);
      });
    });

    describe('cancel all', () => {
      test('leaves nothing of its scope, and says when there was nothing', async () => {
        const { families } = capabilities;
        for (let n = 0; n < 3; n += 1) expect(await venue.place(intent())).toMatchObject({ answer: 'yes' });
        expect(await venue.openOrders(symbol)).toHaveLength(3);
        expect(await venue.cancelAll({ symbol, families })).toEqual({ answer: 'yes' });
        expect(await venue.openOrders(symbol)).toEqual([]);
        expect(await venue.cancelAll({ symbol, families })).toEqual({ answer: 'gone' });
        await venue.place(intent());
        expect(await venue.cancelAll({ symbol: null, families: ORDER_FAMILIES })).toEqual({ answer: 'yes' });
        expect(await venue.openOrders(null)).toEqual([]);
      });

      if (hasStops) {
        test('of one family leaves the others alone', async () => {
          await trade(crossing('buy'));
          const stop = stopOf({ positionLots: (await position())!.qty });
          expect(await venue.placeStop(stop)).toMatchObject({ answer: 'yes' });
          const order = intent();
          await venue.place(order);
          expect(await venue.cancelAll({ symbol, families: ['normal'] })).toEqual({ answer: 'yes' });
          expect(await venue.openOrders(symbol)).toEqual([]);
          expect(await venue.triggerOrders(symbol)).toHaveLength(1);
          await venue.place(intent());
          expect(await venue.cancelAll({ symbol, families: ['tpsl'] })).toEqual({ answer: 'yes' });
          expect(await venue.triggerOrders(null)).toEqual([]);
          expect(await venue.openOrders(symbol)).toHaveLength(1);
        });
      }
    });

    describe('fills and positions', () => {
      test('are told and listed alike, once each, with what they cost', async () => {
        const startedAtMs = (await venue.serverTimeMs()) - 1_000;
        const from = listener.heard.length;
        const buy = crossing('buy');
        await trade(buy);
        const held = await position();
        expect(held).toMatchObject({ symbol, leg: 'net', qty: buy.qty });
        expect(held?.entryPrice).toMatch(POSITIVE);
        const sell = crossing('sell', { qty: buy.qty, reduceOnly: true });
        await trade(sell);
        expect(await venue.positions(null)).toEqual([]);
        expect(listener.all('position', from).at(-1)).toMatchObject({ symbol, qty: 0 });

        const told = listener.all('fill', from);
        const listed = await venue.fillsSince(symbol, startedAtMs);
        const ids = new Set(told.map(({ tradeId }) => tradeId));
        expect(ids.size).toBe(told.length);
        const again = listed.filter(({ tradeId }) => ids.has(tradeId));
        const bare = (fills: typeof told) => fills.map(({ clientOrderId: _id, ...fill }) => fill);
        expect(bare(again)).toEqual(bare(told));
        const sums = { buy: 0, sell: 0 };
        for (const { side, qty, fee, liquidity, leg } of told) {
          sums[side] += qty;
          expect({ leg, liquidity, isPaid: fee > 0n }).toEqual({ leg: 'net', liquidity: 'taker', isPaid: true });
        }
        expect(sums).toEqual({ buy: buy.qty, sell: buy.qty });
        expect(await venue.fillsSince(symbol, Date.now() + 120_000)).toEqual([]);
      });

      test('what is held needs margin to be kept, in the account and in the position', async () => {
        expect(Number((await venue.balance()).marginRatio)).toBe(0);
        await trade(crossing('buy'));
        const { marginRatio } = await venue.balance();
        const { maintenanceRatio, entryPrice, qty } = (await position())!;
        expect(Number(maintenanceRatio)).toBeGreaterThan(0);
        expect(Number(maintenanceRatio)).toBeLessThan(0.1);
        const notionalHeld = Number(entryPrice) * qty * Number(instrument.spec.lot);
        const kept = (notionalHeld * Number(maintenanceRatio)) / Number((await venue.balance()).equity);
        // With or without the fee of closing, and at a price that has moved since.
        expect(Number(marginRatio)).toBeGreaterThan(kept * 0.9);
        expect(Number(marginRatio)).toBeLessThan(kept * 1.5);
      });

      test('an order is told open and then filled or cancelled, its fills in between or after', async () => {
        const from = listener.heard.length;
        const resting = intent();
        await venue.place(resting);
        await listener.next('order', ({ clientOrderId, status }) => clientOrderId === resting.clientOrderId && status === 'open', from); // prettier-ignore
        await venue.cancel(symbol, resting.clientOrderId);
        await listener.next('order', ({ clientOrderId, status }) => clientOrderId === resting.clientOrderId && status === 'cancelled', from); // prettier-ignore
      });

      if (capabilities.positionModes.includes('hedge')) {
        test('a long and a short leg stand side by side and close each on its own', async () => {
          expect(await venue.setPositionMode('hedge')).toEqual({ answer: 'yes' });
          expect(await venue.settings(symbol)).toMatchObject({ positionMode: 'hedge' });
          const long = crossing('buy', { leg: 'long' });
          const short = crossing('sell', { leg: 'short', qty: (long.qty * 2) as QtyLots });
          await trade(long);
          await trade(short);
          expect(await position('long')).toMatchObject({ qty: long.qty });
          expect(await position('short')).toMatchObject({ qty: 0 - short.qty });
          expect(await venue.place(intent({ leg: 'net' }))).toMatchObject({ answer: 'no' });
          await trade(crossing('sell', { leg: 'long', qty: long.qty, reduceOnly: true }));
          expect(await venue.positions(symbol)).toMatchObject([{ leg: 'short', qty: 0 - short.qty }]);
          expect(await venue.setPositionMode('one_way')).toMatchObject({ answer: 'no' });
          await flatten();
          expect(await venue.setPositionMode('one_way')).toEqual({ answer: 'yes' });
        });
      }
    });

    if (hasStops) {
      describe('protective stop', () => {
        test('needs a position', async () => {
          expect(await venue.placeStop(stopOf({}))).toMatchObject({ answer: 'no' });
          expect(await venue.triggerOrders(symbol)).toEqual([]);
        });

        test('is placed once, replaced, cancelled, gone', async () => {
          await trade(crossing('buy'));
          const positionLots = (await position())!.qty;
          const first = stopOf({ positionLots });
          expect(await venue.placeStop(first)).toMatchObject({ answer: 'yes', venueOrderId: expect.any(String) });
          expect(await venue.placeStop(first)).toEqual({ answer: 'duplicate' });
          const { clientOrderId, triggerPrice } = first;
          const waits = { symbol, family: 'tpsl', isProtectiveStop: true };
          expect(await venue.triggerOrders(symbol)).toMatchObject([{ ...waits, clientOrderId, triggerPrice }]);
          const second = stopOf({ positionLots, triggerPrice: (triggerPrice + 100) as PriceTicks });
          const replaced = await venue.replaceStop(clientOrderId, second);
          expect(replaced).toEqual({ answer: 'yes', venueOrderId: expect.any(String) });
          const { clientOrderId: newId, triggerPrice: newTrigger } = second;
          expect(await venue.triggerOrders(symbol)).toMatchObject([{ ...waits, clientOrderId: newId, triggerPrice: newTrigger }]); // prettier-ignore
          expect(await venue.cancelStop(symbol, newId)).toEqual({ answer: 'yes' });
          expect(await venue.cancelStop(symbol, newId)).toEqual({ answer: 'gone' });
          expect(await venue.triggerOrders(null)).toEqual([]);
        });

        test('leaves with its position', async () => {
          await trade(crossing('buy'));
          await venue.placeStop(stopOf({ positionLots: (await position())!.qty }));
          await flatten();
          expect(await venue.triggerOrders(null)).toEqual([]);
        });
      });
    }

    describe('settings', () => {
      test('are read, set and read back', async () => {
        const { leverage, marginMode, positionMode } = await venue.settings(symbol);
        expect(capabilities.positionModes).toContain(positionMode);
        const other = Number(leverage) === 10 ? 5 : 10;
        expect(await venue.setLeverage(symbol, other)).toEqual({ answer: 'yes' });
        expect(Number((await venue.settings(symbol)).leverage)).toBe(other);
        const { marginModes } = capabilities;
        for (const mode of marginModes.length > 1 ? [...marginModes, marginMode] : []) {
          expect(await venue.setMarginMode(symbol, mode)).toEqual({ answer: 'yes' });
          expect(await venue.settings(symbol)).toMatchObject({ marginMode: mode });
        }
        expect(await venue.setLeverage(symbol, Number(leverage))).toEqual({ answer: 'yes' });
      });

      test('of margin and positions do not change while an order is open', async () => {
        await venue.place(intent());
        const { marginMode, positionMode } = await venue.settings(symbol);
        for (const mode of capabilities.marginModes.filter((other) => other !== marginMode)) {
          expect(await venue.setMarginMode(symbol, mode)).toMatchObject({ answer: 'no' });
        }
        for (const mode of capabilities.positionModes.filter((other) => other !== positionMode)) {
          expect(await venue.setPositionMode(mode)).toMatchObject({ answer: 'no' });
        }
        expect(await venue.settings(symbol)).toMatchObject({ marginMode, positionMode });
      });
    });

    if (capabilities.fundingHistory) {
      test('funding payments can be read back; a fresh account has none', async () => {
        expect(await venue.fundingPaymentsSince(null, Date.now())).toEqual([]);
      });
    }

    describe('streams', () => {
      test('tell that the book is up before its first frame, then whole ticks in order', async () => {
        const firstBook = listener.heard.findIndex(({ kind }) => kind === 'book');
        const up = listener.heard.findIndex((item) => item.kind === 'connector' && item.value.channel === 'book');
        expect(up).toBeLessThan(firstBook);
        while (listener.all('book').length < 10) await listener.fresh('book');
        const books = listener.all('book');
        expect(books.filter(({ bid, ask, isOrdered }) => !isOrdered || bid >= ask)).toEqual([]);
        const times = books.map(({ venueAtMs }) => venueAtMs);
        expect(times).toEqual([...times].sort((a, b) => a - b));
      });

      test('tell trades and prices', async () => {
        const { price, qty, symbol: of } = await listener.next('trade');
        expect({ of, isWhole: Number.isInteger(price) && Number.isInteger(qty) && qty > 0 }).toEqual({ of: symbol, isWhole: true }); // prettier-ignore
        const ticker = await listener.next('ticker');
        expect(ticker.lastPrice).toMatch(POSITIVE);
        expect(Math.abs(Number(ticker.lastPrice) / Number(formatPrice(top().bid, instrument)) - 1)).toBeLessThan(0.1);
      });

      test('know how they are', async () => {
        const other = new Listener();
        const stream = venue.stream(instrument, other.sink);
        await Promise.all(CHANNELS.map((channel) => other.connector(channel, 'up')));
        await other.next('book');
        const health = stream.health();
        expect([...health.up].sort()).toEqual([...CHANNELS].sort());
        expect(health.silentMs).toBeGreaterThanOrEqual(0);
        expect({ gaps: health.bookGaps, broken: health.malformed }).toEqual({ gaps: 0, broken: 0 });
        await stream.stop();
      });

      test('once stopped deliver nothing more, while others go on', async () => {
        const other = new Listener();
        const stream = venue.stream(instrument, other.sink);
        await other.next('book');
        await stream.stop();
        const heardUntil = other.heard.length;
        const order = intent();
        const from = listener.heard.length;
        await venue.place(order);
        await listener.next('order', ({ clientOrderId }) => clientOrderId === order.clientOrderId, from);
        await listener.fresh('book');
        expect(other.heard.length).toBe(heardUntil);
      });

      test('say that they are down, come back by themselves, and orders are still there', async () => {
        const order = intent();
        expect(await venue.place(order)).toMatchObject({ answer: 'yes' });
        const from = listener.heard.length;
        await opened.interrupt();
        await listener.connector('book', 'down', from);
        const downAt = listener.heard.length;
        await opened.restore();
        await listener.connector('book', 'up', downAt);
        await listener.next('book', undefined, downAt);
        await Promise.all(
          ['orders', 'positions'].map(async (channel) => {
            const wentDown = listener.all('connector', from).some((told) => told.channel === channel && told.status === 'down'); // prettier-ignore
            if (wentDown) await listener.connector(channel, 'up', downAt);
          }),
        );
        expect(await venue.orderByClientId(symbol, order.clientOrderId)).toMatchObject({ status: 'open' });
        expect(await venue.cancel(symbol, order.clientOrderId)).toEqual({ answer: 'yes' });
      });
    });

    test('closed, it neither reads nor sends', async () => {
      const another = await open();
      const rules = await another.venue.instrument(another.symbol);
      const heard = new Listener();
      another.venue.stream(rules, heard.sink);
      await heard.next('book');
      await another.venue.close();
      const heardUntil = heard.heard.length;
      expect((await another.venue.place(intent())).answer).not.toBe('yes');
      expect((await another.venue.cancel(symbol, 'any')).answer).not.toBe('yes');
      await expect(another.venue.openOrders(symbol)).rejects.toMatchObject({ name: 'VenueUnavailable' });
      await expect(another.venue.positions(symbol)).rejects.toMatchObject({ name: 'VenueUnavailable' });
      expect(heard.heard.length).toBe(heardUntil);
      await another.release();
    });
  });
}
