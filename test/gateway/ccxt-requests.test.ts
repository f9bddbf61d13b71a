/**
 * What the gateway puts on the wire beside what the most used client puts there for the same wish: every published case
 * of a call that the gateway makes, URL and body. Where ours says more or says it otherwise, the case names the field.
 */
import { describe, expect, test } from '@jest/globals';
import { formatQty, toLots, toTicks } from '../../core/market/instrument.ts';
import type { Leg, MarginMode } from '../../core/accounting/legs.ts';
import type { QtyLots, SignedLots } from '../../core/money/money.ts';
import type { Venue } from '../../gateway/venue.ts';
import { openFixturePeer, SETTINGS, staticCases, type CannedAnswers, type StaticCase } from './fixture-peer.ts';
import { intent, type ReceivedCall } from './raw-peer.ts';

interface Wish {
  /** Makes the gateway do what the case asks for. */
  run(venue: Venue): Promise<unknown>;
  readonly answers?: CannedAnswers;
  /** Fields that are always ours alone, by the reason. */
  readonly ours?: readonly string[];
  /** Fields of the case that have no counterpart here. */
  readonly theirs?: readonly string[];
  readonly finest?: boolean;
}

type Params = Record<string, unknown>;

const idOf = (unified: unknown): string => String(unified).replace(/\/(\w+):\w+$/, '$1');
const named = (params: unknown): Params => (params ?? {}) as Params;
const SINCE = Date.now() - 60_000;
/** An id of ours where theirs generates one on the way or names the order by the venue's id. */
const CLIENT_ID = ['clientOid'];
const VENUE_ID = ['orderId'];
/** Pages and windows are always stated, so that the venue's defaults decide nothing. */
const PAGE = ['limit'];
const WINDOW = ['limit', 'startTime'];

async function put(venue: Venue, [symbolName, type, side, amount, price, more]: readonly unknown[]): Promise<void> {
  const params = named(more);
  const instrument = await venue.instrument(idOf(symbolName));
  if (params.marginMode === 'isolated') await venue.setMarginMode(instrument.symbol, 'isolated');
  const posSide = params.posSide as Leg | undefined;
  const reduceOnly = params.reduceOnly === true;
  const hedgeLeg = (side === 'buy') === reduceOnly ? 'short' : 'long';
  expect(type).toBe('limit');
  await venue.place(
    intent({
      symbol: instrument.symbol,
      side: side as 'buy' | 'sell',
      price: toTicks(String(price), instrument),
      qty: toLots(String(amount), instrument),
      kind: params.postOnly === true ? 'post_only' : 'limit',
      reduceOnly,
      leg: posSide ?? (params.hedged === true ? hedgeLeg : 'net'),
    }),
  );
}

async function stop(venue: Venue, symbolName: unknown, side: unknown, amount: unknown, trigger: unknown, more: Params) {
  const instrument = await venue.instrument(idOf(symbolName));
  const direction = side === 'sell' ? 1 : -1;
  const leg: Leg = more.hedged === true ? (direction === 1 ? 'long' : 'short') : 'net';
  return {
    clientOrderId: 'bot1-0-9',
    symbol: instrument.symbol,
    leg,
    positionLots: (direction * toLots(String(amount), instrument)) as SignedLots,
    triggerPrice: toTicks(String(trigger), instrument),
    triggerSource: 'mark' as const,
  };
}

const page = (list: string, rows: unknown[]) => {
  let told = false;
  return () => {
    const data = told ? { [list]: [], endId: null, cursor: null } : { [list]: rows, endId: null, cursor: null };
    told = true;
    return { data };
  };
};

