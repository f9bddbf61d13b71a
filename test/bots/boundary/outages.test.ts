/**
 * Outages of one second to six hours in virtual time: the machine alone, told what a venue would say that goes on without
 * it. While nothing can be asked, everything that was accepted counts in full and nothing new leaves; afterwards the bot
 * holds what the venue holds.
 */
import { expect, test } from '@jest/globals';
import type { Effect } from '../../../core/bot/effects.ts';
import type { FillFact } from '../../../core/bot/input.ts';
import { RecordKind } from '../../../core/events/record.ts';
import type { QtyLots, QuoteAmount } from '../../../core/money/money.ts';
import { openLots } from '../../../core/orders/order.ts';
import type { ApprovedIntent } from '../../../core/risk/decision.ts';
import { Bench } from '../../support/bots.ts';
import { tellProof, trials } from '../../support/trials.ts';

const OUTAGES = trials({ ci: 40, long: 1_000 });
const OUTAGE_MS_MAX = 6 * 3_600_000;
const SETTLE_S = 90;

/** Small, fast and the same for the same seed (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

interface VenueOrder {
  readonly intent: ApprovedIntent;
  filled: number;
  status: 'open' | 'filled' | 'cancelled';
}

/** What the exchange knows, and whether anybody can ask it. */
class ScriptedVenue {
  readonly orders = new Map<string, VenueOrder>();
  readonly fills: FillFact[] = [];
  position = 0;
  isAway = false;
  failedCalls = 0;
  private readonly bench: Bench;

  constructor(bench: Bench) {
    this.bench = bench;
  }

  accept(intent: ApprovedIntent): void {
    expect(this.orders.has(intent.clientOrderId)).toBe(false);
    this.orders.set(intent.clientOrderId, { intent, filled: 0, status: 'open' });
  }

  fill(order: VenueOrder, lots: number): void {
    const { clientOrderId, side, price } = order.intent;
    order.filled += lots;
    if (order.filled === order.intent.qty) order.status = 'filled';
    this.position += side === 'buy' ? lots : -lots;
    this.fills.push({
      tradeId: `t${this.fills.length + 1}`,
      clientOrderId,
      side,
      leg: 'net',
      price,
      qty: lots as QtyLots,
      fee: 0n as QuoteAmount,
      liquidity: 'maker',
      venueAtMs: this.bench.nowMs,
    });
  }

  /** Carries out what the machine asks for, as the edge does, until it asks for nothing more. */
  answer(effects: readonly Effect[]): void {
    const waiting = [...effects];
    for (let effect = waiting.shift(); effect !== undefined; effect = waiting.shift()) {
      waiting.push(...this.carryOut(effect));
    }
  }

  private carryOut(effect: Effect): Effect[] {
    const { bench, isAway } = this;
    const news = (clientOrderId: string, told: object): Effect[] =>
      bench.tell({ kind: RecordKind.orderInput, clientOrderId, news: told as { news: 'lookupFailed' } });
    switch (effect.effect) {
      case 'place':
        // Nothing may leave while the venue cannot be reached; a caller that lets it happen places it itself.
        throw new Error(`an order left: ${effect.intent.clientOrderId}`);
      case 'lookup': {
        if (isAway) {
          this.failedCalls += 1;
          return news(effect.clientOrderId, { news: 'lookupFailed' });
        }
        const order = this.orders.get(effect.clientOrderId);
        if (order === undefined) return news(effect.clientOrderId, { news: 'notFound' });
        return news(effect.clientOrderId, seen(order));
      }
      case 'cancel': {
        if (isAway) {
          this.failedCalls += 1;
          return news(effect.clientOrderId, { news: 'cancelAnswered', answer: 'unknown' });
        }
        const order = this.orders.get(effect.clientOrderId);
        if (order?.status !== 'open') return news(effect.clientOrderId, { news: 'cancelAnswered', answer: 'gone' });
        order.status = 'cancelled';
        return [
          ...news(effect.clientOrderId, { news: 'cancelAnswered', answer: 'yes' }),
          ...news(effect.clientOrderId, seen(order)),
        ];
      }
      case 'sync':
        if (!isAway) return this.sync();
        this.failedCalls += 1;
        return bench.tell({ kind: RecordKind.connectorInput, channel: 'sync', status: 'down', reason: 'ENOTFOUND' });
      case 'measureClock':
        return isAway ? [] : bench.clock();
      default:
        return [];
    }
  }

  private sync(): Effect[] {
    const open = [...this.orders.values()].filter(({ status }) => status === 'open');
    return this.bench.sync({
      position: this.position,
      entryPrice: this.position === 0 ? null : '60000',
      fills: this.fills,
      openOrders: open.map(({ intent, filled }) => ({
        clientOrderId: intent.clientOrderId,
        filled: filled as QtyLots,
        order: asSeen(intent),
      })),
    });
  }
}

function asSeen({ side, price, qty, reduceOnly, leg }: ApprovedIntent) {
  return { side, price, qty, reduceOnly, leg };
}

function seen({ intent, filled, status }: VenueOrder) {
  return { news: 'seen', status, filled: filled as QtyLots, order: asSeen(intent) };
}

/** Both quotes decided; `answers` says what became of each place call. */
function twoQuotes(bench: Bench): ApprovedIntent[] {
  const effects = bench.book(600_000, 600_001);
  return effects.flatMap((effect) => (effect.effect === 'place' ? [effect.intent] : []));
}

