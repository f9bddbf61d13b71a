/**
 * A paper venue: another venue's live market, our fills. No order leaves this machine; the account, its orders, stops and
 * fills are kept in a folder of their own and survive restarts.
 *
 * A call that changes something is on the disk before it is answered. When the disk refuses, the account is over until
 * its next start: calls end `unknown`, reads throw, and the channels of orders and positions go down.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { FillGrade } from '../../core/fill-model/fill-model.ts';
import { NO_LATENCY, type LatencyParams } from '../../core/fill-model/latency.ts';
import type { Log } from '../../core/log.ts';
import type { Instrument } from '../../core/market/instrument.ts';
import { parseQuote } from '../../core/money/decimal.ts';
import type { PaperStopRequest } from '../../core/paper/checks.ts';
import { PaperExchange, type PaperAnswer, type PaperEvent } from '../../core/paper/paper-exchange.ts';
import { CAPABILITIES } from '../capabilities.ts';
import { VenueRefused, VenueUnavailable } from '../venue.ts';
import type { CancelAnswer, No, PlaceAnswer, ProtectiveStop, SettingAnswer, Unknown, Venue, VenueMarket, VenueSink } from '../venue.ts'; // prettier-ignore
import { PaperFeed } from './feed.ts';
import { PaperRequests } from './requests.ts';
import {
  heldPositions,
  toPlaceAnswer,
  toTriggerOrder,
  toVenueBalance,
  toVenueFill,
  toVenueOrder,
  toVenuePosition,
} from './rows.ts';
import { PaperStore } from './store.ts';

export interface PaperVenueOptions {
  /** Belongs to the paper venue from now on: closing it closes the market. */
  readonly market: VenueMarket;
  readonly account: string;
  /** Decimal USDT, used only when the folder has no saved state. */
  readonly openingBalance: string;
  readonly grade: FillGrade;
  /** Nothing is delayed when absent. */
  readonly latency?: LatencyParams;
  readonly stateDir: string;
  /** Told once when the disk refuses: the account is over until its next start. */
  readonly onOver?: (error: Error) => void;
  readonly now?: () => number;
  readonly log: Log;
}

/** An order for a symbol that nobody streams yet waits this long for the first book. */
const FIRST_BOOK_WAIT_MS = 5_000;
/** Between tries to reach the market of a symbol that something is held in. */
const RETRY_MS = 5_000;
const CLOSED: No = { answer: 'no', code: 'not_sent', reason: 'the venue is closed' };

