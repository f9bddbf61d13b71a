/**
 * A market maker of several levels against a venue and a clock without manners: news in any order and twice, fills before
 * their acknowledgement and larger than their order, reads that disagree, days without an input, a clock that goes back.
 */
import { expect, test } from '@jest/globals';
import { LEGS, netLots } from '../../../core/accounting/holdings.ts';
import type { BotConfig } from '../../../core/bot/bot-config.ts';
import { Effects, type Effect } from '../../../core/bot/effects.ts';
import type { SyncInput } from '../../../core/bot/input.ts';
import { BotMachine } from '../../../core/bot/machine.ts';
import { encodeState } from '../../../core/bot/state.ts';
import { reasonName } from '../../../core/bot/reasons.ts';
import { RecordKind } from '../../../core/events/record.ts';
import type { SignedLots } from '../../../core/money/money.ts';
import { openLots, type Order } from '../../../core/orders/order.ts';
import { Bench, botConfig, BTC, copyOf, placed } from '../../support/bots.ts';
import { seeded } from '../../journal/helpers.ts';

const MID = 600_000;
const MINUTE_MS = 60_000;
const STORIES = 24;
const STEPS = 400;
/** Orders that the stories lead to at least, so that the laws are of something. */
const PLACED_MIN = 900;
const INVENTORY_QUOTE_MAX = 900;
const QUOTING: ReadonlySet<string> = new Set(['quoted', 'inventory_full', 'reducing_only', 'edge_below_minimum', 'spread_floor_above_market', 'order_below_minimum']); // prettier-ignore

const maker = (overrides: Record<string, unknown>): BotConfig =>
  botConfig({
    deadmanS: 600,
    strategy: {
      name: 'epp_v2_4',
      size: {
        levels: 3,
        levelSpacingBps: 2,
        orderQuote: '250',
        inventoryQuoteMax: String(INVENTORY_QUOTE_MAX),
        skewBps: 6,
      },
      spread: {
        minNetEdgeBps: 1,
        atrFactor: 0,
        adverseSelectionBps: 0.5,
        market: 'range',
        standAsideBps: 2,
        recalculateS: 5,
      },
      regime: { shockDriftS: 10, holdTicks: 2 },
      requoteBps: 1,
      requoteMsMin: 100,
    },
    risk: {
      ...botConfig().risk,
      exposureQuoteMax: '1500',
      ordersActiveMax: 6,
      cancelsPerMinuteMax: 600,
      dailyLossQuoteMax: '100000',
      positionDriftPctMax: 100,
      orderRejectsPerMinuteMax: 600,
      protectiveStopEnabled: true,
    },
    ...overrides,
  });

class Chaos extends Bench {
  private readonly random: (below: number) => number;
  private mid = MID;
  private trades = 0;
  /** Orders that it sent so far, and how often that was held against the largest inventory. */
  placedCount = 0;
  boundedCount = 0;

  constructor(config: BotConfig, seed: number) {
    super(config);
    this.random = seeded(seed);
    this.nowMs += 3_600_000;
  }

  override tell(untimed: Parameters<Bench['tell']>[0], afterMs = 0): Effect[] {
    const before = this.state.orders.map((order) => ({ ...order }));
    const effects = super.tell(untimed, afterMs);
    this.checkPlaces(before, effects);
    for (const side of ['buy', 'sell'] as const) this.checkInventory(side, effects);
    return effects;
  }

  begin(): this {
    this.run();
    return this.bars();
  }

  step(): void {
    this.act();
    for (const { clientOrderId, state } of [...this.state.stops])
      if (state === 'placing' && this.random(5) !== 0) this.stopAnswer(clientOrderId, 'yes');
    if (this.state.syncSentAtMs !== 0 && this.random(3) === 0) this.readVenue(this.random(8) !== 0);
  }

