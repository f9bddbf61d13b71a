import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { appendFileSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { StateStore } from '../../simulator/exchange/store.ts';
import { bundleSimulator, endChild, runChild, startChild, type ChildSimulator } from './child.ts';
import { connect, simulatorOptions, tempDir } from './harness.ts';

const SYMBOL = 'BTC/USDT:USDT';

describe('a simulator that dies', () => {
  const dir = tempDir();
  let bundle: string;
  let running: ChildSimulator | null = null;

  beforeAll(async () => {
    bundle = await bundleSimulator(dir);
  });
  afterAll(async () => {
    if (running !== null) await endChild(running.process, 'SIGKILL');
    rmSync(dir, { recursive: true, force: true });
  });

  test('kill -9 keeps every acknowledged order, fill, position and balance, and numbers go on', async () => {
    const options = simulatorOptions(join(dir, 'state'));
    running = await startChild(bundle, dir, options);
    let exchange = await connect(running.port);
    const { bid, ask } = await exchange.fetchTicker(SYMBOL);
    const taken = await exchange.createOrder(SYMBOL, 'limit', 'buy', 0.005, ask! + 200, { clientOrderId: 'taken' });
    const acknowledged: string[] = [];
    const placing = Array.from({ length: 60 }, async (_unused, index) => {
      const clientOrderId = `rest-${index}`;
      await exchange.createOrder(SYMBOL, 'limit', 'buy', 0.001, bid! - 1_000 - index, { clientOrderId });
      acknowledged.push(clientOrderId);
      if (acknowledged.length === 30) running!.process.kill('SIGKILL');
    });
    const exited = once(running.process, 'exit');
    await Promise.allSettled(placing);
    await exited;
    await exchange.close();
    expect(acknowledged.length).toBeGreaterThanOrEqual(30);

    running = await startChild(bundle, dir, options);
    exchange = await connect(running.port);
    const open = await exchange.fetchOpenOrders(SYMBOL);
    const openIds = open.map(({ clientOrderId }) => clientOrderId);
    expect(openIds).toEqual(expect.arrayContaining(acknowledged));
    expect(new Set(open.map(({ id }) => id)).size).toBe(open.length);
    expect(await exchange.fetchOrder(taken.id!, SYMBOL)).toMatchObject({ status: 'closed', filled: 0.005 });
    const trades = await exchange.fetchMyTrades(SYMBOL);
    expect(trades.reduce((sum, { amount }) => sum + amount!, 0)).toBeCloseTo(0.005, 9);
    const [position] = await exchange.fetchPositions([SYMBOL]);
    expect(position!.contracts).toBe(0.005);

    const next = await exchange.createOrder(SYMBOL, 'limit', 'buy', 0.001, bid! - 2_000, {});
    expect(open.every(({ id }) => BigInt(next.id!) > BigInt(id!))).toBe(true);
    await expect(
      exchange.createOrder(SYMBOL, 'limit', 'buy', 0.001, bid! - 1_000, { clientOrderId: acknowledged[0] }),
    ).rejects.toThrow('40786');
    await exchange.close();
    expect(await endChild(running.process, 'SIGTERM')).toBe(0);
  });

  test('the replay goes on where it stood', async () => {
    const options = { ...simulatorOptions(join(dir, 'position')), speed: 100 };
    running = await startChild(bundle, dir, options);
    let shown = await positionOf(running.port);
    while (shown < 20_000) shown = await positionOf(running.port);
    expect(await endChild(running.process, 'SIGTERM')).toBe(0);
    running = await startChild(bundle, dir, { ...options, speed: 0.001 });
    expect(await positionOf(running.port)).toBeGreaterThanOrEqual(shown);
    await endChild(running.process, 'SIGTERM');
  });

  test('wrong options are all named at once, nothing starts and the exit code is 2', async () => {
    const child = runChild(bundle, dir, {
      port: -1,
      dataDir: '',
      stateDir: join(dir, 'never'),
      accounts: 'none',
      markets: 7,
    });
    let text = '';
    child.stderr!.on('data', (chunk: Buffer) => (text += chunk.toString()));
    const [code] = (await once(child, 'close')) as [number];
    expect(code).toBe(2);
    for (const path of ['port', 'dataDir', 'accounts', 'markets']) expect(text).toContain(`: ${path}: `);
    expect(readdirSync(dir)).not.toContain('never');
  });
});

describe('the state folder', () => {
  const dir = tempDir();
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  test('a write that a crash cut short is dropped, damage in the middle stops the start', () => {
    const state = join(dir, 'torn');
    const store = new StateStore(state);
    const change = {
      replay: {},
      accounts: [],
      orders: [],
      fills: [],
      triggers: [],
      bills: [],
      closedPositions: [],
      settlements: [],
    };
    store.load();
    store.snapshot({ ...change, nextId: 5 });
    store.append({ ...change, nextId: 6 });
    store.close();
    appendFileSync(join(state, 'changes-1.jsonl'), '{"nextId":7,"rep');
    expect(new StateStore(state).load().nextId).toBe(6);
    writeFileSync(join(state, 'changes-1.jsonl'), '{"nextId":6,\n{"nextId":7}\n');
    expect(() => new StateStore(state).load()).toThrow('changes-1.jsonl line 1 is not readable');
  });

  test('an order that was written with what it pays has crossed when it pays as a taker', () => {
    const state = join(dir, 'older');
    mkdirSync(state);
    const older = (id: number, liquidity: string) => ({ id, account: 'a', symbol: 'BTCUSDT', qty: 5, liquidity });
    const orders = [older(1, 'taker'), older(2, 'maker')];
    writeFileSync(join(state, 'state.json'), JSON.stringify({ nextId: 3, logNumber: 1, orders }));
    const read = [...new StateStore(state).load().orders.values()];
    expect(read).toMatchObject([
      { id: 1, crossedAtCreation: true },
      { id: 2, crossedAtCreation: false },
    ]);
    expect(read[0]).not.toHaveProperty('liquidity');
  });

  test('a damaged snapshot names its file', () => {
    const state = join(dir, 'damaged');
    mkdirSync(state);
    writeFileSync(join(state, 'state.json'), '{');
    expect(() => new StateStore(state).load()).toThrow('state.json is not readable');
  });
});

async function positionOf(port: number): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${port}/simulator/status`);
  const status = (await response.json()) as { symbols: Record<string, { lapAtMs: number }> };
  return status.symbols.BTCUSDT!.lapAtMs;
}
