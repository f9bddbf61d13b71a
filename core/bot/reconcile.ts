/** Fills into the position, and the venue's truth against ours. */
import { applyFill } from '../accounting/position.ts';
import { formatPrice, formatQty, type Instrument } from '../market/instrument.ts';
import { DecimalError, formatQuote } from '../money/decimal.ts';
import type { QuoteAmount } from '../money/money.ts';
import { adoptOrder } from '../orders/order.ts';
import { RecordKind } from '../events/record.ts';
import { unrealisedAt } from '../accounting/position.ts';
import type { Effects } from './effects.ts';
import type { FillFact, SyncInput } from './input.ts';
import { findOrder, recordOrder, tellOrder, type OrderDesk } from './order-desk.ts';
import { TRADE_IDS_KEPT, type BotState } from './state.ts';
import { midOf, phaseOf } from './telemetry.ts';

/** So many reads in a row must differ before the venue's position replaces ours: one read can race with a fill. */
const MISMATCHES_TO_ADOPT = 3;

/** Counts an execution once, whoever tells it, and moves position, wallet and its order. */
export function applyFillFact(state: BotState, fill: FillFact, atMs: number, desk: OrderDesk, effects: Effects): void {
  if (state.tradeIds.includes(fill.tradeId)) return;
  state.tradeIds.push(fill.tradeId);
  if (state.tradeIds.length > TRADE_IDS_KEPT) state.tradeIds.shift();
  const { instrument } = desk;
  const realised = applyFill(state.position, fill.side, fill.price, fill.qty, fill.fee, instrument);
  state.wallet = (state.wallet + realised - fill.fee) as QuoteAmount;
  state.fills += 1;
  state.lastFillAtMs = Math.max(state.lastFillAtMs, fill.venueAtMs);
  const order = findOrder(state, fill.clientOrderId);
  effects.push({
    effect: 'record',
    kind: RecordKind.fillEvent,
    event: {
      type: 'fill',
      clientOrderId: fill.clientOrderId,
      tradeId: fill.tradeId,
      symbol: instrument.symbol,
      side: fill.side,
      price: formatPrice(fill.price, instrument),
      qty: formatQty(fill.qty, instrument),
      fee: formatQuote(fill.fee),
      liquidity: fill.liquidity,
      atMs: fill.venueAtMs,
      positionAfter: formatQty(state.position.qty, instrument),
      realised: formatQuote(realised),
      external: !fill.clientOrderId.startsWith(desk.tag),
    },
  });
  if (order !== undefined) tellOrder(state, order, { news: 'fill', qty: fill.qty }, atMs, desk, effects);
}

/**
 * Takes over what the venue says: fills not told yet, open orders not known, orders that are gone, and at last the
 * position. False when the position differs and the read must be repeated.
 */
export function applySync(state: BotState, sync: SyncInput, desk: OrderDesk, effects: Effects): boolean {
  const { atMs } = sync;
  const readAtMs = state.syncSentAtMs;
  state.syncSentAtMs = 0;
  for (const fill of sync.fills) {
    // Before the first sync ever there is no position that old fills could belong to.
    if (state.everSynced) applyFillFact(state, fill, atMs, desk, effects);
  }
  adoptOpenOrders(state, sync, desk, effects);
  for (const order of [...state.orders]) {
    const isListed = sync.openOrders.some(({ clientOrderId }) => clientOrderId === order.clientOrderId);
    if (order.state === 'open' && !isListed && order.sentAtMs < readAtMs) {
      tellOrder(state, order, { news: 'cancelAnswered', answer: 'gone' }, atMs, desk, effects);
    }
    if (order.state === 'closed') forgetLateFills(state, order.clientOrderId, desk, effects);
  }
  const agrees = state.position.qty === sync.position.qty;
  if (!agrees && state.everSynced && state.syncMismatches + 1 < MISMATCHES_TO_ADOPT) {
    state.syncMismatches += 1;
    return false;
  }
  if (!agrees) adoptPosition(state, sync, desk.instrument, effects);
  state.syncMismatches = 0;
  state.synced = true;
  state.everSynced = true;
  const midTicks = midOf(state);
  const unrealised = midTicks === null ? 0 : unrealisedAt(state.position, midTicks, desk.instrument.quotePerTickLot);
  state.wallet = (sync.equity - BigInt(Math.round(unrealised * 1e6)) * 1_000_000n) as QuoteAmount;
  return true;
}

function adoptOpenOrders(state: BotState, sync: SyncInput, desk: OrderDesk, effects: Effects): void {
  for (const { clientOrderId, filled, order: seen } of sync.openOrders) {
    const known = findOrder(state, clientOrderId);
    if (known !== undefined) {
      tellOrder(state, known, { news: 'seen', status: 'open', filled }, sync.atMs, desk, effects);
      continue;
    }
    const isForeign = !clientOrderId.startsWith(desk.tag);
    const adopted = adoptOrder({ clientOrderId, filled, ...seen }, isForeign, sync.atMs);
    state.orders.push(adopted);
    recordOrder(adopted, null, desk, effects);
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

function adoptPosition(state: BotState, sync: SyncInput, instrument: Instrument, effects: Effects): void {
  const before = state.position.qty;
  const { qty, entryPrice } = sync.position;
  if (qty !== 0 && entryPrice === null)
    throw new DecimalError(`${instrument.symbol}: a position of ${qty} lots has no entry price`);
  state.position.qty = qty;
  const costQuote = qty === 0 ? 0 : Math.abs(qty) * instrument.lotSize * Number(entryPrice);
  state.position.cost = (BigInt(Math.round(costQuote * 1e6)) * 1_000_000n) as QuoteAmount;
  effects.push({
    effect: 'record',
    kind: RecordKind.controlEvent,
    event: {
      type: 'position_adopted',
      phase: phaseOf(state),
      reason: state.everSynced ? 'the venue holds another position than our fills add up to' : 'first sync',
      operator: null,
      detail: { before: formatQty(before, instrument), after: formatQty(qty, instrument) },
    },
  });
}
