/** One broker and its clients over a real socket; limits are large where a test would only wait. */
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { SILENT } from '../../core/log.ts';
import type { RateLimits } from '../../core/rates/limits.ts';
import { startRateBroker, type RateBroker } from '../../gateway/rates/rate-broker.ts';
import { openSharedBudget, type SharedBudget } from '../../gateway/rates/shared-budget.ts';

type Group = 'place' | 'cancel';
const LIMITS: RateLimits<Group> = {
  perSecond: { place: 10, cancel: 10 },
  ofAddress: [],
  overallPerSecond: 60,
  urgent: ['cancel'],
  reserved: 5,
};

let folder = '';
let socketPath = '';
const open: { close(): unknown }[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rate-broker-'));
  socketPath = join(folder, 'a.sock');
});
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
  rmSync(folder, { recursive: true, force: true });
});

async function broker(limits = LIMITS): Promise<RateBroker> {
  const started = await startRateBroker({ account: 'main', socketPath, limits, log: SILENT, random: () => 0 });
  open.push(started);
  return started;
}

/** By default a bot whose own turns never come while a test runs. */
function client(name: string, { limits = LIMITS, share = { index: 0, of: 1_000_000 } } = {}): SharedBudget<Group> {
  const shared = { account: 'main', client: name, socketPath, limits, share, now: Date.now, log: SILENT };
  const budget = openSharedBudget<Group>({ ...shared, random: () => 0 });
  open.push(budget);
  return budget;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(10);
}

const SOON_MS = 10_000;
const acquire = (budget: SharedBudget<Group>, group: Group): boolean | Promise<boolean> =>
  budget.acquire(group, Date.now() + SOON_MS);

/** Calls until told to stop; answers how many left. */
function keepCalling(budget: SharedBudget<Group>, group: Group): () => number {
  let [left, goesOn] = [0, true];
  const loop = async (): Promise<void> => {
    while (goesOn) if (await budget.acquire(group, Date.now() + 500)) left += 1;
  };
  void loop();
  return () => {
    goesOn = false;
    return left;
  };
}

describe('with a broker', () => {
  test('its socket is for its owner only, and a dead one in its place is no obstacle', async () => {
    writeFileSync(socketPath, 'left behind');
    await broker();
    expect(statSync(socketPath).mode & 0o777).toBe(0o600);
    expect(await acquire(client('bot1'), 'place')).toBe(true);
  });

  test('in ordinary running a call does not wait for the broker', async () => {
    await broker();
    const bot = client('bot1');
    await acquire(bot, 'place');
    await sleep(300);
    let [atOnce, ordinary, ordinaryAtOnce, pausedMs] = [0, 0, 0, 0];
    for (let round = 0; round < 20 && ordinary < 5; round += 1) {
      let here = 0;
      for (const group of ['place', 'place', 'cancel', 'cancel'] as const) if (acquire(bot, group) === true) here += 1;
      atOnce += here;
      // While this machine stands still the broker does, too: that is not ordinary running.
      if (pausedMs < 1_100) {
        ordinary += 1;
        ordinaryAtOnce += here;
      }
      const startedAt = performance.now();
      await sleep(1_000);
      pausedMs = performance.now() - startedAt;
    }
    const { fromHand, inTurn } = bot.counters();
    expect({ fromHand, inTurn }).toEqual({ fromHand: atOnce, inTurn: 0 });
    // The first two cancels had to ask: nothing is lent for a group that is not used.
    expect(ordinaryAtOnce).toBeGreaterThanOrEqual(ordinary * 4 - 3);
  });

  test('a 429 that one bot is told slows all of them', async () => {
    const main = await broker();
    const [first, second] = [client('bot1'), client('bot2')];
    await Promise.all([acquire(first, 'place'), acquire(second, 'place')]);
    first.tooMany('place');
    await until(() => main.counters().tooMany === 1);
    expect(main.counters().pace).toEqual({ place: 0.5 });
    const stopPlaces = keepCalling(second, 'place');
    const stopCancels = keepCalling(second, 'cancel');
    await sleep(2_200);
    const [places, cancels] = [stopPlaces(), stopCancels()];
    expect(places).toBeGreaterThan(0);
    expect(places).toBeLessThan(cancels * 0.75);
  });

  test('a greedy bot does not push a modest one aside', async () => {
    await broker({ ...LIMITS, perSecond: { place: 20, cancel: 20 } });
    const limits = { ...LIMITS, perSecond: { place: 20, cancel: 20 } };
    const [greedy, modest] = [client('greedy', { limits }), client('modest', { limits })];
    await Promise.all([acquire(greedy, 'place'), acquire(modest, 'place')]);
    const stops = Array.from({ length: 50 }, () => keepCalling(greedy, 'place'));
    const stop = keepCalling(modest, 'place');
    await sleep(3_000);
    const took = stops.reduce((sum, each) => sum + each(), 0);
    const modestTook = stop();
    expect(modestTook).toBeGreaterThan(took / 2);
  });

  test('a cancel is served before places that have waited longer', async () => {
    const limits = { ...LIMITS, overallPerSecond: 12, reserved: 1 };
    await broker(limits);
    const [placing, cancelling] = [client('bot1', { limits }), client('bot2', { limits })];
    await Promise.all([acquire(placing, 'place'), acquire(cancelling, 'cancel')]);
    const order: string[] = [];
    const note = async (budget: SharedBudget<Group>, group: Group): Promise<void> => {
      if (await acquire(budget, group)) order.push(group);
    };
    const places = Array.from({ length: 12 }, () => note(placing, 'place'));
    await sleep(20);
    await Promise.all([...places, note(cancelling, 'cancel')]);
    expect(order.indexOf('cancel')).toBeLessThan(order.lastIndexOf('place'));
    expect(order.slice(-3)).toEqual(['place', 'place', 'place']);
  });

  test.each([
    ['no JSON', 'hello\n'],
    ['a report before hello', '{"kind":"report"}\n'],
    ['another account', '{"kind":"hello","version":1,"account":"other","client":"x"}\n'],
    ['unknown keys', '{"kind":"hello","version":1,"account":"main","client":"x","more":1}\n'],
    ['a line without an end', 'x'.repeat(80_000)],
  ])('a client that says %s is let go, the others go on', async (_name, bytes) => {
    const main = await broker();
    const good = client('bot1');
    const bad = connect(socketPath);
    const closed = new Promise((resolve) => bad.on('close', resolve));
    bad.on('error', () => {});
    bad.write(bytes);
    await closed;
    expect(await acquire(good, 'cancel')).toBe(true);
    expect(main.counters().clients).toBe(1);
  });

  test('what a vanished client was lent lapses', async () => {
    const main = await broker();
    const gone = connect(socketPath);
    gone.on('error', () => {});
    gone.write('{"kind":"hello","version":1,"account":"main","client":"gone"}\n');
    const report = { heard: 0, used: [], unused: [], renew: [], waiting: { place: 8 }, spare: {}, tooMany: [] };
    gone.write(`${JSON.stringify({ kind: 'report', ...report })}\n`);
    await until(() => main.counters().granted === 8);
    gone.destroy();
    expect(await acquire(client('bot2'), 'place')).toBe(true);
  });
});

