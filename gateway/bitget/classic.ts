/**
 * The classic account: v2 mix endpoints.
 *
 * Hedge mode: `side` names the position and `tradeSide` whether it is opened or closed, so a long is closed by `buy` and
 * `Close`. One-way mode: `reduceOnly`, and no `tradeSide`. The list of a stop has three names: it is placed as a
 * `pos_loss`, read back under `profit_loss`, and cancelled by its own plan type: without that the venue answers with a
 * success that cancelled nothing.
 */
import { z } from 'zod';
import type { MarginMode } from '../../core/accounting/legs.ts';
import { formatPrice, formatQty, type Instrument } from '../../core/market/instrument.ts';
import type { QtyLots } from '../../core/money/money.ts';
import type { OrderIntent } from '../../core/orders/order-intent.ts';
import { CAPABILITIES } from '../capabilities.ts';
import type { ProtectiveStop } from '../venue.ts';
import { readClassicBars } from './bars.ts';
import {
  PRODUCT,
  proven,
  readPages,
  symbolParam,
  timesOf,
  type Change,
  type Dialect,
  type DialectOptions,
  type OpenEntry,
  type Request,
  type Sweep,
} from './dialect.ts';
import { parseRecord, requireName, requireRowsOf } from './records.ts';
import type { Params } from './session.ts';
import * as wire from './wire.ts';

const product = { productType: PRODUCT } as const;
const margin = { marginCoin: 'USDT' } as const;

/** Bitget answers at most one week of fills a request. */
const FILLS_WINDOW_MS = 7 * 24 * 3_600_000 - 60_000;
/** Ids in one batch cancel. */
const BATCH_MAX = 50;
/** The words under which waiting triggers are listed, by family. */
const LISTED_AS = { plan: wire.PLAN_TYPES, tpsl: ['profit_loss'] } as const;

const Listed = z.looseObject({ orderId: z.string().min(1), planType: z.string().min(1).optional() });
const Accepted = z.looseObject({ posMode: z.string().optional(), marginMode: z.string().optional() });
const Levers = z.looseObject({
  marginMode: z.string(),
  longLeverage: z.unknown().optional(),
  shortLeverage: z.unknown().optional(),
  crossMarginLeverage: z.unknown().optional(),
});

