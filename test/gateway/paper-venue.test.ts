/** The paper account on disk: what was answered survives, what is damaged is refused. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { build } from 'esbuild';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { NO_LATENCY } from '../../core/fill-model/latency.ts';
import { SILENT, type Log } from '../../core/log.ts';
import type { PriceTicks, QtyLots, SignedLots } from '../../core/money/money.ts';
import type { OrderIntent } from '../../core/orders/order-intent.ts';
import type { ApprovedIntent } from '../../core/risk/decision.ts';
import { createPaperVenue, type PaperVenueOptions } from '../../gateway/paper/venue.ts';
import { createRecordedMarket, type RecordedMarket } from '../../gateway/recorded/market.ts';
import type { Venue } from '../../gateway/venue.ts';
import { InterruptibleMarket } from './conformance/interruptible-market.ts';
import { Listener } from './conformance/listener.ts';
import { DATA_DIR, loadOnce, recordedMarkets } from './conformance/recordings.ts';

const SYMBOL = 'BTCUSDT';
let dir: string;
let stateDir: string;
let file: string;
const opened: Venue[] = [];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'paper-'));
  stateDir = join(dir, 'bot1');
  file = join(stateDir, 'account.jsonl');
});
afterEach(async () => {
  for (const venue of opened.splice(0)) await venue.close();
  rmSync(dir, { recursive: true, force: true });
});

/** On a recording that plays only when told. */
function open(change: Partial<PaperVenueOptions> = {}): { venue: Venue; market: RecordedMarket } {
  const market = createRecordedMarket({
    dataDir: DATA_DIR,
    markets: recordedMarkets(SYMBOL),
    speed: 0,
    load: loadOnce,
  });
  const venue = createPaperVenue({
    market,
    account: 'bot1',
    openingBalance: '100000',
    grade: 'queue',
    stateDir,
    log: SILENT,
    ...change,
  });
  opened.push(venue);
  return { venue, market };
}

async function trading(change: Partial<PaperVenueOptions> = {}) {
  const { venue, market } = open(change);
  const listener = new Listener();
  venue.stream(await venue.instrument(SYMBOL), listener.sink);
  const { bid, ask } = await listener.next('book');
  const intent = (id: string, more: Partial<OrderIntent> = {}): ApprovedIntent =>
    ({
      clientOrderId: id,
      symbol: SYMBOL,
      side: 'buy',
      price: Math.floor(bid * 0.95) as PriceTicks,
      qty: 2 as QtyLots,
      kind: 'limit',
      reduceOnly: false,
      leg: 'net',
      expiresAtMs: Infinity,
      ...more,
    }) as ApprovedIntent;
  return { venue, market, listener, intent, bid, ask };
}

async function reads(venue: Venue) {
  return {
    orders: await venue.openOrders(null),
    stops: await venue.triggerOrders(null),
    fills: await venue.fillsSince(SYMBOL, 0),
    held: (await venue.positions(null)).map(({ leg, qty, entryPrice }) => ({ leg, qty, entryPrice })),
    settings: await venue.settings(SYMBOL),
  };
}

async function withSomething(): Promise<Awaited<ReturnType<typeof reads>>> {
  const { venue, intent, ask, bid } = await trading();
  await venue.setLeverage(SYMBOL, 7);
  await venue.place(intent('takes', { price: (ask + 100) as PriceTicks }));
  await venue.place(intent('rests'));
  await venue.place(intent('leaves'));
  await venue.cancel(SYMBOL, 'leaves');
  const stop = { clientOrderId: 'stop', symbol: SYMBOL, leg: 'net', triggerSource: 'last' } as const;
  await venue.placeStop({ ...stop, positionLots: 2 as SignedLots, triggerPrice: Math.floor(bid * 0.8) as PriceTicks });
  const before = await reads(venue);
  expect(before).toMatchObject({
    orders: [{ clientOrderId: 'rests' }],
    stops: [{ clientOrderId: 'stop' }],
    held: [{ qty: 2 }],
    settings: { leverage: '7' },
  });
  await venue.close();
  return before;
}

describe('a restart', () => {
  test('keeps position, resting orders, stops, fills and settings, and knows old ids', async () => {
    const before = await withSomething();
    const { venue, listener, intent } = await trading();
    expect(await reads(venue)).toEqual(before);
    expect(await venue.place(intent('rests'))).toEqual({ answer: 'duplicate' });
    expect(await venue.place(intent('takes'))).toEqual({ answer: 'duplicate' });
    expect(await venue.orderByClientId(SYMBOL, 'leaves')).toMatchObject({ status: 'cancelled' });
    expect(listener.all('fill')).toEqual([]);
    expect(await venue.cancel(SYMBOL, 'rests')).toEqual({ answer: 'yes' });
  });

  test('looks after what is open although nobody listens', async () => {
    const first = await trading();
    await first.venue.place(first.intent('rests', { price: first.bid, kind: 'post_only' }));
    await first.venue.close();
    const { venue, market } = open();
    // Nobody streams: the account itself asks for the market of its order.
    while (Number((await venue.balance().catch(() => ({ available: '0' }))).available) === 0) await tick();
    for (let n = 0; n < 600 && (await venue.openOrders(null)).length > 0; n += 1) {
      market.advance(1_000);
      await tick();
    }
    expect(await venue.orderByClientId(SYMBOL, 'rests')).toMatchObject({ status: 'filled' });
    expect(await venue.fillsSince(SYMBOL, 0)).not.toEqual([]);
  });
});

