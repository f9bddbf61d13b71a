/**
 * The unified account: v3 trade, account, position and strategy endpoints.
 *
 * `side` is the order's own, and in hedge mode `posSide` names the leg. A stop is a strategy order that always names
 * the direction it protects (`posSide`), in both position modes. There is no endpoint for the margin mode, and an
 * amended order keeps its client order id.
 */
import { z } from 'zod';
import type { PositionMode } from '../../core/accounting/legs.ts';
import { formatPrice, formatQty, type Instrument } from '../../core/market/instrument.ts';
import type { QtyLots } from '../../core/money/money.ts';
import type { OrderIntent } from '../../core/orders/order-intent.ts';
import { CAPABILITIES } from '../capabilities.ts';
import type { ProtectiveStop, VenueFill } from '../venue.ts';
import { readUnifiedBars } from './bars.ts';
import {
  futuresOf,
  PRODUCT,
  proven,
  readPages,
  symbolParam,
  timesOf,
  type Change,
  type Dialect,
  type DialectOptions,
  type OpenEntry,
  type Sweep,
} from './dialect.ts';
import { parseRecord, requireName, requireRowsOf } from './records.ts';
import type { Params } from './session.ts';
import * as unified from './wire-unified.ts';
import { parseFeeRates, parseFundingRate, parsePlaced, parsePositions, parseTicker } from './wire.ts';

const category = { category: PRODUCT } as const;

/** Bitget answers at most 30 days of fills or records a request. */
const FILLS_WINDOW_MS = 30 * 24 * 3_600_000 - 60_000;

const Listed = z.looseObject({ orderId: z.string().min(1) });

