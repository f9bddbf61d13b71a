/** Fills into the position, and the venue's truth against ours. */
import { LEGS, legsOf, netLots, unrealisedOf } from '../accounting/holdings.ts';
import type { Leg } from '../accounting/legs.ts';
import { applyFill } from '../accounting/position.ts';
import { formatPrice, formatQty, type Instrument } from '../market/instrument.ts';
import { formatQuote, quoteToNumber } from '../money/decimal.ts';
import { notional, type QuoteAmount, type SignedLots } from '../money/money.ts';
import { adoptOrder, type Order } from '../orders/order.ts';
import { RecordKind } from '../events/record.ts';
import { isFinitePositive } from '../risk/numbers.ts';
import { raiseAlert } from './alerts.ts';
import { QUOTE_LEVELS_MAX } from '../strategies/strategy.ts';
import type { Side } from '../orders/order-intent.ts';
import { noteVolume, noteWalletRead } from './daily.ts';
import type { Effects } from './effects.ts';
import type { FillFact, SyncInput } from './input.ts';
import { FILLS_LATE_MS, findOrder, recordOrder, tellOrder, type OrderDesk } from './order-desk.ts';
import { applySeenStops, endStops } from './protection.ts';
import { TRADE_IDS_KEPT, type BotState } from './state.ts';
import { entryOf, midOf, phaseOf, text, worthTicksOf } from './telemetry.ts';

/** So many reads in a row must differ before the venue's position replaces ours: one read can race with a fill. */
const MISMATCHES_TO_ADOPT = 3;

/** A fill that is told longer after it happened than this, as one that was read back, has nothing to do with the market of now. */
const FILL_FRESH_MS = 5_000;

/** More settlements than a read reaches back over. */
const FUNDING_IDS_KEPT = 64;

/** `adopted`: the venue's position replaced ours. */
export type SyncOutcome = 'agrees' | 'adopted' | 'differs';

/** Counts an execution once, whoever tells it, and moves position, wallet and its order. */
export function applyFillFact(state: BotState, fill: FillFact, atMs: number, desk: OrderDesk, effects: Effects): void {
  if (desk.tradesKnown.has(fill.tradeId)) return;
  rememberTrade(state, fill, desk);
  const { instrument } = desk;
  const heldBefore = state.holdings[fill.leg].qty;
  const realised = applyFill(state.holdings[fill.leg], fill.side, fill.price, fill.qty, fill.fee, instrument);
  state.wallet = (state.wallet + realised - fill.fee) as QuoteAmount;
  state.fills += 1;
  noteVolume(state.daily, notional(fill.price, fill.qty, instrument));
  state.fillHeardAtMs = atMs;
  endStops(state, fill.leg, heldBefore, state.holdings[fill.leg].qty);
  const order = findOrder(state, fill.clientOrderId);
  const isExternal = !fill.clientOrderId.startsWith(desk.tag);
  effects.push({
    effect: 'record',
    kind: RecordKind.fillEvent,
    event: {
      type: 'fill',
      clientOrderId: fill.clientOrderId,
      tradeId: fill.tradeId,
      symbol: instrument.symbol,
      side: fill.side,
      leg: fill.leg,
      price: formatPrice(fill.price, instrument),
      qty: formatQty(fill.qty, instrument),
      fee: formatQuote(fill.fee),
      liquidity: fill.liquidity,
      atMs: fill.venueAtMs,
      positionAfter: formatQty(netLots(state.holdings), instrument),
      realised: formatQuote(realised),
      external: isExternal,
    },
  });
  const isFresh = atMs - happenedAtMs(state, fill) <= FILL_FRESH_MS;
  tellBotFill(state, fill, realised, isFresh, desk, effects);
  if (!isExternal) tellStrategy(state, fill, isFresh, desk);
  if (isExternal) {
    const { tradeId, clientOrderId: id } = fill;
    raiseAlert(state, 'external_fill', { clientOrderId: id, tradeId, stops: state.stops.length }, effects);
  }
  watchPrice(state, fill, order, isFresh, desk, effects);
  if (order !== undefined) tellOrder(state, order, { news: 'fill', qty: fill.qty }, atMs, desk, effects);
}

/** By our clock. */
function happenedAtMs({ clockOffsetMs }: BotState, { venueAtMs }: FillFact): number {
  return venueAtMs - clockOffsetMs;
}

