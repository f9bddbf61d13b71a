/** The desk's words on the wire and back, in both kinds of account and both position modes. */
import { afterEach, describe, expect, test } from '@jest/globals';
import type { Leg } from '../../core/accounting/legs.ts';
import type { PriceTicks, SignedLots } from '../../core/money/money.ts';
import type { OrderIntent } from '../../core/orders/order-intent.ts';
import { formatQuote } from '../../core/money/decimal.ts';
import { BITGET_LIMITS } from '../../gateway/bitget/limits.ts';
import type { BitgetVenueOptions } from '../../gateway/bitget/venue.ts';
import { createRateBudget } from '../../gateway/rates/rate-budget.ts';
import { ORDER_FAMILIES, VenueMalformed, type ProtectiveStop, type Venue } from '../../gateway/venue.ts';
import { openFixturePeer, UNIFIED_SETTINGS, type CannedAnswers, type FixturePeer } from './fixture-peer.ts';
import { intent, type ReceivedCall } from './raw-peer.ts';

type Row = Record<string, unknown>;
const PATHS = {
  classic: {
    place: '/api/v2/mix/order/place-order',
    stop: '/api/v2/mix/order/place-tpsl-order',
    replace: '/api/v2/mix/order/modify-tpsl-order',
    cancelStop: '/api/v2/mix/order/cancel-plan-order',
    stops: '/api/v2/mix/order/orders-plan-pending',
  },
  unified: {
    place: '/api/v3/trade/place-order',
    stop: '/api/v3/trade/place-strategy-order',
    replace: '/api/v3/trade/modify-strategy-order',
    cancelStop: '/api/v3/trade/cancel-strategy-order',
    stops: '/api/v3/trade/unfilled-strategy-orders',
  },
} as const;
const KINDS = ['classic', 'unified'] as const;

let peer: FixturePeer;
let venue: Venue;
afterEach(() => peer.close());

async function open(
  accountKind: 'classic' | 'unified',
  answers: CannedAnswers = {},
  options: Partial<BitgetVenueOptions> = {},
): Promise<void> {
  peer = await openFixturePeer(answers, { accountKind, callDeadlineMs: 600_000, ...options });
  venue = peer.venue;
  await venue.instrument('BTCUSDT');
}
const bodyOf = ({ body }: ReceivedCall): Row => JSON.parse(body) as Row;
const bodies = (path: string): Row[] => peer.calls.filter((call) => call.path === path).map(bodyOf);
const queries = (path: string): Row[] =>
  peer.calls
    .filter((call) => call.path.startsWith(path))
    .map((call) => Object.fromEntries(new URL(call.path, 'http://x').searchParams));
const pick = (row: Row | undefined, ...fields: string[]): Row =>
  Object.fromEntries(fields.filter((field) => row?.[field] !== undefined).map((field) => [field, row?.[field]]));
/** Answers as the venue does: with the ids that it was sent. */
const naming = (call: ReceivedCall) => ({ data: { orderId: '77', clientOid: bodyOf(call).clientOid } });

function protectiveStop(leg: Leg, lots: number, clientOrderId = 'stop-1'): ProtectiveStop {
  return {
    clientOrderId,
    symbol: 'BTCUSDT',
    leg,
    positionLots: lots as SignedLots,
    triggerPrice: 500_005 as PriceTicks,
    triggerSource: 'mark',
  };
}

