import { afterEach, describe, expect, test } from '@jest/globals';
import type { VenueStream } from '../../../gateway/venue.ts';
import type { BitgetStreams, BitgetStreamsOptions } from '../../../gateway/bitget/stream/streams.ts';
import { book, bookUpdate, BTC, CANARY_KEYS, CHANNELS, ETH, FAST, isConnector, isKind, listen, serve, startPeer, streamsAt, ticker, trade, type Heard, type Peer, type PeerBehaviour, type Talk } from './peer.ts'; // prettier-ignore
import { ndjson } from './samples.ts';

let peer: Peer;
let streams: BitgetStreams;
let lines: string[];
afterEach(async () => {
  await streams.close();
  await peer.close();
});

async function connect(
  onSubscribe: (talk: Talk) => void,
  change: Partial<BitgetStreamsOptions> = {},
  behaviour: Partial<PeerBehaviour> = {},
) {
  peer = await startPeer({ onSubscribe, ...behaviour });
  ({ streams, lines } = streamsAt(peer.wsUrl, change));
  const listener = listen();
  return { ...listener, stream: streams.stream(BTC, listener.sink) };
}
const upAgain = async ({ next }: { next: ReturnType<typeof listen>['next'] }, from = 0): Promise<void> => {
  await Promise.all(CHANNELS.map((channel) => next(isConnector(channel, 'up'), from)));
};
type Order = { case: string; steps: { dir: string; msg: { data?: Record<string, unknown>[] } }[] };
const documented = (name: string): Record<string, unknown>[] =>
  ndjson<Order>('ws-v2-futures-bitgetnet.ndjson')
    .find((each) => each.case === `Futures/${name}`)!
    .steps.at(-1)!.msg.data!;

test('every channel comes up and delivers, over one socket of each kind', async () => {
  const { next, heard, stream } = await connect((talk) => {
    serve(talk);
    if (talk.channel === 'orders') talk.push(documented('Order'));
    if (talk.channel === 'fill') talk.push(documented('UserTrade'));
  });
  await upAgain({ next });
  expect((await next(isKind('book'))).book).toMatchObject({ bidCount: 2, askCount: 2, bid: 270_000, ask: 270_005 });
  expect((await next(isKind('order'))).value).toMatchObject({
    venueOrderId: '1',
    status: 'filled',
    side: 'buy',
    leg: 'long',
  });
  expect((await next(isKind('fill'))).value).toMatchObject({ tradeId: '222', fee: 183_717_000_000n, leg: 'net' });
  expect((await next(isKind('position'))).value).toMatchObject({
    symbol: 'BTCUSDT',
    qty: 0,
    leg: 'net',
    entryPrice: null,
  });
  expect((await next(isKind('ticker'))).value).toMatchObject({ lastPrice: '27000.5', markPrice: '27000.0' });
  expect((await next(isKind('funding'))).value).toMatchObject({ rate: '0.000010', nextAtMs: 1_700_006_400_000 });
  expect(heard.filter(isKind('trade'))).toHaveLength(2);
  expect(peer.paths()).toEqual(['/v2/ws/private', '/v2/ws/public']);
  expect(stream.health()).toMatchObject({ reconnects: 0, bookGaps: 0, bookChecksumFailures: 0, malformed: 0 });
  expect([...stream.health().up].sort()).toEqual([...CHANNELS].sort());
  expect(stream.health().silentMs).toBeGreaterThanOrEqual(0);
});

