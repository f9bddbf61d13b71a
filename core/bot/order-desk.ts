/**
 * Order management, the same for every strategy: the difference between what should rest and what does. Cancel before
 * place: each level of a side has at most one order of ours alive, and its successor leaves only when nothing of it can
 * execute any more.
 */
import { chooseLeg, closableLots, netLots } from '../accounting/holdings.ts';
import type { Leg, PositionMode } from '../accounting/legs.ts';
import { formatPrice, formatQty, type Instrument } from '../market/instrument.ts';
import type { PriceTicks, QtyLots } from '../money/money.ts';
import { clientOrderId } from '../orders/client-order-id.ts';
import type { OrderIntent, Side } from '../orders/order-intent.ts';
import {
  ACK_TIMEOUT_MS,
  applyOrderNews,
  createOrder,
  isSettled,
  isStopping,
  NOT_FOUND_CONFIRM_MS,
  openLots,
  type Order,
  type OrderNews,
} from '../orders/order.ts';
import { RecordKind } from '../events/record.ts';
import { decide, type CompiledLimits, type Denial } from '../risk/decision.ts';
import type { RiskPolicy } from '../risk/policy.ts';
import {
  QUOTE_LEVELS_MAX,
  type DesiredQuotes,
  type Strategy,
  type StrategyView,
  type TellSignal,
} from '../strategies/strategy.ts';
import type { RiskLimits } from './bot-config.ts';
import type { Effects } from './effects.ts';
import { recordDenial, recordIntent } from './intents.ts';
import type { BotState } from './state.ts';

/** A quote not sent within this time of its decision is not sent any more. */
export const INTENT_LIFETIME_MS = 2_000;
/** A cancel without news for this long is tried again, after a look at the order. */
const CANCEL_TIMEOUT_MS = 5_000;
const LOOKUP_TIMEOUT_MS = 10_000;
/** A closed order whose fills have not come for this long makes the bot read them. */
export const FILLS_LATE_MS = 10_000;
const MINUTE_MS = 60_000;

export interface OrderDesk {
  readonly bot: string;
  readonly instrument: Instrument;
  readonly limits: CompiledLimits;
  readonly risk: RiskLimits;
  readonly policy: RiskPolicy;
  readonly strategy: Strategy;
  /** What the strategy looks at, as of this input. */
  readonly view: StrategyView;
  readonly tell: TellSignal;
  readonly tag: string;
  readonly positionMode: PositionMode;
  readonly hedgeInventoryRatio: number;
  readonly isStopEnabled: boolean;
  readonly stopLossRatio: number;
  readonly fillDeviationBpsMax: number;
  /** `tradeIds` of the state, to look one up. */
  readonly tradesKnown: Set<string>;
}

export function recordOrder(order: Order, code: string | null, desk: OrderDesk, effects: Effects): void {
  effects.push({
    effect: 'record',
    kind: RecordKind.orderEvent,
    event: {
      type: 'order',
      clientOrderId: order.clientOrderId,
      symbol: desk.instrument.symbol,
      side: order.side,
      price: formatPrice(order.price, desk.instrument),
      qty: formatQty(order.qty, desk.instrument),
      filled: formatQty(order.venueFilled, desk.instrument),
      state: order.state,
      closeReason: order.closeReason,
      code,
      external: order.foreign,
    },
  });
}

/** Folds news of one order, records a change, and forgets the order once it is settled. */
export function tellOrder(
  state: BotState,
  order: Order,
  news: OrderNews,
  atMs: number,
  desk: OrderDesk,
  effects: Effects,
  code: string | null = null,
): void {
  if (applyOrderNews(order, news, atMs)) recordOrder(order, code, desk, effects);
  if (!isSettled(order)) return;
  state.orders.splice(state.orders.indexOf(order), 1);
  // One that only seems never to have arrived is known by such a list.
  if (state.syncSentAtMs !== 0 && order.closeReason !== 'never_arrived')
    (state.ordersEndedInRead ??= []).push(order.clientOrderId);
}

