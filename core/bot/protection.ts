/**
 * The protective stop at the venue: whenever a leg holds something, one stop for the whole leg rests there, `lossPct` from
 * its entry price. One call a leg runs at a time; a new trigger takes the old one's place by the venue's own means. What is
 * not known is read back. The time without a stop that is known to rest is counted.
 */
import { LEGS } from '../accounting/holdings.ts';
import type { Leg } from '../accounting/legs.ts';
import { formatPrice } from '../market/instrument.ts';
import type { PriceTicks, SignedLots } from '../money/money.ts';
import { clientOrderId } from '../orders/client-order-id.ts';
import { stopTrigger, type Stop } from '../orders/stop.ts';
import { RecordKind } from '../events/record.ts';
import { raiseAlert } from './alerts.ts';
import type { Effects } from './effects.ts';
import { recordIntent } from './intents.ts';
import type { StopEvent } from './events.ts';
import type { SeenStop, StopInput } from './input.ts';
import type { OrderDesk } from './order-desk.ts';
import { wantSync, type BotState } from './state.ts';

/** An entry price that moves with every fill moves the stop no more often than this. */
const REPLACE_MS_MIN = 1_000;
const RETRY_MS = 5_000;
const RETRY_MS_MAX = 60_000;
/** The same refusal is told again this often. */
const TELL_AGAIN_MS = 3_600_000;
/** A call without an answer for this long is read back. */
const CALL_TIMEOUT_MS = 10_000;
/** A stop that was never seen counts as never arrived only when the venue was asked this long after it was sent. */
const ARRIVAL_MS = 5_000;
/** Held for longer without a stop: nothing more is risked. */
export const UNPROTECTED_MS_MAX = 10_000;

interface WantedStop {
  readonly direction: 1 | -1;
  readonly triggerPrice: PriceTicks;
}

function wantedStop(state: BotState, leg: Leg, desk: OrderDesk): WantedStop | null {
  const { qty, cost } = state.holdings[leg];
  const direction = qty > 0 ? 1 : -1;
  if (!isHeld(leg, qty)) return null;
  const entryTicks = Number(cost) / 1e12 / (Math.abs(qty) * desk.instrument.quotePerTickLot);
  const triggerPrice = stopTrigger(entryTicks, direction, desk.stopLossRatio);
  return triggerPrice === null ? null : { direction, triggerPrice };
}

/** A leg on the wrong side of zero is a message that is missing, not something held. */
function isHeld(leg: Leg, qty: number): boolean {
  if (leg === 'net') return qty !== 0;
  return leg === 'long' ? qty > 0 : qty < 0;
}

/** Brings the stops of every leg to what is held, and keeps account of the time without them. */
export function manageStops(state: BotState, atMs: number, desk: OrderDesk, effects: Effects): void {
  if (!desk.isStopEnabled && state.stops.length === 0 && state.unprotectedSinceMs === 0) return;
  if (state.synced && !state.left) for (const leg of LEGS) manageLeg(state, leg, atMs, desk, effects);
  countUnprotected(state, atMs, desk, effects);
}

function manageLeg(state: BotState, leg: Leg, atMs: number, desk: OrderDesk, effects: Effects): void {
  for (const stop of state.stops) {
    if (stop.leg !== leg) continue;
    const isWaiting = stop.state === 'placing' || stop.state === 'cancelling';
    if (isWaiting && atMs - stop.sentAtMs >= CALL_TIMEOUT_MS) doubt(state, stop, atMs);
    if (stop.isOver && stop.state === 'open') cancelStop(state, stop, atMs, effects);
  }
  const wanted = desk.isStopEnabled ? wantedStop(state, leg, desk) : null;
  let standing: Stop | undefined;
  let replaced: Stop | undefined;
  for (const stop of state.stops) {
    if (stop.leg !== leg || stop.isOver) continue;
    if (stop.state !== 'open') return;
    if (stop.direction !== wanted?.direction) continue;
    replaced ??= stop;
    if (stop.triggerPrice === wanted.triggerPrice) standing ??= stop;
  }
  if (wanted === null || standing !== undefined) {
    for (const stop of state.stops)
      if (stop.leg === leg && !stop.isOver && stop !== standing) cancelStop(state, stop, atMs, effects);
    return;
  }
  if (atMs < state.stopRetryAtMs || (replaced !== undefined && atMs - replaced.sentAtMs < REPLACE_MS_MIN)) return;
  placeStop(state, leg, wanted, replaced, atMs, desk, effects);
}