test('what was answered before a kill is there after it, fills that were told too', async () => {
  const bundle = join(dir, 'program.mjs');
  await build({
    entryPoints: [join(process.cwd(), 'test/gateway/paper-program.ts')],
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile: bundle,
    logLevel: 'error',
  });
  const placed = new Map<string, string>();
  const fills = new Map<string, number>();
  for (let run = 0; run < 5; run += 1) {
    const child = spawn(process.execPath, [bundle, stateDir, String(run)], { stdio: ['ignore', 'pipe', 'inherit'] });
    const exited = once(child, 'exit');
    const lines = createInterface({ input: child.stdout });
    const wanted = 20 + run * 17;
    let told = 0;
    for await (const line of lines) {
      const said = JSON.parse(line) as {
        placed?: string;
        cancelled?: string;
        fill?: string;
        lots?: number;
        answer?: string;
      };
      if (said.placed !== undefined) placed.set(said.placed, said.answer ?? '');
      if (said.cancelled !== undefined) placed.set(said.cancelled, `cancel ${said.answer}`);
      if (said.fill !== undefined) fills.set(said.fill, said.lots ?? 0);
      if ((told += 1) === wanted) child.kill('SIGKILL');
    }
    expect(await exited).toEqual([null, 'SIGKILL']);
  }
  expect(placed.size).toBeGreaterThan(100);
  const { venue } = open();
  await venue.instrument(SYMBOL);
  const open_ = new Set((await venue.openOrders(null)).map(({ clientOrderId }) => clientOrderId));
  for (const [id, answer] of placed) {
    const order = await venue.orderByClientId(SYMBOL, id);
    // One that it cancels may be cancelled before it could say so.
    const n = Number(id.split('-')[2]);
    const isCancelled = n % 3 !== 0 && n % 2 === 0;
    if (answer === 'yes')
      expect([order?.symbol, order?.status === 'cancelled' && !isCancelled]).toEqual([SYMBOL, false]);
    if (answer.startsWith('cancel')) expect({ answer, status: order?.status }).toEqual({ answer: 'cancel yes', status: 'cancelled' }); // prettier-ignore
    if (order?.status === 'open') expect(open_).toContain(id);
  }
  const kept = await venue.fillsSince(SYMBOL, 0);
  expect(new Set(kept.map(({ tradeId }) => tradeId)).size).toBe(kept.length);
  const lots = new Map(kept.map(({ tradeId, side, qty }) => [tradeId, side === 'buy' ? qty : 0 - qty]));
  for (const [id, qty] of fills) expect([id, lots.get(id)]).toEqual([id, qty]);
  const held = (await venue.positions(SYMBOL)).reduce((sum, { qty }) => sum + qty, 0);
  expect(held).toBe([...lots.values()].reduce((sum, qty) => sum + qty, 0));
}, 60_000);

describe('the file', () => {
  test('with a last line cut short opens without it, and says so', async () => {
    await withSomething();
    appendFileSync(file, '1234abcd {"nextId":99,"acc');
    const warned: string[] = [];
    const log: Log = { ...SILENT, warn: (msg) => void warned.push(msg) };
    const { venue } = open({ log });
    expect(await venue.openOrders(null)).toMatchObject([{ clientOrderId: 'rests' }]);
    expect(warned).toEqual([expect.stringContaining('cut short')]);
  });

  test.each([
    ['one character changed', (text: string) => text.replace('"rests"', '"rosts"'), /line \d+: its checksum is wrong/],
    ['a line in the middle torn', (text: string) => text.replace('\n', 'x\n'), /line 1: its checksum is wrong/],
    ['nothing in it', () => '', /it has no beginning/],
  ])('with %s is refused by name, and says what to do', async (_name, damage, message) => {
    await withSomething();
    writeFileSync(file, damage(readFileSync(file, 'utf8')));
    expect(() => open()).toThrow(message);
    expect(() => open()).toThrow(file);
    expect(() => open()).toThrow('move its folder away to start the paper account anew');
  });

  test('of another account, or open in another process, is refused', async () => {
    await withSomething();
    expect(() => open({ account: 'bot2' })).toThrow(/belongs to account bot1, not bot2/);
    open();
    expect(() => open()).toThrow(`process ${process.pid} has this paper account open`);
    await opened.pop()!.close();
    // What a killed process leaves behind does not keep the next one out.
    writeFileSync(join(stateDir, 'lock'), '999999999');
    open();
  });

  test('is written anew at each start, and never without what it held', async () => {
    const before = await withSomething();
    for (let n = 0; n < 3; n += 1) {
      const { venue } = open();
      await venue.close();
    }
    expect(existsSync(`${file}.new`)).toBe(false);
    expect(readFileSync(file, 'utf8').split('\n')).toHaveLength(3);
    const { venue } = open();
    expect((await reads(venue)).orders).toEqual(before.orders);
  });
});