test('a unified account is spoken to in v3, and its rows mean the same', async () => {
  const position = { symbol: 'BTCUSDT', leverage: '20', size: '0.5', avgPrice: '26000', liqPrice: '', marginMode: 'crossed', unrealisedPnl: '3', markPrice: '27000', posSide: 'short', holdMode: 'one_way_mode' }; // prettier-ignore
  const order = { category: 'usdt-futures', symbol: 'BTCUSDT', orderId: '7', clientOid: 'b-1', price: '27000', qty: '0.002', holdMode: 'one_way_mode', holdSide: 'long', side: 'buy', reduceOnly: 'no', cumExecQty: '0.001', orderStatus: 'partially_filled', createdTime: '1742367838101', updatedTime: '1742367838115' }; // prettier-ignore
  const fill = { symbol: 'BTCUSDT', side: 'buy', orderId: '7', feeDetail: [{ feeCoin: 'USDT', fee: '0.569958' }], execTime: '1736378720623', tradeScope: 'taker', tradeSide: 'open', execId: '9', execPrice: '27000', holdSide: 'long', category: 'USDT-FUTURES', execQty: '0.001', clientOid: 'b-1' }; // prettier-ignore
  const { next } = await connect(
    ({ channel, acknowledge, push }) => {
      acknowledge();
      const { bids: b, asks: a, ...rest } = book() as { bids: unknown; asks: unknown };
      if (channel === 'books') push([{ a, b, ...rest }]);
      if (channel === 'publicTrade') push([{ i: '1', p: '27000.5', v: '0.01', S: 'sell', T: '1700000000000' }]);
      if (channel === 'ticker')
        push([{ lastPrice: '27000.5', markPrice: '27000', fundingRate: '-0.00003', nextFundingTime: '1700006400000' }]);
      if (channel === 'order') push([order]);
      if (channel === 'fill') push([fill]);
      if (channel === 'position') {
        push([position]);
        push([{ ...position, size: '0', positionStatus: 'ended' }]);
      }
    },
    { accountKind: 'unified', positionMode: () => 'one_way' },
  );
  await upAgain({ next });
  expect(peer.paths()).toEqual(['/v3/ws/private', '/v3/ws/public']);
  expect((await next(isKind('book'))).book).toMatchObject({ bid: 270_000, ask: 270_005 });
  expect((await next(isKind('trade'))).value).toMatchObject({ takerSide: 'sell', price: 270_005, qty: 10 });
  expect((await next(isKind('ticker'))).value).toMatchObject({ venueAtMs: 1_700_000_000_500, markPrice: '27000' });
  expect((await next(isKind('order'))).value).toMatchObject({
    clientOrderId: 'b-1',
    filled: 1,
    status: 'open',
    leg: 'net',
  });
  expect((await next(isKind('fill'))).value).toMatchObject({ tradeId: '9', fee: 569_958_000_000n, leg: 'net' });
  const isFlat = (item: Heard): item is Extract<Heard, { kind: 'position' }> =>
    item.kind === 'position' && item.value.qty === 0;
  expect((await next(isKind('position'))).value).toMatchObject({ qty: -500, leg: 'net', entryPrice: '26000' });
  await next(isFlat);
});