export function findOrder(state: BotState, id: string): Order | undefined {
  for (const order of state.orders) if (order.clientOrderId === id) return order;
  return undefined;
}

export function cancelOrder(state: BotState, order: Order, reason: string, atMs: number, effects: Effects): void {
  if (order.cancelSentAtMs !== 0 || order.state === 'closed' || atMs < order.cancelRetryAtMs) return;
  order.cancelSentAtMs = atMs;
  state.cancelsAtMs.push(atMs);
  recordIntent({ type: 'cancel', clientOrderId: order.clientOrderId, reason }, atMs, effects);
  effects.push({ effect: 'cancel', clientOrderId: order.clientOrderId });
}

/** Cancels all that this bot placed; orders of others on the account are left to their owner. */
export function cancelOwn(state: BotState, reason: string, atMs: number, effects: Effects): void {
  for (const order of state.orders) {
    // An order in flight has no life at the venue yet that a cancel could end: its acknowledgement triggers the cancel.
    if (!order.foreign && order.state !== 'in_flight') cancelOrder(state, order, reason, atMs, effects);
  }
}

/** Alive, or closed with a fill that has not come yet. */
export function hasOwnOrders(state: BotState): boolean {
  for (const order of state.orders) if (!order.foreign) return true;
  return false;
}

/** Forgets cancels older than a minute and counts the rest. */
export function countCancels(state: BotState, atMs: number): number {
  const times = state.cancelsAtMs;
  let old = 0;
  while ((times[old] ?? Infinity) <= atMs - MINUTE_MS) old += 1;
  times.splice(0, old);
  return times.length;
}

/** Timers of the order life cycle: overdue answers, look-ups, fills that have not come. True asks for a sync. */
export function chaseOrders(state: BotState, atMs: number, desk: OrderDesk, effects: Effects): boolean {
  let wantsSync = false;
  for (const order of [...state.orders]) {
    if (order.state === 'in_flight' && atMs - order.sentAtMs >= ACK_TIMEOUT_MS) {
      tellOrder(state, order, { news: 'unknown' }, atMs, desk, effects);
    }
    if (order.cancelSentAtMs !== 0 && atMs - order.cancelSentAtMs >= CANCEL_TIMEOUT_MS) {
      order.cancelSentAtMs = 0;
      order.state = 'unknown';
      recordOrder(order, null, desk, effects);
    }
    if (atMs - order.lookupSentAtMs >= LOOKUP_TIMEOUT_MS) order.lookupSentAtMs = 0;
    const waits = atMs - order.notFoundAtMs < NOT_FOUND_CONFIRM_MS;
    if (order.state === 'unknown' && !waits) lookUp(order, atMs, effects);
    if (order.state === 'closed' && atMs - order.closedAtMs >= FILLS_LATE_MS) wantsSync = true;
  }
  return wantsSync;
}

export function lookUp(order: Order, atMs: number, effects: Effects): void {
  if (order.lookupSentAtMs !== 0) return;
  order.lookupSentAtMs = atMs;
  effects.push({ effect: 'lookup', clientOrderId: order.clientOrderId });
}

/** Brings the resting orders of both sides towards `desired`. */
export function manageQuotes(
  state: BotState,
  desired: DesiredQuotes,
  atMs: number,
  desk: OrderDesk,
  effects: Effects,
): void {
  const tolerance = desk.strategy.requoteTicks(desk.view.midTicks);
  manageSide(state, 'buy', desired, tolerance, atMs, desk, effects);
  manageSide(state, 'sell', desired, tolerance, atMs, desk, effects);
}