/** The gateway's way to the wish of a case; null where the desk has no such wish. */
function wishOf(method: string, { input, output, url }: StaticCase): Wish | null {
  const params = named(input.at(-1));
  const symbolAt = ['setLeverage', 'cancelOrder', 'cancelOrders', 'editOrder', 'fetchOrder'].includes(method) ? 1 : 0;
  const symbol = idOf(input[symbolAt]);
  if (url.includes('COIN-FUTURES') || output?.productType === 'COIN-FUTURES') return null;
  switch (method) {
    case 'createOrder': {
      const [, type, side, amount, price] = input;
      const stopLoss = params.stopLossPrice;
      if (stopLoss !== undefined && price === null) {
        return {
          run: async (venue) => venue.placeStop(await stop(venue, input[0], side, amount, stopLoss, params)),
          ours: CLIENT_ID,
        };
      }
      const attached = [
        'stopLoss',
        'takeProfit',
        'stopLossPrice',
        'takeProfitPrice',
        'triggerPrice',
        'trailingPercent',
      ];
      if (type !== 'limit' || attached.some((key) => key in params)) return null;
      return { run: (venue) => put(venue, input), ours: CLIENT_ID };
    }
    case 'createStopLossOrder': {
      const [, , side, amount, price, trigger] = input;
      if (price !== null) return null;
      return {
        run: async (venue) => venue.placeStop(await stop(venue, input[0], side, amount, trigger, named(input[6]))),
        ours: CLIENT_ID,
      };
    }
    case 'editOrder': {
      const [, , , side, amount, price] = input;
      if (params.stopLossPrice !== undefined && params.uta !== true) {
        return {
          async run(venue) {
            // The case edits what protects a long; its side is that of the opening order.
            const changed = await stop(
              venue,
              symbol,
              side === 'buy' ? 'sell' : 'buy',
              amount,
              params.stopLossPrice,
              {},
            );
            await venue.replaceStop('bot1-0-8', changed);
          },
          // The size of a position's stop has to be sent empty: the venue refuses any other (45128).
          ours: [...CLIENT_ID, 'triggerType', 'size'],
          // The case makes it a limit order; ours closes at market.
          theirs: [...VENUE_ID, 'executePrice', 'size'],
        };
      }
      if (params.uta !== true || Object.keys(params).length > 1) return null;
      return {
        async run(venue) {
          const instrument = await venue.instrument(symbol);
          const [ticks, lots] = [toTicks(String(price), instrument), toLots(String(amount), instrument)];
          await venue.amend('bot1-0-1', intent({ price: ticks, qty: lots }));
        },
        ours: CLIENT_ID,
        theirs: VENUE_ID,
        finest: true,
      };
    }
    case 'cancelOrder': {
      if (params.trailing === true || params.trigger === true) {
        const row = { symbol, orderId: input[0], planType: output?.planType };
        const listed = page('entrustedList', [row]);
        return {
          run: (venue) => venue.cancelAll({ symbol, families: ['plan'] }),
          answers: {
            '/api/v2/mix/order/orders-plan-pending': (call) =>
              call.path.includes(`planType=${String(row.planType)}`) ? listed() : page('entrustedList', [])(),
            '/api/v2/mix/order/cancel-plan-order': () => ({ data: { successList: [row], failureList: [] } }),
          },
        };
      }
      const clientOid = params.clientOrderId;
      if (typeof clientOid === 'string') return { run: (venue) => venue.cancel(symbol, clientOid) };
      return { run: (venue) => venue.cancel(symbol, 'bot1-0-1'), ours: CLIENT_ID, theirs: VENUE_ID };
    }
    case 'cancelOrders': {
      const rows = (input[0] as string[]).map((orderId) => ({ symbol, orderId }));
      return {
        run: (venue) => venue.cancelAll({ symbol, families: ['normal'] }),
        answers: {
          '/api/v2/mix/order/batch-cancel-orders': () => ({ data: { successList: [], failureList: [] } }),
          '/api/v2/mix/order/orders-pending': page('entrustedList', rows),
        },
      };
    }
    case 'cancelAllOrders':
      return { run: (venue) => venue.cancelAll({ symbol, families: ['normal'] }) };
    case 'fetchOpenOrders': {
      const of = input[0] === null ? null : symbol;
      if (params.trailing === true || params.planType !== undefined) {
        return { run: (venue) => venue.triggerOrders(of), ours: PAGE };
      }
      return { run: (venue) => venue.openOrders(of), ours: PAGE, theirs: ['limit', 'startTime'] };
    }
    case 'fetchMyTrades':
      return { run: (venue) => venue.fillsSince(symbol, SINCE), ours: [...WINDOW, 'category'] };
    case 'fetchOrder':
      return { run: (venue) => venue.orderByClientId(symbol, 'bot1-0-1'), ours: CLIENT_ID, theirs: VENUE_ID };
    case 'fetchBalance':
      return params.type === 'funding' ? null : { run: (venue) => venue.balance() };
    case 'fetchPosition':
      return { run: (venue) => venue.positions(symbol) };
    case 'fetchPositions':
      return params.useHistoryEndpoint === true ? null : { run: (venue) => venue.positions(null) };
    case 'setLeverage':
      return { run: (venue) => venue.setLeverage(symbol, Number(input[0])) };
    case 'setPositionMode':
      return { run: (venue) => venue.setPositionMode(input[0] === true ? 'hedge' : 'one_way') };
    case 'setMarginMode':
      return { run: (venue) => venue.setMarginMode(idOf(input[1]), input[0] as MarginMode) };
    case 'fetchTradingFee':
      return { run: (venue) => venue.feeRates(symbol) };
    case 'fetchFundingHistory':
      return { run: (venue) => venue.fundingPaymentsSince(symbol, SINCE), ours: WINDOW };
    case 'fetchLeverage':
    case 'fetchMarginMode':
      return { run: (venue) => venue.settings(symbol) };
    case 'fetchTime':
      return { run: (venue) => venue.serverTimeMs() };
    case 'fetchFundingRate':
    case 'fetchFundingInterval':
      return { run: (venue) => venue.funding(symbol) };
    case 'fetchOHLCV': {
      const [, timeframe, since, limit] = input;
      const isPlain = typeof since !== 'number' && params.price === undefined && params.until === undefined;
      const barMs = { '1m': 60_000, '1h': 3_600_000, '2h': 7_200_000 }[String(timeframe)];
      if (!isPlain || barMs === undefined) return null;
      // Two more than are wanted are asked for: one grows yet, one may have been told before.
      const count = typeof limit === 'number' ? Math.max(1, limit - 2) : 1_000;
      const isOne = limit === 1;
      return { run: (venue) => venue.recentBars(symbol, barMs, count), ours: isOne ? PAGE : [], ...(isOne && { theirs: PAGE }) }; // prettier-ignore
    }
    default:
      return null;
  }
}