function feeBpsOf({ fee, price, qty }: FillFact, { quotePerTickLot }: Instrument): number {
  return (quoteToNumber(fee) / (price * qty * quotePerTickLot)) * 1e4;
}

/** The fill as reports want it. */
function tellBotFill(
  state: BotState,
  fill: FillFact,
  realised: QuoteAmount,
  isFresh: boolean,
  { instrument, strategy }: OrderDesk,
  effects: Effects,
): void {
  const { side, price, qty, liquidity, tradeId, clientOrderId } = fill;
  const midTicks = isFresh ? midOf(state) : null;
  const captureBps = midTicks === null ? null : (((midTicks - price) * (side === 'buy' ? 1 : -1)) / price) * 1e4;
  const expectedEdgeBps = isFresh ? strategy.expectedEdgeBps({ side, priceTicks: price, atMs: state.lastAtMs }) : null;
  effects.push({
    effect: 'record',
    kind: RecordKind.telemetryEvent,
    event: {
      type: 'BotFill',
      clientOrderId,
      tradeId,
      symbol: instrument.symbol,
      side,
      leg: fill.leg,
      price: formatPrice(price, instrument),
      qty: formatQty(qty, instrument),
      fee: formatQuote(fill.fee),
      liquidity,
      atMs: fill.venueAtMs,
      realised: formatQuote(realised),
      positionAfter: formatQty(netLots(state.holdings), instrument),
      entryPriceAfter: entryOf(state.holdings[fill.leg], instrument),
      mid: midTicks === null ? null : text(midTicks * instrument.tickSize),
      captureBps,
      feeBps: feeBpsOf(fill, instrument),
      regime: strategy.regimeName(),
      expectedEdgeBps,
    },
  });
}

/** The strategy learns from what its own quotes led to, each by the market of its time. */
function tellStrategy(
  state: BotState,
  fill: FillFact,
  isFresh: boolean,
  { instrument, strategy, view, tell }: OrderDesk,
): void {
  const { side, price, qty, liquidity, tradeId, clientOrderId } = fill;
  const isMaker = liquidity === 'maker';
  const feeBps = feeBpsOf(fill, instrument);
  const atMs = isFresh ? state.lastAtMs : happenedAtMs(state, fill);
  view.atMs = state.lastAtMs;
  strategy.onFill({ tradeId, clientOrderId, side, priceTicks: price, lots: qty, isMaker, feeBps, atMs }, view, tell);
}

/** Something is wrong with the market, the venue or us when an order executes beyond its limit or far from the mid. */
function watchPrice(
  state: BotState,
  fill: FillFact,
  order: Order | undefined,
  isFresh: boolean,
  desk: OrderDesk,
  effects: Effects,
): void {
  const isBuy = fill.side === 'buy';
  const isWorse = order !== undefined && (isBuy ? fill.price > order.price : fill.price < order.price);
  const midTicks = isFresh ? midOf(state) : null;
  const deviationBps = midTicks === null ? 0 : (Math.abs(fill.price - midTicks) / midTicks) * 1e4;
  if (!isWorse && deviationBps <= desk.fillDeviationBpsMax) return;
  const { clientOrderId: id, tradeId } = fill;
  const detail = { clientOrderId: id, tradeId, price: formatPrice(fill.price, desk.instrument), isWorse, deviationBps };
  raiseAlert(state, 'fill_price_deviation', detail, effects);
}

function rememberTrade(state: BotState, fill: FillFact, { tradesKnown }: OrderDesk): void {
  state.tradeIds.push(fill.tradeId);
  tradesKnown.add(fill.tradeId);
  if (state.tradeIds.length > TRADE_IDS_KEPT) tradesKnown.delete(state.tradeIds.shift() as string);
  state.lastFillAtMs = Math.max(state.lastFillAtMs, fill.venueAtMs);
}

/**
 * Takes over what the venue says: fills not told yet, open orders not known, orders that are gone, and at last the
 * position. `differs` when the position is not ours and the read must be repeated.
 */