function manageSide(
  state: BotState,
  side: Side,
  desired: DesiredQuotes,
  tolerance: number,
  atMs: number,
  desk: OrderDesk,
  effects: Effects,
): void {
  const isBuy = side === 'buy';
  const ticks = isBuy ? desired.bidTicks : desired.askTicks;
  const lots = isBuy ? desired.bidLots : desired.askLots;
  const isStale = desired.stale === 'both' || desired.stale === (isBuy ? 'bids' : 'asks');
  const { isReducing } = desk.view;
  let room = isBuy ? desired.bidRoomLots : desired.askRoomLots;
  // Whatever the strategy makes of it: nothing is opened while only reducing is allowed.
  if (isReducing) room = Math.min(room, closableLots(state.holdings, side));
  const replacedAtMs = isBuy ? state.bidReplacedAtMs : state.askReplacedAtMs;
  const { requoteMsMin } = desk.strategy;
  // Bit n: level n has an order of ours that may still execute.
  let busyLevels = 0;
  let aliveLots = 0;
  let isLeaving = false;
  const decided = effects.list.length;
  for (const order of state.orders) {
    if (order.side !== side || order.foreign) continue;
    const { level } = order;
    const isSecond = (busyLevels & (1 << level)) !== 0;
    busyLevels |= 1 << level;
    const open = openLots(order);
    aliveLots += open;
    if (open === 0 || isStopping(order)) isLeaving = true;
    if (isStale) order.isStale = true;
    if (order.state !== 'open') continue;
    const wantedLots = lots[level] ?? 0;
    const wantedTicks = ticks[level] ?? 0;
    // A quote too close to the market leaves at once, one too far from it when its time has come.
    const closer = isBuy ? order.price - wantedTicks : wantedTicks - order.price;
    const isDue = atMs - (replacedAtMs[level] ?? 0) >= requoteMsMin;
    if (wantedLots === 0 || isSecond) cancelOrder(state, order, 'not_wanted', atMs, effects);
    else if (order.isStale === true) cancelOrder(state, order, 'regime_flip', atMs, effects);
    else if ((desired.isReducing && open > wantedLots) || (isReducing && opensLeg(order)))
      cancelOrder(state, order, 'reducing_only', atMs, effects);
    else if (closer > tolerance || (closer < -tolerance && isDue)) cancelOrder(state, order, 'requote', atMs, effects);
  }
  // Most books: every order stays and has its room, and none is missing.
  const areAllKept = !isLeaving && effects.list.length === decided && aliveLots <= room;
  if (areAllKept && !isOneMissing(lots, busyLevels)) return;
  let left = room;
  for (let level = 0; level < QUOTE_LEVELS_MAX; level += 1) {
    const isBusy = (busyLevels & (1 << level)) !== 0;
    const restingLots = isBusy ? keepWithin(state, side, level, left, atMs, effects) : 0;
    const wantedLots = Math.min(lots[level] as number, Math.max(0, left));
    left -= restingLots === 0 ? wantedLots : restingLots;
    if (wantedLots === 0 || isBusy || atMs - (replacedAtMs[level] ?? 0) < requoteMsMin) continue;
    // What leaves for it may still fill: it waits until that is gone.
    if (aliveLots + wantedLots > room) continue;
    const price = ticks[level] as PriceTicks;
    if (wantedLots < (lots[level] as number) && wantedLots < lotsAtLeast(price, desk.instrument)) continue;
    aliveLots += placeQuote(state, side, level, price, wantedLots as QtyLots, atMs, desk, effects);
  }
}

/** Whether a level has lots that are wanted and no order. */
function isOneMissing(lots: Float64Array, busyLevels: number): boolean {
  for (let level = 0; level < QUOTE_LEVELS_MAX; level += 1) {
    if (lots[level] !== 0 && (busyLevels & (1 << level)) === 0) return true;
  }
  return false;
}

/** Cancels what rests on a level with more than `left` lots; answers with the lots that stay. */
function keepWithin(state: BotState, side: Side, level: number, left: number, atMs: number, effects: Effects): number {
  let kept = 0;
  for (const order of state.orders) {
    if (order.side !== side || order.level !== level || order.foreign || isStopping(order)) continue;
    if (order.state === 'open' && kept + openLots(order) > left)
      cancelOrder(state, order, 'inventory_full', atMs, effects);
    if (!isStopping(order)) kept += openLots(order);
  }
  return kept;
}