  private act(): void {
    const { random } = this;
    switch (random(24)) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4:
      case 5:
      case 6:
      case 7:
        this.mid += random(161) - 80;
        this.book(this.mid, this.mid + 1 + random(10), random(900));
        break;
      case 8:
      case 9:
      case 10:
        this.timer(random(1_500));
        this.clock();
        break;
      case 11:
      case 12:
      case 13:
      case 14:
        for (const { clientOrderId, state } of [...this.state.orders])
          if (state === 'in_flight') this.answer(clientOrderId, random(12) === 0 ? 'unknown' : random(20) === 0 ? 'no' : 'yes'); // prettier-ignore
        break;
      case 15:
      case 16:
        for (const { clientOrderId, cancelSentAtMs } of [...this.state.orders])
          if (cancelSentAtMs !== 0 && random(5) !== 0) this.seen(clientOrderId, 'cancelled');
        break;
      case 17:
        this.fillSome();
        break;
      case 18:
        this.readVenue(false);
        break;
      case 19:
        this.lookUps();
        break;
      case 20:
        this.tell({
          kind: RecordKind.tickerInput,
          markTicks: this.mid,
          fundingRate: (random(41) - 20) / 1e4,
          fundingIntervalMs: 28_800_000,
          fundingAtMs: this.nowMs + 1,
        });
        break;
      case 21:
        this.tell({ kind: RecordKind.controlInput, command: { command: 'ping' } });
        break;
      case 22:
        this.rarely();
        break;
      default:
        this.bars();
    }
  }

  private rarely(): void {
    const { random } = this;
    const by = { operator: 'law', reason: 'law' };
    switch (random(8)) {
      case 0:
        this.nowMs += random(3) * 86_400_000;
        break;
      case 1:
        this.nowMs -= random(120_000);
        break;
      case 2:
        this.restart(this.held(), []);
        break;
      case 3:
        this.tell({ kind: RecordKind.controlInput, command: { command: 'approveRestart', ...by } });
        break;
      case 4: {
        const changes = { 'strategy.size.levels': 1 + random(3), 'strategy.spread.minNetEdgeBps': random(4) };
        this.tell({ kind: RecordKind.controlInput, command: { command: 'setParameters', ...by, changes } });
        break;
      }
      case 5:
        this.tell({ kind: RecordKind.connectorInput, channel: 'orders', status: 'down', reason: '' });
        this.tell({ kind: RecordKind.connectorInput, channel: 'orders', status: 'up', reason: '' }, random(2_000));
        break;
      case 6: {
        const thin = this.frame(this.mid, this.mid + 1 + random(4_000));
        thin.bidCount = random(6);
        thin.askCount = random(6);
        this.tell({ kind: RecordKind.bookInput, book: thin }, random(500));
        break;
      }
      default:
        this.mid += random(9_001) - 4_500;
    }
  }

  private fillSome(): void {
    const { random } = this;
    const { orders } = this.state;
    const order = orders[random(Math.max(1, orders.length))];
    if (order === undefined || (openLots(order) === 0 && random(10) !== 0)) return;
    const lots = random(15) === 0 ? order.qty + 1 : 1 + random(order.qty);
    if (random(6) !== 0) this.trades += 1;
    const { clientOrderId, side, price, leg } = order;
    this.fill(clientOrderId, side, price, lots, `t${this.trades}`, leg);
  }

  private lookUps(): void {
    for (const { clientOrderId, state, fillsSeen } of [...this.state.orders]) {
      if (state !== 'unknown' && state !== 'closed') continue;
      if (this.random(3) === 0) this.tell({ kind: RecordKind.orderInput, clientOrderId, news: { news: 'notFound' } });
      else this.seen(clientOrderId, this.random(2) === 0 ? 'open' : 'cancelled', fillsSeen);
    }
  }

  private readVenue(isTrue: boolean): void {
    const legs = this.held().map((leg) =>
      !isTrue && this.random(3) === 0 ? { ...leg, qty: (leg.qty + 1) as SignedLots } : leg,
    );
    const openOrders = this.state.orders
      .filter(({ state }) => state === 'open' || state === 'unknown')
      .map((order: Order) => ({ clientOrderId: order.clientOrderId, filled: order.venueFilled, order }));
    const stops = this.state.stops.map(({ clientOrderId, leg, direction, triggerPrice }) => ({ clientOrderId, leg, direction, triggerPrice })); // prettier-ignore
    this.sync({ legs, stops, openOrders, marginRatio: this.random(30) / 100 });
  }

  private held(): SyncInput['positions'] {
    return LEGS.map((leg) => ({ leg, qty: this.state.holdings[leg].qty, entryPrice: '60000' })).filter(({ qty }) => qty !== 0); // prettier-ignore
  }

  private bars(): this {
    const first = this.nowMs - (this.nowMs % MINUTE_MS) - 40 * MINUTE_MS;
    const at = Math.max(1_000, this.mid);
    const bars = Array.from({ length: 40 }, (_, index) => ({
      openAtMs: first + index * MINUTE_MS,
      open: at,
      high: at * 1.0005,
      low: at * 0.9995,
      close: at,
    }));
    this.tell({ kind: RecordKind.barsInput, bars });
    return this;
  }

  /** A level has one order that may still execute, and all of a side together stay under the cap. */
  private checkPlaces(before: readonly Order[], effects: readonly Effect[]): void {
    const { state } = this;
    for (const { clientOrderId, side, qty, price, leg } of placed(effects)) {
      this.placedCount += 1;
      const order = state.orders.find((each) => each.clientOrderId === clientOrderId);
      if (order === undefined) throw new Error('an order that was placed is not known');
      const alive = state.orders.filter((each) => each.side === side && each.level === order.level && !each.foreign);
      expect(alive).toEqual([order]);
      expect(before.some((each) => each.side === side && each.level === order.level && !each.foreign && state.orders.includes(each))).toBe(false); // prettier-ignore
      expect([qty > 0, price > 0, Number.isSafeInteger(qty), Number.isSafeInteger(price)]).toEqual([true, true, true, true]); // prettier-ignore
      expect(leg === 'net').toBe(this.config.positionMode === 'one_way');
      const sign = side === 'buy' ? 1 : -1;
      const open = state.orders.filter((each) => each.side === side).reduce((lots, each) => lots + openLots(each), 0);
      const exposure = (netLots(state.holdings) * sign + open) * state.book.bidTicks[0]! * BTC.quotePerTickLot;
      expect(exposure).toBeLessThanOrEqual(1_501);
    }
  }

  /** If all of a side fills the inventory is full and no more; what would be beyond it, as the price or the position moved, leaves at once. */
  private checkInventory(side: 'buy' | 'sell', effects: readonly Effect[]): void {
    const { orders, holdings, book, reason } = this.state;
    if (!QUOTING.has(reasonName(reason))) return;
    const midTicks = (book.bidTicks[0]! + book.askTicks[0]!) / 2;
    const lotsMax = Math.floor(INVENTORY_QUOTE_MAX / (midTicks * BTC.quotePerTickLot));
    const room = lotsMax - netLots(holdings) * (side === 'buy' ? 1 : -1);
    const own = orders.filter((order) => order.side === side && !order.foreign);
    if (placed(effects).some((intent) => intent.side === side)) {
      this.boundedCount += 1;
      expect(own.reduce((lots, order) => lots + openLots(order), 0)).toBeLessThanOrEqual(room);
    }
    const staying = own.filter(({ state, cancelSentAtMs, cancelRetryAtMs }) => state === 'open' && cancelSentAtMs === 0 && cancelRetryAtMs <= this.nowMs); // prettier-ignore
    if (staying.length > 0) expect(staying.reduce((lots, order) => lots + openLots(order), 0)).toBeLessThanOrEqual(room); // prettier-ignore
  }
}

