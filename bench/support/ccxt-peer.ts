/** ccxt as its users have it, for comparison: its own stream client fed with frames, its own orders up to the transport. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Instrument } from '../../core/market/instrument.ts';
import type { BitgetKeys } from '../../gateway/bitget/redact.ts';
import { projectRoot } from './places.ts';

type Level = readonly [price: number, amount: number];

/** What is used of it, in its own names. */
export interface CcxtBitget {
  orderbooks: Record<string, { readonly bids: readonly Level[]; readonly asks: readonly Level[]; timestamp: number }>;
  setMarkets(markets: readonly object[]): void;
  safeMarketStructure(market: object): object;
  /** A socket client that nothing has dialled. */
  client(url: string): { onMessage(event: { readonly data: string }): void };
  createOrder(
    symbol: string,
    type: 'limit',
    side: 'buy' | 'sell',
    amount: number,
    price: number,
    params: object,
  ): Promise<object>;
}

type CcxtFetch = (url: string, request: { readonly method: string; readonly headers: object; readonly body?: string }) => Promise<object>; // prettier-ignore

export async function loadCcxtPeer(
  instruments: readonly Instrument[],
  keys?: BitgetKeys,
  fetchImplementation?: CcxtFetch,
): Promise<CcxtBitget> {
  const file = pathToFileURL(join(projectRoot, 'node_modules/ccxt/js/src/pro/bitget.js')).href;
  const { default: Bitget } = (await import(file)) as { default: new (config: object) => CcxtBitget };
  const exchange = new Bitget({
    enableRateLimit: false,
    options: { defaultType: 'swap', uta: false },
    ...(keys === undefined ? {} : { apiKey: keys.apiKey, secret: keys.secret, password: keys.passphrase }),
    ...(fetchImplementation === undefined ? {} : { fetchImplementation }),
  });
  exchange.setMarkets(
    instruments.map(({ symbol, spec }) => {
      const base = symbol.replace(/USDT$/, '');
      return exchange.safeMarketStructure({
        id: symbol,
        symbol: ccxtSymbol(symbol),
        base,
        quote: 'USDT',
        settle: 'USDT',
        type: 'swap',
        spot: false,
        swap: true,
        contract: true,
        linear: true,
        contractSize: 1,
        precision: { amount: Number(spec.lot), price: Number(spec.tick) },
      });
    }),
  );
  return exchange;
}

export function ccxtSymbol(symbol: string): string {
  return `${symbol.replace(/USDT$/, '')}/USDT:USDT`;
}