describe('the account', () => {
  test('what happens on its other symbols is not ours and breaks nothing', async () => {
    const { next, heard } = await connect((talk) => {
      serve(talk);
      const [order, fill] = [documented('Order')[0]!, documented('UserTrade')[0]!];
      const position = { ...documented('Position')[0], posMode: 'one_way_mode' };
      if (talk.channel === 'orders') talk.push([{ ...order, instId: 'ETHUSDT' }, { ...order, orderId: '3' }]);
      if (talk.channel === 'fill') talk.push([{ ...fill, symbol: 'ETHUSDT', price: 'none of ours' }, fill]);
      if (talk.channel === 'positions') talk.push([position, { ...position, instId: 'BTCUSDT', total: '0.5', holdSide: 'long' }]);
    }); // prettier-ignore
    expect((await next(isKind('order'))).value.venueOrderId).toBe('3');
    expect((await next(isKind('fill'))).value.tradeId).toBe('222');
    await next(
      (item): item is Extract<Heard, { kind: 'position' }> => item.kind === 'position' && item.value.qty === 500,
    );
    expect(heard.filter(isKind('connector')).filter(({ status }) => status === 'down')).toEqual([]);
  });

  test('a row of ours that breaks its format takes the orders down, and they come back', async () => {
    let subscriptions = 0;
    const { next, heard, stream } = await connect((talk) => {
      serve(talk);
      if (talk.channel !== 'orders') return;
      subscriptions += 1;
      if (subscriptions === 1) talk.push([{ ...documented('Order')[0], size: 'many' }]);
    });
    const down = await next(isConnector('orders', 'down'));
    expect(down.reason).toMatch(/^order: /);
    await next(isConnector('orders', 'up'), heard.indexOf(down));
    expect(heard.filter(isKind('order'))).toEqual([]);
    expect(stream.health()).toMatchObject({ malformed: 1, reconnects: 0 });
  });

  test('legs that are not listed any more are told as flat, once', async () => {
    const row = { ...documented('Position')[0], instId: 'BTCUSDT', posMode: 'hedge_mode' };
    const { next, heard } = await connect((talk) => {
      talk.acknowledge();
      if (talk.channel !== 'positions') return;
      talk.push([{ ...row, holdSide: 'long', total: '0.2' }, { ...row, holdSide: 'short', total: '0.3' }]);
      talk.push([{ ...row, holdSide: 'short', total: '0.3' }]);
      talk.push([{ ...row, holdSide: 'short', total: '0.1' }]);
      talk.push([]);
      talk.push([{ ...row, holdSide: 'long', total: '0.7' }]);
    }); // prettier-ignore
    await next(
      (item): item is Extract<Heard, { kind: 'position' }> => item.kind === 'position' && item.value.qty === 700,
    );
    expect(heard.filter(isKind('position')).map(({ value }) => [value.leg, value.qty])).toEqual([
      ['long', 200], ['short', -300], ['short', -300], ['long', 0], ['short', -100], ['short', 0], ['long', 700],
    ]); // prettier-ignore
  });

  test('no fill of a burst is lost, whether it comes in one frame or in many', async () => {
    const fill = (tradeId: number): object => ({ ...documented('UserTrade')[0], tradeId: String(tradeId) });
    const { next, heard } = await connect((talk) => {
      serve(talk);
      if (talk.channel !== 'fill') return;
      for (let id = 1; id <= 300; id += 1) talk.push([fill(id)]);
      talk.push(Array.from({ length: 100 }, (_, n) => fill(301 + n)));
    });
    await next(
      (item): item is Extract<Heard, { kind: 'fill' }> => item.kind === 'fill' && item.value.tradeId === '400',
    );
    expect(heard.filter(isKind('fill')).map(({ value }) => Number(value.tradeId))).toEqual(
      Array.from({ length: 400 }, (_, n) => n + 1),
    );
  });
});