export function createClassicDialect({ read, instrumentOf, noteFill }: DialectOptions): Dialect {
  /** An order names its margin mode, so it is kept as last read or set; crossed until then. */
  const marginModes = new Map<string, MarginMode>();

  const listPlans = async (planType: string, symbol: string | null): Promise<readonly unknown[]> =>
    requireRowsOf(
      await readPages(
        (page) => read('plansOpen', { planType, ...product, ...symbolParam(symbol), ...page }),
        'entrustedList',
        'endId',
      ),
      symbol,
    );
  const listOrders = async (symbol: string | null): Promise<readonly unknown[]> =>
    requireRowsOf(
      await readPages(
        (page) => read('ordersOpen', { ...product, ...symbolParam(symbol), ...page }),
        'entrustedList',
        'endId',
      ),
      symbol,
    );
  const dialect: Dialect = {
    kind: 'classic',
    capabilities: CAPABILITIES.bitget_classic,
    amendsByNewOrder: true,
    // A batch that found nothing is a success, too.
    unnamedStopIs: 'gone',
    fillsWindowMs: FILLS_WINDOW_MS,

    place: (intent, instrument) => ({
      call: 'place',
      params: {
        symbol: intent.symbol,
        ...product,
        ...margin,
        marginMode: marginModes.get(intent.symbol) ?? 'crossed',
        orderType: 'limit',
        force: intent.kind === 'post_only' ? 'post_only' : 'GTC',
        price: formatPrice(intent.price, instrument),
        size: formatQty(intent.qty, instrument),
        ...sidesOf(intent),
        clientOid: intent.clientOrderId,
      },
      proof: (data) => wire.parsePlaced(data, intent.clientOrderId),
    }),

    amend: (clientOrderId, to, instrument) => ({
      call: 'amend',
      params: {
        clientOid: clientOrderId,
        symbol: to.symbol,
        ...product,
        ...margin,
        newClientOid: to.clientOrderId,
        newSize: formatQty(to.qty, instrument),
        newPrice: formatPrice(to.price, instrument),
      },
      proof: (data) => wire.parsePlaced(data, clientOrderId) ?? wire.parsePlaced(data, to.clientOrderId),
    }),

    cancel: (symbol, clientOrderId) => ({
      call: 'cancel',
      params: { symbol, clientOid: clientOrderId, ...product },
      proof: (data) => proven(wire.parsePlaced(data, clientOrderId) !== null),
    }),

    sweep(family): Sweep {
      if (family === 'normal') {
        return {
          whole: (symbol) =>
            symbol === null
              ? { call: 'cancelProduct', params: product }
              : { call: 'cancelSymbol', params: { symbol, ...product } },
          listOpen: async (symbol) => (await listOrders(symbol)).map(entryOf),
          cancel: (entries, isOneByOne) =>
            isOneByOne
              ? entries.map(({ symbol, orderId }) => ({ call: 'cancel', params: { symbol, orderId, ...product } }))
              : batches(entries, 'cancelSymbol'),
        };
      }
      return {
        whole: () => null,
        async listOpen(symbol) {
          const lists = await Promise.all(LISTED_AS[family].map((planType) => listPlans(planType, symbol)));
          return lists.flat().map(entryOf);
        },
        cancel: (entries) => batches(entries, 'cancelPlan'),
      };
    },

    placeStop: (stop, instrument) => ({
      call: 'placeTpsl',
      params: {
        symbol: stop.symbol,
        ...product,
        ...margin,
        planType: 'pos_loss',
        // For form's sake: a stop of a position covers all of it, whatever its size becomes.
        size: formatQty(Math.abs(stop.positionLots) as QtyLots, instrument),
        ...triggerOf(stop, instrument),
        holdSide: holdSideOf(stop),
        orderType: 'market',
        force: 'GTC',
        clientOid: stop.clientOrderId,
      },
      proof: (data) => wire.parsePlaced(data, stop.clientOrderId),
    }),

    replaceStop: (clientOrderId, stop, instrument) => ({
      call: 'modifyTpsl',
      params: {
        clientOid: clientOrderId,
        symbol: stop.symbol,
        ...product,
        ...margin,
        ...triggerOf(stop, instrument),
        // A stop of a position has no size of its own: one that names a size is refused (45128).
        size: '',
      },
      proof: (data) => wire.parsePlaced(data, clientOrderId),
    }),

    cancelStop: (symbol, clientOrderId) => ({
      call: 'cancelPlan',
      params: { symbol, ...product, planType: 'pos_loss', orderIdList: [{ clientOid: clientOrderId }] },
      proof: (data) => proven(wire.batchNames(data, clientOrderId)),
    }),

    openOrders: async (symbol) =>
      Promise.all(
        (await listOrders(symbol)).map(async (row) =>
          wire.parseOrder(row, await instrumentOf(requireName(row)), 'rest'),
        ),
      ),
    async triggerOrders(symbol) {
      const planTypes = [...LISTED_AS.plan, ...LISTED_AS.tpsl];
      const lists = await Promise.all(planTypes.map((planType) => listPlans(planType, symbol)));
      return Promise.all(
        lists.flat().map(async (row) => wire.parseTriggerOrder(row, await instrumentOf(requireName(row)))),
      );
    },
    order: (symbol, clientOrderId) => ({ call: 'order', params: { symbol, ...product, clientOid: clientOrderId } }),
    parseOrder: (data, instrument) => wire.parseOrder(data, instrument, 'rest'),
    async fills(instrument, window) {
      const { symbol } = instrument;
      const rows = await readPages(
        (page) => read('fills', { symbol, ...product, ...timesOf(window), ...page }),
        'fillList',
        'endId',
      );
      rows.forEach(noteFill);
      return rows.map((row) => wire.parseFill(row, instrument));
    },
    async fundingPayments(symbol, window) {
      const rows = await readPages(
        (page) =>
          read('bills', {
            ...symbolParam(symbol),
            ...margin,
            businessType: 'contract_settle_fee',
            ...product,
            ...timesOf(window),
            ...page,
          }),
        'bills',
        'endId',
      );
      return rows
        .map(wire.parseFundingPayment)
        .filter((payment) => payment !== null)
        .filter((payment) => symbol === null || payment.symbol === symbol);
    },
    async positions(symbol) {
      const { data } =
        symbol === null
          ? await read('positions', { ...product, ...margin })
          : await read('position', { symbol, ...product, ...margin });
      const rows = parseRecord(z.array(z.unknown()), data, 'positions');
      const symbols = new Set(requireRowsOf(rows, symbol).map(requireName));
      const held = await Promise.all(
        [...symbols].map(async (name) => wire.parsePositions(rows, await instrumentOf(name))),
      );
      return held.flat();
    },
    balance: async () => wire.parseBalance((await read('accounts', product)).data),
    async feeRates(symbol) {
      const { data } = await read('feeRates', { symbol, businessType: 'mix' });
      const { makerFeeRate: maker, takerFeeRate: taker } = wire.parseFeeRates(data);
      return { maker, taker };
    },
    async ticker(symbol) {
      const { data, atMs } = await read('ticker', { symbol, ...product });
      return wire.parseTicker(data, symbol, atMs);
    },
    async funding(symbol) {
      const { data, atMs } = await read('fundingRate', { symbol, ...product });
      return wire.parseFundingRate(data, symbol, atMs);
    },
    recentBars: (symbol, barMs, count) => readClassicBars(read, symbol, barMs, count),

    async settings(symbol) {
      const { data } = await read('account', { symbol, ...product, ...margin });
      const settings = wire.parseSettings(data);
      marginModes.set(symbol, settings.marginMode);
      return settings;
    },
    async setLeverage(symbol, leverage) {
      const { marginMode, positionMode } = await dialect.settings(symbol);
      const change = (side: 'long' | 'short' | null): Change<true> => ({
        call: 'setLeverage',
        params: {
          symbol,
          ...margin,
          leverage: String(leverage),
          ...product,
          ...(side === null ? {} : { holdSide: side }),
        },
        proof: (data) => proven(saysLeverage(data, leverage, side)),
      });
      // An isolated symbol has a leverage for each direction; in crossed mode a direction is ignored.
      if (marginMode === 'crossed') return [change(null)];
      return positionMode === 'hedge' ? [change('long'), change('short')] : [change(null)];
    },
    setMarginMode: async (symbol, mode) => [
      {
        call: 'setMarginMode',
        params: { symbol, ...margin, marginMode: mode, ...product },
        proof: (data) => proven(says(data, 'marginMode', mode)),
      },
    ],
    async setPositionMode(mode) {
      const posMode = mode === 'hedge' ? 'hedge_mode' : 'one_way_mode';
      return [
        {
          call: 'setPositionMode',
          params: { posMode, ...product },
          proof: (data) => proven(says(data, 'posMode', posMode)),
        },
      ];
    },
    knownPositionMode: () => null,
    changed({ symbol, marginMode }) {
      if (symbol !== undefined && marginMode !== undefined) marginModes.set(symbol, marginMode);
    },
  };
  return dialect;
}