export function applySync(state: BotState, sync: SyncInput, desk: OrderDesk, effects: Effects): SyncOutcome {
  const { atMs } = sync;
  const readAtMs = state.syncSentAtMs;
  state.fillsReadAtMs = readAtMs === 0 ? atMs : readAtMs;
  for (const fill of sync.fills) {
    // The position that the first sync ever takes over holds these already; a later read must not count them either.
    if (state.everSynced) applyFillFact(state, fill, atMs, desk, effects);
    else if (!desk.tradesKnown.has(fill.tradeId)) rememberTrade(state, fill, desk);
  }
  adoptOpenOrders(state, sync, desk, effects);
  state.syncSentAtMs = 0;
  for (const order of [...state.orders]) {
    const isListed = sync.openOrders.some(({ clientOrderId }) => clientOrderId === order.clientOrderId);
    if (order.state === 'open' && !isListed && order.sentAtMs < readAtMs) {
      tellOrder(state, order, { news: 'cancelAnswered', answer: 'gone' }, atMs, desk, effects);
    }
    // A read that was asked for while its fills could still be on their way proves nothing about them.
    if (order.state === 'closed' && readAtMs - order.closedAtMs >= FILLS_LATE_MS) {
      forgetLateFills(state, order.clientOrderId, desk, effects);
    }
  }
  applySeenStops(state, sync.stops, readAtMs, desk, effects);
  const legs = legsOf(desk.positionMode);
  const misfit = sync.positions.find(({ leg, qty }) => qty !== 0 && !legs.includes(leg));
  if (misfit !== undefined) {
    if (state.syncMismatches === 0) raiseAlert(state, 'position_mode_differs', { leg: misfit.leg }, effects);
    state.syncMismatches = 1;
    state.syncDifferences = [];
    return 'differs';
  }
  applyFundingPayments(state, sync);
  state.positionDriftPct = driftPct(state, sync);
  const differences = LEGS.map((leg) => heldAtVenue(sync, leg).qty - state.holdings[leg].qty);
  const isDifferent = differences.some((difference) => difference !== 0);
  if (isDifferent && !mayAdopt(state, differences, sync, readAtMs, effects)) return 'differs';
  for (const leg of LEGS) adoptPosition(state, leg, sync, desk.instrument, effects);
  state.syncMismatches = 0;
  state.syncDifferences = [];
  state.synced = true;
  state.everSynced = true;
  state.provenAtMs = Math.max(state.provenAtMs, readAtMs);
  state.wallet = sync.equity;
  takeUnrealisedOut(state, desk);
  noteWalletRead(state.daily, isDifferent);
  return isDifferent ? 'adopted' : 'agrees';
}

/** Fills that race with reads differ by something else each time; what is really ours to adopt differs by the same. */
function mayAdopt(
  state: BotState,
  differences: number[],
  { positions }: SyncInput,
  readAtMs: number,
  effects: Effects,
): boolean {
  const isPriced = positions.every(({ qty, entryPrice }) => qty === 0 || isFinitePositive(Number(entryPrice)));
  // What was filled while the venue was being read may stand in one answer and not in the other: it is read again.
  if (readAtMs !== 0 && state.fillHeardAtMs >= readAtMs) return false;
  if (!state.everSynced) return isPriced;
  const isSame = differences.every((difference, index) => difference === state.syncDifferences[index]);
  if (state.syncMismatches === 0) {
    const [net = 0, long = 0, short = 0] = differences;
    raiseAlert(state, 'position_differs', { net, long, short }, effects);
  }
  state.syncMismatches = isSame ? state.syncMismatches + 1 : 1;
  state.syncDifferences = differences;
  return isPriced && state.syncMismatches >= MISMATCHES_TO_ADOPT;
}

/** How far the venue's position is from ours, in percent of the larger; of several legs the worst. */
function driftPct(state: BotState, sync: SyncInput): number {
  let worst = 0;
  for (const leg of LEGS) {
    const ours = state.holdings[leg].qty;
    const theirs = heldAtVenue(sync, leg).qty;
    if (ours !== theirs) worst = Math.max(worst, (Math.abs(theirs - ours) / Math.max(Math.abs(ours), Math.abs(theirs))) * 100); // prettier-ignore
  }
  return worst;
}

/** Counts each settlement once. It is in the equity of the same read already; before the first read it is of no run of ours. */
function applyFundingPayments(state: BotState, { fundingPayments }: SyncInput): void {
  for (const { paymentId, amount } of fundingPayments) {
    if (state.fundingIds.includes(paymentId)) continue;
    state.fundingIds.push(paymentId);
    if (state.fundingIds.length > FUNDING_IDS_KEPT) state.fundingIds.shift();
    if (state.everSynced) state.funding = (state.funding + amount) as QuoteAmount;
  }
}