describe('a fault of the book channel is told, and healed by a new subscription of it alone', () => {
  test.each<[string, (talk: Talk) => void, RegExp, object]>([
    [
      'a lost update',
      (talk) => talk.push([bookUpdate({ seq: 15, pseq: 13 })], 'update'),
      /follows 13/,
      { bookGaps: 1 },
    ],
    ['a wrong checksum', (talk) => talk.push([bookUpdate({ checksum: 5 })], 'update'), /checksum/, { malformed: 1 }],
    [
      'a price that is no number',
      (talk) => talk.push([bookUpdate({ bids: [['abc', '1']] })], 'update'),
      /level 0/,
      { malformed: 1 },
    ],
    [
      'a crossed book',
      (talk) => talk.push([bookUpdate({ bids: [['99999', '1']] })], 'update'),
      /crossed/,
      { malformed: 1 },
    ],
    ['a frame without data', (talk) => talk.push([]), /one record/, { malformed: 1 }],
    ['a frame of another shape', (talk) => talk.push([{ bids: 'none', asks: 7 }]), /no list/, { malformed: 1 }],
  ])('%s', async (_name, fault, reason, counted) => {
    let subscriptions = 0;
    const { next, heard, stream } = await connect((talk) => {
      if (talk.channel !== 'books') return serve(talk);
      subscriptions += 1;
      if (subscriptions === 1) {
        serve(talk);
        setTimeout(() => fault(talk), 20);
        return;
      }
      // Still of the old subscription.
      talk.push([book({ bids: [['26000', '1']] })]);
      talk.acknowledge();
      talk.push([book({ seq: 20 })]);
    });
    await next(isConnector('book', 'up'));
    const down = await next(isConnector('book', 'down'));
    expect(down.reason).toMatch(reason);
    const from = heard.indexOf(down);
    await next(isConnector('book', 'up'), from);
    expect((await next(isKind('book'), from)).book.bid).toBe(270_000);
    expect(heard.slice(0, from).filter(isKind('book'))).toHaveLength(1);
    expect(stream.health()).toMatchObject({ ...counted, reconnects: 0 });
    expect(heard.filter(isKind('connector')).filter(({ status }) => status === 'down')).toHaveLength(1);
    expect(peer.heard.filter((text) => text.includes('unsubscribe'))).toHaveLength(1);
  });

  test('silence: the book is asked for anew, a market that proves to be quiet less often, until it moves', async () => {
    let subscriptions = 0;
    const { next, heard } = await connect(
      (talk) => {
        if (talk.channel !== 'books') return serve(talk);
        subscriptions += 1;
        const seq = 100 * subscriptions;
        talk.acknowledge();
        talk.push([book({ seq })]);
        if (subscriptions === 4) talk.push([bookUpdate({ seq: seq + 1, pseq: seq })], 'update');
      },
      { timing: { ...FAST, bookQuietMs: 60, bookQuietMsMax: 200 } },
    );
    const quietMs: number[] = [];
    for (let from = 0; quietMs.length < 6;) {
      const down = await next(isConnector('book', 'down'), from);
      quietMs.push(Number(/nothing heard for (\d+) ms/.exec(down.reason)?.[1]));
      from = heard.indexOf(down) + 1;
      await next(isConnector('book', 'up'), from);
    }
    expect(quietMs).toEqual([60, 120, 200, 60, 60, 120]);
  });

  test('an acknowledgement after which nothing comes', async () => {
    let subscriptions = 0;
    const { next } = await connect(
      (talk) => {
        if (talk.channel !== 'books') return serve(talk);
        subscriptions += 1;
        if (subscriptions === 1) talk.acknowledge();
        else serve(talk);
      },
      { timing: { ...FAST, firstFrameWithinMs: 50 } },
    );
    expect((await next(isConnector('book', 'down'))).reason).toMatch(/nothing heard/);
    await next(isConnector('book', 'up'));
  });
});

describe('a snapshot that got lost', () => {
  test('is asked for again, however many updates come without it', async () => {
    let subscriptions = 0;
    let updates: NodeJS.Timeout | null = null;
    const { next } = await connect(
      (talk) => {
        if (talk.channel !== 'books') return serve(talk);
        subscriptions += 1;
        if (updates !== null) clearInterval(updates);
        if (subscriptions > 1) return serve(talk);
        talk.acknowledge();
        let seq = 1;
        updates = setInterval(() => talk.push([bookUpdate({ seq: ++seq, pseq: seq - 1 })], 'update'), 5);
      },
      { timing: { ...FAST, firstFrameWithinMs: 100 } },
    );
    expect((await next(isConnector('book', 'down'))).reason).toMatch(/nothing heard for 100 ms/);
    await next(isConnector('book', 'up'));
  });
});

describe('a refused subscription is told and asked again', () => {
  test.each(['classic', 'unified'] as const)('%s', async (accountKind) => {
    let refusals = 0;
    const { next, heard } = await connect(
      (talk) => {
        if (talk.channel !== 'ticker' || refusals === 3) {
          talk.acknowledge();
          if (talk.channel === 'ticker') talk.push([accountKind === 'classic' ? ticker() : { lastPrice: '1', ts: '1700000000000' }]);
          return;
        }
        refusals += 1;
        talk.raw(
          JSON.stringify(
            accountKind === 'classic'
              ? { event: 'error', arg: talk.arg, code: 30001, msg: 'ticker none doesn\'t exist', op: 'subscribe' }
              : { event: 'error', code: 30001, msg: `${JSON.stringify(talk.arg)} doesn't exist`, connId: 'x' },
          ),
        );
      },
      { accountKind },
    ); // prettier-ignore
    expect((await next(isConnector('ticker', 'down'))).reason).toMatch(/subscription refused: 30001/);
    await next(isConnector('ticker', 'up'));
    expect(refusals).toBe(3);
    // Told once, although it was refused three times; the others never went down.
    expect(heard.filter(isKind('connector')).filter(({ status }) => status === 'down')).toHaveLength(1);
    expect(peer.heard.filter((text) => text.includes('unsubscribe'))).toEqual([]);
  });
});