describe('without a broker', () => {
  const share = { index: 0, of: 1 };

  test('places and cancels leave in turns, cancels more often, and a new broker is found', async () => {
    const first = await broker();
    const bot = client('bot1', { share });
    await until(() => bot.counters().isConnected);
    await first.close();
    await until(() => !bot.counters().isConnected);
    const [stopPlaces, stopCancels] = [keepCalling(bot, 'place'), keepCalling(bot, 'cancel')];
    await sleep(3_000);
    const [places, cancels] = [stopPlaces(), stopCancels()];
    expect(places).toBeGreaterThan(1);
    expect(cancels).toBeGreaterThan(places);
    await broker();
    await until(() => bot.counters().isConnected);
    const asked = bot.counters().afterAsking;
    const stop = keepCalling(bot, 'place');
    await until(() => bot.counters().afterAsking > asked + 2);
    stop();
  });

  test('a 429 slows the turns, too', async () => {
    const bot = client('bot1', { share });
    bot.tooMany('place');
    bot.tooMany('place');
    const [stopPlaces, stopCancels] = [keepCalling(bot, 'place'), keepCalling(bot, 'cancel')];
    await sleep(6_000);
    const [places, cancels] = [stopPlaces(), stopCancels()];
    expect(places).toBeGreaterThan(0);
    expect(cancels).toBeGreaterThan(places * 2);
  });

  const grant = (untilMs: unknown): string =>
    `${JSON.stringify({ serial: 1, grants: [{ group: 'place', ids: [1], untilMs }], renewed: [], renewedUntilMs: 0, slowed: {} })}\n`;

  test.each([
    ['says nothing', () => {}],
    ['hangs up at once', (socket: Socket) => socket.destroy()],
    ['speaks no JSON', (socket: Socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['sends a line without an end', (socket: Socket) => socket.write('x'.repeat(80_000))],
    ['grants for ever', (socket: Socket) => socket.write(grant('for ever'))],
    ['grants what is over', (socket: Socket) => socket.write(grant(0))],
    ['grants a group that is none', (socket: Socket) => socket.write(grant(1e15).replace('place', 'nothing'))],
  ] as const)('a broker that %s is no broker', async (_name, behave) => {
    const sockets = new Set<Socket>();
    const impostor: Server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
      behave(socket);
    });
    await new Promise<void>((resolve) => impostor.listen(socketPath, resolve));
    const bot = client('bot1', { share });
    expect(await acquire(bot, 'cancel')).toBe(true);
    expect(await acquire(bot, 'place')).toBe(true);
    expect(bot.counters()).toMatchObject({ fromHand: 0, afterAsking: 0, inTurn: 2 });
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => impostor.close(resolve));
    const main = await broker();
    await until(() => main.counters().clients === 1 && bot.counters().isConnected);
  });

  test('closing releases everyone with a no', async () => {
    const bot = client('bot1');
    const waiting = acquire(bot, 'place');
    bot.close();
    expect(await waiting).toBe(false);
    expect(acquire(bot, 'cancel')).toBe(false);
  });
});
