import type { ServerResponse } from 'node:http';
import { until } from '../support/desk.ts';
import { afterEach, describe, expect, test } from '@jest/globals';
import {
  VenueMalformed,
  VenueRefused,
  VenueUnavailable,
  type ProtectiveStop,
  type Venue,
} from '../../gateway/venue.ts';
import type { PriceTicks, SignedLots } from '../../core/money/money.ts';
import { SETTINGS, UNIFIED_SETTINGS } from './fixture-peer.ts';
import { CANARY_KEYS, connect, intent, startRawPeer, success, type LoggingVenue, type RawPeer } from './raw-peer.ts';

let peer: RawPeer;
let connected: LoggingVenue;
afterEach(async () => {
  await connected.venue.close();
  await peer.close();
});

/** A venue whose peer treats every call but the two opening reads as `onCall` says. */
async function venueBeside(onCall: (response: ServerResponse) => void, callDeadlineMs = 5_000) {
  peer = await startRawPeer({ onCall: (_call, response) => onCall(response) });
  connected = await connect(peer, { callDeadlineMs });
  await readRules(connected.venue);
  peer.calls.length = 0;
  return connected.venue;
}
const secretsIn = (text: string): string[] => Object.values(CANARY_KEYS).filter((secret) => text.includes(secret));

/** The short deadline is for the calls under test; on a busy machine this read may need another try. */
async function readRules(venue: Venue): Promise<void> {
  await until('the rules of the contract', () => venue.instrument('BTCUSDT').then(() => true));
}

const UNCLEAR: readonly [string, (response: ServerResponse) => void][] = [
  ['no answer', () => undefined],
  ['a reset', (response) => response.socket?.resetAndDestroy()],
  ['a close without a byte', (response) => response.socket?.destroy()],
  [
    'half a body',
    (r) => (r.writeHead(200, { 'Content-Length': '100' }), r.write('{"code":"00000","da'), r.socket?.end()),
  ],
  ['half a body and silence', (r) => (r.writeHead(200, { 'Content-Length': '100' }), void r.write('{"code":'))],
  ['one byte at a time, for ever', (r) => drip(r)],
  ['an empty body', (response) => response.end()],
  ['HTML', (response) => response.end('<html><body>502 Bad Gateway</body></html>')],
  ['cut JSON', (response) => response.end('{"code":"00000","data":{"orderId":"12')],
  ['a bare number', (response) => response.end('7')],
  ['null', (response) => response.end('null')],
  ['no code', (response) => response.end('{"data":{"orderId":"12"}}')],
  ['a success without the order', (response) => response.end(success({}))],
  ['a success for another order', (response) => response.end(success({ orderId: '1', clientOid: 'other' }))],
  ['a success under HTTP 502', (response) => (response.writeHead(502), response.end(success({ orderId: '1' })))],
  ['a refusal under HTTP 500', (response) => (response.writeHead(500), response.end('{"code":"40762"}'))],
  ['HTTP 429', (response) => (response.writeHead(429), response.end('{"code":"429","msg":"Too many requests"}'))],
  ['a redirect', (r) => (r.writeHead(302, { Location: 'http://127.0.0.1:1/' }), r.end())],
  ['a code nobody lists', (response) => (response.writeHead(400), response.end('{"code":"99999","msg":"?"}'))],
  [
    '40010, a time-out inside',
    (response) => (response.writeHead(400), response.end('{"code":"40010","msg":"timeout"}')),
  ],
];

