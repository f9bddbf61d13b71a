/** A signed REST client with nothing in between: it shows what came over the wire, or how the connection ended. */
import { createHmac } from 'node:crypto';
import { Agent, request } from 'node:http';
import { BOT1 } from './harness.ts';

export interface RawAnswer {
  readonly status: number;
  readonly text: string;
  readonly ms: number;
}

export interface RawCode {
  readonly code: string;
  readonly msg: string;
  readonly data: unknown;
}

/** One call on its own connection. Throws the system's error when the connection ends before the answer does. */
export function callRaw(
  port: number,
  method: 'GET' | 'POST',
  target: string,
  { body, account = BOT1, aheadMs = 0 }: { body?: object; account?: typeof BOT1 | null; aheadMs?: number } = {},
): Promise<RawAnswer> {
  const text = body === undefined ? '' : JSON.stringify(body);
  const timestamp = String(Date.now() + aheadMs);
  const startedAt = performance.now();
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        host: '127.0.0.1',
        port,
        method,
        path: target,
        agent: new Agent({ keepAlive: false }),
        headers: {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(text),
          ...(account === null ? {} : signed(account, timestamp + method + target + text, timestamp)),
        },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            text: Buffer.concat(chunks).toString('utf8'),
            ms: performance.now() - startedAt,
          }),
        );
      },
    );
    sent.on('error', reject);
    sent.end(text);
  });
}

/** The venue's envelope. Throws when the text is no JSON. */
export function codeOf({ text }: RawAnswer): RawCode {
  return JSON.parse(text) as RawCode;
}

export function signed({ apiKey, secret, passphrase }: typeof BOT1, prehash: string, timestamp: string) {
  return {
    'access-key': apiKey,
    'access-sign': createHmac('sha256', secret).update(prehash).digest('base64'),
    'access-timestamp': timestamp,
    'access-passphrase': passphrase,
  };
}

/** A limit order far below the market: it rests. */
export function restingOrder(clientOid: string, changes: object = {}) {
  return {
    symbol: 'BTCUSDT',
    productType: 'USDT-FUTURES',
    marginMode: 'crossed',
    marginCoin: 'USDT',
    side: 'buy',
    orderType: 'limit',
    price: '20000',
    size: '0.001',
    clientOid,
    ...changes,
  };
}

export const PLACE = '/api/v2/mix/order/place-order';
export const TIME = '/api/v2/public/time';