describe('the socket', () => {
  test.each<[string, (talk: Talk) => void, RegExp]>([
    ['closed by the venue', ({ socket }) => socket.close(1000, 'bye'), /closed by the venue: 1000 bye/],
    ['cut', ({ socket }) => socket.terminate(), /1006/],
    ['a frame that breaks the protocol', ({ socket }) => (socket as unknown as { _socket: { write(data: Buffer): void } })._socket.write(Buffer.from([0xff, 0xff])), /./], // prettier-ignore
  ])('%s: every channel of it goes down and comes back', async (_name, fault, reason) => {
    let done = false;
    const { next, heard, stream } = await connect((talk) => {
      serve(talk);
      if (talk.channel !== 'ticker' || done) return;
      done = true;
      setTimeout(() => fault(talk), 30);
    });
    await upAgain({ next });
    const down = await next(isConnector('book', 'down'));
    expect(down.reason).toMatch(reason);
    const from = heard.indexOf(down);
    await Promise.all(['book', 'trades', 'ticker'].map((channel) => next(isConnector(channel, 'up'), from)));
    expect(heard.filter(isKind('connector')).filter(({ channel, status }) => ['orders', 'positions'].includes(channel) && status === 'down')).toEqual([]); // prettier-ignore
    expect(stream.health().reconnects).toBe(1);
    // Trades told before are not told again.
    expect(heard.filter(isKind('trade'))).toHaveLength(2);
  });

  test('half open: no pong ends it, and a pong keeps it', async () => {
    const timing = { ...FAST, pingEveryMs: 20, pongWithinMs: 60 };
    const { next, heard } = await connect(serve, { timing }, { pong: false });
    await next(isConnector('book', 'up'));
    const down = await next(isConnector('book', 'down'));
    expect(down.reason).toBe('no pong within 60 ms');
    await next(isConnector('book', 'up'), heard.indexOf(down));
    await streams.close();
    await peer.close();
    const healthy = await connect(serve, { timing });
    await upAgain(healthy);
    while (peer.pings() < 20) await pause(5);
    expect(healthy.heard.filter(isKind('connector')).filter(({ status }) => status === 'down')).toEqual([]);
  });

  test('nobody listens, then somebody does', async () => {
    peer = await startPeer({ onSubscribe: serve });
    const port = Number(new URL(peer.wsUrl).port);
    await peer.close();
    ({ streams, lines } = streamsAt(`ws://127.0.0.1:${port}`));
    const { next, sink } = listen();
    streams.stream(BTC, sink);
    expect((await next(isConnector('book', 'down'))).reason).toMatch(/ECONNREFUSED/);
    expect((await next(isConnector('orders', 'down'))).reason).toMatch(/ECONNREFUSED/);
    peer = await startPeer({ onSubscribe: serve, port });
    await upAgain({ next });
  });

  test.each<[string, string, RegExp]>([
    ['a name that does not resolve', 'ws://venue.invalid', /ENOTFOUND|EAI_AGAIN/],
    ['TLS that is none', '', /SSL|EPROTO|wrong version/i],
  ])('%s is a reason and not an exception', async (_name, url, reason) => {
    peer = await startPeer({ onSubscribe: serve });
    ({ streams, lines } = streamsAt(url || peer.wsUrl.replace('ws:', 'wss:')));
    const { next, sink } = listen();
    streams.streamMarket(BTC, sink);
    expect((await next(isConnector('book', 'down'))).reason).toMatch(reason);
  });

  test('an answer that is no upgrade, and a redirect, lead nowhere', async () => {
    const { createServer } = await import('node:http');
    let asked = 0;
    const elsewhere = createServer(() => (asked += 1));
    await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve));
    const { port } = elsewhere.address() as { port: number };
    const redirecting = createServer((_request, response) =>
      response.writeHead(302, { location: `http://127.0.0.1:${port}/` }).end(),
    );
    redirecting.on('upgrade', (_request, socket) =>
      socket.end(`HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1:${port}/\r\n\r\n`),
    );
    await new Promise<void>((resolve) => redirecting.listen(0, '127.0.0.1', resolve));
    peer = await startPeer({ onSubscribe: serve });
    ({ streams, lines } = streamsAt(`ws://127.0.0.1:${(redirecting.address() as { port: number }).port}`));
    const { next, sink } = listen();
    streams.streamMarket(BTC, sink);
    expect((await next(isConnector('book', 'down'))).reason).toMatch(/302/);
    expect(asked).toBe(0);
    await streams.close();
    for (const server of [elsewhere, redirecting]) await new Promise((resolve) => server.close(resolve));
  });

  test('text that is no message is counted, logged and ignored', async () => {
    const { next, stream } = await connect((talk) => {
      for (const text of ['{"action":"snap', ']]', '[1,2]', 'null', '{"arg":{},"data":7}'])
        if (talk.channel === 'books') talk.raw(text);
      serve(talk);
    });
    await upAgain({ next });
    expect(stream.health().malformed).toBe(5);
    expect(lines.join('\n')).toContain('venue socket sent no message');
  });
});

