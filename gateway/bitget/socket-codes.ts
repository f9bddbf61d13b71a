/**
 * What an error event of Bitget's socket asks for. The 300xx numbers are the socket's own and mean something else where
 * old REST pages use them; every other number is one of the REST interface.
 *
 * Source of the 300xx: the messages in ccxt 4.5.84 `js/src/pro/bitget.js`, the same in roq-trading/roq-bitget.
 */
import { KIND_OF_CODE } from './answer-kinds.ts';

/**
 * - `retry_subscription`: this channel was turned down; ask again, ever later.
 * - `relogin`: nobody is logged in, or the timestamp was wrong: measure the clock, then log in anew.
 * - `stop_login`: key, passphrase or signature are wrong; each further try may block the address.
 * - `slow_down`: fewer messages; after 30007 the venue closes the socket.
 * - `unknown`: says nothing about what stands.
 */
export type SocketMeaning = 'retry_subscription' | 'relogin' | 'stop_login' | 'slow_down' | 'unknown';

const SOCKET_CODES: ReadonlyMap<string, SocketMeaning> = new Map([
  ['30001', 'retry_subscription'], // channel or instrument does not exist
  ['30002', 'unknown'], // illegal request
  ['30003', 'unknown'], // invalid op
  ['30004', 'relogin'], // requires login
  ['30005', 'relogin'], // login failed, no word why
  ['30006', 'slow_down'], // too many requests
  ['30007', 'slow_down'], // request over limit, connection close
  ['30011', 'stop_login'], // invalid ACCESS_KEY
  ['30012', 'stop_login'], // invalid ACCESS_PASSPHRASE
  ['30013', 'relogin'], // invalid ACCESS_TIMESTAMP
  ['30014', 'relogin'], // request timestamp expired
  ['30015', 'stop_login'], // invalid sign
  ['30016', 'retry_subscription'], // parameter error
]);

export function wsMeaning(code: string): SocketMeaning {
  const own = SOCKET_CODES.get(code);
  if (own !== undefined) return own;
  switch (KIND_OF_CODE.get(code)) {
    case 'auth':
      return 'stop_login';
    case 'clock':
      return 'relogin';
    case 'rate':
      return 'slow_down';
    case 'request':
      return 'retry_subscription';
    default:
      return 'unknown';
  }
}