describe('sides of an order', () => {
  const table: [string, Partial<OrderIntent>, Row, Row][] = [
    ['one-way', { side: 'buy', leg: 'net' }, { side: 'buy' }, { side: 'buy' }],
    ['one-way, reducing', { side: 'sell', leg: 'net', reduceOnly: true }, { side: 'sell', reduceOnly: 'YES' }, { side: 'sell', reduceOnly: 'yes' }],
    ['open long', { side: 'buy', leg: 'long' }, { side: 'buy', tradeSide: 'Open' }, { side: 'buy', posSide: 'long' }],
    ['close long', { side: 'sell', leg: 'long', reduceOnly: true }, { side: 'buy', tradeSide: 'Close' }, { side: 'sell', posSide: 'long' }],
    ['open short', { side: 'sell', leg: 'short' }, { side: 'sell', tradeSide: 'Open' }, { side: 'sell', posSide: 'short' }],
    ['close short', { side: 'buy', leg: 'short', reduceOnly: true }, { side: 'sell', tradeSide: 'Close' }, { side: 'buy', posSide: 'short' }],
  ]; // prettier-ignore

  test.each(table)('%s', async (_name, change, classic, unified) => {
    for (const kind of KINDS) {
      await open(kind, { [PATHS[kind].place]: naming });
      expect(await venue.place(intent(change))).toEqual({ answer: 'yes', venueOrderId: '77' });
      const sent = pick(bodies(PATHS[kind].place)[0], 'side', 'tradeSide', 'posSide', 'reduceOnly');
      expect(sent).toEqual(kind === 'classic' ? classic : unified);
      await peer.close();
    }
    await open('classic');
  });

  test('an isolated symbol is traded isolated, once that is known', async () => {
    const path = '/api/v2/mix/account/set-margin-mode';
    await open('classic', { [PATHS.classic.place]: naming, [path]: () => ({ data: { marginMode: 'isolated' } }) });
    await venue.place(intent());
    expect(await venue.setMarginMode('BTCUSDT', 'isolated')).toEqual({ answer: 'yes' });
    await venue.place(intent());
    expect(bodies(PATHS.classic.place).map(({ marginMode }) => marginMode)).toEqual(['crossed', 'isolated']);
  });
});

describe('protective stops', () => {
  test.each([
    ['one-way long', 'net', 10, { holdSide: 'buy' }, { posSide: 'long', side: 'sell' }],
    ['one-way short', 'net', -10, { holdSide: 'sell' }, { posSide: 'short', side: 'buy' }],
    ['hedged long', 'long', 10, { holdSide: 'long' }, { posSide: 'long', side: 'sell' }],
    ['hedged short', 'short', -10, { holdSide: 'short' }, { posSide: 'short', side: 'buy' }],
  ] as const)('%s', async (_name, leg, lots, classic, unified) => {
    for (const kind of KINDS) {
      await open(kind, { [PATHS[kind].stop]: naming });
      expect(await venue.placeStop(protectiveStop(leg, lots))).toEqual({ answer: 'yes', venueOrderId: '77' });
      const [sent] = bodies(PATHS[kind].stop);
      expect(pick(sent, 'holdSide', 'posSide', 'side')).toEqual(kind === 'classic' ? classic : unified);
      expect(sent).toMatchObject(
        kind === 'classic'
          ? {
              planType: 'pos_loss',
              triggerPrice: '50000.5',
              triggerType: 'mark_price',
              size: '0.01',
              clientOid: 'stop-1',
            }
          : { tpslMode: 'full', stopLoss: '50000.5', slTriggerBy: 'mark', slOrderType: 'market', clientOid: 'stop-1' },
      );
      expect(Object.keys(sent!)).not.toContain('executePrice');
      await peer.close();
    }
    await open('classic');
  });

  const rowOf = { classic: { planType: 'pos_loss', triggerPrice: '50000.5', size: '0.01', posMode: 'one_way_mode', side: 'sell' }, unified: { stopLoss: '50000.5', takeProfit: '', posSide: 'long', qty: '0.01' } }; // prettier-ignore
  /** The venue keeps one stop, and knows it by the name it came with. */
  function oneStop(kind: 'classic' | 'unified'): CannedAnswers {
    let name: unknown = null;
    const row = (): Row[] =>
      name === null ? [] : [{ symbol: 'BTCUSDT', orderId: '77', clientOid: name, ...rowOf[kind] }];
    return {
      [PATHS[kind].stop]: (call) => ((name = bodyOf(call).clientOid), naming(call)),
      [PATHS[kind].replace]: (call) =>
        bodyOf(call).clientOid === name ? naming(call) : { body: { code: kind === 'classic' ? '43025' : '25204' } },
      [PATHS[kind].cancelStop](call) {
        const list = bodyOf(call).orderIdList as { clientOid: string }[] | undefined;
        const asked = kind === 'classic' ? list?.[0]?.clientOid : bodyOf(call).clientOid;
        const found = asked === name;
        if (found) name = null;
        else if (kind === 'unified') return { body: { code: '25204', msg: '' } };
        // A v2 batch that finds nothing is a success with empty lists; v3 answers without data.
        if (kind === 'unified') return { data: null };
        return { data: { successList: found ? [{ orderId: '77', clientOid: asked }] : [], failureList: [] } };
      },
      [PATHS[kind].stops]: ({ path }) =>
        kind === 'classic'
          ? { data: { entrustedList: path.includes('profit_loss') ? row() : null, endId: null } }
          : { data: row() },
    };
  }

  test.each(KINDS)('%s: a replaced stop goes by its new name, and by no other', async (kind) => {
    await open(kind, oneStop(kind));
    await venue.placeStop(protectiveStop('net', 10, 'first'));
    for (const [from, to] of [
      ['first', 'second'],
      ['second', 'third'],
    ] as const) {
      // prettier-ignore
      expect(await venue.replaceStop(from, protectiveStop('net', 10, to))).toEqual({ answer: 'yes', venueOrderId: '77' });
      expect((await venue.triggerOrders('BTCUSDT')).map(({ clientOrderId }) => clientOrderId)).toEqual([to]);
    }
    expect(bodies(PATHS[kind].replace).map(({ clientOid }) => clientOid)).toEqual(['first', 'first']);
    expect((await venue.cancelStop('BTCUSDT', 'third')).answer).toMatch(/^(yes|gone)$/);
    expect(await venue.triggerOrders('BTCUSDT')).toEqual([]);
    expect(await venue.cancelStop('BTCUSDT', 'third')).toEqual({ answer: 'gone' });
    // Nothing was there to be replaced, and nothing was placed.
    const code = kind === 'classic' ? '43025' : '25204';
    expect(await venue.replaceStop('third', protectiveStop('net', 10, 'x'))).toMatchObject({ answer: 'no', code });
  });

  test('classic: it is cancelled in its own list, and an empty success is checked', async () => {
    await open('classic', oneStop('classic'));
    await venue.placeStop(protectiveStop('net', 10, 'first'));
    expect(await venue.cancelStop('BTCUSDT', 'other')).toEqual({ answer: 'gone' });
    expect(await venue.triggerOrders('BTCUSDT')).toMatchObject([
      { clientOrderId: 'first', family: 'tpsl', isProtectiveStop: true, leg: 'net', side: 'sell', triggerPrice: 500_005, qty: 0 },
    ]); // prettier-ignore
    expect(await venue.cancelStop('BTCUSDT', 'first')).toEqual({ answer: 'yes' });
    expect(bodies(PATHS.classic.cancelStop)[1]).toMatchObject({
      planType: 'pos_loss',
      orderIdList: [{ clientOid: 'first' }],
    });
  });

  test('unified: one that is still listed after a success is not gone', async () => {
    await open('unified', { ...oneStop('unified'), [PATHS.unified.cancelStop]: () => ({ data: null }) });
    await venue.placeStop(protectiveStop('net', 10, 'first'));
    expect(await venue.cancelStop('BTCUSDT', 'first')).toMatchObject({ answer: 'unknown' });
  });
});

