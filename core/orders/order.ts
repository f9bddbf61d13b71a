/**
 * The life of one order as the bot knows it. News of one order comes in any sequence (a fill before its acknowledgement,
 * a fill after its cancel): every arrival has one defined outcome.
 *
 *   in_flight --yes/seen open--> open --filled/cancelled--> closed
 *   in_flight --no-------------> closed (rejected)
 *   in_flight --unknown/30 s---> unknown --found--> open | closed
 *                                unknown --not found, and too late to arrive--> closed (never arrived)
 *
 * Only fills move the position; a closed order whose fills have not all arrived is kept until they have.
 */
import type { Leg } from '../accounting/legs.ts';
import { assertNever } from '../invariant.ts';
import type { PriceTicks, QtyLots } from '../money/money.ts';
import type { OrderIntent, Side } from './order-intent.ts';

/** Without an answer for this long an order counts as unknown and is looked up. */
export const ACK_TIMEOUT_MS = 30_000;
/** Between two look-ups of an order that the venue does not know; it must say so twice. */
export const NOT_FOUND_CONFIRM_MS = 5_000;
/**
 * Until then an order may still arrive, however often it was not found: its intent may be signed for 2 s, the venue takes a
 * signature for 30 s, clocks may differ by 5 s before nothing new is risked, and a request is under way for some time.
 */
export const ARRIVAL_MS_MAX = 40_000;
/** A cancel that ended nothing is sent again no sooner: a venue that is down answers at once. */
const CANCEL_RETRY_MS = 1_000;

export type OrderState = 'in_flight' | 'open' | 'unknown' | 'closed';
export type CloseReason = 'filled' | 'cancelled' | 'rejected' | 'never_arrived';

export interface Order {
  readonly clientOrderId: string;
  readonly side: Side;
  readonly price: PriceTicks;
  readonly qty: QtyLots;
  readonly reduceOnly: boolean;
  readonly leg: Leg;
  /** Which of the side's quotes it is, 0 nearest to the market. */
  readonly level: number;
  /** Found at the venue instead of sent by this run of the machine: what it filled before may never arrive as a fill. */
  readonly adopted: boolean;
  /** Not placed by this bot at all; it counts as exposure and is reported, but never managed. */
  readonly foreign: boolean;
  sentAtMs: number;
  state: OrderState;
  closeReason: CloseReason | null;
  /** Executed as the venue's order messages say. */
  venueFilled: QtyLots;
  /** Executed as the fills received add up to. */
  fillsSeen: QtyLots;
  /** When the running cancel was sent; 0 when none runs. */
  cancelSentAtMs: number;
  /** No further cancel before this. */
  cancelRetryAtMs: number;
  /** When the running look-up was asked for; 0 when none runs. */
  lookupSentAtMs: number;
  /** When the venue last said "no such order"; 0 before. */
  notFoundAtMs: number;
  /** When its end became known; 0 before. */
  closedAtMs: number;
  /** It was sent under another view of the market and is to leave, also when no cancel can reach it yet. */
  isStale: true | undefined;
}

export type OrderNews =
  | { news: 'acknowledged' }
  | { news: 'refused' }
  | { news: 'unknown' }
  | { news: 'seen'; status: 'open' | 'filled' | 'cancelled' | 'rejected'; filled: QtyLots }
  | { news: 'fill'; qty: QtyLots }
  | { news: 'cancelAnswered'; answer: 'yes' | 'gone' | 'no' | 'unknown' }
  | { news: 'notFound' };

export function createOrder(intent: OrderIntent, sentAtMs: number, level = 0): Order {
  return {
    clientOrderId: intent.clientOrderId,
    side: intent.side,
    price: intent.price,
    qty: intent.qty,
    reduceOnly: intent.reduceOnly,
    leg: intent.leg,
    level,
    adopted: false,
    foreign: false,
    sentAtMs,
    state: 'in_flight',
    closeReason: null,
    venueFilled: 0 as QtyLots,
    fillsSeen: 0 as QtyLots,
    cancelSentAtMs: 0,
    cancelRetryAtMs: 0,
    lookupSentAtMs: 0,
    notFoundAtMs: 0,
    closedAtMs: 0,
    isStale: undefined,
  };
}

function close(order: Order, reason: CloseReason, atMs: number): void {
  // The first reason stands, unless the venue now proves that a presumed end was not the end.
  if (order.state !== 'closed' || order.closeReason === 'never_arrived') order.closeReason = reason;
  if (order.state !== 'closed') order.closedAtMs = atMs;
  order.state = 'closed';
  order.cancelSentAtMs = 0;
  order.lookupSentAtMs = 0;
}