describe('a refused login', () => {
  test.each([
    [30005, 20],
    [30011, 200],
  ])(
    '%d is told with its reason, market data goes on, the keys stay secret, and nobody hammers',
    async (code, pauseMs) => {
      const refusal = JSON.stringify({
        event: 'error',
        code,
        msg: `login failed ${CANARY_KEYS.apiKey} ${CANARY_KEYS.passphrase}`,
      });
      const { next, heard, stream } = await connect(serve, {}, { onLogin: (socket) => socket.send(refusal) });
      await next(isConnector('book', 'up'));
      expect((await next(isConnector('orders', 'down'))).reason).toBe(
        `login refused: ${code} login failed [redacted] [redacted]`,
      );
      while (stream.health().reconnects < 3) await pause(5);
      expect(
        lines.filter((line) => line.includes(`"retryInMs":${pauseMs / 2}`) || line.includes(`"retryInMs":${pauseMs}`))
          .length,
      ).toBeGreaterThan(0);
      expect([...stream.health().up].sort()).toEqual(['book', 'ticker', 'trades']);
      expect(heard.filter(isKind('connector')).filter(({ status }) => status === 'down')).toHaveLength(2);
      for (const secret of Object.values(CANARY_KEYS)) expect(lines.join('\n')).not.toContain(secret);
    },
  );
});

test("what is said stays inside the venue's limits", async () => {
  peer = await startPeer({ onSubscribe: serve });
  ({ streams, lines } = streamsAt(peer.wsUrl, { accountKind: 'unified' }));
  const startMs = performance.now();
  for (let n = 0; n < 30; n += 1) streams.streamMarket({ ...BTC, symbol: `COIN${n}USDT` }, listen().sink);
  const asked = () => peer.heard.flatMap((text) => (JSON.parse(text) as { args: object[] }).args).length;
  while (asked() < 90) await pause(5);
  const seconds = (performance.now() - startMs) / 1_000;
  expect(peer.heard.length).toBeLessThanOrEqual(10 * Math.max(1, seconds));
  for (const text of peer.heard) {
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(4_096);
    expect((JSON.parse(text) as { args: object[] }).args.length).toBeLessThan(20);
  }
});

