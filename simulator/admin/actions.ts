/** What "somebody else" or the venue itself does to an account, on the admin port's word: no signature, no limit, no fault. */
import { z } from 'zod';
import type { PriceTicks, QtyLots } from '../../core/money/money.ts';
import { AccountName } from '../../core/names.ts';
import type { Account } from '../exchange/account.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { Refusal } from '../exchange/refusal.ts';
import type { OrderRow } from '../exchange/rows.ts';
import { parseWireId, wireId } from '../exchange/wire.ts';
import type { Answer } from '../rest/answer.ts';
import { readPrice, readQty } from '../rest/request.ts';

const Decimal = z.string().regex(/^\d{1,12}(\.\d{1,12})?$/, 'expected a plain decimal');
const SymbolName = z.string().regex(/^[A-Z0-9]{2,30}$/, 'expected a symbol like BTCUSDT');
const Leg = z.enum(['net', 'long', 'short']).default('net');

/** An order that the account's own client did not send. Without a price it is a market order. */
export const ExternalOrder = z.strictObject({
  account: AccountName,
  symbol: SymbolName,
  side: z.enum(['buy', 'sell']),
  qty: Decimal,
  price: Decimal.optional(),
  clientOid: z.string().min(1).max(50).optional(),
  reduceOnly: z.boolean().default(false),
  leg: Leg,
});

/** Somebody takes an open order at its own price; the whole of what is left, or `qty` of it. */
export const ForcedFill = z
  .strictObject({
    account: AccountName,
    orderId: z.string().optional(),
    clientOid: z.string().optional(),
    qty: Decimal.optional(),
  })
  .refine(({ orderId, clientOid }) => (orderId === undefined) !== (clientOid === undefined), {
    error: 'expected either orderId or clientOid',
  });

/** The venue closes a leg at market, as a liquidation or deleveraging does; the whole of it, or `qty`. */
export const ForcedReduction = z.strictObject({
  account: AccountName,
  symbol: SymbolName,
  leg: Leg,
  qty: Decimal.optional(),
});

/** The whole book jumps, and with it all that is played later. */
export const PriceMove = z.strictObject({ symbol: SymbolName, ticks: z.int().min(-1e9).max(1e9) });

/** From the next settlement on. */
export const FundingRate = z.strictObject({
  symbol: SymbolName,
  rate: z.string().regex(/^-?0(\.\d{1,6})?$/, 'expected a fraction with at most 6 decimals'),
});

export function placeExternal(exchange: Exchange, asked: z.infer<typeof ExternalOrder>) {
  const account = accountOf(exchange, asked.account);
  const { instrument } = exchange.marketOf(asked.symbol);
  const order = exchange.place(account, {
    symbol: asked.symbol,
    clientOid: asked.clientOid ?? null,
    side: asked.side,
    orderType: asked.price === undefined ? 'market' : 'limit',
    force: 'gtc',
    reduceOnly: asked.reduceOnly,
    price: asked.price === undefined ? (0 as PriceTicks) : readPrice(asked.price, instrument),
    qty: readQty(asked.qty, instrument),
    leg: asked.leg,
  });
  return told(order);
}

export function fillByForce(exchange: Exchange, asked: z.infer<typeof ForcedFill>) {
  const account = accountOf(exchange, asked.account);
  const order =
    asked.clientOid === undefined
      ? account.orderById(parseWireId(asked.orderId ?? '') ?? -1)
      : account.orderByClientOid(asked.clientOid);
  if (order === undefined) throw new Refusal('40109', 'there is no such order');
  const { instrument } = exchange.marketOf(order.symbol);
  const qty = asked.qty === undefined ? order.qty : readQty(asked.qty, instrument);
  if (exchange.fillNow(account, order, qty) === 0) throw new Refusal('40768', `the order is ${order.status}`);
  return told(order);
}

export function reduceByForce(exchange: Exchange, asked: z.infer<typeof ForcedReduction>) {
  const account = accountOf(exchange, asked.account);
  const { instrument } = exchange.marketOf(asked.symbol);
  const held = Math.abs(account.positionLots(asked.symbol, asked.leg)) as QtyLots;
  const qty = asked.qty === undefined ? held : readQty(asked.qty, instrument);
  const order = exchange.forceReduce(account, asked.symbol, asked.leg, qty);
  if (order === null) throw new Refusal('22002', 'nothing is held');
  return told(order);
}

/** Fills a share of the order that a place call was answered with; at least one lot stays open. */
export function fillInPart(exchange: Exchange, accountName: string, { body }: Answer, ratio: number): void {
  const { data } = body as { data?: { orderId?: string } | null };
  const account = exchange.accounts.get(accountName);
  const order = account?.orderById(parseWireId(data?.orderId ?? '') ?? -1);
  if (account === undefined || order === undefined) return;
  const lots = Math.min(Math.ceil(order.qty * ratio), order.qty - order.filled - 1);
  if (lots > 0) exchange.fillNow(account, order, lots as QtyLots);
}

function accountOf(exchange: Exchange, name: string): Account {
  const account = exchange.accounts.get(name);
  if (account === undefined) throw new Refusal('40006', `there is no account ${name}`);
  return account;
}

function told({ id, clientOid, status }: OrderRow) {
  return { orderId: wireId(id), clientOid, status };
}
