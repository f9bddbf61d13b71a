/**
 * The only file that knows ccxt. It loads the one exchange file that is needed (the whole package costs 50 MB more),
 * pins the options that ccxt would otherwise guess from the first answer, and hands out raw records: what they mean is
 * decided in `wire.ts` and `answer-codes.ts`, never by ccxt's error classes.
 *
 * ccxt is used through what it offers to its users: constructor options, its one-to-one endpoint methods, its `watch`
 * methods and caches, and a subclass for the two hooks it leaves empty. Nothing of it is replaced.
 *
 * A socket has one life: `dropSocket` ends it and everyone who waits on it, and the next `watch` dials a new one. There
 * is no repair in place, because ccxt keeps a failed subscription as subscribed and would stay silent for ever.
 */
import { Agent } from 'node:http';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { WireBook } from './book.ts';
import type { HttpClient } from './http.ts';
import type { BitgetKeys } from './redact.ts';
import type { Contract } from './wire.ts';

export type BitgetEndpoint =
  | { kind: 'live' }
  | { kind: 'demo' }
  /** `wsUrl` is the address before `/v2/ws/public`, for example `ws://127.0.0.1:9700`. */
  | { kind: 'simulator'; httpUrl: string; wsUrl: string };

/** Each call of the REST interface that the gateway makes, and ccxt's name for it. */
const METHODS = {
  serverTime: 'publicCommonGetV2PublicTime',
  contracts: 'publicMixGetV2MixMarketContracts',
  feeRates: 'privateCommonGetV2CommonTradeRate',
  place: 'privateMixPostV2MixOrderPlaceOrder',
  cancel: 'privateMixPostV2MixOrderCancelOrder',
  cancelSymbol: 'privateMixPostV2MixOrderBatchCancelOrders',
  order: 'privateMixGetV2MixOrderDetail',
  ordersOpen: 'privateMixGetV2MixOrderOrdersPending',
  fills: 'privateMixGetV2MixOrderFills',
  position: 'privateMixGetV2MixPositionSinglePosition',
  accounts: 'privateMixGetV2MixAccountAccounts',
} as const;
export type BitgetCall = keyof typeof METHODS;

export type SocketName = 'public' | 'private';