const without = (fields: readonly string[] | undefined, record: Params): Params =>
  Object.fromEntries(Object.entries(record).filter(([key]) => !(fields ?? []).includes(key)));

/** Path and query or body, in one comparable record. */
function wireOf(url: string, body: Params | null, dropped: readonly string[] | undefined) {
  const { pathname, searchParams } = new URL(url, 'https://api.bitget.com');
  return {
    path: pathname,
    query: without(dropped, Object.fromEntries(searchParams)),
    body: body === null ? null : without(dropped, body),
  };
}

const made = staticCases('request').map(([method, one]) => ({ method, one, wish: wishOf(method, one) }));
const asked = made.filter(({ wish }) => wish !== null);

describe('requests as published', () => {
  test.each(asked.map(({ method, one, wish }) => [`${method}: ${one.description}`, one, wish!] as const))(
    '%s',
    async (_name, one, wish) => {
      const unified = one.url.includes('/api/v3/');
      const peer = await openFixturePeer(wish.answers ?? {}, {
        accountKind: unified ? 'unified' : 'classic',
        finest: wish.finest ?? false,
      });
      try {
        const instrument = await peer.venue.instrument('BTCUSDT');
        expect(formatQty(1 as QtyLots, instrument)).toBe(wish.finest === true ? '0.0001' : '0.001');
        await wish.run(peer.venue).catch(() => undefined);
        const { pathname } = new URL(one.url);
        const ofPath = peer.calls.filter(({ path }) => path.split('?')[0] === pathname);
        const sent = ofPath.map(({ path, body }) =>
          wireOf(path, body === '' ? null : (JSON.parse(body) as Params), wish.ours),
        );
        const expected = wireOf(one.url, one.output ?? null, wish.theirs);
        expect(sent).toContainEqual(expected);
        // Where no field differs, the URL is the same to the letter.
        if (wish.ours === undefined) {
          expect(ofPath.map(({ path }) => path)).toContain(one.url.replace('https://api.bitget.com', ''));
        }
      } finally {
        await peer.close();
      }
    },
  );

  test('the published cases of calls that the gateway does not make', () => {
    const others = made.filter(({ wish }) => wish === null).map(({ method }) => method);
    expect([...new Set(others)].sort()).toMatchInlineSnapshot(`
     [
       "closeAllPositions",
       "closePosition",
       "createOrder",
       "createOrders",
       "createTakeProfitOrder",
       "editOrder",
       "fetchBalance",
       "fetchCanceledAndClosedOrders",
       "fetchCanceledOrders",
       "fetchClosedOrders",
       "fetchFundingIntervals",
       "fetchFundingRateHistory",
       "fetchFundingRates",
       "fetchLongShortRatioHistory",
       "fetchMarkPrice",
       "fetchMarketLeverageTiers",
       "fetchOHLCV",
       "fetchOpenInterest",
       "fetchOrderBook",
       "fetchPositionHistory",
       "fetchPositions",
       "fetchPositionsHistory",
       "fetchTicker",
       "fetchTickers",
       "fetchTrades",
       "setLeverage",
     ]
    `);
    expect(asked.length).toBeGreaterThanOrEqual(30);
  });
});

test('the comparison can fail: one digit of a price is noticed', async () => {
  const [, one] = staticCases('request').find(([, { description }]) => description === 'Swap cross limit buy')!;
  const peer = await openFixturePeer({}, { accountKind: 'classic' });
  await put(peer.venue, [one.input[0], 'limit', 'buy', 0.001, '25000.1', {}]);
  const call = peer.calls.find(({ path }) => path.endsWith('place-order')) as ReceivedCall;
  expect(wireOf(call.path, JSON.parse(call.body) as Params, CLIENT_ID)).not.toEqual(
    wireOf(one.url, one.output!, undefined),
  );
  await peer.close();
});

test('an isolated symbol of a hedged account gets its leverage on both sides', async () => {
  const hedged = { ...SETTINGS, marginMode: 'isolated', posMode: 'hedge_mode' };
  const peer = await openFixturePeer(
    {
      '/api/v2/mix/account/account': () => ({ data: hedged }),
      '/api/v2/mix/account/set-leverage': () => ({
        data: { marginMode: 'isolated', longLeverage: '5', shortLeverage: '5' },
      }),
    },
    { accountKind: 'classic' },
  );
  expect(await peer.venue.setLeverage('BTCUSDT', 5)).toEqual({ answer: 'yes' });
  const bodies = peer.calls.filter(({ method }) => method === 'POST').map(({ body }) => JSON.parse(body) as Params);
  expect(bodies.map(({ holdSide }) => holdSide)).toEqual(['long', 'short']);
  await peer.close();
});