function heldAtVenue({ positions }: SyncInput, leg: Leg): { qty: SignedLots; entryPrice: string | null } {
  return positions.find((position) => position.leg === leg) ?? { qty: 0 as SignedLots, entryPrice: null };
}

/** The venue's equity holds unrealised profit, the wallet does not; without a price this waits for the first book. */
export function takeUnrealisedOut(state: BotState, { instrument }: OrderDesk): void {
  const priceTicks = worthTicksOf(state);
  state.isWalletGross = priceTicks === null;
  if (priceTicks === null) return;
  const unrealised = unrealisedOf(state.holdings, priceTicks, instrument.quotePerTickLot);
  state.wallet = (state.wallet - BigInt(Math.round(unrealised * 1e6)) * 1_000_000n) as QuoteAmount;
}

function adoptOpenOrders(state: BotState, sync: SyncInput, desk: OrderDesk, effects: Effects): void {
  for (const { clientOrderId, filled, order: seen } of sync.openOrders) {
    const known = findOrder(state, clientOrderId);
    if (known !== undefined) {
      tellOrder(state, known, { news: 'seen', status: 'open', filled }, sync.atMs, desk, effects);
      continue;
    }
    if (state.ordersEndedInRead?.includes(clientOrderId) === true) continue;
    const isForeign = !clientOrderId.startsWith(desk.tag);
    const level = isForeign ? 0 : freeLevel(state, seen.side);
    const adopted = adoptOrder({ clientOrderId, filled, ...seen }, isForeign, sync.atMs, level);
    state.orders.push(adopted);
    recordOrder(adopted, null, desk, effects);
    if (isForeign) raiseAlert(state, 'external_order', { clientOrderId, side: seen.side }, effects);
    effects.push({
      effect: 'record',
      kind: RecordKind.controlEvent,
      event: {
        type: 'order_adopted',
        phase: phaseOf(state),
        reason: isForeign ? 'not placed by this bot' : 'placed by an earlier run',
        operator: null,
        detail: { clientOrderId, isForeign },
      },
    });
  }
}

/** The first level of `side` without an order of ours; one too many shares the last level and is cancelled there. */
function freeLevel({ orders }: BotState, side: Side): number {
  let level = 0;
  while (
    level < QUOTE_LEVELS_MAX - 1 &&
    orders.some((order) => order.side === side && !order.foreign && order.level === level)
  )
    level += 1;
  return level;
}

/** The venue was read and knows of no further fill: the position check that follows catches what this hides. */
function forgetLateFills(state: BotState, id: string, desk: OrderDesk, effects: Effects): void {
  const order = findOrder(state, id);
  if (order === undefined) return;
  effects.push({
    effect: 'record',
    kind: RecordKind.controlEvent,
    event: {
      type: 'fills_missing',
      phase: phaseOf(state),
      reason: 'the venue told of more than its fills add up to',
      operator: null,
      detail: {
        clientOrderId: id,
        told: formatQty(order.venueFilled, desk.instrument),
        seen: formatQty(order.fillsSeen, desk.instrument),
      },
    },
  });
  state.orders.splice(state.orders.indexOf(order), 1);
}

function adoptPosition(state: BotState, leg: Leg, sync: SyncInput, instrument: Instrument, effects: Effects): void {
  const position = state.holdings[leg];
  const before = position.qty;
  const { qty, entryPrice } = heldAtVenue(sync, leg);
  if (qty === before) return;
  if (before === 0) raiseAlert(state, 'orphan_position', { leg, qty: formatQty(qty, instrument) }, effects);
  position.qty = qty;
  const costQuote = qty === 0 ? 0 : Math.abs(qty) * instrument.lotSize * Number(entryPrice);
  position.cost = (BigInt(Math.round(costQuote * 1e6)) * 1_000_000n) as QuoteAmount;
  effects.push({
    effect: 'record',
    kind: RecordKind.controlEvent,
    event: {
      type: 'position_adopted',
      phase: phaseOf(state),
      reason: state.everSynced ? 'the venue holds another position than our fills add up to' : 'first sync',
      operator: null,
      detail: { leg, before: formatQty(before, instrument), after: formatQty(qty, instrument) },
    },
  });
}