function placeStop(
  state: BotState,
  leg: Leg,
  { direction, triggerPrice }: WantedStop,
  replaced: Stop | undefined,
  atMs: number,
  desk: OrderDesk,
  effects: Effects,
): void {
  state.intentNumber += 1;
  const id = clientOrderId(desk.tag, state.epoch, state.intentNumber);
  const replaces = replaced?.clientOrderId ?? null;
  state.stops.push({
    clientOrderId: id,
    leg,
    direction,
    triggerPrice,
    replaces,
    state: 'placing',
    sentAtMs: atMs,
    settledAtMs: atMs,
    isOver: false,
  });
  const { symbol } = desk.instrument;
  const trigger = formatPrice(triggerPrice, desk.instrument);
  recordIntent({ type: 'place_stop', clientOrderId: id, symbol, leg, triggerPrice: trigger, replaces }, atMs, effects);
  const positionLots: SignedLots = state.holdings[leg].qty;
  effects.push({
    effect: 'placeStop',
    stop: { clientOrderId: id, symbol, leg, positionLots, triggerPrice, triggerSource: 'mark' },
    replaces,
  });
}

function cancelStop(state: BotState, stop: Stop, atMs: number, effects: Effects): void {
  if (atMs < state.stopRetryAtMs) return;
  stop.state = 'cancelling';
  stop.sentAtMs = atMs;
  recordIntent({ type: 'cancel_stop', clientOrderId: stop.clientOrderId, reason: 'not_wanted' }, atMs, effects);
  effects.push({ effect: 'cancelStop', clientOrderId: stop.clientOrderId });
}

/** Not known any more: the next read of the venue decides. */
function doubt(state: BotState, stop: Stop, atMs: number): void {
  stop.state = 'unknown';
  stop.settledAtMs = atMs;
  wantSync(state, atMs);
}

/** A fill took the leg to zero or through it: the venue ends the stops of what was closed. */
export function endStops(state: BotState, leg: Leg, before: number, after: number): void {
  if (before * after > 0) return;
  for (const stop of state.stops) if (stop.leg === leg && stop.direction * before > 0) stop.isOver = true;
}

/** What one call about a stop led to. */
export function applyStopAnswer(
  state: BotState,
  { clientOrderId: id, news, atMs }: StopInput,
  desk: OrderDesk,
  effects: Effects,
): void {
  const stop = state.stops.find((candidate) => candidate.clientOrderId === id);
  if (stop === undefined) return;
  const replaced = state.stops.find((candidate) => candidate.clientOrderId === stop.replaces);
  stop.settledAtMs = atMs;
  if (news.answer === 'unknown' || news.answer === 'duplicate') {
    doubt(state, stop, atMs);
    if (replaced !== undefined) doubt(state, replaced, atMs);
    return recordStop(stop, 'unknown', null, desk, effects);
  }
  if (news.news === 'cancelAnswered') {
    if (news.answer !== 'no') return forget(state, stop, 'gone', null, desk, effects);
    stop.state = 'open';
    state.stopRetryAtMs = atMs + RETRY_MS;
    return recordStop(stop, 'open', null, desk, effects);
  }
  if (news.answer === 'yes') {
    stop.state = 'open';
    state.stopRefusals = 0;
    state.stopRefusalTold = null;
    recordStop(stop, 'open', null, desk, effects);
    if (replaced !== undefined) forget(state, replaced, 'replaced', null, desk, effects);
    return;
  }
  forget(state, stop, 'refused', news.code, desk, effects);
  state.stopRefusals += 1;
  state.stopRetryAtMs = atMs + Math.min(RETRY_MS_MAX, RETRY_MS * 2 ** Math.max(0, state.stopRefusals - 2));
  if (state.stopRefusalTold !== news.code || atMs - state.stopRefusalToldAtMs >= TELL_AGAIN_MS) {
    state.stopRefusalTold = news.code;
    state.stopRefusalToldAtMs = atMs;
    raiseAlert(state, 'stop_refused', { clientOrderId: id, code: news.code }, effects);
  }
  // The position or the stop to be replaced may be gone: look before the next try.
  wantSync(state, atMs);
}