function sidesOf({ side, leg, reduceOnly }: OrderIntent): Params {
  if (leg === 'net') return { side, ...(reduceOnly ? { reduceOnly: 'YES' } : {}) };
  return { side: leg === 'long' ? 'buy' : 'sell', tradeSide: reduceOnly ? 'Close' : 'Open' };
}

/** Closes at market: an execution price would make it a limit order, which a fast market leaves behind. */
function triggerOf({ triggerPrice, triggerSource }: ProtectiveStop, instrument: Instrument): Params {
  return {
    triggerPrice: formatPrice(triggerPrice, instrument),
    triggerType: triggerSource === 'mark' ? 'mark_price' : 'fill_price',
  };
}

/** In one-way mode the direction of the position has other words than in hedge mode. */
function holdSideOf({ leg, positionLots }: ProtectiveStop): string {
  if (leg !== 'net') return leg;
  return positionLots > 0 ? 'buy' : 'sell';
}

function entryOf(row: unknown): OpenEntry {
  const { orderId, planType } = parseRecord(Listed, row, 'open order');
  return { symbol: requireName(row), orderId, planType: planType ?? null };
}

/** One call for each symbol and plan type, of at most `BATCH_MAX` ids. */
function batches(entries: readonly OpenEntry[], call: 'cancelSymbol' | 'cancelPlan'): Request[] {
  const groups = new Map<string, OpenEntry[]>();
  for (const entry of entries) {
    const key = `${entry.symbol} ${entry.planType}`;
    groups.set(key, [...(groups.get(key) ?? []), entry]);
  }
  const requests: Request[] = [];
  for (const group of groups.values()) {
    const { symbol, planType } = group[0] as OpenEntry;
    for (let from = 0; from < group.length; from += BATCH_MAX) {
      const orderIdList = group.slice(from, from + BATCH_MAX).map(({ orderId }) => ({ orderId }));
      const typed = planType === null ? {} : { planType };
      requests.push({ call, params: { symbol, ...product, ...typed, orderIdList } });
    }
  }
  return requests;
}

function says(data: unknown, field: 'posMode' | 'marginMode', value: string): boolean {
  const row = Accepted.safeParse(data);
  return row.success && row.data[field] === value;
}

function saysLeverage(data: unknown, leverage: number, side: 'long' | 'short' | null): boolean {
  const row = Levers.safeParse(data);
  if (!row.success) return false;
  const { marginMode, crossMarginLeverage, longLeverage, shortLeverage } = row.data;
  const told =
    marginMode === 'crossed'
      ? [crossMarginLeverage]
      : side === null
        ? [longLeverage, shortLeverage]
        : [side === 'long' ? longLeverage : shortLeverage];
  return told.every((value) => Number(value) === leverage);
}
