/** The streams against the running simulator, and what its fault plan does to them. */
import { createServer } from 'node:net';
import { rmSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createInstrument } from '../../../core/market/instrument.ts';
import type { BookFrame } from '../../../core/market/book.ts';
import type { BitgetStreams } from '../../../gateway/bitget/stream/streams.ts';
import type { VenueStream } from '../../../gateway/venue.ts';
import { startSimulator, type RunningSimulator } from '../../../simulator/server.ts';
import { connectAdmin, type Admin } from '../../simulator/admin.ts';
import { BOT1, markets, simulatorOptions, tempDir } from '../../simulator/harness.ts';
import { CHANNELS, FAST, isConnector, isKind, listen, streamsAt } from './peer.ts';

const BTCUSDT = createInstrument(markets('BTCUSDT')[0]!.instrument);
/** Books of the recording come every 100 ms: three times as fast here. */
const SPEED = 3;

let dir: string;
let simulator: RunningSimulator;
let admin: Admin;
let streams: BitgetStreams;

async function start(kind: 'classic' | 'unified', bookChecksum = true, port = 0): Promise<void> {
  simulator = await startSimulator({ ...simulatorOptions(dir), accounts: [{ ...BOT1, kind }], adminPort: 0, bookChecksum, speed: SPEED, port }); // prettier-ignore
  admin = connectAdmin(simulator.adminPort);
}

beforeEach(() => {
  dir = tempDir();
});
afterEach(async () => {
  await streams.close();
  await simulator.stop();
  rmSync(dir, { recursive: true, force: true });
});

function listenTo(accountKind: 'classic' | 'unified', timing: object = {}) {
  ({ streams } = streamsAt(`ws://127.0.0.1:${simulator.port}`, {
    keys: BOT1,
    accountKind,
    timing: { ...FAST, connects: { atOnce: 200, perSecond: 1 }, ...timing },
  }));
  const listener = listen();
  let crossed = 0;
  const watch = (frame: BookFrame): void => {
    if (frame.bidCount > 0 && frame.askCount > 0 && !(frame.bidTicks[0]! < frame.askTicks[0]!)) crossed += 1;
    listener.sink.onBook(frame);
  };
  const stream = streams.stream(BTCUSDT, { ...listener.sink, onBook: watch });
  const all = async (status: 'up' | 'down', from = 0): Promise<void> => {
    await Promise.all(CHANNELS.map((channel) => listener.next(isConnector(channel, status), from)));
  };
  return { ...listener, stream, all, crossed: () => crossed };
}
const struck = async (): Promise<number> => (await admin.report()).reduce((sum, report) => sum + report.struck, 0);
const lost = ({ bookGaps, bookChecksumFailures, malformed }: ReturnType<VenueStream['health']>): number => bookGaps + bookChecksumFailures + malformed; // prettier-ignore

describe.each(['classic', 'unified'] as const)('%s account', (kind) => {
  test.each([true, false])('comes up and delivers, checksums %s', async (bookChecksum) => {
    await start(kind, bookChecksum);
    const { next, heard, stream, all } = listenTo(kind);
    await all('up');
    while (heard.filter(isKind('book')).length < 20) await next(isKind('book'), heard.length);
    await next(isKind('ticker'));
    await next(isKind('funding'));
    expect(stream.health()).toMatchObject({ reconnects: 0, bookGaps: 0, bookChecksumFailures: 0, malformed: 0 });
    expect(heard.filter(isKind('connector')).filter(({ status }) => status === 'down')).toEqual([]);
  });

  test('20 flaps: it comes back each time, and counts them', async () => {
    await start(kind);
    const { heard, next, stream, all } = listenTo(kind);
    await all('up');
    await admin.faults({ kind: 'flap', everyMs: 150 });
    while (stream.health().reconnects < 40) await next(isKind('connector'), heard.length);
    await admin.clear();
    const from = heard.length;
    await next(isKind('book'), from);
    while (stream.health().up.length < CHANNELS.length) await next(isKind('connector'), heard.length);
    await next(isKind('book'), heard.length);
    expect(lost(stream.health())).toBe(0);
  }, 60_000);

  test('a silent socket is ended and replaced', async () => {
    await start(kind);
    const { heard, next, stream, all } = listenTo(kind, { pingEveryMs: 50, pongWithinMs: 200 });
    await all('up');
    await admin.faults({ kind: 'silent', pong: false, where: { socket: 'public' }, when: { untilMs: 1_000 } });
    const down = await next(isConnector('book', 'down'));
    expect(down.reason).toMatch(/no pong/);
    const from = heard.indexOf(down);
    await next(isConnector('book', 'up'), from);
    await next(isKind('book'), from);
    expect(stream.health().reconnects).toBeGreaterThanOrEqual(1);
    expect(heard.filter(isConnector('orders', 'down'))).toEqual([]);
  });

  test('a socket whose data stops while it says pong: book and ticker are asked for anew', async () => {
    await start(kind);
    const { heard, next, all } = listenTo(kind, { bookQuietMs: 500, tickerQuietMs: 500, answerWithinMs: 300 });
    await all('up');
    await admin.faults({ kind: 'silent', pong: true, where: { socket: 'public' }, when: { untilMs: 1_500 } });
    const down = await next(isConnector('book', 'down'));
    expect(down.reason).toMatch(/nothing heard/);
    await next(isConnector('book', 'up'), heard.indexOf(down));
  });
});

test.each([
  ['gap', { kind: 'gap' }],
  ['reorder', { kind: 'reorder' }],
  ['sequence', { kind: 'corrupt', what: 'sequence' }],
  ['checksum', { kind: 'corrupt', what: 'checksum' }],
  ['level', { kind: 'corrupt', what: 'level' }],
  ['json', { kind: 'corrupt', what: 'json' }],
] as const)(
  '%s: each one is noticed, and the book comes back',
  async (_name, fault) => {
    await start('classic');
    const { heard, next, stream, all, crossed } = listenTo('classic');
    await all('up');
    await admin.faults({ ...fault, where: { channel: 'books' }, when: { every: 6, next: 5 } });
    while ((await struck()) < 5) await next(isKind('book'), heard.length);
    const from = heard.length;
    await next(isKind('book'), from + 2);
    expect(lost(stream.health())).toBeGreaterThanOrEqual(3);
    expect(crossed()).toBe(0);
    await admin.clear();
  },
  30_000,
);

test('duplicates change nothing', async () => {
  await start('classic');
  const { heard, next, stream, all } = listenTo('classic');
  await all('up');
  await admin.faults({ kind: 'duplicate', times: 2, where: { channel: 'books' }, when: { next: 10 } });
  while ((await struck()) < 10) await next(isKind('book'), heard.length);
  expect(lost(stream.health())).toBe(0);
  expect(heard.filter(isConnector('book', 'down'))).toEqual([]);
});

test('the simulator ends and starts again on its port', async () => {
  await start('classic');
  const { heard, next, stream, all } = listenTo('classic');
  await all('up');
  const { port } = simulator;
  await simulator.stop();
  await all('down');
  await next(
    (item): item is Extract<typeof item, { kind: 'connector' }> =>
      item.kind === 'connector' && /ECONNREFUSED/.test(item.reason),
  );
  const from = heard.length;
  await free(port);
  await start('classic', true, port);
  await all('up', from);
  await next(isKind('book'), from);
  expect(stream.health().reconnects).toBeGreaterThanOrEqual(2);
  expect([...stream.health().up].sort()).toEqual([...CHANNELS].sort());
});

async function free(port: number): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  await new Promise((resolve) => server.close(resolve));
}
