/**
 * The gateway's session with the request signed here instead of by ccxt, for a place on a classic account: what replacing
 * ccxt's part would bring. No part of the desk uses it.
 */
import { createHmac } from 'node:crypto';
import type { HttpClient } from '../../gateway/http.ts';
import type { BitgetKeys } from '../../gateway/bitget/redact.ts';
import type { BitgetSession } from '../../gateway/bitget/session.ts';

const PATH = '/api/v2/mix/order/place-order';

export function createOwnSession(
  http: HttpClient,
  origin: string,
  { apiKey, secret, passphrase }: BitgetKeys,
): BitgetSession {
  return {
    async call(_name, params) {
      const body = JSON.stringify(params);
      const timestamp = String(Date.now());
      const headers = {
        'ACCESS-KEY': apiKey,
        'ACCESS-SIGN': createHmac('sha256', secret).update(`${timestamp}POST${PATH}${body}`).digest('base64'),
        'ACCESS-TIMESTAMP': timestamp,
        'ACCESS-PASSPHRASE': passphrase,
        'Content-Type': 'application/json',
      };
      const reply = await http.send(origin + PATH, { method: 'POST', headers, body });
      const { code, data, requestTime } = JSON.parse(reply.body) as Record<string, unknown>;
      if (reply.status !== 200 || code !== '00000') throw new Error(`HTTP ${reply.status}, code ${String(code)}`);
      return { data, atMs: Number(requestTime) };
    },
  };
}