/** Throws `PaperStateError` when the saved state cannot be used. */
export function createPaperVenue(options: PaperVenueOptions): Venue {
  const { market, account, grade, log, latency = NO_LATENCY, now = Date.now } = options;
  const store = new PaperStore(options.stateDir, account);
  if (store.tornBytes > 0) log.warn('paper account: a change cut short was dropped', { bytes: store.tornBytes });
  // Whoever knew an account that was here before took its fills for new ones, or new ones for known, were ids to come again.
  const exchange = new PaperExchange(grade, parseQuote(options.openingBalance), store.saved, now());
  store.begin(exchange.books.all());
  const feeds = new Map<string, PaperFeed>();
  const outbox: PaperEvent[] = [];
  const life = new AbortController();
  let isTelling = false;
  /** Why the account is over, null while it is not. */
  let over: string | null = null;

  const requests = new PaperRequests({
    latency,
    now,
    unusable,
    durable,
    commit: () => {
      commit();
      tell();
    },
  });

  function commit(): boolean {
    const isWritten = write();
    requests.answerDecided();
    return isWritten;
  }

  function write(): boolean {
    if (over !== null) return false;
    const taken = exchange.take();
    if (taken === null) return true;
    try {
      if (taken.change !== null) store.append(taken.change);
      if (store.wantsBeginning) store.begin(exchange.books.all());
    } catch (error) {
      end(error);
      return false;
    }
    outbox.push(...taken.events);
    return true;
  }

  function unusable(): Unknown | null {
    if (over !== null) return { answer: 'unknown', reason: over };
    return life.signal.aborted ? { answer: 'unknown', reason: 'the venue was closed meanwhile' } : null;
  }

  async function durable(): Promise<Unknown | null> {
    if (over === null) await store.synced().catch(end);
    return over === null ? null : { answer: 'unknown', reason: over };
  }

  function end(error: unknown): void {
    over = `the paper account cannot be written: ${String(error)}`;
    log.error('paper account is over', { account, reason: over });
    for (const feed of feeds.values()) feed.reportOver(over);
    options.onOver?.(new Error(over));
  }

  function tell(): void {
    if (isTelling) return;
    isTelling = true;
    try {
      for (let event = outbox.shift(); event !== undefined; event = outbox.shift()) tellOne(event);
    } finally {
      isTelling = false;
    }
  }

  function tellOne(event: PaperEvent): void {
    const tellEach = (symbol: string, deliver: (sink: VenueSink) => void): void => {
      for (const sink of [...(feeds.get(symbol)?.sinks ?? [])]) deliver(sink);
    };
    switch (event.type) {
      case 'order':
        return tellEach(event.order.symbol, (sink) => sink.onOrder(toVenueOrder(event.order)));
      case 'fill':
        return tellEach(event.fill.symbol, (sink) => sink.onFill(toVenueFill(event.fill)));
      case 'position':
        return tellEach(event.symbol, (sink) => sink.onPosition(toVenuePosition(exchange, event.symbol, event.leg)));
    }
  }

  function feedOf(instrument: Instrument): PaperFeed {
    const known = feeds.get(instrument.symbol);
    if (known !== undefined) return known;
    exchange.learn(instrument);
    commit();
    const deliver = (): void => requests.deliver();
    const feed = new PaperFeed({ exchange, instrument, now, log, deliver, commit, tell });
    feeds.set(instrument.symbol, feed);
    feed.start(market);
    return feed;
  }

  /** What is held or open goes on being looked after, whether anybody listens or not. */
  async function lookAfter(symbol: string): Promise<void> {
    while (!life.signal.aborted) {
      try {
        feedOf(await market.instrument(symbol));
        return;
      } catch (error) {
        if (life.signal.aborted) return;
        log.warn('paper account: no market for a symbol in use', { symbol, reason: String(error) });
        await sleep(RETRY_MS, undefined, { signal: life.signal }).catch(() => undefined);
      }
    }
  }

  async function known(symbol: string): Promise<Instrument> {
    return feeds.has(symbol) ? exchange.market(symbol)!.instrument : market.instrument(symbol);
  }

  /** Null when a request for `symbol` may leave; what to answer otherwise. */
  async function refusal(symbol: string, needsBook: boolean): Promise<No | null> {
    if (life.signal.aborted) return CLOSED;
    try {
      const feed = feedOf(await known(symbol));
      if (needsBook) await feed.live(FIRST_BOOK_WAIT_MS);
    } catch (error) {
      if (error instanceof VenueRefused) return { answer: 'no', code: error.code, reason: error.message };
      if (error instanceof VenueUnavailable) return { answer: 'no', code: 'market_down', reason: error.message };
      throw error;
    }
    return null;
  }

  async function place(
    symbol: string,
    needsBook: boolean,
    change: (atMs: number) => PaperAnswer,
  ): Promise<PlaceAnswer> {
    const no = await refusal(symbol, needsBook);
    return no ?? requests.send('submit', (atMs) => toPlaceAnswer(change(atMs)));
  }

  /** What never was here is gone: no market is needed to say so. */
  async function cancel(change: (atMs: number) => boolean): Promise<CancelAnswer> {
    if (life.signal.aborted) return CLOSED;
    return requests.send('cancel', (atMs) => ({ answer: change(atMs) ? 'yes' : 'gone' }));
  }

  async function set(symbol: string | null, change: () => SettingAnswer | null): Promise<SettingAnswer> {
    const no = symbol === null ? null : await refusal(symbol, false);
    return no ?? requests.send('submit', () => change() ?? { answer: 'yes' });
  }

  function requireOpen(): void {
    if (over !== null) throw new VenueUnavailable(over);
    if (life.signal.aborted) throw new VenueUnavailable('the venue is closed');
  }

  const venue: Venue = {
    name: `${market.name}-paper`,
    capabilities: CAPABILITIES.paper,

    async instrument(symbol) {
      requireOpen();
      const instrument = await market.instrument(symbol);
      exchange.learn(instrument);
      commit();
      return instrument;
    },
    ticker: (symbol) => market.ticker(symbol),
    funding: (symbol) => market.funding(symbol),
    recentBars: (symbol, barMs, count) => market.recentBars(symbol, barMs, count),
    serverTimeMs: () => market.serverTimeMs(),
    streamMarket: (instrument, sink) => market.streamMarket(instrument, sink),

    place: (intent) => place(intent.symbol, true, (atMs) => exchange.place(intent, atMs)),
    amend: (clientOrderId, to) => place(to.symbol, true, (atMs) => exchange.amend(clientOrderId, to, atMs)),
    cancel: (symbol, clientOrderId) => cancel((atMs) => exchange.cancel(symbol, clientOrderId, atMs)),
    cancelAll: ({ symbol, families }) => {
      const scope = { orders: families.includes('normal'), stops: families.includes('tpsl') };
      return cancel((atMs) => exchange.cancelAll(symbol, scope, atMs) > 0);
    },

    placeStop: (stop) => place(stop.symbol, false, (atMs) => exchange.placeStop(requestOf(stop), atMs)),
    replaceStop: (clientOrderId, stop) =>
      place(stop.symbol, false, (atMs) => exchange.replaceStop(clientOrderId, requestOf(stop), atMs)),
    cancelStop: (symbol, clientOrderId) => cancel(() => exchange.cancelStop(symbol, clientOrderId)),

    async openOrders(symbol) {
      requireOpen();
      return exchange.books.ordersOf(symbol).map(toVenueOrder);
    },
    async triggerOrders(symbol) {
      requireOpen();
      return exchange.books.stopsOf(symbol).map(toTriggerOrder);
    },
    async orderByClientId(symbol, clientOrderId) {
      requireOpen();
      const order = exchange.books.orderByClientId(clientOrderId);
      return order?.symbol === symbol ? toVenueOrder(order) : null;
    },
    async fillsSince(symbol, sinceMs) {
      requireOpen();
      return exchange.books.fills.filter((fill) => fill.symbol === symbol && fill.atMs >= sinceMs).map(toVenueFill);
    },
    async fundingPaymentsSince(symbol, sinceMs) {
      requireOpen();
      return exchange.books.payments
        .filter((payment) => (symbol === null || payment.symbol === symbol) && payment.atMs >= sinceMs)
        .map(({ id: paymentId, ...payment }) => ({ paymentId, ...payment }));
    },
    async positions(symbol) {
      requireOpen();
      return heldPositions(exchange, symbol);
    },
    async balance() {
      requireOpen();
      const figures = exchange.figures();
      if (figures === null) throw new VenueUnavailable('something is held whose price is not known now');
      return toVenueBalance(figures);
    },
    async feeRates(symbol) {
      const { makerFeeRate: maker, takerFeeRate: taker } = (await venue.instrument(symbol)).spec;
      return { maker, taker };
    },
    async settings(symbol) {
      if (exchange.market(symbol) === undefined) await venue.instrument(symbol);
      requireOpen();
      const { leverage, marginMode } = exchange.rowOf(symbol);
      return { positionMode: exchange.books.account.positionMode, marginMode, leverage: String(leverage) };
    },

    setLeverage: (symbol, leverage) => set(symbol, () => exchange.setLeverage(symbol, leverage)),
    setMarginMode: (symbol, mode) => set(symbol, () => exchange.setMarginMode(symbol, mode)),
    setPositionMode: (mode) => set(null, () => exchange.setPositionMode(mode)),

    stream(instrument, sink) {
      const feed = feedOf(instrument);
      const detach = feed.attach(sink);
      return {
        health: () => feed.health(),
        stop: async () => detach(),
      };
    },

    async close() {
      if (life.signal.aborted) return;
      life.abort();
      requests.close();
      await Promise.all([...feeds.values()].map((feed) => feed.stop()));
      await store.close();
      await market.close();
    },
  };

  for (const symbol of exchange.activeSymbols()) void lookAfter(symbol);
  return venue;
}

function requestOf({
  clientOrderId,
  symbol,
  leg,
  positionLots,
  triggerPrice,
  triggerSource,
}: ProtectiveStop): PaperStopRequest {
  return { clientOrderId, symbol, leg, isLong: positionLots > 0, triggerPrice, triggerSource };
}
