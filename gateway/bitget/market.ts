/**
 * The public half of Bitget: market data without a key, for simulated fills. Requests are the ones that a classic account
 * makes; none of them is signed, and nothing here can send an order.
 */
import type { Log } from '../../core/log.ts';
import { createHttpClient } from '../http.ts';
import { createRateBudget, type RateBudget } from '../rates/rate-budget.ts';
import type { VenueMarket } from '../venue.ts';
import { readClassicBars } from './bars.ts';
import { createCalls } from './calls.ts';
import { parseInstrument, readContract } from './contract.ts';
import { PRODUCT } from './dialect.ts';
import { BITGET_LIMITS, type BitgetRateGroup } from './limits.ts';
import type { BitgetKeys } from './redact.ts';
import { createBitgetSession, httpOrigin, type BitgetEndpoint } from './session.ts';
import { createBitgetStreams } from './stream/streams.ts';
import { parseFundingRate, parseServerTime, parseTicker } from './wire.ts';

export interface BitgetMarketOptions {
  readonly endpoint: BitgetEndpoint;
  readonly log: Log;
  /** Shared by all that ask from this address; one of this process alone when left out. */
  readonly budget?: RateBudget<BitgetRateGroup>;
  readonly now?: () => number;
  readonly random?: () => number;
  readonly callDeadlineMs?: number;
}

const CALL_DEADLINE_MS = 10_000;
/** The library refuses to sign with these, so that a private call by mistake never leaves. */
const NO_KEYS: BitgetKeys = { apiKey: '', secret: '', passphrase: '' };

export async function createBitgetMarket(options: BitgetMarketOptions): Promise<VenueMarket> {
  const { endpoint, log, now = Date.now, random = Math.random } = options;
  const { callDeadlineMs = CALL_DEADLINE_MS } = options;
  const redact = (text: string): string => text;
  const http = createHttpClient(httpOrigin(endpoint), callDeadlineMs);
  const libraryLog = (text: string): void => log.warn('venue library message', { text: text.slice(0, 500) });
  const session = await createBitgetSession({ endpoint, keys: NO_KEYS, http, now, log: libraryLog });
  const budget = options.budget ?? createRateBudget(BITGET_LIMITS, now, random);
  const calls = createCalls({ session, budget, callDeadlineMs, now, log, redact });
  const streams = createBitgetStreams({ endpoint, keys: null, accountKind: 'classic', log, redact, now, random });

  return {
    name: `bitget-${endpoint.kind}`,
    async instrument(symbol) {
      const contract = await readContract(calls, symbol);
      return parseInstrument(contract, contract);
    },
    async ticker(symbol) {
      const { data, atMs } = await calls.read('ticker', { symbol, productType: PRODUCT });
      return parseTicker(data, symbol, atMs);
    },
    async funding(symbol) {
      const { data, atMs } = await calls.read('fundingRate', { symbol, productType: PRODUCT });
      return parseFundingRate(data, symbol, atMs);
    },
    recentBars: (symbol, barMs, count) => readClassicBars(calls.read, symbol, barMs, count),
    serverTimeMs: async () => parseServerTime((await calls.read('serverTime', {})).data),
    streamMarket: (instrument, sink) => streams.streamMarket(instrument, sink),
    async close() {
      calls.close();
      await streams.close();
      if (options.budget === undefined) budget.close();
      http.close();
    },
  };
}