test('while the market is cut off nothing fills and nothing held has a price; then both go on', async () => {
  const recorded = createRecordedMarket({
    dataDir: DATA_DIR,
    markets: recordedMarkets(SYMBOL),
    speed: 0,
    load: loadOnce,
  });
  const market = new InterruptibleMarket(recorded);
  const { venue, listener, intent, bid, ask } = await trading({ market });
  await venue.place(intent('takes', { price: (ask + 100) as PriceTicks }));
  await venue.place(intent('rests', { price: bid, kind: 'post_only' }));
  const filled = listener.all('fill').length;
  market.interrupt();
  recorded.advance(600_000);
  expect(listener.all('fill').length).toBe(filled);
  await expect(venue.balance()).rejects.toMatchObject({ name: 'VenueUnavailable' });
  expect(await venue.positions(SYMBOL)).toMatchObject([{ qty: 2, markPrice: null, unrealised: null }]);
  const late = venue.place(intent('late'));
  market.restore();
  recorded.advance(1_000);
  expect(await late).toMatchObject({ answer: 'yes' });
  expect((await venue.balance()).equity).toMatch(/^\d/);
});

describe('latency', () => {
  test('an order meets the book at the end of its way, and a cancel may lose against a fill', async () => {
    const { venue, market, listener, intent, bid } = await trading({
      latency: { ...NO_LATENCY, submitMs: 50, cancelMs: 50 },
    });
    const answer = venue.place(intent('best', { price: bid, kind: 'post_only' }));
    expect(await venue.openOrders(null)).toEqual([]);
    expect(await answer).toMatchObject({ answer: 'yes' });
    const cancelled = venue.cancel(SYMBOL, 'best');
    // The market moves on while the cancel is on its way.
    for (let n = 0; n < 600 && listener.all('fill').length === 0; n += 1) market.advance(1_000);
    expect(await cancelled).toEqual({ answer: 'gone' });
    expect(await venue.positions(SYMBOL)).toMatchObject([{ qty: 2 }]);
  });

  test('an order that has arrived meets the book before a frame that comes later, whenever the timer gets its turn', async () => {
    let atMs = 1_700_000_000_000;
    const latency = { ...NO_LATENCY, submitMs: 50, feedMs: 10 };
    const { venue, market, listener, intent, ask } = await trading({ latency, now: () => atMs });
    const answer = venue.place(intent('takes', { price: ask }));
    for (let n = 0; n < 5; n += 1) await tick();
    expect(listener.all('order')).toEqual([]);
    // The clock is past its arrival while this process was busy, and the market goes on first.
    atMs += 61;
    market.advance(600_000);
    expect(await answer).toMatchObject({ answer: 'yes' });
    expect(listener.all('book').at(-1)?.ask).not.toBe(ask);
    expect(listener.all('order')[0]).toMatchObject({ updatedAtMs: atMs - 1 });
    expect(listener.all('fill')[0]).toMatchObject({ price: ask, liquidity: 'taker', crossedAtCreation: true });
  });

  test('what is under way when the venue closes is unknown, and never arrives', async () => {
    const { venue, intent } = await trading({ latency: { ...NO_LATENCY, submitMs: 1_500 } });
    const answer = venue.place(intent('late'));
    await tick();
    await venue.close();
    expect(await answer).toMatchObject({ answer: 'unknown' });
    const { venue: next } = open();
    expect(await next.orderByClientId(SYMBOL, 'late')).toBeNull();
  });
});

test('a fill tells whether its order took when it was placed', async () => {
  const { venue, market, listener, intent, bid, ask } = await trading();
  await venue.place(intent('takes', { price: (ask + 100) as PriceTicks }));
  await venue.place(intent('rests', { price: bid, kind: 'post_only' }));
  for (let n = 0; n < 600 && listener.all('fill').length < 2; n += 1) market.advance(1_000);
  const told = listener.all('fill').map(({ clientOrderId, crossedAtCreation }) => [clientOrderId, crossedAtCreation]);
  expect(told).toContainEqual(['takes', true]);
  expect(told).toContainEqual(['rests', false]);
  expect((await venue.fillsSince(SYMBOL, 0)).map(({ clientOrderId: id, crossedAtCreation }) => [id, crossedAtCreation])).toEqual(told); // prettier-ignore
});

test('nothing it is asked to send leaves: it does not execute for real', () => {
  expect(open().venue.capabilities.isRealExecution).toBe(false);
});

function tick(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