describe('a call that was sent and not clearly answered is unknown, and is sent once', () => {
  test.each(UNCLEAR)('%s', async (_name, onCall) => {
    const venue = await venueBeside(onCall, 150);
    expect(await venue.place(intent())).toMatchObject({ answer: 'unknown', reason: expect.any(String) });
    expect(peer.calls.map(({ path }) => path)).toEqual(['/api/v2/mix/order/place-order']);
    expect(await venue.cancel('BTCUSDT', 'bot1-0-1')).toMatchObject({ answer: 'unknown', reason: expect.any(String) });
    await expect(venue.orderByClientId('BTCUSDT', 'bot1-0-1')).rejects.toBeInstanceOf(VenueUnavailable);
    expect(peer.calls).toHaveLength(3);
  });

  const stop: ProtectiveStop = {
    clientOrderId: 'bot1-0-1',
    symbol: 'BTCUSDT',
    leg: 'net',
    positionLots: 10 as SignedLots,
    triggerPrice: 490_000 as PriceTicks,
    triggerSource: 'mark',
  };
  const CHANGES: Readonly<Record<string, (venue: Venue) => Promise<{ answer: string }>>> = {
    place: (venue) => venue.place(intent()),
    amend: (venue) => venue.amend('bot1-0-1', intent()),
    cancel: (venue) => venue.cancel('BTCUSDT', 'bot1-0-1'),
    'cancel all normal': (venue) => venue.cancelAll({ symbol: 'BTCUSDT', families: ['normal'] }),
    'cancel all plan': (venue) => venue.cancelAll({ symbol: null, families: ['plan'] }),
    'cancel all tpsl': (venue) => venue.cancelAll({ symbol: null, families: ['tpsl'] }),
    'place stop': (venue) => venue.placeStop(stop),
    'replace stop': (venue) => venue.replaceStop('bot1-0-0', stop),
    'cancel stop': (venue) => venue.cancelStop('BTCUSDT', 'bot1-0-0'),
    'position mode': (venue) => venue.setPositionMode('hedge'),
    leverage: (venue) => venue.setLeverage('BTCUSDT', 3),
    'margin mode': (venue) => venue.setMarginMode('BTCUSDT', 'isolated'),
  };
  const settings = {
    '/api/v2/mix/account/account': SETTINGS,
    '/api/v3/account/settings': UNIFIED_SETTINGS,
    '/api/v3/account/fee-rate': { makerFeeRate: '0.0002', takerFeeRate: '0.0006' },
  } as Record<string, unknown>;

  describe.each(['classic', 'unified'] as const)('every change of a %s account', (accountKind) => {
    test.each(UNCLEAR)('%s', async (caseName, onCall) => {
      peer = await startRawPeer({
        onCall({ path }, response) {
          const known = settings[path.split('?')[0] ?? ''];
          if (known === undefined) onCall(response);
          else response.end(success(known));
        },
      });
      connected = await connect(peer, { callDeadlineMs: 100, accountKind });
      await readRules(connected.venue);
      for (const [name, change] of Object.entries(CHANGES)) {
        peer.calls.length = 0;
        // There is no such call in v3.
        if (accountKind === 'unified' && name === 'margin mode') continue;
        const answer = await change(connected.venue);
        const posts = peer.calls.filter(({ method }) => method === 'POST').length;
        // Asked for fewer requests, the gateway keeps the next ones: those are a no that is proved.
        if (caseName === 'HTTP 429' && posts === 0 && answer.answer === 'no') {
          expect([name, answer]).toEqual([name, expect.objectContaining({ code: 'not_sent' })]);
          continue;
        }
        const reads = /^cancel all (plan|tpsl)$/.test(name);
        expect([name, answer.answer, posts]).toEqual([name, 'unknown', reads ? 0 : 1]);
      }
      const reads = await Promise.allSettled([
        connected.venue.openOrders(null),
        connected.venue.triggerOrders('BTCUSDT'),
        connected.venue.positions(null),
        connected.venue.balance(),
        connected.venue.funding('BTCUSDT'),
        connected.venue.fundingPaymentsSince(null, Date.now() - 1_000),
      ]);
      for (const read of reads) expect(read).toMatchObject({ reason: expect.any(VenueUnavailable) });
    });
  });

  test('nobody listens', async () => {
    const venue = await venueBeside(() => undefined);
    await peer.close();
    expect((await venue.place(intent())).answer).toBe('unknown');
    await expect(venue.openOrders('BTCUSDT')).rejects.toBeInstanceOf(VenueUnavailable);
  });

  test('closing while a call is under way ends it as unknown', async () => {
    const venue = await venueBeside(() => void venue.close());
    expect((await venue.place(intent())).answer).toBe('unknown');
  });
});