describe('stopping', () => {
  const ticking = (talk: Talk): void => {
    serve(talk);
    if (talk.channel !== 'ticker') return;
    const timer = setInterval(() => talk.push([ticker({ instId: talk.symbol })]), 1);
    talk.socket.on('close', () => clearInterval(timer));
  };

  test('nothing is delivered after stop, and the sockets are gone', async () => {
    const { next, heard, stream } = await connect(ticking);
    await next(isKind('ticker'));
    await stream.stop();
    const count = heard.length;
    while (peer.sockets.size > 0) await pause(5);
    await pause(30);
    expect(heard).toHaveLength(count);
    await stream.stop();
  });

  test.each<[string, (talk: Talk) => void]>([
    ['is silent', () => undefined],
    ['acknowledges and is silent', (talk) => talk.acknowledge()],
  ])('closes while the venue %s', async (_name, behave) => {
    await connect(behave);
    while (peer.sockets.size < 2) await pause(5);
    expect(await Promise.race([streams.close().then(() => 'closed'), pause(2_000)])).toBe('closed');
  });

  test('closes while it dials, and while it waits to dial again', async () => {
    const { next } = await connect(serve, { timing: { ...FAST, connectBackoffMs: { minMs: 60_000, maxMs: 60_000 } } });
    await next(isConnector('book', 'up'));
    await peer.close();
    await next(isConnector('book', 'down'));
    expect(await Promise.race([streams.close().then(() => 'closed'), pause(2_000)])).toBe('closed');
    const dialling = await connect(serve);
    expect(await Promise.race([dialling.stream.stop().then(() => 'closed'), pause(2_000)])).toBe('closed');
  });

  test('streams share two sockets, and each lives on when another stops', async () => {
    const first = await connect(ticking);
    await upAgain(first);
    const second = listen();
    const stream = streams.stream(ETH, second.sink);
    await upAgain(second);
    // The same symbol again: it hears at once what is known.
    const third = listen();
    const thirdStream = streams.stream(BTC, third.sink);
    expect(third.heard.filter(isConnector('book', 'up'))).toHaveLength(1);
    expect(third.heard.filter(isKind('book'))).toHaveLength(1);
    expect(third.heard.filter(isKind('position'))).toHaveLength(1);
    await first.stream.stop();
    const count = first.heard.length;
    await second.next(isKind('ticker'), second.heard.length);
    await third.next(isKind('ticker'), third.heard.length);
    await thirdStream.stop();
    await second.next(isKind('ticker'), second.heard.length);
    expect(first.heard).toHaveLength(count);
    expect(peer.dials()).toBe(2);
    while (!peer.heard.some((text) => text.includes('unsubscribe') && text.includes('BTCUSDT'))) await pause(5);
    expect(second.heard.filter(isConnector('ticker', 'down'))).toEqual([]);
    await stream.stop();
  });

  test('a sink may stop its stream from inside any delivery', async () => {
    peer = await startPeer({ onSubscribe: ticking });
    ({ streams, lines } = streamsAt(peer.wsUrl));
    for (const after of [1, 2, 5, 8, 12]) {
      const { sink, heard } = listen();
      let stream: VenueStream | null = null;
      let left = after;
      await new Promise<void>((resolve, reject) => {
        const counted = Object.fromEntries(
          Object.entries(sink).map(([name, deliver]) => [
            name,
            (...args: unknown[]): void => {
              (deliver as (...args: unknown[]) => void)(...args);
              left -= 1;
              if (left === 0) stream!.stop().then(resolve, reject);
            },
          ]),
        ) as unknown as typeof sink;
        stream = streams.stream(BTC, counted);
      });
      const count = heard.length;
      await pause(5);
      expect(heard).toHaveLength(count);
    }
  });
});

test('trades told before are not told again, and the rest of a frame is', async () => {
  const { next, heard } = await connect((talk) => {
    serve(talk);
    if (talk.channel === 'trade') talk.push([trade('3'), trade('2')], 'update');
  });
  await next(
    (item): item is Extract<Heard, { kind: 'trade' }> =>
      item.kind === 'trade' && heard.filter(isKind('trade')).length === 3,
  );
  await pause(20);
  expect(heard.filter(isKind('trade'))).toHaveLength(3);
});

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