/** Takes over which stops the venue lists in a read that was asked for at `readAtMs`; one without such a time judges none. */
export function applySeenStops(
  state: BotState,
  seen: readonly SeenStop[],
  readAtMs: number,
  desk: OrderDesk,
  effects: Effects,
): void {
  for (const stop of [...state.stops]) {
    if (stop.state === 'placing' || stop.state === 'cancelling' || readAtMs <= stop.settledAtMs) continue;
    const listed = seen.find(({ clientOrderId: id }) => id === stop.clientOrderId);
    if (listed !== undefined) {
      stop.state = 'open';
      // Somebody may have moved it.
      stop.direction = listed.direction;
      stop.triggerPrice = listed.triggerPrice;
    } else if (stop.state === 'open' || readAtMs - stop.sentAtMs >= ARRIVAL_MS) {
      forget(state, stop, 'gone', null, desk, effects);
    }
  }
  for (const { clientOrderId: id, leg, direction, triggerPrice } of seen) {
    if (state.stops.some((stop) => stop.clientOrderId === id) || state.externalStops.includes(id)) continue;
    if (!id.startsWith(desk.tag)) {
      state.externalStops.push(id);
      raiseAlert(state, 'external_stop', { clientOrderId: id, leg }, effects);
      continue;
    }
    const resting = { replaces: null, state: 'open', sentAtMs: 0, settledAtMs: 0, isOver: false } as const;
    const stop: Stop = { clientOrderId: id, leg, direction, triggerPrice, ...resting };
    state.stops.push(stop);
    recordStop(stop, 'open', null, desk, effects);
  }
  state.externalStops = state.externalStops.filter((id) => seen.some(({ clientOrderId }) => clientOrderId === id));
}

function forget(
  state: BotState,
  stop: Stop,
  end: 'refused' | 'gone' | 'replaced',
  code: string | null,
  desk: OrderDesk,
  effects: Effects,
): void {
  state.stops.splice(state.stops.indexOf(stop), 1);
  recordStop(stop, end, code, desk, effects);
}

function recordStop(stop: Stop, as: StopEvent['state'], code: string | null, desk: OrderDesk, effects: Effects): void {
  effects.push({
    effect: 'record',
    kind: RecordKind.orderEvent,
    event: {
      type: 'stop',
      clientOrderId: stop.clientOrderId,
      symbol: desk.instrument.symbol,
      leg: stop.leg,
      triggerPrice: formatPrice(stop.triggerPrice, desk.instrument),
      state: as,
      code,
    },
  });
}

function countUnprotected(state: BotState, atMs: number, desk: OrderDesk, effects: Effects): void {
  if (isProtected(state, desk)) {
    if (state.unprotectedSinceMs !== 0) state.unprotectedMs += Math.max(0, atMs - state.unprotectedSinceMs);
    state.unprotectedSinceMs = 0;
    state.isUnprotectedTold = false;
    return;
  }
  if (state.unprotectedSinceMs === 0) state.unprotectedSinceMs = atMs;
  const sinceMs = atMs - state.unprotectedSinceMs;
  if (sinceMs <= UNPROTECTED_MS_MAX || state.isUnprotectedTold) return;
  state.isUnprotectedTold = true;
  raiseAlert(state, 'unprotected', { sinceMs }, effects);
}

/** Nothing is held without a stop that is known to rest, or stops are not wanted. */
export function isProtected(state: BotState, { isStopEnabled }: OrderDesk): boolean {
  return !isStopEnabled || LEGS.every((leg) => isCovered(state, leg));
}

/** No call about a stop is on its way or in doubt. */
export function areStopsSettled({ stops }: BotState): boolean {
  return stops.every(({ state }) => state === 'open');
}

/** Holds nothing, or has a stop that is known to rest and closes in the right direction. */
function isCovered(state: BotState, leg: Leg): boolean {
  const { qty } = state.holdings[leg];
  if (!isHeld(leg, qty)) return true;
  for (const stop of state.stops)
    if (stop.leg === leg && stop.state === 'open' && !stop.isOver && stop.direction * qty > 0) return true;
  return false;
}

/** All time of this bot's life without a stop, the running stretch included. */
export function unprotectedMsAt(state: BotState, atMs: number): number {
  return state.unprotectedMs + (state.unprotectedSinceMs === 0 ? 0 : Math.max(0, atMs - state.unprotectedSinceMs));
}
