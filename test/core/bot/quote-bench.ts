/** Order management by itself: the test writes down what should rest, and what does rest is what came of that. */
import type { Leg } from '../../../core/accounting/legs.ts';
import { Effects, type Effect } from '../../../core/bot/effects.ts';
import { manageQuotes, tellOrder, type OrderDesk } from '../../../core/bot/order-desk.ts';
import { blankState } from '../../../core/bot/state.ts';
import type { Instrument } from '../../../core/market/instrument.ts';
import type { SignedLots } from '../../../core/money/money.ts';
import { orderTag } from '../../../core/orders/client-order-id.ts';
import type { Side } from '../../../core/orders/order-intent.ts';
import type { Order, OrderNews } from '../../../core/orders/order.ts';
import { createRiskPolicy } from '../../../core/risk/policy.ts';
import { createStrategy } from '../../../core/strategies/create.ts';
import { createDesiredQuotes, QUOTE_LEVELS_MAX, type DesiredQuotes } from '../../../core/strategies/strategy.ts';
import { botConfig, BTC, T0 } from '../../support/bots.ts';
import { eventsOf } from './talk.ts';

/** Ticks of 0.1 USDT: one lot is worth 60 USDT, and a quote up to 1 bps (60 ticks) from its place is kept. */
export const MID = 600_000;
/** Shortest time between two orders of one level. */
export const PACE_MS = 500;

interface Setting {
  /** Null is one-way mode. */
  readonly hedgeInventoryRatio?: number | null;
  readonly exposureQuoteMax?: number;
  readonly ordersActiveMax?: number;
  readonly instrument?: Instrument;
}

/** Price in ticks and size in lots, nearest to the market first; null where nothing is wanted. */
type Quotes = readonly (readonly [number, number] | null)[];

export class QuoteBench {
  readonly state = blankState();
  readonly desired: DesiredQuotes = createDesiredQuotes();
  readonly desk: OrderDesk;
  nowMs = T0;
  private readonly effects = new Effects();

  constructor(setting: Setting = {}) {
    const { hedgeInventoryRatio = null, exposureQuoteMax = 100_000, ordersActiveMax = 10, instrument = BTC } = setting;
    const { bot, risk, strategy, leverageMax } = botConfig();
    this.state.epoch = 7;
    this.desk = {
      bot,
      instrument,
      limits: { exposureQuoteMax, orderQuoteMax: 10_000, ordersActiveMax },
      risk,
      policy: createRiskPolicy({ ...risk, leverageMax }),
      strategy: createStrategy(strategy, instrument, null),
      view: {
        book: this.state.book,
        atMs: T0,
        midTicks: MID,
        positionLots: 0,
        isReducing: false,
        closableByBidsLots: 0,
        closableByAsksLots: 0,
        fundingRate: 0,
        fundingIntervalMs: 1,
      },
      tell: () => {},
      tag: orderTag(bot),
      positionMode: hedgeInventoryRatio === null ? 'one_way' : 'hedge',
      hedgeInventoryRatio: hedgeInventoryRatio ?? 0,
      isStopEnabled: false,
      stopLossRatio: 0.05,
      fillDeviationBpsMax: 100,
      tradesKnown: new Set(),
    };
  }

  holds(leg: Leg, lots: number): this {
    this.state.holdings[leg].qty = lots as SignedLots;
    return this;
  }

  reducing(isReducing = true): this {
    this.desk.view.isReducing = isReducing;
    this.desired.isReducing = isReducing;
    return this;
  }

  /** From now on these should rest, and nothing else on that side. */
  want(side: Side, quotes: Quotes): this {
    const { bidTicks, bidLots, askTicks, askLots } = this.desired;
    const [ticks, lots] = side === 'buy' ? [bidTicks, bidLots] : [askTicks, askLots];
    for (let level = 0; level < QUOTE_LEVELS_MAX; level += 1) [ticks[level], lots[level]] = quotes[level] ?? [0, 0];
    return this;
  }

  /** All orders of `side` together may still fill so many lots. */
  room(side: Side, lots: number): this {
    this.desired[side === 'buy' ? 'bidRoomLots' : 'askRoomLots'] = lots;
    return this;
  }

  manage(afterMs = 0): Effect[] {
    this.nowMs += afterMs;
    this.effects.clear();
    manageQuotes(this.state, this.desired, this.nowMs, this.desk, this.effects);
    return [...this.effects.list];
  }

  /** Sends what is wanted now and has the venue take all of it. */
  rest(afterMs = 0): this {
    this.manage(afterMs);
    for (const order of this.state.orders) this.news(order, { news: 'acknowledged' });
    return this;
  }

  news(order: Order, news: OrderNews): void {
    tellOrder(this.state, order, news, this.nowMs, this.desk, this.effects);
  }

  order(side: Side, level = 0): Order {
    const found = this.state.orders.find((order) => order.side === side && order.level === level);
    if (found === undefined) throw new Error(`no order of level ${level}: ${side}`);
    return found;
  }
}

/** Why each order among `effects` is cancelled, by its id. */
export function cancelReasons(effects: readonly Effect[]): Record<string, string> {
  const told = eventsOf(effects).flatMap((event) => (event.type === 'cancel' ? [event] : []));
  return Object.fromEntries(told.map(({ clientOrderId, reason }) => [clientOrderId, reason]));
}