export function createUnifiedDialect(options: DialectOptions): Dialect {
  const { read, instrumentOf, noteFill } = options;
  let { positionMode } = options;

  /** Rows of fills and strategy orders do not tell the mode: it is read once, and again after it was changed. */
  async function modeOfPositions(): Promise<PositionMode> {
    positionMode ??= unified.parsePositionMode((await read('unifiedSettings', {})).data);
    return positionMode;
  }
  const listOrders = async (symbol: string | null): Promise<readonly unknown[]> =>
    requireRowsOf(
      await readPages(
        (page) => read('unifiedOrdersOpen', { ...category, ...symbolParam(symbol), ...page }),
        'list',
        'cursor',
      ),
      symbol,
    );
  /** The venue sends a bare list here, and pages everywhere else; both are understood. */
  async function listStrategies(symbol: string | null): Promise<unknown[]> {
    const { data } = await read('unifiedStrategiesOpen', category);
    const bare = z.array(z.unknown()).safeParse(data);
    const rows = bare.success
      ? bare.data
      : await readPages((page) => read('unifiedStrategiesOpen', { ...category, ...page }), 'list', 'cursor');
    return futuresOf(rows, symbol);
  }
  /** A fill whose row names no leg belongs to the leg of its order. */
  async function fillsOf(rows: readonly unknown[], instrument: Instrument): Promise<VenueFill[]> {
    if (rows.length === 0) return [];
    const mode = await modeOfPositions();
    if (mode === 'one_way') return rows.map((row) => unified.parseFill(row, instrument, 'net'));
    const fills: VenueFill[] = [];
    for (const row of rows) {
      const leg = unified.legOfFill(row);
      if (leg !== null) {
        fills.push(unified.parseFill(row, instrument, leg));
        continue;
      }
      const { orderId } = parseRecord(Listed, row, 'fill');
      const known = fills.find(({ venueOrderId }) => venueOrderId === orderId);
      const order = known ?? unified.parseOrder((await read('unifiedOrder', { orderId })).data, instrument);
      fills.push(unified.parseFill(row, instrument, order.leg));
    }
    return fills;
  }

  const dialect: Dialect = {
    kind: 'unified',
    capabilities: CAPABILITIES.bitget_unified,
    amendsByNewOrder: false,
    // The venue answers without data, and an unknown stop with an error.
    unnamedStopIs: 'yes',
    fillsWindowMs: FILLS_WINDOW_MS,

    place: (intent, instrument) => ({
      call: 'unifiedPlace',
      params: {
        ...category,
        symbol: intent.symbol,
        orderType: 'limit',
        qty: formatQty(intent.qty, instrument),
        price: formatPrice(intent.price, instrument),
        timeInForce: intent.kind === 'post_only' ? 'post_only' : 'gtc',
        side: intent.side,
        ...legOf(intent),
        clientOid: intent.clientOrderId,
      },
      proof: (data) => parsePlaced(data, intent.clientOrderId),
    }),

    amend: (clientOrderId, to, instrument) =>
      clientOrderId !== to.clientOrderId
        ? null
        : {
            call: 'unifiedAmend',
            params: {
              clientOid: clientOrderId,
              qty: formatQty(to.qty, instrument),
              price: formatPrice(to.price, instrument),
            },
            proof: (data) => parsePlaced(data, clientOrderId),
          },

    cancel: (symbol, clientOrderId) => ({
      call: 'unifiedCancel',
      params: { symbol, clientOid: clientOrderId },
      proof: (data) => proven(parsePlaced(data, clientOrderId) !== null),
    }),

    sweep(family): Sweep {
      if (family === 'normal') {
        return {
          whole: (symbol) => ({ call: 'unifiedCancelSymbol', params: { ...symbolParam(symbol), ...category } }),
          listOpen: async (symbol) => (await listOrders(symbol)).map(entryOf),
          cancel: (entries) =>
            entries.map(({ symbol, orderId }) => ({ call: 'unifiedCancel', params: { symbol, orderId } })),
        };
      }
      return {
        whole: () => null,
        listOpen: async (symbol) =>
          (await listStrategies(symbol)).filter((row) => unified.strategyFamily(row) === family).map(entryOf),
        cancel: (entries) =>
          entries.map(({ symbol, orderId }) => ({ call: 'unifiedCancelStrategy', params: { symbol, orderId } })),
      };
    },

    placeStop: (stop, instrument) => ({
      call: 'unifiedPlaceStrategy',
      params: {
        ...category,
        symbol: stop.symbol,
        tpslMode: 'full',
        side: stop.positionLots > 0 ? 'sell' : 'buy',
        posSide: stop.positionLots > 0 ? 'long' : 'short',
        ...triggerOf(stop, instrument),
        clientOid: stop.clientOrderId,
      },
      proof: (data) => parsePlaced(data, stop.clientOrderId),
    }),

    replaceStop: (clientOrderId, stop, instrument) => ({
      call: 'unifiedModifyStrategy',
      params: { clientOid: clientOrderId, ...triggerOf(stop, instrument) },
      proof: (data) => parsePlaced(data, clientOrderId),
    }),

    cancelStop: (symbol, clientOrderId) => ({
      call: 'unifiedCancelStrategy',
      params: { symbol, clientOid: clientOrderId },
      proof: (data) => proven(parsePlaced(data, clientOrderId) !== null),
    }),

    openOrders: async (symbol) =>
      Promise.all(
        (await listOrders(symbol)).map(async (row) => unified.parseOrder(row, await instrumentOf(requireName(row)))),
      ),
    async triggerOrders(symbol) {
      const mode = await modeOfPositions();
      return Promise.all(
        (await listStrategies(symbol)).map(async (row) =>
          unified.parseTriggerOrder(row, await instrumentOf(requireName(row)), mode),
        ),
      );
    },
    order: (_symbol, clientOrderId) => ({ call: 'unifiedOrder', params: { clientOid: clientOrderId } }),
    parseOrder: unified.parseOrder,
    async fills(instrument, window) {
      const rows = await readPages(
        (page) => read('unifiedFills', { ...category, ...timesOf(window), ...page }),
        'list',
        'cursor',
      );
      const own = futuresOf(rows, instrument.symbol);
      own.forEach(noteFill);
      return fillsOf(own, instrument);
    },
    async fundingPayments(symbol, window) {
      const rows = await readPages(
        (page) => read('unifiedRecords', { ...category, coin: 'USDT', ...timesOf(window), ...page }),
        'list',
        'cursor',
      );
      return rows
        .map(unified.parseFundingPayment)
        .filter((payment) => payment !== null)
        .filter((payment) => symbol === null || payment.symbol === symbol);
    },
    async positions(symbol) {
      const { data } = await read('unifiedPositions', { ...category, ...symbolParam(symbol) });
      const { list } = parseRecord(z.looseObject({ list: z.array(z.unknown()).nullable() }), data, 'positions');
      const rows = list ?? [];
      const symbols = new Set(requireRowsOf(rows, symbol).map(requireName));
      const held = await Promise.all(
        [...symbols].map(async (name) => parsePositions(rows, await instrumentOf(name), unified.parsePosition)),
      );
      return held.flat();
    },
    balance: async () => unified.parseBalance((await read('unifiedAssets', {})).data),
    async feeRates(symbol) {
      const { data } = await read('unifiedFeeRates', { symbol, ...category });
      const { makerFeeRate: maker, takerFeeRate: taker } = parseFeeRates(data);
      return { maker, taker };
    },
    async ticker(symbol) {
      const { data, atMs } = await read('unifiedTickers', { symbol, ...category });
      return parseTicker(data, symbol, atMs);
    },
    async funding(symbol) {
      const { data, atMs } = await read('unifiedFundingRate', { symbol });
      return parseFundingRate(data, symbol, atMs);
    },
    recentBars: (symbol, barMs, count) => readUnifiedBars(read, symbol, barMs, count),

    async settings(symbol) {
      const { data } = await read('unifiedSettings', {});
      const settings = unified.parseSettings(data, symbol);
      positionMode = settings.positionMode;
      return settings;
    },
    async setLeverage(symbol, leverage) {
      const { marginMode } = await dialect.settings(symbol);
      const change = (posSide: 'long' | 'short' | null): Change<true> => ({
        call: 'unifiedSetLeverage',
        params: {
          symbol,
          leverage: String(leverage),
          coin: 'USDT',
          ...category,
          ...(posSide === null ? {} : { posSide }),
        },
        proof: (data) => proven(data === 'success'),
      });
      return marginMode === 'isolated' ? [change('long'), change('short')] : [change(null)];
    },
    async setMarginMode(symbol, mode) {
      const settings = await dialect.settings(symbol);
      return settings.marginMode === mode ? [] : null;
    },
    async setPositionMode(mode) {
      return [
        {
          call: 'unifiedSetPositionMode',
          params: { holdMode: mode === 'hedge' ? 'hedge_mode' : 'one_way_mode' },
          proof: (data) => proven(data === 'success'),
        },
      ];
    },
    knownPositionMode: () => positionMode,
    changed(what) {
      if (what.positionMode !== undefined) positionMode = what.positionMode;
    },
  };
  return dialect;
}

function legOf({ leg, reduceOnly }: OrderIntent): Params {
  if (leg !== 'net') return { posSide: leg };
  return reduceOnly ? { reduceOnly: 'yes' } : {};
}

/** Closes at market: a limit price could be left behind by a fast market. */
function triggerOf({ triggerPrice, triggerSource, positionLots }: ProtectiveStop, instrument: Instrument): Params {
  return {
    qty: formatQty(Math.abs(positionLots) as QtyLots, instrument),
    stopLoss: formatPrice(triggerPrice, instrument),
    slTriggerBy: triggerSource === 'mark' ? 'mark' : 'market',
    slOrderType: 'market',
  };
}

function entryOf(row: unknown): OpenEntry {
  return { symbol: requireName(row), orderId: parseRecord(Listed, row, 'open order').orderId, planType: null };
}
