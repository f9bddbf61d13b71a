import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { rmSync } from 'node:fs';
import { startSimulator, type RunningSimulator } from '../../simulator/server.ts';
import { BOT1, BOT4, connect, simulatorOptions, tempDir, withSimulator } from './harness.ts';

const SYMBOL = 'BTC/USDT:USDT';

describe('the venue says no with its own code', () => {
  const dir = tempDir();
  let simulator: RunningSimulator;
  let exchange: Awaited<ReturnType<typeof connect>>;
  let base: Record<string, string>;

  beforeAll(async () => {
    simulator = await startSimulator(simulatorOptions(dir));
    exchange = await connect(simulator.port);
    const { bid } = await exchange.fetchTicker(SYMBOL);
    base = {
      symbol: 'BTCUSDT',
      productType: 'USDT-FUTURES',
      marginMode: 'crossed',
      marginCoin: 'USDT',
      side: 'buy',
      orderType: 'limit',
      price: (bid! - 900).toFixed(1),
      size: '0.001',
    };
    await exchange.privateMixPostV2MixOrderPlaceOrder({ ...base, clientOid: 'once' });
  });
  afterAll(async () => {
    await exchange.close();
    await simulator.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  test.each([
    ['a client id used before', { clientOid: 'once' }, '40786'],
    ['a client id that is too long', { clientOid: 'x'.repeat(51) }, '40305'],
    ['less than 5 USDT', { price: '4999.9' }, '45110'],
    ['a size between two lots', { size: '0.0015' }, '40808'],
    ['no size', { size: '0' }, '40808'],
    ['a price between two ticks', { price: '50000.05' }, '45115'],
    ['a price that is no number', { price: 'much' }, '40017'],
    ['more than the balance', { size: '50' }, '40762'],
    ['reduce-only without a position', { reduceOnly: 'YES' }, '22002'],
    ['an order for hedge mode', { tradeSide: 'Open' }, '40774'],
    ['a symbol it does not list', { symbol: 'DOGEUSDT' }, '40034'],
    ['another product type', { productType: 'COIN-FUTURES' }, '40017'],
    ['no side', { side: '' }, '40019'],
    ['another margin mode while orders rest', { marginMode: 'isolated' }, '45117'],
    ['more than the tier of its leverage', { size: '3000' }, '40921'],
  ])('%s', async (_name, changes, code) => {
    const before = (await exchange.fetchOpenOrders(SYMBOL)).length;
    await expect(exchange.privateMixPostV2MixOrderPlaceOrder({ ...base, ...changes })).rejects.toThrow(`"${code}"`);
    expect(await exchange.fetchOpenOrders(SYMBOL)).toHaveLength(before);
  });

  test('cancelling what is gone is 40768, reading what never was 40109, cancelling nothing at all 22001', async () => {
    const { id } = await exchange.createOrder(SYMBOL, 'limit', 'buy', 0.001, Number(base.price), {});
    await exchange.cancelOrder(id!, SYMBOL);
    await expect(exchange.cancelOrder(id!, SYMBOL)).rejects.toThrow('40768');
    await expect(exchange.cancelOrder('', SYMBOL, { clientOrderId: 'never' })).rejects.toThrow('40768');
    await expect(exchange.fetchOrder('', SYMBOL, { clientOrderId: 'never' })).rejects.toThrow('40109');
    const other = await connect(simulator.port, BOT4);
    await expect(other.cancelAllOrders(SYMBOL)).rejects.toThrow('22001');
    await expect(other.fetchOrder('', SYMBOL, { clientOrderId: 'once' })).rejects.toThrow('40109');
    await other.close();
  });

  test('a post-only order that would take is created and cancelled, without a fill', async () => {
    const { ask } = await exchange.fetchTicker(SYMBOL);
    const created = await exchange.createOrder(SYMBOL, 'limit', 'buy', 0.001, ask! + 100, { postOnly: true });
    expect(await exchange.fetchOrder(created.id!, SYMBOL)).toMatchObject({ status: 'canceled', filled: 0 });
  });
});

test('beyond the order rate it answers 429, for that account only, and not for reads', async () => {
  await withSimulator({ orderRate: { perSecond: 1, burst: 3 } }, async ({ port }) => {
    const [first, second] = [await connect(port), await connect(port, BOT4)];
    const cancel = (client: typeof first) => client.cancelOrder('', SYMBOL, { clientOrderId: 'never' });
    for (let call = 0; call < 3; call++) await expect(cancel(first)).rejects.toThrow('40768');
    await expect(cancel(first)).rejects.toThrow('429');
    await expect(cancel(second)).rejects.toThrow('40768');
    await first.fetchOpenOrders(SYMBOL);
    await Promise.all([first.close(), second.close()]);
  });
});

test('accounts do not see each other', async () => {
  await withSimulator({}, async ({ port }) => {
    const [first, second] = [await connect(port, BOT1), await connect(port, BOT4)];
    const { ask } = await first.fetchTicker(SYMBOL);
    await first.createOrder(SYMBOL, 'limit', 'buy', 0.001, ask! + 100, {});
    expect(await second.fetchPositions([SYMBOL])).toEqual([]);
    expect(await second.fetchMyTrades(SYMBOL)).toEqual([]);
    await Promise.all([first.close(), second.close()]);
  });
});
