/** The gateway's venue and ccxt over a transport that only notes when a request is handed to it, and answers at once. */
import type { Instrument } from '../../core/market/instrument.ts';
import { SILENT } from '../../core/log.ts';
import type { HttpClient, HttpReply } from '../../gateway/http.ts';
import type { BitgetRateGroup } from '../../gateway/bitget/limits.ts';
import type { BitgetKeys } from '../../gateway/bitget/redact.ts';
import { createBitgetVenue } from '../../gateway/bitget/venue.ts';
import type { RateBudget } from '../../gateway/rates/rate-budget.ts';
import type { Venue } from '../../gateway/venue.ts';
import { loadCcxtPeer, type CcxtBitget } from './ccxt-peer.ts';

export const BENCH_KEYS: BitgetKeys = {
  apiKey: 'bg_00000000000000000000000000000000',
  secret: '0000000000000000000000000000000000000000000000000000000000000000',
  passphrase: 'benchpassphrase',
};
export const BENCH_ORIGIN = 'http://127.0.0.1:9';

/** An answer names the order by the venue's id alone. */
const PLACED = answerOf({ clientOid: '', orderId: '1432912492051054592' });

export class RecordingTransport implements HttpClient {
  /** Of the newest request. */
  leftAt = 0;
  body = '';
  private readonly instruments: readonly Instrument[];

  constructor(instruments: readonly Instrument[]) {
    this.instruments = instruments;
  }

  send(url: string, { body = '' }: { readonly body: string | undefined }): Promise<HttpReply> {
    this.leftAt = performance.now();
    this.body = body;
    return Promise.resolve({ status: 200, body: body === '' ? this.read(url) : PLACED });
  }

  /** As ccxt's `fetchImplementation`. */
  readonly fetch = async (url: string, request: { readonly body?: string }): Promise<object> => {
    const { status, body } = await this.send(url, { body: request.body });
    return { status, statusText: '', headers: {}, text: async () => body };
  };

  close(): void {}

  /** What the venue is asked before its first order. */
  private read(url: string): string {
    const { pathname } = new URL(url);
    if (pathname.endsWith('/contracts')) return answerOf(this.instruments.map(contractOf));
    if (pathname.endsWith('/trade-rate')) return answerOf({ makerFeeRate: '0.0002', takerFeeRate: '0.0006' });
    throw new Error(`the recording transport answers no ${pathname}`);
  }
}

export interface OpenedVenue {
  readonly venue: Venue;
  readonly transport: RecordingTransport;
}

/** Where orders come faster than the venue allows and none is to wait. */
export const UNLIMITED: RateBudget<BitgetRateGroup> = { acquire: () => true, tooMany() {}, close() {} };

/** A classic account; `now` is the clock of its deadlines, and of its rate budget when none is given. */
export async function openVenue(
  instrument: Instrument,
  now: () => number,
  budget?: RateBudget<BitgetRateGroup>,
): Promise<OpenedVenue> {
  const transport = new RecordingTransport([instrument]);
  const venue = await createBitgetVenue({
    endpoint: { kind: 'simulator', httpUrl: BENCH_ORIGIN, wsUrl: 'ws://127.0.0.1:9' },
    keys: BENCH_KEYS,
    log: SILENT,
    accountKind: 'classic',
    http: transport,
    now,
    ...(budget === undefined ? {} : { budget }),
  });
  await venue.instrument(instrument.symbol);
  return { venue, transport };
}

export async function openCcxt(
  instrument: Instrument,
): Promise<{ readonly exchange: CcxtBitget; readonly transport: RecordingTransport }> {
  const transport = new RecordingTransport([instrument]);
  const exchange = await loadCcxtPeer([instrument], BENCH_KEYS, transport.fetch);
  return { exchange, transport };
}

function contractOf({ symbol, spec: { tick, lot, qtyMin, notionalMin, makerFeeRate, takerFeeRate } }: Instrument) {
  return {
    symbol,
    baseCoin: symbol.replace(/USDT$/, ''),
    quoteCoin: 'USDT',
    symbolType: 'perpetual',
    pricePlace: String(decimalsOf(tick)),
    priceEndStep: String(Math.round(Number(tick) * 10 ** decimalsOf(tick))),
    volumePlace: String(decimalsOf(lot)),
    sizeMultiplier: lot,
    minTradeNum: qtyMin,
    minTradeUSDT: notionalMin,
    makerFeeRate,
    takerFeeRate,
  };
}

function decimalsOf(text: string): number {
  return text.split('.')[1]?.length ?? 0;
}

function answerOf(data: object): string {
  return JSON.stringify({ code: '00000', msg: 'success', requestTime: 1_700_000_000_000, data });
}
