/** What a fill or a settlement does to money and positions. Exact: cash is start + realised - fees + funding at any time. */
import { applyFill, flatPosition } from '../../core/accounting/position.ts';
import {
  addQuote,
  notional,
  subtractQuote,
  ZERO_QUOTE,
  type PriceTicks,
  type QtyLots,
  type QuoteAmount,
} from '../../core/money/money.ts';
import type { Account } from './account.ts';
import type { Changes } from './changes.ts';
import { directionOf, leverageOf } from './margin.ts';
import type { Market } from './market.ts';
import { positionKey, type FillRow, type OrderRow, type PositionRow } from './rows.ts';

/** A fill before it is booked. */
export interface Execution {
  readonly price: PriceTicks;
  readonly qty: QtyLots;
  /** In USDT. */
  readonly fee: QuoteAmount;
  /** Paid in the deduction coin instead; null when USDT pays. */
  readonly deducted: QuoteAmount | null;
  readonly atMs: number;
}

/** Books an execution of `order` and answers what it realised before its fee. A fill may close a position and open the opposite one. */
export function bookFill(
  account: Account,
  market: Market,
  order: OrderRow,
  execution: Execution,
  changes: Changes,
): QuoteAmount {
  const { price, qty, fee, deducted, atMs } = execution;
  const key = positionKey(order.symbol, order.leg);
  const position = account.row.positions[key] ?? newPosition(changes.takeId(), atMs);
  account.row.positions[key] = position;
  const held = Math.abs(position.qty);
  const isReducing = held > 0 && position.qty > 0 !== (order.side === 'buy');
  const closing = (isReducing ? Math.min(held, qty) : 0) as QtyLots;
  const closingFee = ((fee * BigInt(closing)) / BigInt(qty)) as QuoteAmount;
  let realised = ZERO_QUOTE;
  position.updatedAtMs = atMs;
  if (closing > 0) {
    const direction = directionOf(position);
    const value = notional(price, closing, market.instrument);
    position.margin = (position.margin - (position.margin * BigInt(closing)) / BigInt(held)) as QuoteAmount;
    realised = applyFill(position, order.side, price, closing, closingFee, market.instrument);
    position.closedQty = (position.closedQty + closing) as QtyLots;
    position.closedValue = addQuote(position.closedValue, value);
    if (position.qty === 0) {
      const { symbol, leg, marginMode } = order;
      changes.positionClosed(account, {
        ...position,
        id: changes.takeId(),
        positionId: position.id,
        account: account.name,
        symbol,
        leg,
        direction,
        marginMode,
      });
    }
  }
  const opening = (qty - closing) as QtyLots;
  if (opening > 0)
    open(account, market, order, position, { price, opening, atMs, fee: subtractQuote(fee, closingFee) }, changes);
  const { totals } = account.row;
  totals.realised = addQuote(totals.realised, realised);
  account.row.cash = addQuote(account.row.cash, realised);
  if (deducted === null) {
    totals.fees = addQuote(totals.fees, fee);
    account.row.cash = subtractQuote(account.row.cash, fee);
  } else {
    totals.deducted = addQuote(totals.deducted, deducted);
  }
  changes.bill(account, {
    id: changes.takeId(),
    account: account.name,
    symbol: order.symbol,
    businessType: fillBusiness(order),
    amount: realised,
    feeBooked: deducted === null ? subtractQuote(ZERO_QUOTE, fee) : ZERO_QUOTE,
    balance: account.row.cash,
    atMs,
  });
  return realised;
}

/** Books a settlement: `amount` is received, negative is paid. */
export function bookFunding(
  account: Account,
  symbol: string,
  position: PositionRow,
  amount: QuoteAmount,
  atMs: number,
  changes: Changes,
): void {
  const { row } = account;
  position.funding = addQuote(position.funding, amount);
  row.totals.funding = addQuote(row.totals.funding, amount);
  row.cash = addQuote(row.cash, amount);
  changes.bill(account, {
    id: changes.takeId(),
    account: account.name,
    symbol,
    businessType: 'contract_settle_fee',
    amount,
    feeBooked: ZERO_QUOTE,
    balance: row.cash,
    atMs,
  });
  changes.account(account);
}

export function newPosition(id: number, atMs: number): PositionRow {
  return {
    ...flatPosition(),
    id,
    openedAtMs: atMs,
    updatedAtMs: atMs,
    funding: ZERO_QUOTE,
    margin: ZERO_QUOTE,
    openedQty: 0 as QtyLots,
    openedValue: ZERO_QUOTE,
    openFees: ZERO_QUOTE,
    closedQty: 0 as QtyLots,
    closedValue: ZERO_QUOTE,
  };
}

function open(
  account: Account,
  market: Market,
  order: OrderRow,
  position: PositionRow,
  { price, opening, fee, atMs }: { price: PriceTicks; opening: QtyLots; fee: QuoteAmount; atMs: number },
  changes: Changes,
): void {
  if (position.qty === 0 && position.openedQty > 0) Object.assign(position, newPosition(changes.takeId(), atMs));
  const value = notional(price, opening, market.instrument);
  applyFill(position, order.side, price, opening, fee, market.instrument);
  position.openedQty = (position.openedQty + opening) as QtyLots;
  position.openedValue = addQuote(position.openedValue, value);
  position.openFees = addQuote(position.openFees, fee);
  if (order.marginMode === 'isolated') {
    const leverage = leverageOf(account, order.symbol, order.side === 'buy' ? 'long' : 'short');
    position.margin = (position.margin + value / BigInt(leverage)) as QuoteAmount;
  }
}

/** The venue's word for what a fill is booked as. */
function fillBusiness({
  leg,
  side,
  reduceOnly,
  cause,
}: Pick<FillRow, 'leg' | 'side' | 'reduceOnly' | 'cause'>): string {
  if (leg === 'net') {
    if (cause === 'liquidation') return `burst_${side}`;
    return cause === 'forced_reduce' ? `force_${side}` : side;
  }
  if (cause === 'liquidation') return `burst_${leg}_loss_query`;
  if (cause === 'forced_reduce') return `force_close_${leg}`;
  return reduceOnly ? `close_${leg}` : `open_${leg}`;
}