function numbersIn(value: unknown, path: string, found: string[]): string[] {
  if (typeof value === 'number' && !Number.isFinite(value)) found.push(path);
  else if (typeof value === 'object' && value !== null)
    for (const [key, item] of Object.entries(value)) numbersIn(item, `${path}.${key}`, found);
  return found;
}

test.each([
  ['one way', {}],
  ['hedge, closing first', { positionMode: 'hedge' }],
  ['hedge, legs kept at half', { positionMode: 'hedge', hedgeInventoryRatio: 0.5 }],
])(
  '%s: nothing throws, no level has two orders, no number is none, and a replay is equal from anywhere',
  (_name, mode) => {
    const config = maker(mode);
    let placedCount = 0;
    let boundedCount = 0;
    for (let seed = 1; seed <= STORIES; seed += 1) {
      const chaos = new Chaos(config, seed).begin();
      const cut = 20 + ((seed * 37) % (STEPS - 40));
      let snapshot = copyOf(chaos.state);
      let toldBefore = 0;
      for (let step = 0; step < STEPS; step += 1) {
        try {
          chaos.step();
        } catch (error) {
          throw new Error(`seed ${seed}, step ${step}: ${error instanceof Error ? error.message : String(error)}`, { cause: error }); // prettier-ignore
        }
        if (step === cut) {
          snapshot = copyOf(chaos.state);
          toldBefore = chaos.told.length;
        }
      }
      expect([seed, numbersIn(chaos.state, 'state', [])]).toEqual([seed, []]);
      const replayed = new BotMachine(config, BTC, snapshot);
      const effects = new Effects();
      for (const input of chaos.told.slice(toldBefore)) replayed.step(input, effects);
      expect([seed, encodeState(replayed.state) === encodeState(chaos.state)]).toEqual([seed, true]);
      placedCount += chaos.placedCount;
      boundedCount += chaos.boundedCount;
    }
    expect(placedCount).toBeGreaterThan(PLACED_MIN);
    expect(boundedCount).toBeGreaterThan(PLACED_MIN / 2);
  },
);
