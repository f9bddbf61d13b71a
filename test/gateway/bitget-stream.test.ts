import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { WebSocket } from 'ws';
import type { Venue, VenueSink, VenueStream } from '../../gateway/venue.ts';
import { CANARY_KEYS, connect, isConnector, isKind, listen, startRawPeer, type Heard, type Listener, type LoggingVenue, type RawPeer } from './raw-peer.ts'; // prettier-ignore

const samples = JSON.parse(readFileSync('test/gateway/fixtures/bitget-wire.json', 'utf8')) as Record<
  string,
  { data: Record<string, unknown>[] }
>;
const rows = (name: string): Record<string, unknown>[] => structuredClone(samples[name]!.data);

let peer: RawPeer;
let connected: LoggingVenue;
afterEach(async () => {
  await connected.venue.close();
  await peer.close();
});

type Arg = { instType: string; channel: string; instId: string };
interface Talk {
  readonly arg: Arg;
  readonly acknowledge: () => void;
  readonly push: (data: unknown[], action?: string) => void;
  readonly raw: (text: string) => void;
}

/** A peer that logs everyone in and lets `onSubscribe` answer each subscription. */
async function venueBeside(onSubscribe: (talk: Talk, socket: WebSocket) => void, login = '{"event":"login","code":0}') {
  peer = await startRawPeer({
    onSocket(socket) {
      socket.on('message', (data: Buffer) => {
        const text = data.toString('utf8');
        if (text === 'ping') return socket.send('pong');
        const { op, args } = JSON.parse(text) as { op: string; args: Arg[] };
        if (op === 'login') return socket.send(login);
        for (const arg of args) {
          const send = (message: object): void => socket.send(JSON.stringify(message));
          onSubscribe(
            {
              arg,
              acknowledge: () => send({ event: 'subscribe', arg }),
              push: (data, action = 'snapshot') => send({ action, arg, data, ts: Date.now() }),
              raw: (message) => socket.send(message),
            },
            socket,
          );
        }
      });
    },
  });
  connected = await connect(peer, { random: () => 0 });
  return connected.venue;
}

/** What a healthy venue sends after each subscription. */
function serve({ arg, acknowledge, push }: Talk): void {
  acknowledge();
  if (arg.channel === 'books5') push(rows('streamBook5'));
  if (arg.channel === 'trade') push(rows('streamTrades'));
  if (arg.channel === 'ticker') push(rows('streamTicker'));
  if (arg.channel === 'positions') push([]);
}

async function streaming(venue: Venue): Promise<Listener & { stream: VenueStream }> {
  const instrument = await venue.instrument('BTCUSDT');
  const listener = listen();
  return { ...listener, stream: venue.stream(instrument, listener.sink) };
}
const CHANNELS = ['book', 'trades', 'ticker', 'orders', 'positions'];

test('every channel comes up and delivers', async () => {
  const venue = await venueBeside((talk) => {
    serve(talk);
    if (talk.arg.channel === 'orders') talk.push(rows('streamOrders'));
    if (talk.arg.channel === 'fill') talk.push(rows('streamFills'));
  });
  const { next, heard } = await streaming(venue);
  await Promise.all(CHANNELS.map((channel) => next(isConnector(channel, 'up'))));
  expect((await next(isKind('book'))).book).toMatchObject({ bidCount: 2, askCount: 2, bid: 270000, ask: 270005 });
  expect((await next(isKind('order'))).value).toMatchObject({ venueOrderId: '1', status: 'filled' });
  expect((await next(isKind('fill'))).value).toMatchObject({ tradeId: '222', fee: 183_717_000_000n });
  expect((await next(isKind('position'))).value).toEqual({ symbol: 'BTCUSDT', qty: 0, entryPrice: null });
  expect((await next(isKind('ticker'))).value.markPrice).toBe('27000.0');
  expect((await next(isKind('trade'))).value.price).toBe(270000);
  expect(heard.filter(isKind('connector')).map(({ status }) => status)).toEqual(CHANNELS.map(() => 'up'));
  expect([...peer.sockets.values()].sort()).toEqual(['/v2/ws/private', '/v2/ws/public']);
});

test('what happens on other symbols of the account is not ours and breaks nothing', async () => {
  const venue = await venueBeside((talk) => {
    serve(talk);
    const other = { instId: 'ETHUSDT', symbol: 'ETHUSDT' };
    const position = { ...rows('streamPositions')[0], instId: 'ETHUSDT', posMode: 'one_way_mode' };
    if (talk.arg.channel === 'orders') {
      talk.push(rows('streamOrders').map((row) => ({ ...row, ...other })));
      talk.push([
        { ...rows('streamOrders')[0], ...other, orderId: '2' },
        { ...rows('streamOrders')[0], orderId: '3' },
      ]);
    }
    if (talk.arg.channel === 'fill') {
      talk.push(rows('streamFills').map((row) => ({ ...row, ...other })));
      talk.push(rows('streamFills'));
    }
    if (talk.arg.channel === 'positions') {
      talk.push([position, { ...position, instId: 'BTCUSDT', total: '0.5', holdSide: 'long' }]);
    }
  });
  const { next, heard } = await streaming(venue);
  expect((await next(isKind('order'))).value.venueOrderId).toBe('3');
  expect((await next(isKind('fill'))).value.tradeId).toBe('222');
  await next(
    (item): item is Extract<Heard, { kind: 'position' }> => item.kind === 'position' && item.value.qty === 500,
  );
  expect(heard.filter(isKind('connector')).filter(({ status }) => status === 'down')).toEqual([]);
});

