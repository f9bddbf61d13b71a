import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { rmSync } from 'node:fs';
import { startSimulator, type RunningSimulator } from '../../simulator/server.ts';
import { connectAdmin, type Admin } from './admin.ts';
import { BOT1, BOT4, simulatorOptions, tempDir } from './harness.ts';
import { callRaw, codeOf, PLACE, restingOrder } from './raw-rest.ts';
import { RawClient, subscription, type Frame } from './raw-socket.ts';

describe('a fault strikes what is pushed', () => {
  const dir = tempDir();
  let simulator: RunningSimulator;
  let admin: Admin;
  let clients: RawClient[] = [];
  let orders = 0;

  beforeAll(async () => {
    simulator = await startSimulator(simulatorOptions(dir, { adminPort: 0 }));
    admin = connectAdmin(simulator.adminPort);
  });
  afterEach(async () => {
    await admin.clear();
    for (const client of clients) client.close();
    clients = [];
  });
  afterAll(async () => {
    await simulator.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  function connect(end: 'public' | 'private' = 'public'): RawClient {
    const client = new RawClient(simulator.port, `/v2/ws/${end}`);
    clients.push(client);
    return client;
  }

  /** A client whose book channel runs. */
  async function watching(channel = 'books'): Promise<RawClient> {
    const client = connect();
    await client.subscribe(channel);
    await client.push(channel, 'snapshot');
    return client;
  }

  async function loggedIn(...channels: string[]): Promise<RawClient> {
    const client = connect('private');
    expect(await client.login()).toMatchObject({ event: 'login', code: 0 });
    for (const channel of channels) {
      await client.subscribe(channel, 'default');
      await client.until(({ event }) => event === 'subscribe');
    }
    return client;
  }

  /** A client of `books` and a way to read on until a frame does not follow the one before it. */
  async function following() {
    const client = connect();
    await client.subscribe('books');
    let last = seqOf(await client.push('books', 'snapshot'));
    const broken = async () => {
      for (;;) {
        const frame = await client.push('books', 'update');
        if (seqOf(frame) !== last + 1) return { last, frame };
        last = seqOf(frame);
      }
    };
    return { client, broken };
  }

  const seqOf = ({ data }: Frame) => data![0]!.seq;
  const pseqOf = ({ data }: Frame) => data![0]!.pseq;
  const struckOf = async () => (await admin.report()).map(({ struck }) => struck);
  const place = (clientOid: string) => callRaw(simulator.port, 'POST', PLACE, { body: restingOrder(clientOid) });

  test('duplicate: the same frame twice, then the chain goes on', async () => {
    const { client, broken } = await following();
    await admin.faults({ kind: 'duplicate', where: { channel: 'books' }, when: { next: 1 } });
    const { last, frame } = await broken();
    expect(seqOf(frame)).toBe(last);
    expect(pseqOf(await client.push('books'))).toBe(last);
    expect(await struckOf()).toEqual([1]);
  });

  test('reorder: two neighbours change places', async () => {
    const { client, broken } = await following();
    await admin.faults({ kind: 'reorder', where: { channel: 'books' }, when: { next: 1 } });
    const { last, frame } = await broken();
    expect([seqOf(frame), seqOf(await client.push('books'))]).toEqual([last + 2, last + 1]);
    expect(pseqOf(await client.push('books'))).toBe(last + 2);
  });

  test('gap: so many frames are missing', async () => {
    const { client, broken } = await following();
    await admin.faults({ kind: 'gap', frames: 3, where: { channel: 'books' }, when: { next: 1 } });
    const { last, frame } = await broken();
    expect([pseqOf(frame), seqOf(frame)]).toEqual([last + 3, last + 4]);
    expect(pseqOf(await client.push('books'))).toBe(last + 4);
  });

  test('corrupt: a checksum, a level, the chain or the text is wrong in one frame of two clients', async () => {
    // Both are served in turn: `every: 2` strikes only the frame of one of them.
    const [struck, truthful] = [await watching(), await watching()];
    for (const what of ['checksum', 'level', 'sequence'] as const) {
      await admin.faults({
        kind: 'corrupt',
        what,
        where: { socket: 'public', channel: 'books' },
        when: { every: 2, next: 1 },
      });
      const differing = await firstDifference(struck, truthful);
      expect(differing).toEqual([what]);
    }
    await admin.faults({ kind: 'corrupt', what: 'json', where: { channel: 'books' }, when: { next: 1 } });
    await expect(
      (async () => {
        for (;;) await struck.push('books');
      })(),
    ).rejects.toThrow(SyntaxError);
  });

  /** Which part differs in the first frame that the two clients were told differently. */
  async function firstDifference(first: RawClient, second: RawClient): Promise<string[]> {
    for (;;) {
      let [one, other] = [await first.push('books', 'update'), await second.push('books', 'update')];
      while (seqOf(one) < seqOf(other)) one = await first.push('books', 'update');
      while (seqOf(other) < seqOf(one)) other = await second.push('books', 'update');
      const [a, b] = [one.data![0]!, other.data![0]!];
      const parts: string[] = [];
      if (a.checksum !== b.checksum) parts.push('checksum');
      if (JSON.stringify([a.asks, a.bids]) !== JSON.stringify([b.asks, b.bids])) parts.push('level');
      if (a.pseq !== b.pseq) parts.push('sequence');
      if (parts.length > 0) return parts;
    }
  }

  test('delay_frames: they come late and in order', async () => {
    const client = await watching();
    await admin.faults({ kind: 'delay_frames', ms: 300, where: { channel: 'books' } });
    let frame = await client.push('books', 'update');
    while ((await struckOf())[0]! < 3) frame = await client.push('books', 'update');
    for (let count = 0; count < 3; count++) {
      const next = await client.push('books', 'update');
      expect(pseqOf(next)).toBe(seqOf(frame));
      frame = next;
    }
    expect(Date.now() - frame.ts!).toBeGreaterThanOrEqual(290);
    await admin.clear();
    expect(pseqOf(await client.push('books', 'update'))).toBe(seqOf(frame));
  });

  test('silent: the socket stays open and says nothing, not even pong', async () => {
    const client = await watching('books1');
    const other = await watching('ticker');
    await admin.faults({ kind: 'silent', pong: false, where: { channel: 'books1' } });
    await client.say('ping');
    // The fault names a channel, so the pong still comes.
    while ((await client.text()) !== 'pong');
    await admin.faults({ kind: 'silent', pong: false });
    client.takeAll();
    other.takeAll();
    await client.say('ping');
    await client.subscribe('ticker');
    while ((await struckOf())[0]! < 20) await new Promise((resolve) => setImmediate(resolve));
    expect([client.takeAll(), other.takeAll()]).toEqual([[], []]);
    await admin.faults({ kind: 'silent', pong: true });
    await client.say('ping');
    expect(await client.text()).toBe('pong');
    await admin.clear();
    await client.push('ticker');
  });

  test('stale_book: the top stands still in an unbroken chain while the ticker goes on; afterwards the book is whole', async () => {
    const client = await watching('books');
    await client.subscribe('books1');
    await client.subscribe('ticker');
    let last = await client.push('books', 'update');
    await admin.faults({ kind: 'stale_book', where: { symbol: 'BTCUSDT' } });
    const tops = new Set<string>();
    let tickers = 0;
    for (let frames = 0; frames < 40; frames++) {
      const frame = await client.until(({ data }) => data !== undefined);
      if (frame.arg?.channel === 'ticker') tickers += 1;
      if (frame.arg?.channel === 'books1') tops.add(JSON.stringify([frame.data![0]!.bids, frame.data![0]!.asks]));
      if (frame.arg?.channel !== 'books') continue;
      expect(pseqOf(frame)).toBe(seqOf(last));
      if (frames > 5) expect(frame.data![0]).toMatchObject({ bids: [], asks: [] });
      last = frame;
    }
    // One top from before the plan was set may still have been under way.
    expect(tops.size).toBeLessThanOrEqual(2);
    expect(tickers).toBeGreaterThan(1);
    await admin.clear();
    const first = await client.until(({ arg, data }) => arg?.channel === 'books' && data![0]!.bids!.length > 0);
    expect(first.data![0]!.bids!.length + first.data![0]!.asks!.length).toBeGreaterThan(1);
  });

  test('stale_book without repeating: nothing comes but the ticker', async () => {
    const client = await watching('books1');
    await client.subscribe('ticker');
    await admin.faults({ kind: 'stale_book', repeat: false });
    client.takeAll();
    for (let frames = 0; frames < 5; frames++) {
      expect((await client.until(({ data }) => data !== undefined)).arg!.channel).toBe('ticker');
    }
    expect((await struckOf())[0]).toBeGreaterThan(0);
  });

  test('close_now cuts the sockets of one account, flap again and again', async () => {
    const [own, open] = [await loggedIn('orders'), await watching('ticker')];
    await admin.faults({ kind: 'close_now', where: { account: 'bot1' } });
    expect(await own.closed()).toBe(1006);
    expect(await struckOf()).toEqual([1]);
    await open.push('ticker');
    await admin.faults({ kind: 'flap', everyMs: 60, where: { socket: 'public' } });
    expect(await open.closed()).toBe(1006);
    const again = connect();
    expect(await again.closed()).toBe(1006);
    expect((await struckOf())[0]).toBeGreaterThanOrEqual(2);
    await admin.clear();
    await (await watching('ticker')).push('ticker');
  });

  test('refuse_subscribe and refuse_login answer the given code, and later let through', async () => {
    await admin.faults([
      { kind: 'refuse_subscribe', code: 30006, msg: 'request too many', when: { next: 1 } },
      { kind: 'refuse_login', code: 30005, where: { account: 'bot1' } },
    ]);
    const client = connect();
    await client.say(subscription('ticker'));
    expect(await client.frame()).toMatchObject({ event: 'error', code: 30006, arg: { channel: 'ticker' } });
    await client.say(subscription('ticker'));
    expect(await client.frame()).toMatchObject({ event: 'subscribe' });
    expect(await connect('private').login(BOT1)).toMatchObject({ event: 'error', code: 30005 });
    expect(await connect('private').login(BOT4)).toMatchObject({ event: 'login', code: 0 });
    expect(await struckOf()).toEqual([1, 1]);
  });

  test('private frames are lost while REST tells the truth', async () => {
    const client = await loggedIn('orders', 'account');
    await admin.faults({ kind: 'gap', where: { channel: 'orders', account: 'bot1' } });
    const clientOid = `unheard-${++orders}`;
    expect(codeOf(await place(clientOid)).code).toBe('00000');
    const heard = await client.until(({ data }) => data !== undefined);
    expect(heard.arg!.channel).toBe('account');
    const detail = await callRaw(
      simulator.port,
      'GET',
      `/api/v2/mix/order/detail?symbol=BTCUSDT&productType=USDT-FUTURES&clientOid=${clientOid}`,
    );
    expect(codeOf(detail).data).toMatchObject({ clientOid, state: 'live' });
    expect(await admin.ordersOf(clientOid)).toMatchObject([{ account: 'bot1', status: 'live' }]);
    await admin.clear();
    await place(`heard-${++orders}`);
    expect((await client.push('orders')).data).toMatchObject([{ clientOid: `heard-${orders}` }]);
  });
});
