/**
 * The only file of Bitget's that knows ccxt. It loads the one exchange file that is needed (the whole package costs 50 MB
 * more), pins the options that ccxt would otherwise guess from the first answer, and hands out raw records: what they
 * mean is decided by the dialects and answer codes, never by ccxt's error classes.
 *
 * ccxt builds and signs requests, through what it offers to its users: constructor options, its one-to-one endpoint
 * methods, and a subclass for hooks it leaves to its users. Nothing of it is replaced. Streams are our own (`stream/`).
 */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { HttpClient } from '../http.ts';
import { METHODS, type BitgetCall } from './endpoints.ts';
import type { BitgetKeys } from './redact.ts';

export type BitgetEndpoint =
  | { kind: 'live' }
  | { kind: 'demo' }
  /** `wsUrl` is the address before `/v2/ws/public`, for example `ws://127.0.0.1:9700`. */
  | { kind: 'simulator'; httpUrl: string; wsUrl: string };

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

/** What a request carries besides its path: a query, or a body. */
export type Params = Readonly<Record<string, unknown>>;

/** A successful answer. */
export interface Answer {
  readonly data: unknown;
  /** When the venue gave it. */
  readonly atMs: number;
}

export interface BitgetSession {
  /** Rejects with `BitgetAnswer` or `TransportFailure`. */
  call(name: BitgetCall, params: Params): Promise<Answer>;
}

export interface SessionOptions {
  readonly endpoint: BitgetEndpoint;
  readonly keys: BitgetKeys;
  readonly http: HttpClient;
  /** Wall clock, by which requests are stamped and signed: the one whose offset to the venue's is measured. */
  readonly now?: () => number;
  readonly log: (message: string) => void;
}

// What is used of ccxt, in its own names.

type CcxtCallMethod = (params: object) => Promise<{ data?: unknown; requestTime?: unknown }>;

interface Ccxt extends Record<(typeof METHODS)[BitgetCall], CcxtCallMethod> {
  readonly urls: { readonly api: Record<string, unknown> };
  setSandboxMode(enabled: boolean): void;
}
type CcxtClass = new (config: object) => Ccxt;

let loaded: Promise<CcxtClass> | null = null;

/** Loads ccxt's one file. Its package exports only the whole, so the file is found beside the package's entry. */
function loadCcxt(): Promise<CcxtClass> {
  loaded ??= (async () => {
    const entry = createRequire(import.meta.url).resolve('ccxt');
    const file = join(dirname(entry), '..', 'js', 'src', 'bitget.js');
    const module = (await import(pathToFileURL(file).href)) as { default: CcxtClass };
    return module.default;
  })();
  return loaded;
}

export function httpOrigin(endpoint: BitgetEndpoint): string {
  return endpoint.kind === 'simulator' ? endpoint.httpUrl : 'https://api.bitget.com';
}

export async function createBitgetSession({
  endpoint,
  keys,
  http,
  now = Date.now,
  log,
}: SessionOptions): Promise<BitgetSession> {
  const Base = await loadCcxt();

  class DeskBitget extends Base {
    /** Stamps each signed request. */
    nonce(): number {
      return Math.floor(now());
    }

    /** ccxt prints some of what it meets to the console, whole. */
    log(...parts: unknown[]): void {
      log(parts.map((part) => (part instanceof Error ? part.message : String(part))).join(' '));
    }
  }

  const exchange = new DeskBitget({
    apiKey: keys.apiKey,
    secret: keys.secret,
    password: keys.passphrase,
    // Every number stays the text that was sent.
    number: String,
    // One leaky bucket for everything would let a cancel wait behind a place: the budget in `gateway/rates` does this.
    enableRateLimit: false,
    fetchImplementation: createFetch(http),
    userAgent: 'tempodesk',
    enableLastHttpResponse: false,
    enableLastResponseHeaders: false,
    options: {
      defaultType: 'swap',
      // Endpoints are called by name, so nothing is left to decide: unpinned, ccxt asks the venue before its first call.
      uta: false,
      // No third party is credited with the desk's volume.
      broker: '',
    },
  });
  if (endpoint.kind === 'demo') exchange.setSandboxMode(true);
  if (endpoint.kind === 'simulator') pointAt(exchange, endpoint);

  return {
    async call(name, params) {
      const { data, requestTime } = await exchange[METHODS[name]](params);
      return { data, atMs: Number(requestTime) || Math.floor(now()) };
    },
  };
}

function pointAt(exchange: Ccxt, { httpUrl }: Extract<BitgetEndpoint, { kind: 'simulator' }>): void {
  const { api } = exchange.urls;
  for (const [name, value] of Object.entries(api)) if (typeof value === 'string') api[name] = httpUrl;
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