describe('cancelling everything', () => {
  /** A book of open things by family that obeys, or does not. */
  function book(open: Record<'normal' | 'plan' | 'tpsl', Row[]>, obeys = true): CannedAnswers {
    const take = (ids: unknown[]): void => {
      for (const list of Object.values(open)) {
        if (obeys) list.splice(0, list.length, ...list.filter(({ orderId }) => !ids.includes(orderId)));
      }
    };
    const named = (call: ReceivedCall): unknown[] => (bodyOf(call).orderIdList as Row[]).map(({ orderId }) => orderId);
    const batch = (ids: unknown[]) => ({ data: { successList: ids.map((orderId) => ({ orderId })), failureList: [] } });
    const cancelNamed = (call: ReceivedCall) => (take(named(call)), batch(named(call)));
    const all = () => {
      const ids = open.normal.map(({ orderId }) => orderId);
      take(ids);
      return batch(ids);
    };
    const listOf = ({ path }: ReceivedCall): Row[] =>
      path.includes('profit_loss') ? open.tpsl : open.plan.filter(({ planType }) => path.includes(String(planType)));
    return {
      '/api/v2/mix/order/cancel-all-orders': all,
      '/api/v2/mix/order/batch-cancel-orders': (call) =>
        bodyOf(call).orderIdList === undefined ? all() : cancelNamed(call),
      '/api/v2/mix/order/cancel-plan-order': cancelNamed,
      '/api/v2/mix/order/orders-pending': () => ({ data: { entrustedList: open.normal, endId: null } }),
      '/api/v2/mix/order/orders-plan-pending': (call) => ({ data: { entrustedList: listOf(call), endId: null } }),
    };
  }
  const row = (orderId: string, symbol = 'BTCUSDT', planType?: string): Row => ({ orderId, symbol, ...(planType === undefined ? {} : { planType }) }); // prettier-ignore
  const everything = () => ({
    normal: [row('1'), row('2', 'ETHUSDT')],
    plan: [row('3', 'BTCUSDT', 'normal_plan'), row('4', 'ETHUSDT', 'track_plan')],
    tpsl: [row('5', 'BTCUSDT', 'pos_loss'), row('6', 'BTCUSDT', 'pos_profit'), row('7', 'XRPUSDT', 'pos_loss')],
  });

  test('of every symbol and family, each in its own list', async () => {
    const state = everything();
    await open('classic', book(state));
    expect(await venue.cancelAll({ symbol: null, families: ORDER_FAMILIES })).toEqual({ answer: 'yes' });
    expect(state).toEqual({ normal: [], plan: [], tpsl: [] });
    expect(bodies('/api/v2/mix/order/cancel-plan-order').map((body) => pick(body, 'symbol', 'planType'))).toEqual([
      { symbol: 'BTCUSDT', planType: 'normal_plan' },
      { symbol: 'ETHUSDT', planType: 'track_plan' },
      { symbol: 'BTCUSDT', planType: 'pos_loss' },
      { symbol: 'BTCUSDT', planType: 'pos_profit' },
      { symbol: 'XRPUSDT', planType: 'pos_loss' },
    ]);
    expect(await venue.cancelAll({ symbol: null, families: ORDER_FAMILIES })).toEqual({ answer: 'gone' });
  });

  test('of one family leaves the others alone', async () => {
    const state = everything();
    await open('classic', book(state));
    expect(await venue.cancelAll({ symbol: null, families: ['plan'] })).toEqual({ answer: 'yes' });
    expect([state.normal.length, state.plan.length, state.tpsl.length]).toEqual([2, 0, 3]);
  });

  test.each(ORDER_FAMILIES)('a success that leaves %s orders open is no yes', async (family) => {
    await open('classic', book(everything(), false));
    expect(await venue.cancelAll({ symbol: null, families: [family] })).toMatchObject({ answer: 'unknown' });
  });

  test('more than one call can name are cancelled in several', async () => {
    const tpsl = Array.from({ length: 120 }, (_, n) => row(String(n), 'BTCUSDT', 'pos_loss'));
    await open('classic', {
      ...book({ normal: [], plan: [], tpsl }),
      '/api/v2/mix/order/orders-plan-pending': ({ path }) => {
        const from = Number(new URL(path, 'http://x').searchParams.get('idLessThan') ?? '0');
        const rows = path.includes('profit_loss') ? tpsl.slice(from, from + 100) : [];
        return { data: { entrustedList: rows, endId: rows.length === 100 ? String(from + 100) : null } };
      },
    });
    expect(await venue.cancelAll({ symbol: 'BTCUSDT', families: ['tpsl'] })).toEqual({ answer: 'yes' });
    const sizes = bodies('/api/v2/mix/order/cancel-plan-order').map(
      ({ orderIdList }) => (orderIdList as unknown[]).length,
    );
    expect(sizes).toEqual([50, 50, 20]);
  });

  test.each([
    ['classic', '/api/v2/mix/order/batch-cancel-orders', '/api/v2/mix/order/cancel-order'],
    ['unified', '/api/v3/trade/cancel-symbol-order', '/api/v3/trade/cancel-order'],
  ] as const)('%s: where all at once gets no turn, one by one does', async (kind, whole, one) => {
    let listed = [row('1'), row('2')];
    const list = () => ({ data: { entrustedList: listed, list: listed, endId: null, cursor: null } });
    const perSecond = { ...BITGET_LIMITS.perSecond, cancel_symbol: 1 };
    const budget = createRateBudget({ ...BITGET_LIMITS, perSecond }, Date.now);
    const answers: CannedAnswers = {
      '/api/v2/mix/order/orders-pending': list,
      '/api/v3/trade/unfilled-orders': list,
      [one](call) {
        listed = listed.filter(({ orderId }) => orderId !== bodyOf(call).orderId);
        return { data: { orderId: bodyOf(call).orderId } };
      },
    };
    await open(kind, answers, { budget, callDeadlineMs: 1_000 });
    // Somebody else's: the next turn comes in more than half of a call's time.
    expect(budget.acquire('cancel_symbol', Date.now() + 1)).toBe(true);
    expect(await venue.cancelAll({ symbol: 'BTCUSDT', families: ['normal'] })).toEqual({ answer: 'yes' });
    expect([bodies(whole).length, bodies(one).map(({ orderId }) => orderId)]).toEqual([0, ['1', '2']]);
    budget.close();
    const answer = await venue.cancelAll({ symbol: 'BTCUSDT', families: ['normal'] });
    expect(answer).toMatchObject({ answer: 'no', code: 'not_sent' });
  });

  test('unified: strategy orders one by one, those with a stop apart from those without', async () => {
    let waiting: Row[] = [
      { orderId: '1', symbol: 'BTCUSDT', stopLoss: '1', takeProfit: '' },
      { orderId: '2', symbol: 'ETHUSDT', stopLoss: '', takeProfit: '', triggerPrice: '5' },
    ];
    await open('unified', {
      [PATHS.unified.stops]: () => ({ data: waiting }),
      [PATHS.unified.cancelStop](call) {
        waiting = waiting.filter(({ orderId }) => orderId !== bodyOf(call).orderId);
        return { data: null };
      },
    });
    expect(await venue.cancelAll({ symbol: null, families: ['tpsl'] })).toEqual({ answer: 'yes' });
    expect(waiting.map(({ orderId }) => orderId)).toEqual(['2']);
    expect(await venue.cancelAll({ symbol: null, families: ['plan'] })).toEqual({ answer: 'yes' });
    expect(waiting).toEqual([]);
  });
});

