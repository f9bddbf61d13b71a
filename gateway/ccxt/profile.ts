/** What one venue's unified market data needs to be told, and the shapes that come out of it. */

/** Best first: [price, quantity]. */
export type WireLevels = readonly (readonly [number, number, ...unknown[]])[];

export interface WireBook {
  readonly bids: WireLevels;
  readonly asks: WireLevels;
  readonly timestamp: number | undefined;
}

export interface UnifiedMarket {
  /** The venue's own name. */
  readonly id: string;
  /** The unified name, for example `BTC/USDT:USDT`. */
  readonly symbol: string;
  readonly baseId: string;
  readonly quoteId: string;
  readonly settleId: string;
  readonly swap: boolean;
  readonly linear: boolean;
  readonly active: boolean;
  readonly contractSize: number;
  readonly precision: { readonly amount: number | undefined; readonly price: number | undefined };
  readonly limits: { readonly amount: { readonly min?: number }; readonly cost: { readonly min?: number } };
}

export interface UnifiedTrade {
  readonly id: string | undefined;
  readonly timestamp: number | undefined;
  readonly side: string | undefined;
  readonly price: number | undefined;
  readonly amount: number | undefined;
}

export interface UnifiedTicker {
  readonly timestamp: number | undefined;
  readonly last: number | undefined;
  readonly markPrice?: number | undefined;
  readonly info: unknown;
}

/** Time of the open, open, high, low, close, volume. */
export type UnifiedBar = readonly (number | undefined)[];

/** Where an update of a book stands in the chain of updates. */
export interface BookLink {
  readonly topic: string;
  readonly isSnapshot: boolean;
  readonly sequence: number;
}

export interface FundingTold {
  /** Decimal fraction for one interval. */
  readonly rate: string;
  readonly intervalHours: number | null;
  readonly nextAtMs: number | null;
}

export interface VenueProfile {
  /** Name of the exchange in the library. */
  readonly id: string;
  readonly httpOrigin: string;
  readonly wsOrigin: string;
  readonly options: object;
  readonly bookDepth: number;
  /** Listed rates of an account without discounts; the library's own defaults are not the venue's. */
  readonly makerFeeRate: string;
  readonly takerFeeRate: string;
  readonly successCode: string;
  /** The venue's code in an answer, null when there is none. */
  codeOf(body: string): string | null;
  /** Null for messages that are no book. */
  linkOf(message: unknown): BookLink | null;
  /** Out of a raw ticker record; null while it does not say. */
  fundingOf(ticker: unknown): FundingTold | null;
}

/** The exchange library, as far as the desk uses it. Calls reject with `UnifiedAnswer`, `TransportFailure` or its own errors. */
export interface UnifiedSession {
  loadMarkets(): Promise<UnifiedMarket[]>;
  serverTimeMs(): Promise<number>;
  fundingRate(symbol: string): Promise<{ readonly info: unknown; readonly timestamp: number | undefined }>;
  ticker(symbol: string): Promise<UnifiedTicker>;
  /** The library's words for the lengths of bars, such as `5m` and `4h`. */
  readonly timeframes: readonly string[];
  /** The newest `limit`, the one that still grows among them. */
  bars(symbol: string, timeframe: string, limit: number): Promise<readonly UnifiedBar[]>;
  watchBook(symbol: string): Promise<WireBook>;
  /** Those that came since the last call, oldest first. */
  watchTrades(symbol: string): Promise<readonly UnifiedTrade[]>;
  watchTicker(symbol: string): Promise<UnifiedTicker>;
  /** Ends every socket now; everyone waiting on one is rejected with `reason`. */
  dropSocket(reason: string): void;
}

/** As it was written before it was parsed: a double's shortest text, without an exponent. */
export function plainDecimal(value: number): string {
  const text = String(value);
  return text.includes('e') ? value.toFixed(12).replace(/\.?0+$/, '') : text;
}
