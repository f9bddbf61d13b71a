/** How v3 requests name and describe orders. */
import { closesLeg, type Leg } from '../../core/accounting/legs.ts';
import type { Instrument } from '../../core/market/instrument.ts';
import type { PriceTicks } from '../../core/money/money.ts';
import type { Side } from '../../core/orders/order-intent.ts';
import type { Account } from '../exchange/account.ts';
import type { OrderRequest } from '../exchange/matching.ts';
import { Refusal, refuse } from '../exchange/refusal.ts';
import type { OrderRow, Preset } from '../exchange/rows.ts';
import { parseWireId, wireId } from '../exchange/wire.ts';
import { readPrice, readQty, type Parameters, type PrivateContext } from './request.ts';
import { requireUsdtFutures } from './unified-paging.ts';
import { refuseUnified, unifiedRefusal } from './unified-refusal.ts';

/** Bitget's own expression, from the page of the endpoint. */
const CLIENT_OID = /^[.A-Z:/a-z0-9_-]{1,32}$/;

export function readClientOid(parameters: Parameters): string | null {
  const clientOid = parameters.optional('clientOid');
  if (clientOid !== null && !CLIENT_OID.test(clientOid)) throw refuseUnified.invalid('clientOid');
  return clientOid;
}

/** In hedge mode `posSide` names the leg and is required; in one-way mode there is none to name. */
export function readLeg(account: Account, parameters: Parameters): Leg {
  const posSide = parameters.optional('posSide');
  if (account.row.positionMode === 'one_way') {
    if (posSide !== null) throw refuseUnified.openType();
    return 'net';
  }
  if (posSide === null) throw refuseUnified.openType();
  return parameters.choice('posSide', ['long', 'short']);
}

export function readOrder({ exchange, account }: PrivateContext, parameters: Parameters): OrderRequest {
  requireUsdtFutures(parameters);
  const { symbol, instrument } = exchange.marketOf(parameters.required('symbol').toUpperCase());
  const orderType = parameters.choice('orderType', ['limit', 'market']);
  const isMarket = orderType === 'market';
  const leg = readLeg(account, parameters);
  const side = parameters.choice<Side>('side', ['buy', 'sell']);
  const askedReduceOnly = parameters.choice('reduceOnly', ['yes', 'no'], 'no') === 'yes';
  // In hedge mode leg and side say it; asking for the opposite is a mistake.
  if (leg !== 'net' && askedReduceOnly && !closesLeg(leg, side)) throw refuseUnified.openType();
  return {
    symbol,
    clientOid: readClientOid(parameters),
    side,
    orderType,
    force: isMarket ? 'gtc' : parameters.choice('timeInForce', ['gtc', 'post_only', 'ioc', 'fok'], 'gtc'),
    reduceOnly: askedReduceOnly,
    price: isMarket ? (0 as PriceTicks) : readPrice(parameters.required('price'), instrument),
    qty: readQty(parameters.required('qty'), instrument),
    leg,
    takeProfit: readPreset(parameters, 'takeProfit', 'tp', instrument),
    stopLoss: readPreset(parameters, 'stopLoss', 'sl', instrument),
  };
}

/** A take-profit or stop-loss: its trigger, and the limit of the order it becomes. Null when it is not asked for. */
export function readPreset(
  parameters: Parameters,
  field: 'takeProfit' | 'stopLoss',
  prefix: 'tp' | 'sl',
  instrument: Instrument,
): Preset | null {
  const trigger = parameters.optional(field);
  if (trigger === null) return null;
  const type = parameters.choice(`${prefix}OrderType`, ['limit', 'market'], 'market');
  const executePrice =
    type === 'market' ? (0 as PriceTicks) : readPrice(parameters.required(`${prefix}LimitPrice`), instrument);
  return { triggerPrice: readPrice(trigger, instrument), executePrice };
}

/** By `orderId`, which goes first, or `clientOid`; undefined when the account has none of that name. */
export function namedOrder(account: Account, parameters: Parameters): OrderRow | undefined {
  return named(
    parameters,
    (id) => account.orderById(id),
    (clientOid) => account.orderByClientOid(clientOid),
  );
}

export function named<Row extends { readonly symbol: string }>(
  parameters: Parameters,
  byId: (id: number) => Row | undefined,
  byClientOid: (clientOid: string) => Row | undefined,
): Row | undefined {
  const orderId = parameters.optional('orderId');
  const clientOid = parameters.optional('clientOid');
  if (orderId === null && clientOid === null) throw refuse.missing('orderId');
  const id = orderId === null ? null : parseWireId(orderId);
  const row = orderId === null ? byClientOid(clientOid ?? '') : id === null ? undefined : byId(id);
  const symbol = parameters.optional('symbol');
  return row !== undefined && symbol !== null && row.symbol !== symbol.toUpperCase() ? undefined : row;
}

export interface Placed {
  /** Null when the order pushed older reduce-only orders aside: the venue then does not tell it. */
  readonly orderId: string | null;
  readonly clientOid: string;
}

export function placed({ id, clientOid, madeRoom }: Pick<OrderRow, 'id' | 'clientOid' | 'madeRoom'>): Placed {
  return { orderId: madeRoom ? null : wireId(id), clientOid };
}

/** Runs `act` for each entry; a refused one is answered in its place and does not stop the others. */
export function eachEntry(entries: readonly Parameters[], act: (entry: Parameters) => Placed): object[] {
  return entries.map((entry) => {
    try {
      return act(entry);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const { code, message } = unifiedRefusal(error);
      return {
        orderId: entry.optional('orderId') ?? '',
        clientOid: entry.optional('clientOid') ?? '',
        code,
        msg: message,
      };
    }
  });
}