describe('history', () => {
  const DAY_MS = 24 * 3_600_000;
  const NOW = 1_760_000_000_000;
  const now = () => NOW;

  test.each([
    ['classic', '/api/v2/mix/order/fills', 7],
    ['unified', '/api/v3/trade/fills', 30],
  ] as const)('%s: fills are asked for in windows that the venue allows, without a gap', async (kind, path, days) => {
    // A clock that runs fast, so that the rate budget does not make the test wait.
    const startedAtMs = Date.now();
    await open(kind, {}, { now: () => NOW + (Date.now() - startedAtMs) * 50 });
    await venue.fillsSince('BTCUSDT', NOW - 80 * DAY_MS);
    const asked = queries(path).map(({ startTime, endTime }) => [Number(startTime), endTime] as const);
    expect(asked[0]![0]).toBe(NOW - 80 * DAY_MS);
    // The last one stays open: our clock does not decide what the venue calls recent.
    expect(asked.map(([, end]) => end === undefined)).toEqual([...asked.slice(1).map(() => false), true]);
    const windows = asked.map(([start, end]) => [start, Number(end ?? NOW)] as const);
    for (const [n, [start, end]] of windows.entries()) {
      expect(end - start).toBeLessThanOrEqual(days * DAY_MS);
      if (n > 0) expect(start).toBe(windows[n - 1]![1]);
    }
  });

  test('funding payments: pages, each once, oldest first, and nothing but funding', async () => {
    const bill = (billId: string, atMs: number, change: Row = {}): Row => ({
      billId, symbol: 'BTCUSDT', amount: '-0.004992', businessType: 'contract_settle_fee', coin: 'USDT', cTime: String(atMs), ...change,
    }); // prettier-ignore
    const first = Array.from({ length: 100 }, (_, n) => bill(`a${n}`, NOW - 1_000 - n));
    await open(
      'classic',
      {
        '/api/v2/mix/account/bill': ({ path }) => {
          const rest = [
            bill('a99', NOW - 1_099),
            bill('b', NOW - 2_000, { amount: '0.5' }),
            bill('c', NOW - 3_000, { businessType: 'open_long' }),
          ];
          const isRest = path.includes('idLessThan=a99');
          return { data: { bills: isRest ? rest : first, endId: isRest ? 'c' : 'a99' } };
        },
      },
      { now },
    );
    const payments = await venue.fundingPaymentsSince(null, NOW - DAY_MS);
    expect(payments).toHaveLength(101);
    expect(payments[0]).toEqual({ paymentId: 'b', symbol: 'BTCUSDT', amount: 500_000_000_000n, atMs: NOW - 2_000 });
    expect(formatQuote(payments.at(-1)!.amount)).toBe('-0.004992');
  });

  test('unified, hedged: a fill whose row names no leg has that of its order', async () => {
    const fill = (execId: string, orderId: string, side: string): Row => ({
      execId, orderId, symbol: 'BTCUSDT', category: 'USDT-FUTURES', side, execPrice: '50000', execQty: '0.001', tradeScope: 'maker',
      feeDetail: [{ feeCoin: 'USDT', fee: '0.01' }], createdTime: String(NOW - 10),
    }); // prettier-ignore
    const rows = [
      fill('1', '10', 'sell'),
      fill('2', '10', 'sell'),
      { ...fill('3', '11', 'sell'), tradeSide: 'close' },
      { ...fill('4', '12', 'sell'), symbol: 'ETHUSDT' },
      { ...fill('5', '13', 'buy'), category: 'SPOT' },
    ];
    const order = { orderId: '10', symbol: 'BTCUSDT', side: 'sell', qty: '0.002', orderStatus: 'filled', holdMode: 'hedge_mode', posSide: 'long', createdTime: String(NOW) }; // prettier-ignore
    await open(
      'unified',
      {
        '/api/v3/account/settings': () => ({ data: { ...UNIFIED_SETTINGS, holdMode: 'hedge_mode' } }),
        '/api/v3/trade/fills': () => ({ data: { list: rows, cursor: null } }),
        '/api/v3/trade/order-info': () => ({ data: order }),
      },
      { now },
    );
    const fills = await venue.fillsSince('BTCUSDT', NOW - 1_000);
    expect(fills.map(({ tradeId, leg }) => [tradeId, leg])).toEqual([['1', 'long'], ['2', 'long'], ['3', 'long']]); // prettier-ignore
    expect(queries('/api/v3/trade/order-info')).toEqual([{ orderId: '10' }]);
  });
});

