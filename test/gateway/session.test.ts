import { createHmac } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { createHttpClient, TransportFailure, type HttpClient, type HttpRequest } from '../../gateway/http.ts';
import { createBitgetSession, httpOrigin, type BitgetEndpoint } from '../../gateway/bitget/session.ts';
import { CANARY_KEYS } from './raw-peer.ts';

/** Notes what would leave, and lets nothing leave. */
async function whatLeaves(endpoint: BitgetEndpoint) {
  const sent: { url: string; request: HttpRequest }[] = [];
  const http: HttpClient = {
    send(url, request) {
      sent.push({ url, request });
      return Promise.reject(new TransportFailure('kept inside'));
    },
    close: () => undefined,
  };
  const session = await createBitgetSession({ endpoint, keys: CANARY_KEYS, http, log: () => undefined });
  await expect(session.call('place', { symbol: 'BTCUSDT', clientOid: 'x' })).rejects.toThrow('kept inside');
  await expect(session.call('serverTime', {})).rejects.toThrow('kept inside');
  const [place, time] = sent;
  return { place: place!, time: time! };
}

test.each<[BitgetEndpoint, string, string | undefined]>([
  [{ kind: 'live' }, 'https://api.bitget.com', undefined],
  [{ kind: 'demo' }, 'https://api.bitget.com', '1'],
  [{ kind: 'simulator', httpUrl: 'http://127.0.0.1:9700', wsUrl: 'ws://127.0.0.1:9700' }, 'http://127.0.0.1:9700', undefined], // prettier-ignore
])('%j', async (endpoint, origin, paperTrading) => {
  expect(httpOrigin(endpoint)).toBe(origin);
  const { place, time } = await whatLeaves(endpoint);
  expect(time.url).toBe(`${origin}/api/v2/public/time`);
  expect(place.url).toBe(`${origin}/api/v2/mix/order/place-order`);
  expect(place.request.headers.PAPTRADING).toBe(paperTrading);
});

test('a request is signed as the venue asks', async () => {
  const { place } = await whatLeaves({ kind: 'live' });
  const { headers, body } = place.request;
  const text = `${headers['ACCESS-TIMESTAMP']}POST/api/v2/mix/order/place-order${body}`;
  expect(headers['ACCESS-SIGN']).toBe(createHmac('sha256', CANARY_KEYS.secret).update(text).digest('base64'));
  expect(headers).toMatchObject({ 'ACCESS-KEY': CANARY_KEYS.apiKey, 'ACCESS-PASSPHRASE': CANARY_KEYS.passphrase });
});

test('the client talks to the origin it was made for and to no other', () => {
  const http = createHttpClient('http://127.0.0.1:1', 100);
  const request = { method: 'GET', headers: {}, body: undefined };
  for (const url of [
    'https://api.bitget.com/',
    'http://127.0.0.1:2/',
    'http://127.0.0.1.example:1/',
    'https://127.0.0.1:1/',
  ]) {
    expect(() => http.send(url, request)).toThrow(/origin/);
  }
  http.close();
});
