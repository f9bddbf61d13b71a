/**
 * Whether the exchange's books agree with each other: cash with its sums, positions with the fills that made them, orders
 * with their fills, the fill models with the accounts, triggers with the positions they protect. Reads only.
 */
import type { Leg } from '../../core/accounting/legs.ts';
import { applyFill, flatPosition, type Position } from '../../core/accounting/position.ts';
import { formatQuote } from '../../core/money/decimal.ts';
import type { QuoteAmount } from '../../core/money/money.ts';
import type { Account } from './account.ts';
import type { Exchange } from './exchange.ts';
import { directionOf } from './margin.ts';
import { isTpsl, parsePositionKey, positionKey, type FillRow } from './rows.ts';

/** What does not agree, one sentence each with the account in front; empty is right. */
export function checkExchange(exchange: Exchange): string[] {
  const faults: string[] = [];
  for (const account of exchange.accounts.values()) {
    const note = (text: string) => faults.push(`${account.name}: ${text}`);
    checkMoney(account, note);
    checkOrders(account, note);
    checkTriggers(account, note);
    checkModels(exchange, account, note);
    if (account.row.totals.isWhole) checkSums(exchange, account, note);
  }
  return faults;
}

type Note = (text: string) => void;

function checkMoney({ row }: Account, note: Note): void {
  const { start, realised, fees, funding } = row.totals;
  const expected = start + realised - fees + funding;
  if (row.cash !== expected) note(`cash is ${formatQuote(row.cash)}, its sums say ${text(expected)}`);
  for (const [key, { qty, cost, margin, openedQty, closedQty }] of Object.entries(row.positions)) {
    const { leg } = parsePositionKey(key);
    if (qty === 0 && (cost !== 0n || margin !== 0n))
      note(`${key} is flat with cost ${text(cost)}, margin ${text(margin)}`);
    if (openedQty - closedQty !== Math.abs(qty)) note(`${key} holds ${qty}, opened ${openedQty}, closed ${closedQty}`);
    if ((leg === 'long' && qty < 0) || (leg === 'short' && qty > 0)) note(`${key} holds ${qty}`);
    if (qty !== 0 && (leg === 'net') !== (row.positionMode === 'one_way'))
      note(`${key} is held in ${row.positionMode}`);
  }
}

function checkOrders(account: Account, note: Note): void {
  for (const { id, qty, filled, status } of account.orders) {
    if (filled > qty) note(`order ${id} filled ${filled} of ${qty}`);
    if ((status === 'filled') !== (filled === qty)) note(`order ${id} is ${status} with ${filled} of ${qty}`);
    if (status === 'live' && filled > 0) note(`order ${id} is live with ${filled} filled`);
    if (account.open.has(id) !== (status === 'live' || status === 'partially_filled')) note(`order ${id} is ${status}`);
  }
}

function checkTriggers(account: Account, note: Note): void {
  for (const { id, kind, symbol, leg, side, status } of account.waiting.values()) {
    if (status !== 'live') note(`trigger ${id} waits although ${status}`);
    if (!isTpsl(kind)) continue;
    const position = account.position(symbol, leg);
    const isThere = position !== undefined && position.qty !== 0;
    if (!isThere || directionOf(position) !== (side === 'sell' ? 'long' : 'short')) {
      note(`trigger ${id} (${kind}) waits for a position in ${positionKey(symbol, leg)} that is not there`);
    }
  }
}

/** The fill models know the same positions and open orders. */
function checkModels(exchange: Exchange, account: Account, note: Note): void {
  for (const market of exchange.markets.values()) {
    for (const leg of ['net', 'long', 'short'] as const) {
      const model = market.models.get(positionKey(account.name, leg));
      const held = account.positionLots(market.symbol, leg);
      const open = account.openOf(market.symbol).filter((order) => order.leg === leg).length;
      if (model === undefined) {
        if (open > 0) note(`${market.symbol} ${leg} has ${open} open orders that nothing can fill`);
        continue;
      }
      if (model.positionLots !== held)
        note(`${market.symbol} ${leg} holds ${held}, its fills made ${model.positionLots}`);
      if (model.openCount !== open)
        note(`${market.symbol} ${leg} shows ${open} orders, ${model.openCount} can be filled`);
    }
  }
}

/** Adds every fill and bill up from the beginning; only while none of them was dropped. */
function checkSums(exchange: Exchange, account: Account, note: Note): void {
  const { totals, positions, cash } = account.row;
  const sum = (amounts: readonly bigint[]) => amounts.reduce((total, amount) => total + amount, 0n);
  const realised = sum(account.fills.map((fill) => fill.realised));
  const fees = sum(account.fills.map((fill) => (fill.deducted === null ? fill.fee : 0n)));
  const booked = sum(account.bills.map(({ amount, feeBooked }) => amount + feeBooked));
  if (realised !== totals.realised) note(`fills realised ${text(realised)}, booked is ${text(totals.realised)}`);
  if (fees !== totals.fees) note(`fills cost ${text(fees)}, booked is ${text(totals.fees)}`);
  if (totals.start + booked !== cash) note(`bills add up to ${text(totals.start + booked)}, cash is ${text(cash)}`);
  const folded = foldFills(exchange, account.fills);
  for (const key of new Set([...folded.keys(), ...Object.keys(positions)])) {
    const [expected, held] = [folded.get(key) ?? flatPosition(), positions[key] ?? flatPosition()];
    if (expected.qty !== held.qty) note(`${key} holds ${held.qty}, its fills add up to ${expected.qty}`);
    if (expected.cost !== held.cost) note(`${key} cost ${text(held.cost)}, its fills say ${text(expected.cost)}`);
  }
  const filledOf = new Map<number, number>();
  for (const { orderId, qty } of account.fills) filledOf.set(orderId, (filledOf.get(orderId) ?? 0) + qty);
  for (const { id, filled } of account.orders) {
    if (filled !== (filledOf.get(id) ?? 0))
      note(`order ${id} filled ${filled}, its fills say ${filledOf.get(id) ?? 0}`);
  }
}

function foldFills(exchange: Exchange, fills: readonly FillRow[]): Map<string, Position> {
  const folded = new Map<string, Position>();
  for (const { symbol, leg, side, price, qty, fee } of fills) {
    const market = exchange.markets.get(symbol);
    if (market === undefined) continue;
    const key = positionKey(symbol, leg satisfies Leg);
    const position = folded.get(key) ?? flatPosition();
    folded.set(key, position);
    applyFill(position, side, price, qty, fee, market.instrument);
  }
  return folded;
}

function text(amount: bigint): string {
  return formatQuote(amount as QuoteAmount);
}
