/**
 * The only file of this folder that knows ccxt: one exchange of it, through its unified calls, without keys. It loads that
 * exchange's file alone and hands out what ccxt parsed; nothing of ccxt is replaced. What it adds are the hooks that a
 * subclass may have: the chain of book updates is followed (ccxt does not), and what it would print goes to the log.
 *
 * A socket has one life: `dropSocket` ends it and everyone who waits on it, and the next `watch` dials a new one.
 */
import type { Agent as HttpAgent } from 'node:http';
import type { Agent as HttpsAgent } from 'node:https';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { HttpClient } from '../http.ts';
import type { BookLink, UnifiedBar, UnifiedMarket, UnifiedSession, UnifiedTicker, UnifiedTrade, VenueProfile, WireBook } from './profile.ts'; // prettier-ignore

/** The venue answered, but not with a success. `code` is null when the body was not one of its own. */
export class UnifiedAnswer extends Error {
  override readonly name = 'UnifiedAnswer';
  readonly status: number;
  readonly code: string | null;
  constructor(status: number, code: string | null, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export interface UnifiedSessionOptions {
  readonly profile: VenueProfile;
  readonly http: HttpClient;
  /** Every socket is dialled through it. */
  readonly agent: HttpAgent | HttpsAgent;
  readonly log: (message: string) => void;
  /** Told why when an update of the book does not follow the one before. */
  readonly onGap: (reason: string) => void;
}

interface CcxtClient {
  error: unknown;
  reset(error: Error): void;
  readonly connection: { terminate?(): void } | undefined;
}
interface Ccxt {
  readonly urls: { readonly api: Record<string, unknown> };
  readonly clients: Record<string, CcxtClient>;
  readonly timeframes: Record<string, unknown>;
  loadMarkets(reload: boolean): Promise<Record<string, UnifiedMarket>>;
  fetchTime(): Promise<number>;
  fetchFundingRate(symbol: string): Promise<{ info: unknown; timestamp: number | undefined }>;
  fetchTicker(symbol: string): Promise<UnifiedTicker>;
  fetchOHLCV(symbol: string, timeframe: string, since: undefined, limit: number): Promise<UnifiedBar[]>;
  watchOrderBook(symbol: string, limit: number): Promise<WireBook>;
  watchTrades(symbol: string): Promise<UnifiedTrade[]>;
  watchTicker(symbol: string): Promise<UnifiedTicker>;
  handleOrderBook(client: unknown, message: unknown): void;
}
type CcxtClass = new (config: object) => Ccxt;

/** Its package exports only the whole, so the file is found beside the package's entry. */
async function loadExchange(id: string): Promise<CcxtClass> {
  const entry = createRequire(import.meta.url).resolve('ccxt');
  const file = join(dirname(entry), '..', 'js', 'src', 'pro', `${id}.js`);
  return ((await import(pathToFileURL(file).href)) as { default: CcxtClass }).default;
}

export async function createUnifiedSession(options: UnifiedSessionOptions): Promise<UnifiedSession> {
  const { profile, http, agent, log, onGap } = options;
  const Base = await loadExchange(profile.id);
  const chain = new Map<string, number>();

  class DeskExchange extends Base {
    override handleOrderBook(client: unknown, message: unknown): void {
      const link = profile.linkOf(message);
      if (link !== null && !follows(link)) return;
      super.handleOrderBook(client, message);
    }
    /** ccxt prints frames that are no JSON to the console, whole. */
    log(...parts: unknown[]): void {
      log(parts.map((part) => (part instanceof Error ? part.message : String(part))).join(' '));
    }
  }
  function follows({ topic, isSnapshot, sequence }: BookLink): boolean {
    const before = chain.get(topic);
    chain.set(topic, sequence);
    if (isSnapshot || before === undefined || sequence === before + 1) return true;
    onGap(`${topic}: update ${sequence} after ${before}`);
    return false;
  }

  const exchange = new DeskExchange({
    // One request at a time is made here, and few: the venue's limits are far away.
    enableRateLimit: false,
    fetchImplementation: createFetch(http, profile),
    userAgent: 'tempodesk',
    newUpdates: true,
    agent,
    // ccxt asks for this one on plain ws://.
    httpAgent: agent,
    // Our own back-off decides when to dial. Two missing answers to a ping end a socket that looks open but is dead.
    options: { ...profile.options, ws: { backoff: { base: 0 }, keepAlive: 10_000 } },
  });
  pointAt(exchange.urls.api, profile);

  return {
    loadMarkets: async () => Object.values(await exchange.loadMarkets(true)),
    serverTimeMs: () => exchange.fetchTime(),
    fundingRate: (symbol) => exchange.fetchFundingRate(symbol),
    ticker: (symbol) => exchange.fetchTicker(symbol),
    timeframes: Object.keys(exchange.timeframes),
    bars: (symbol, timeframe, limit) => exchange.fetchOHLCV(symbol, timeframe, undefined, limit),
    watchBook: (symbol) => exchange.watchOrderBook(symbol, profile.bookDepth),
    watchTrades: (symbol) => exchange.watchTrades(symbol),
    watchTicker: (symbol) => exchange.watchTicker(symbol),
    dropSocket(reason) {
      chain.clear();
      const error = new Error(reason);
      for (const [url, client] of Object.entries(exchange.clients)) {
        delete exchange.clients[url];
        // Marked before it ends: ccxt's close handler forgets whatever client has this address, so also the next one.
        client.error = error;
        client.reset(error);
        client.connection?.terminate?.();
      }
    },
  };
}

/** Puts the profile's origins in the place of ccxt's, so that nothing else can be dialled. */
function pointAt(urls: Record<string, unknown>, { httpOrigin, wsOrigin }: VenueProfile): void {
  for (const [name, value] of Object.entries(urls)) {
    if (typeof value === 'object' && value !== null)
      pointAt(value as Record<string, unknown>, { httpOrigin, wsOrigin } as VenueProfile); // prettier-ignore
    else if (typeof value !== 'string') continue;
    else if (value.startsWith('ws')) urls[name] = wsOrigin + new URL(value.replace('{hostname}', 'host')).pathname;
    else urls[name] = httpOrigin;
  }
}

interface FetchParams {
  readonly method: string;
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly body?: string;
}

/** ccxt's transport: our HTTP client, and no answer but a success gets past it. */
function createFetch(http: HttpClient, profile: VenueProfile) {
  return async (url: string, { method, headers = {}, body }: FetchParams) => {
    const sent = Object.entries(headers).filter((header): header is [string, string] => typeof header[1] === 'string');
    const reply = await http.send(url, { method, headers: Object.fromEntries(sent), body });
    const code = profile.codeOf(reply.body);
    if (reply.status !== 200 || code !== profile.successCode) {
      throw new UnifiedAnswer(reply.status, code, `HTTP ${reply.status}, code ${code ?? 'missing'}`);
    }
    return { status: reply.status, statusText: '', headers: {}, text: async () => reply.body };
  };
}