function channels(bench: Bench, status: 'up' | 'down'): Effect[] {
  return (['book', 'orders'] as const).flatMap((channel) =>
    bench.tell({ kind: RecordKind.connectorInput, channel, status, reason: '' }),
  );
}

function ping(bench: Bench): void {
  bench.tell({ kind: RecordKind.controlInput, command: { command: 'ping' } });
}

interface Outage {
  readonly venue: ScriptedVenue;
  readonly bench: Bench;
  readonly ids: readonly string[];
}

/** `lostMs` after the orders arrived; `during` is called each second. */
function playOutage(
  lostMs: number,
  accepts: readonly boolean[],
  during: (outage: Outage, leftMs: number) => void,
): Outage {
  const bench = new Bench().run();
  const venue = new ScriptedVenue(bench);
  const intents = twoQuotes(bench);
  expect(intents).toHaveLength(2);
  intents.forEach((intent, index) => {
    if (accepts[index]) venue.accept(intent);
  });
  const outage = { venue, bench, ids: intents.map(({ clientOrderId }) => clientOrderId) };
  venue.isAway = true;
  venue.answer(channels(bench, 'down'));
  // The calls under way end without an answer.
  for (const id of outage.ids) venue.answer(bench.answer(id, 'unknown'));
  for (let leftMs = lostMs; leftMs > 0; leftMs -= 1_000) {
    ping(bench);
    venue.answer(bench.timer(Math.min(1_000, leftMs)));
    during(outage, leftMs);
    // Plain comparisons: this runs 21,600 times in six hours.
    const { orders } = bench.state;
    const isWhole = outage.ids.every(
      (id, index) => orders[index]?.clientOrderId === id && openLots(orders[index]) === orders[index].qty,
    );
    if (!isWhole || orders.length !== outage.ids.length) throw new Error(`not in full: ${JSON.stringify(orders)}`);
  }
  const pause = { command: 'pause', operator: 'ann', reason: 'judged' } as const;
  venue.answer(bench.tell({ kind: RecordKind.controlInput, command: pause }));
  venue.isAway = false;
  venue.answer(channels(bench, 'up'));
  for (let second = 0; second < SETTLE_S; second += 1) {
    ping(bench);
    venue.answer(bench.timer());
  }
  return outage;
}

function expectAccountedFor({ bench, venue, ids }: Outage): void {
  const { state } = bench;
  expect(state.holdings.net.qty).toBe(venue.position);
  expect(state.fills).toBe(venue.fills.length);
  expect(state.orders).toEqual([]);
  expect([...venue.orders.values()].filter(({ status }) => status === 'open')).toEqual([]);
  // A new intent is a new id: none was sent beside these.
  expect([...venue.orders.keys()].every((id) => ids.includes(id))).toBe(true);
}

test('hummingbot#8457 in full: 1,280 failed calls in bursts over six hours, and both orders filled meanwhile', () => {
  const outage = playOutage(OUTAGE_MS_MAX, [true, true], ({ venue }, leftMs) => {
    const open = [...venue.orders.values()].find(({ status }) => status === 'open');
    if (open !== undefined && leftMs % 3_600_000 === 0) venue.fill(open, open.intent.qty);
  });
  expect(outage.venue.failedCalls).toBeGreaterThan(1_280);
  expect(outage.venue.fills).toHaveLength(2);
  expectAccountedFor(outage);
});

test('hummingbot#3374 in full: filled in parts over hours in which no cancel gets through', () => {
  const outage = playOutage(2 * 3_600_000, [true, true], ({ venue }, leftMs) => {
    const [buy] = venue.orders.values();
    if (leftMs % 1_800_000 === 0 && buy!.status === 'open') venue.fill(buy!, 1);
  });
  expect(outage.venue.fills.length).toBeGreaterThan(1);
  expectAccountedFor(outage);
});

test(`${OUTAGES} outages of 1 s to 6 h: each order accepted or lost, filled in any part at any time during it`, () => {
  let filled = 0;
  let lost = 0;
  for (let seed = 1; seed <= OUTAGES; seed += 1) {
    const random = randomOf(seed);
    // As many short ones as long ones.
    const lostMs = Math.ceil(1_000 * (OUTAGE_MS_MAX / 1_000) ** random());
    const accepts = [random() < 0.8, random() < 0.8];
    const rate = (4 / lostMs) * 1_000;
    try {
      const outage = playOutage(lostMs, accepts, ({ venue }) => {
        for (const order of venue.orders.values()) {
          if (order.status !== 'open' || random() >= rate) continue;
          if (random() < 0.1) order.status = 'cancelled';
          else venue.fill(order, Math.ceil(random() * (order.intent.qty - order.filled)));
        }
      });
      expectAccountedFor(outage);
      filled += outage.venue.fills.length;
      lost += 2 - outage.venue.orders.size;
    } catch (error) {
      throw new Error(`seed ${seed}, ${lostMs} ms: ${(error as Error).message}`, { cause: error });
    }
  }
  tellProof({
    promise: 'P11',
    proof: 'outages of 1 s to 6 h, virtual',
    trials: OUTAGES,
    failures: 0,
    found: { filled, lost },
  });
  expect(filled).toBeGreaterThan(OUTAGES / 2);
  expect(lost).toBeGreaterThan(OUTAGES / 10);
}, 900_000);