test('no fill of a burst is lost, whether it comes in one frame or in many', async () => {
  const fill = (tradeId: number) => ({ ...rows('streamFills')[0], tradeId: String(tradeId) });
  const venue = await venueBeside((talk) => {
    serve(talk);
    if (talk.arg.channel !== 'fill') return;
    for (let id = 1; id <= 300; id += 1) talk.push([fill(id)]);
    talk.push(Array.from({ length: 100 }, (_, n) => fill(301 + n)));
  });
  const { next, heard } = await streaming(venue);
  await next((item): item is Extract<Heard, { kind: 'fill' }> => item.kind === 'fill' && item.value.tradeId === '400');
  const told = new Set(heard.filter(isKind('fill')).map(({ value }) => value.tradeId));
  expect(told).toEqual(new Set(Array.from({ length: 400 }, (_, n) => String(n + 1))));
});

describe('a fault of one channel is told, and healed by a new subscription', () => {
  /** The first book subscription gets `fault`, later ones are served. */
  async function withFirstBook(fault: (talk: Talk, socket: WebSocket) => void) {
    let subscriptions = 0;
    const venue = await venueBeside((talk, socket) => {
      serve(talk);
      if (talk.arg.channel !== 'books5') return;
      subscriptions += 1;
      if (subscriptions === 1) fault(talk, socket);
    });
    const streamed = await streaming(venue);
    await streamed.next(isConnector('book', 'up'));
    const down = await streamed.next(isConnector('book', 'down'));
    const from = streamed.heard.indexOf(down);
    await streamed.next(isConnector('book', 'up'), from);
    await streamed.next(isKind('book'), from);
    return { ...streamed, down, from };
  }
  const level = (change: object) => [{ ...rows('streamBook5')[0], ...change }];

  test.each<[string, (talk: Talk, socket: WebSocket) => void, RegExp]>([
    ['a price that is no number', (talk) => talk.push(level({ bids: [['abc', '1']] })), /book BTCUSDT/],
    ['a crossed book', (talk) => talk.push(level({ bids: [['99999', '1']] })), /crossed/],
    ['a frame without data', (talk) => talk.push([]), /no time/],
    ['a frame of another shape', (talk) => talk.push(level({ bids: 'none', asks: 7 })), /./],
    ['a refused subscription', (talk) => talk.raw(`{"event":"error","arg":${JSON.stringify(talk.arg)},"code":30001,"msg":"doesn't exist"}`), /30001/], // prettier-ignore
    ['a closed socket', (_talk, socket) => socket.close(), /closed/],
    ['a cut socket', (_talk, socket) => socket.terminate(), /./],
  ])('%s', async (_name, fault, reason) => {
    const { down } = await withFirstBook((talk, socket) => setTimeout(() => fault(talk, socket), 30));
    expect(down.reason).toMatch(reason);
  });

  test('trades told before are not told again', async () => {
    const { heard, next, from } = await withFirstBook((_talk, socket) => setTimeout(() => socket.terminate(), 30));
    await next(isConnector('trades', 'up'), from);
    await next(isKind('ticker'), from);
    expect(heard.filter(isKind('trade'))).toHaveLength(1);
  });

  test('text that is no JSON is ignored and logged', async () => {
    const venue = await venueBeside((talk) => {
      talk.raw('{"action":"snap');
      talk.raw(']]');
      talk.raw('[1,2');
      serve(talk);
    });
    const { next } = await streaming(venue);
    await Promise.all(CHANNELS.map((channel) => next(isConnector(channel, 'up'))));
    expect(connected.lines.join('\n')).toContain('venue library message');
  });
});

test('a book older than the last one is left out', async () => {
  const at = (ts: string, bid: string) => [{ ...rows('streamBook5')[0], bids: [[bid, '1']], ts }];
  const venue = await venueBeside((talk) => {
    serve(talk);
    if (talk.arg.channel !== 'books5') return;
    const frames = [at('1695716059600', '26990'), at('1695716059550', '26000'), at('1695716059601', '26991')];
    frames.forEach((frame, n) => setTimeout(() => talk.push(frame), 20 * (n + 1)));
  });
  const { next, heard } = await streaming(venue);
  await next((item): item is Extract<Heard, { kind: 'book' }> => item.kind === 'book' && item.book.bid === 269910);
  expect(heard.filter(isKind('book')).map(({ book }) => book.bid)).toEqual([270000, 269900, 269910]);
});