describe('what the venue says for certain', () => {
  const answering = (status: number, body: string) => (response: ServerResponse) => {
    response.writeHead(status);
    response.end(body);
  };

  test('a placed order, and what was sent for it', async () => {
    const venue = await venueBeside(answering(200, success({ orderId: '42', clientOid: 'bot1-0-1' })));
    expect(await venue.place(intent())).toEqual({ answer: 'yes', venueOrderId: '42' });
    const [call] = peer.calls;
    expect(JSON.parse(call?.body ?? '')).toEqual({
      symbol: 'BTCUSDT',
      productType: 'USDT-FUTURES',
      marginMode: 'crossed',
      marginCoin: 'USDT',
      size: '0.01',
      price: '50000',
      side: 'buy',
      orderType: 'limit',
      force: 'post_only',
      clientOid: 'bot1-0-1',
    });
    expect(call?.headers['access-key']).toBe(CANARY_KEYS.apiKey);
    expect(call?.headers['x-channel-api-code']).toBeUndefined();
    expect(secretsIn(call?.body ?? '')).toEqual([]);
  });

  test.each([
    [400, '40786', { answer: 'duplicate' }],
    [200, '43118', { answer: 'duplicate' }],
    [400, '40762', { answer: 'no', code: '40762', reason: 'HTTP 400, code 40762: words' }],
    [401, '40018', { answer: 'no', code: '40018', reason: 'HTTP 401, code 40018: words' }],
  ])('place answered with HTTP %d and %s', async (status, code, answer) => {
    const venue = await venueBeside(answering(status, JSON.stringify({ code, msg: 'words' })));
    expect(await venue.place(intent())).toMatchObject(answer);
  });

  test('cancel: gone; lookup: no such order', async () => {
    const venue = await venueBeside(answering(400, JSON.stringify({ code: '40109', msg: 'not found' })));
    expect(await venue.cancel('BTCUSDT', 'x')).toEqual({ answer: 'gone' });
    expect(await venue.orderByClientId('BTCUSDT', 'x')).toBeNull();
    await expect(venue.balance()).rejects.toEqual(expect.objectContaining({ name: 'VenueRefused', code: '40109' }));
  });

  test('a read in a shape nobody knows is malformed, a refused one is refused', async () => {
    const venue = await venueBeside(answering(200, success({ surprise: true })));
    await expect(venue.balance()).rejects.toBeInstanceOf(VenueMalformed);
    await expect(venue.positions('BTCUSDT')).rejects.toBeInstanceOf(VenueMalformed);
    await expect(venue.serverTimeMs()).rejects.toBeInstanceOf(VenueMalformed);
    await expect(venue.instrument('NOPEUSDT')).rejects.toBeInstanceOf(VenueRefused);
  });
});

describe('what never left is a no', () => {
  test('an expired intent is not sent', async () => {
    const venue = await venueBeside((response) => response.end());
    expect(await venue.place(intent({ expiresAtMs: Date.now() }))).toMatchObject({ answer: 'no', code: 'expired' });
    expect(peer.calls).toEqual([]);
  });

  test('an intent that expires while it waits for its turn is not sent', async () => {
    const venue = await venueBeside((response) => response.end(success({ orderId: '1' })));
    const expiresAtMs = Date.now() + 50;
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, n) => venue.place(intent({ clientOrderId: `burst-${n}`, expiresAtMs }))),
    );
    const unsent = answers.filter((answer) => answer.answer === 'no');
    expect(unsent.length).toBeGreaterThan(0);
    expect(unsent.every((answer) => answer.code === 'expired')).toBe(true);
    expect(peer.calls).toHaveLength(12 - unsent.length);
  });

  test('a cancel does not wait behind the places', async () => {
    const venue = await venueBeside((response) => response.end(success({ orderId: '1' })));
    const places = Array.from({ length: 14 }, (_, n) => venue.place(intent({ clientOrderId: `burst-${n}` })));
    await venue.cancel('BTCUSDT', 'burst-0');
    expect(peer.calls.filter(({ path }) => path.endsWith('place-order')).length).toBeLessThan(14);
    await Promise.all(places);
  });

  test('after close', async () => {
    const venue = await venueBeside((response) => response.end());
    await venue.close();
    expect(await venue.place(intent())).toMatchObject({ answer: 'no', code: 'not_sent' });
    expect(peer.calls).toEqual([]);
  });
});

test('no secret is in a reason, an error or a log line, not even when the venue repeats it', async () => {
  const parrot = Object.values(CANARY_KEYS).join(' ');
  const bodies = [`{"code":"40762","msg":"${parrot}"}`, `${parrot}`, `{"code":"40009","msg":"sign ${parrot}"}`];
  let n = 0;
  const venue = await venueBeside((response) => {
    response.writeHead(400);
    response.end(bodies[n++ % bodies.length]);
  });
  const told: string[] = [];
  for (let i = 0; i < 3; i += 1) {
    told.push(JSON.stringify(await venue.place(intent())), JSON.stringify(await venue.cancel('BTCUSDT', 'x')));
    for (const read of [
      venue.balance(),
      venue.openOrders('BTCUSDT'),
      venue.fillsSince('BTCUSDT', Date.now() - 1_000),
    ]) {
      const error = await read.then(() => null, (e: unknown) => e as Error); // prettier-ignore
      told.push(`${error?.name} ${error?.message} ${error?.stack} ${JSON.stringify(error)}`);
    }
  }
  expect(told.join('\n')).toContain('[redacted]');
  expect(secretsIn(told.join('\n') + connected.lines.join('\n'))).toEqual([]);
});

function drip(response: ServerResponse): void {
  response.writeHead(200, { 'Content-Type': 'application/json' });
  const timer = setInterval(() => response.write(' '), 20);
  response.on('close', () => clearInterval(timer));
}