/** In hedge mode an order is of one leg, and closes it or opens it; in one-way mode what it does depends on what is held. */
function opensLeg({ leg, reduceOnly }: Order): boolean {
  return leg !== 'net' && !reduceOnly;
}

/** Sends what risk approves of it; answers with the lots that left. */
function placeQuote(
  state: BotState,
  side: Side,
  level: number,
  price: PriceTicks,
  wantedQty: QtyLots,
  atMs: number,
  desk: OrderDesk,
  effects: Effects,
): number {
  const { positionMode, instrument } = desk;
  const { isReducing, midTicks } = desk.view;
  const qtyMin = lotsAtLeast(price, instrument);
  const closing: Leg = side === 'buy' ? 'short' : 'long';
  let closingLots = 0;
  for (const order of state.orders) if (order.leg === closing && order.reduceOnly) closingLots += openLots(order);
  const ratio = isReducing ? 0 : desk.hedgeInventoryRatio;
  const choice = chooseLeg(state.holdings, positionMode, side, wantedQty, ratio, qtyMin, closingLots);
  const { leg, qty } = choice;
  const reduceOnly = leg === 'net' ? isReducing : choice.reduceOnly;
  // Nothing to close is left, and a new leg may not be opened.
  if (isReducing && !reduceOnly) return 0;
  const intent: OrderIntent = {
    clientOrderId: clientOrderId(desk.tag, state.epoch, state.intentNumber + 1),
    symbol: instrument.symbol,
    side,
    price,
    qty,
    kind: 'post_only',
    reduceOnly,
    leg,
    expiresAtMs: atMs + INTENT_LIFETIME_MS,
  };
  let openBuyLots = 0;
  let openSellLots = 0;
  let ordersActive = 0;
  let legLots = leg === 'net' ? 0 : Math.abs(state.holdings[leg].qty);
  for (const order of state.orders) {
    if (order.side === 'buy') openBuyLots += openLots(order);
    else openSellLots += openLots(order);
    if (leg !== 'net' && order.leg === leg && !order.reduceOnly) legLots += openLots(order);
    if (order.state !== 'closed' && !isStopping(order)) ordersActive += 1;
  }
  const positionLots = netLots(state.holdings);
  const facts = { atMs, midTicks, positionLots, openBuyLots, openSellLots, ordersActive, legLots };
  const decision = decide(intent, facts, desk.limits, desk.instrument);
  if (!decision.approved) {
    tellDenial(state, intent, level, decision.denial, effects);
    return 0;
  }
  (side === 'buy' ? state.bidReplacedAtMs : state.askReplacedAtMs)[level] = atMs;
  (side === 'buy' ? state.bidDenials : state.askDenials)[level] = null;
  state.intentNumber += 1;
  state.orders.push(createOrder(decision.intent, atMs, level));
  const { clientOrderId: id, symbol, kind, expiresAtMs } = intent;
  const amounts = { price: formatPrice(price, instrument), qty: formatQty(qty, instrument) };
  recordIntent({ type: 'place', clientOrderId: id, symbol, side, ...amounts, kind, reduceOnly, expiresAtMs }, atMs, effects); // prettier-ignore
  effects.push({ effect: 'place', intent: decision.intent });
  return qty;
}

/** The smallest order that the venue takes at `price`. */
function lotsAtLeast(price: PriceTicks, { qtyMinLots, notionalMinE12, quotePerTickLot }: Instrument): QtyLots {
  return Math.max(qtyMinLots, Math.ceil(Number(notionalMinE12) / 1e12 / (price * quotePerTickLot))) as QtyLots;
}

/** One event for each change of code on a level: the same answer ten times a second is one fact. */
function tellDenial(state: BotState, intent: OrderIntent, level: number, denial: Denial, effects: Effects): void {
  const told = intent.side === 'buy' ? state.bidDenials : state.askDenials;
  if (told[level] === denial.code) return;
  told[level] = denial.code;
  recordDenial({ type: 'denied', clientOrderId: intent.clientOrderId, side: intent.side, ...denial }, effects);
}