test('a refused login takes the private channels down again and again, market data goes on, the keys stay secret', async () => {
  const refusal = `{"event":"error","code":30005,"msg":"login failed ${CANARY_KEYS.apiKey} ${CANARY_KEYS.passphrase}"}`;
  const venue = await venueBeside(serve, refusal);
  const { next, heard } = await streaming(venue);
  await next(isConnector('book', 'up'));
  while (!connected.lines.some((line) => line.includes('login failed'))) await pause(10);
  expect(heard.filter(isKind('connector')).filter(({ channel }) => channel === 'orders')).toEqual([]);
  for (const secret of Object.values(CANARY_KEYS)) expect(connected.lines.join('\n')).not.toContain(secret);
});

describe('stopping', () => {
  test('nothing is delivered after stop, and the sockets are gone', async () => {
    const venue = await venueBeside((talk, socket) => {
      serve(talk);
      if (talk.arg.channel !== 'ticker') return;
      const timer = setInterval(() => talk.push(rows('streamTicker')), 1);
      socket.on('close', () => clearInterval(timer));
    });
    const { next, heard, stream } = await streaming(venue);
    await next(isKind('ticker'));
    await stream.stop();
    const count = heard.length;
    while (peer.sockets.size > 0) await pause(5);
    await pause(50);
    expect(heard).toHaveLength(count);
    await stream.stop();
  });

  test.each<[string, (talk: Talk) => void]>([
    ['is silent', () => undefined],
    ['acknowledges and is silent', (talk) => talk.acknowledge()],
  ])('closes within a second while the venue %s', async (_name, behave) => {
    const venue = await venueBeside(behave);
    await streaming(venue);
    while (peer.sockets.size < 2) await pause(5);
    expect(await Promise.race([venue.close().then(() => 'closed'), pause(1_000)])).toBe('closed');
  });

  test('closes within a second while it waits to dial again, and while it dials', async () => {
    const venue = await venueBeside(serve);
    const { next } = await streaming(venue);
    await next(isConnector('book', 'up'));
    await peer.close();
    await next(isConnector('book', 'down'));
    expect(await Promise.race([venue.close().then(() => 'closed'), pause(1_000)])).toBe('closed');
  });

  test('ends whenever it is stopped after a frame, also while the next watch is on its way to the socket', async () => {
    const venue = await venueBeside((talk, socket) => {
      serve(talk);
      if (talk.arg.channel !== 'orders') return;
      const timer = setInterval(() => talk.push(rows('streamOrders')), 1);
      socket.on('close', () => clearInterval(timer));
    });
    const instrument = await venue.instrument('BTCUSDT');
    for (let turns = 0; turns <= 40; turns += 1) {
      const listener = listen();
      let left = 8;
      const ended = new Promise<void>((resolve, reject) => {
        const count =
          <A extends unknown[]>(deliver: (...args: A) => void) =>
          (...args: A): void => {
            deliver(...args);
            left -= 1;
            if (left !== 0) return;
            let later = Promise.resolve();
            for (let turn = 0; turn < turns; turn += 1) later = later.then(() => undefined);
            later.then(() => stream.stop()).then(resolve, reject);
          };
        const sink = {
          ...listener.sink,
          onBook: count((...args: Parameters<VenueSink['onBook']>) => listener.sink.onBook(...args)),
          onTrade: count((...args: Parameters<VenueSink['onTrade']>) => listener.sink.onTrade(...args)),
          onTicker: count((...args: Parameters<VenueSink['onTicker']>) => listener.sink.onTicker(...args)),
          onOrder: count((...args: Parameters<VenueSink['onOrder']>) => listener.sink.onOrder(...args)),
          onPosition: count((...args: Parameters<VenueSink['onPosition']>) => listener.sink.onPosition(...args)),
          onConnector: count((...args: Parameters<VenueSink['onConnector']>) => listener.sink.onConnector(...args)),
        };
        const stream = venue.stream(instrument, sink);
      });
      await ended;
    }
  }, 20_000);

  test('a second stream lives on when the first one stops', async () => {
    const venue = await venueBeside((talk, socket) => {
      talk.acknowledge();
      if (talk.arg.channel === 'positions') talk.push([]);
      if (talk.arg.channel !== 'ticker') return;
      const timer = setInterval(() => talk.push([{ ...rows('streamTicker')[0], instId: talk.arg.instId }]), 5);
      socket.on('close', () => clearInterval(timer));
    });
    const first = await streaming(venue);
    const instrument = await venue.instrument('ETHUSDT');
    const second = listen();
    const stream = venue.stream(instrument, second.sink);
    await Promise.all(['orders', 'positions', 'ticker'].map((channel) => second.next(isConnector(channel, 'up'))));
    await first.next(isKind('ticker'));
    await first.stream.stop();
    const count = first.heard.length;
    await second.next(isKind('ticker'), second.heard.length);
    expect(first.heard).toHaveLength(count);
    expect(peer.sockets.size).toBe(2);
    expect(second.heard.filter(isConnector('ticker', 'down'))).toEqual([]);
    await stream.stop();
  });
});

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