/** An order seen at the venue that the bot does not know: what it has filled so far counts as seen. */
export function adoptOrder(
  seen: {
    clientOrderId: string;
    side: Side;
    price: PriceTicks;
    qty: QtyLots;
    reduceOnly: boolean;
    leg: Leg;
    filled: QtyLots;
  },
  isForeign: boolean,
  atMs: number,
  level: number,
): Order {
  return {
    ...createOrder({ ...seen, symbol: '', kind: 'limit', expiresAtMs: 0 }, atMs, level),
    adopted: true,
    foreign: isForeign,
    state: 'open',
    venueFilled: seen.filled,
    fillsSeen: seen.filled,
  };
}

/** Folds one piece of news; true when state, fills or reason changed. */
export function applyOrderNews(order: Order, news: OrderNews, atMs: number): boolean {
  const { state, closeReason, venueFilled, fillsSeen, cancelSentAtMs } = order;
  switch (news.news) {
    case 'acknowledged':
      if (order.state === 'in_flight' || order.state === 'unknown') order.state = 'open';
      order.lookupSentAtMs = 0;
      order.notFoundAtMs = 0;
      break;
    case 'refused':
      if (order.state === 'in_flight') close(order, 'rejected', atMs);
      break;
    case 'unknown':
      if (order.state === 'in_flight') order.state = 'unknown';
      break;
    case 'seen':
      applySeen(order, news.status, news.filled, atMs);
      break;
    case 'fill':
      order.notFoundAtMs = 0;
      // More than the order asked for is the venue's word against the order's record: the position check settles it.
      order.fillsSeen = Math.min(order.qty, order.fillsSeen + news.qty) as QtyLots;
      applyFilled(order, atMs);
      break;
    case 'cancelAnswered':
      // "gone" says that it is over but not how: the look-up or the order stream does.
      if (news.answer === 'gone' && order.state !== 'closed') order.state = 'unknown';
      if (news.answer !== 'yes') {
        order.cancelSentAtMs = 0;
        order.cancelRetryAtMs = atMs + CANCEL_RETRY_MS;
      }
      break;
    case 'notFound':
      applyNotFound(order, atMs);
      break;
    default:
      assertNever(news);
  }
  return (
    order.state !== state ||
    order.closeReason !== closeReason ||
    order.venueFilled !== venueFilled ||
    order.fillsSeen !== fillsSeen ||
    (order.cancelSentAtMs === 0 && cancelSentAtMs !== 0)
  );
}

function applyNotFound(order: Order, atMs: number): void {
  const askedAtMs = order.lookupSentAtMs === 0 ? atMs : order.lookupSentAtMs;
  order.lookupSentAtMs = 0;
  if (order.state === 'closed') return;
  const isSoonAfter = order.notFoundAtMs !== 0 && atMs - order.notFoundAtMs < NOT_FOUND_CONFIRM_MS;
  if (isSoonAfter) return;
  if (order.notFoundAtMs !== 0 && askedAtMs - order.sentAtMs >= ARRIVAL_MS_MAX) close(order, 'never_arrived', atMs);
  else order.notFoundAtMs = atMs;
}

function applyFilled(order: Order, atMs: number): void {
  if (order.adopted) {
    // The fill may be one that its adoption counted already, so only the venue says how much of it is left.
    if (order.state !== 'closed') order.state = order.fillsSeen === order.qty ? 'unknown' : 'open';
    return;
  }
  if (order.fillsSeen > order.venueFilled) order.venueFilled = order.fillsSeen;
  if (order.fillsSeen === order.qty) close(order, 'filled', atMs);
  else if (order.state !== 'closed') order.state = 'open';
}

function applySeen(
  order: Order,
  status: 'open' | 'filled' | 'cancelled' | 'rejected',
  filled: QtyLots,
  atMs: number,
): void {
  order.lookupSentAtMs = 0;
  order.notFoundAtMs = 0;
  if (filled > order.venueFilled) order.venueFilled = filled;
  switch (status) {
    case 'open':
      // A late "open" never reopens what is closed.
      if (order.state === 'in_flight' || order.state === 'unknown') order.state = 'open';
      break;
    case 'filled':
      close(order, 'filled', atMs);
      break;
    case 'cancelled':
      close(order, 'cancelled', atMs);
      break;
    case 'rejected':
      close(order, 'rejected', atMs);
      break;
    default:
      assertNever(status);
  }
}

/** What may still execute, at full size while anything is unknown. */
export function openLots(order: Order): QtyLots {
  const until = order.state === 'closed' ? order.venueFilled : order.qty;
  return Math.max(0, until - Math.min(order.fillsSeen, order.venueFilled)) as QtyLots;
}

/** A cancel is on its way: it still counts as exposure, but not as an order that works for the bot. */
export function isStopping(order: Order): boolean {
  return order.state !== 'closed' && order.cancelSentAtMs !== 0;
}

/** Nothing more can come from it: closed, and every execution the venue told of has arrived as a fill. */
export function isSettled(order: Order): boolean {
  return order.state === 'closed' && order.fillsSeen >= order.venueFilled;
}