describe('amending', () => {
  const path = '/api/v2/mix/order/modify-order';
  const order = { orderId: '78', clientOid: 'v2', symbol: 'BTCUSDT', price: '50000', size: '0.01', state: 'live', side: 'buy', cTime: '1760000000000' }; // prettier-ignore

  test('classic: a yes is the new order as the venue lists it, not the promise to make one', async () => {
    const answers = { [path]: () => ({ data: { orderId: '77', clientOid: 'v1' } }) };
    await open('classic', { ...answers, '/api/v2/mix/order/detail': () => ({ data: order }) });
    expect(await venue.amend('v1', intent({ clientOrderId: 'v2' }))).toEqual({ answer: 'yes', venueOrderId: '78' });
    expect(bodies(path)).toMatchObject([{ clientOid: 'v1', newClientOid: 'v2', newSize: '0.01', newPrice: '50000' }]);
    await peer.close();
    await open('classic', { ...answers, '/api/v2/mix/order/detail': () => ({ body: { code: '40109', msg: '' } }) });
    expect(await venue.amend('v1', intent({ clientOrderId: 'v2' }))).toMatchObject({ answer: 'unknown' });
  });

  test('unified: an order keeps its id, so a new one is not supported and nothing is sent', async () => {
    await open('unified');
    expect(venue.capabilities.amend).toBe(false);
    expect(await venue.amend('v1', intent({ clientOrderId: 'v2' }))).toMatchObject({
      answer: 'no',
      code: 'not_supported',
    });
    expect(peer.calls.filter(({ method }) => method === 'POST')).toEqual([]);
  });
});

test('a row of another symbol than asked for is no answer', async () => {
  const row = { orderId: '1', symbol: 'ETHUSDT' };
  await open('classic', {
    '/api/v2/mix/order/orders-pending': () => ({ data: { entrustedList: [row], endId: null } }),
    '/api/v2/mix/position/single-position': () => ({ data: [{ symbol: 'ETHUSDT' }] }),
  });
  await expect(venue.openOrders('BTCUSDT')).rejects.toBeInstanceOf(VenueMalformed);
  await expect(venue.positions('BTCUSDT')).rejects.toBeInstanceOf(VenueMalformed);
});

test('unified: the margin mode that stands is a yes, another is not supported', async () => {
  await open('unified');
  expect(await venue.setMarginMode('BTCUSDT', 'crossed')).toEqual({ answer: 'yes' });
  expect(await venue.setMarginMode('BTCUSDT', 'isolated')).toMatchObject({ answer: 'no', code: 'not_supported' });
});