/** The venue answered, but not with a success. `code` is null when the body was not one of its own. */
export class BitgetAnswer extends Error {
  override readonly name = 'BitgetAnswer';
  readonly status: number;
  readonly code: string | null;
  constructor(status: number, code: string | null, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export interface BitgetSession {
  /** The `data` of a successful answer. Rejects with `BitgetAnswer` or `TransportFailure`. */
  call(name: BitgetCall, params: Readonly<Record<string, string | number>>): Promise<unknown>;
  /** Makes ccxt know the contract; needed before the first `watch` of it. */
  learn(contract: Contract): void;
  watchBook(symbol: string): Promise<WireBook>;
  /** Raw records that came since the last call, oldest first. */
  watchTrades(symbol: string): Promise<unknown[]>;
  watchTicker(symbol: string): Promise<unknown>;
  watchOrders(symbol: string): Promise<unknown[]>;
  watchFills(symbol: string): Promise<unknown[]>;
  /** All positions of the account as last told. */
  watchPositions(symbol: string): Promise<unknown[]>;
  /** Told the channel name when the venue acknowledges a subscription. */
  onSubscribed(listener: (channel: string) => void): void;
  /** Whether the venue acknowledged the channel on the socket that lives now. */
  isSubscribed(channel: string): boolean;
  /** Ends the socket now, without a handshake; everyone waiting on it is rejected with `reason`. */
  dropSocket(name: SocketName, reason: string): void;
}

export interface SessionOptions {
  readonly endpoint: BitgetEndpoint;
  readonly keys: BitgetKeys;
  readonly http: HttpClient;
  readonly log: (message: string) => void;
}

// What is used of ccxt, in its own names.

interface CcxtRow {
  readonly info: unknown;
}

interface CcxtClient {
  error: unknown;
  reset(error: Error): void;
  readonly connection: { terminate?(): void } | undefined;
}

type CcxtCallMethod = (params: object) => Promise<{ data?: unknown }>;

interface Ccxt extends Record<(typeof METHODS)[BitgetCall], CcxtCallMethod> {
  readonly urls: { readonly api: Record<string, unknown> };
  readonly clients: Record<string, CcxtClient>;
  readonly markets: Record<string, { id: string; symbol: string }> | undefined;
  readonly markets_by_id: Record<string, { symbol: string }[]> | undefined;
  readonly orderbooks: Record<string, unknown>;
  readonly positions: Record<string, CcxtRow[]> | undefined;
  setMarkets(markets: object[]): void;
  safeMarketStructure(market: object): object;
  setSandboxMode(enabled: boolean): void;
  watchOrderBook(symbol: string, limit: number): Promise<WireBook>;
  watchTrades(symbol: string): Promise<CcxtRow[]>;
  watchTicker(symbol: string): Promise<CcxtRow>;
  watchOrders(symbol: string): Promise<CcxtRow[]>;
  watchMyTrades(symbol: string): Promise<CcxtRow[]>;
  watchPositions(symbols: string[]): Promise<unknown>;
  handleSubscriptionStatus(client: { url?: unknown }, message: unknown): unknown;
}
type CcxtClass = new (config: object) => Ccxt;

const PRODUCT = 'USDT-FUTURES';

/**
 * `books5`: each frame is the whole top of the book. The incremental channel (`books`) is not safe through ccxt 4.5.84:
 * it applies a snapshot on top of the old book, does not follow `seq`/`pseq`, and the venue stopped sending the checksum
 * in 2026, so a lost update would leave phantom levels that nobody notices.
 */
const BOOK_LIMIT = 5;

let loaded: Promise<CcxtClass> | null = null;

/** Loads ccxt's one file. Its package exports only the whole, so the file is found beside the package's entry. */
function loadCcxt(): Promise<CcxtClass> {
  loaded ??= (async () => {
    const entry = createRequire(import.meta.url).resolve('ccxt');
    const file = join(dirname(entry), '..', 'js', 'src', 'pro', 'bitget.js');
    const module = (await import(pathToFileURL(file).href)) as { default: CcxtClass };
    return module.default;
  })();
  return loaded;
}

export function httpOrigin(endpoint: BitgetEndpoint): string {
  return endpoint.kind === 'simulator' ? endpoint.httpUrl : 'https://api.bitget.com';
}

export async function createBitgetSession({ endpoint, keys, http, log }: SessionOptions): Promise<BitgetSession> {
  const Base = await loadCcxt();
  let subscribed: (channel: string) => void = () => undefined;
  const acknowledged: Record<SocketName, Set<string>> = { public: new Set(), private: new Set() };

  class DeskBitget extends Base {
    /** Empty in ccxt: the venue's word that a subscription stands. */
    override handleSubscriptionStatus(client: { url?: unknown }, message: unknown): unknown {
      const channel = (message as { arg?: { channel?: unknown } }).arg?.channel;
      if (typeof channel === 'string') {
        acknowledged[client.url === socketUrls.private ? 'private' : 'public'].add(channel);
        subscribed(channel);
      }
      return message;
    }
    /** ccxt prints frames that are no JSON to the console, whole. */
    log(...parts: unknown[]): void {
      log(parts.map((part) => (part instanceof Error ? part.message : String(part))).join(' '));
    }
  }

  const exchange = new DeskBitget({
    apiKey: keys.apiKey,
    secret: keys.secret,
    password: keys.passphrase,
    // Every number stays the text that was sent; the order book alone is numbers.
    number: String,
    // One leaky bucket for everything would let a cancel wait behind a place: `rate-budget.ts` does this.
    enableRateLimit: false,
    fetchImplementation: createFetch(http),
    userAgent: 'tempodesk',
    newUpdates: true,
    enableLastHttpResponse: false,
    enableLastResponseHeaders: false,
    // ccxt asks for an agent on plain ws:// even without a proxy.
    httpAgent: new Agent(),
    options: {
      defaultType: 'swap',
      // Classic account. Unpinned, one failed first request would decide it for the life of the process.
      uta: false,
      // No third party is credited with the desk's volume.
      broker: '',
      ws: {
        // Our own back-off decides when to dial; ccxt's would be added on top.
        backoff: { base: 0 },
        // A ping every 10 s; two missing answers end a socket that looks open but is dead.
        keepAlive: 10_000,
      },
    },
  });
  if (endpoint.kind === 'demo') exchange.setSandboxMode(true);
  if (endpoint.kind === 'simulator') pointAt(exchange, endpoint);
  const socketUrls = findSocketUrls(exchange, endpoint);
  const contracts = new Map<string, object>();
  // An empty list, so that no `watch` ever starts ccxt's own loading of every product of the venue.
  exchange.setMarkets([]);

  const unified = (symbol: string): string => exchange.markets_by_id?.[symbol]?.[0]?.symbol ?? symbol;

  return {
    async call(name, params) {
      return (await exchange[METHODS[name]](params)).data;
    },
    learn(contract) {
      contracts.set(contract.symbol, toMarket(exchange, contract));
      exchange.setMarkets([...contracts.values()]);
    },
    watchBook: (symbol) => exchange.watchOrderBook(unified(symbol), BOOK_LIMIT),
    watchTrades: async (symbol) => rawRows(await exchange.watchTrades(unified(symbol))),
    watchTicker: async (symbol) => (await exchange.watchTicker(unified(symbol))).info,
    watchOrders: async (symbol) => rawRows(await exchange.watchOrders(unified(symbol))),
    watchFills: async (symbol) => rawRows(await exchange.watchMyTrades(unified(symbol))),
    async watchPositions(symbol) {
      await exchange.watchPositions([unified(symbol)]);
      // The cache, not the answer: of two frames in one burst the answer holds the first only.
      return rawRows(exchange.positions?.[PRODUCT] ?? []);
    },
    onSubscribed(listener) {
      subscribed = listener;
    },
    isSubscribed: (channel) => acknowledged.public.has(channel) || acknowledged.private.has(channel),
    dropSocket(name, reason) {
      const url = socketUrls[name];
      const client = exchange.clients[url];
      acknowledged[name].clear();
      if (client === undefined) return;
      delete exchange.clients[url];
      const error = new Error(reason);
      // Marked before it ends: ccxt's close handler forgets whatever client has this address, so also the next one.
      client.error = error;
      client.reset(error);
      client.connection?.terminate?.();
    },
  };
}

function rawRows(rows: readonly CcxtRow[]): unknown[] {
  return rows.map((row) => row.info);
}

function pointAt(exchange: Ccxt, { httpUrl, wsUrl }: Extract<BitgetEndpoint, { kind: 'simulator' }>): void {
  const { api } = exchange.urls;
  for (const [name, value] of Object.entries(api)) if (typeof value === 'string') api[name] = httpUrl;
  const sockets = api.ws as Record<string, string>;
  for (const name of Object.keys(sockets)) sockets[name] = wsUrl + new URL(sockets[name] ?? '').pathname;
}

function findSocketUrls(exchange: Ccxt, endpoint: BitgetEndpoint): Record<SocketName, string> {
  const urls = exchange.urls.api[endpoint.kind === 'demo' ? 'demo' : 'ws'] as Record<string, string>;
  return { public: urls.public ?? '', private: urls.private ?? '' };
}

/** A contract as ccxt keeps it: names and kind; its numbers are the desk's own matter. */
function toMarket(exchange: Ccxt, contract: Contract): object {
  const { symbol: id, baseCoin: base, quoteCoin: quote } = contract;
  return exchange.safeMarketStructure({
    id,
    symbol: `${base}/${quote}:${quote}`,
    base,
    quote,
    settle: quote,
    baseId: base,
    quoteId: quote,
    settleId: quote,
    type: 'swap',
    spot: false,
    margin: false,
    swap: true,
    future: false,
    option: false,
    active: true,
    contract: true,
    linear: true,
    inverse: false,
    contractSize: '1',
    precision: { amount: contract.minTradeNum, price: contract.minTradeNum },
    info: contract,
  });
}

interface FetchParams {
  readonly method: string;
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly body?: string;
}

/** ccxt's transport: our HTTP client, and no answer but a success gets past it. */
function createFetch(http: HttpClient) {
  return async (url: string, { method, headers = {}, body }: FetchParams) => {
    const sent: Record<string, string> = {};
    for (const [name, value] of Object.entries(headers)) {
      if (typeof value === 'string' && value !== '') sent[name] = value;
    }
    const reply = await http.send(url, { method, headers: sent, body });
    requireSuccess(reply.status, reply.body);
    return { status: reply.status, statusText: '', headers: {}, text: async () => reply.body };
  };
}

const SUCCESS = '00000';

function requireSuccess(status: number, body: string): void {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    throw new BitgetAnswer(
      status,
      null,
      `HTTP ${status} with a body that is no JSON: ${JSON.stringify(body.slice(0, 80))}`,
    );
  }
  const { code: rawCode, msg } = (parsed ?? {}) as { code?: unknown; msg?: unknown };
  const code = typeof rawCode === 'string' || typeof rawCode === 'number' ? String(rawCode) : null;
  if (status === 200 && code === SUCCESS) return;
  const words = typeof msg === 'string' ? msg.slice(0, 200) : '';
  throw new BitgetAnswer(status, code, `HTTP ${status}, code ${code ?? 'missing'}: ${words}`);
}
