/**
 * Live market data of a second venue. The desk's name of a symbol is base and quote in one word (`BTCUSDT`) on every
 * venue; the venue's own and the library's names stay in here.
 */
import { Agent as HttpAgent, type Agent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Log } from '../../core/log.ts';
import { createInstrument, type Instrument } from '../../core/market/instrument.ts';
import { closedBars, intervalNotOffered, requireBar } from '../bars.ts';
import { createHttpClient, TransportFailure, type HttpClient } from '../http.ts';
import { VenueMalformed, VenueRefused, VenueUnavailable, type VenueBar, type VenueMarket } from '../venue.ts';
import { plainDecimal, type UnifiedBar, type UnifiedMarket, type VenueProfile } from './profile.ts';
import { createUnifiedSession, UnifiedAnswer } from './session.ts';
import { UnifiedStream } from './stream.ts';

export interface UnifiedMarketOptions {
  readonly profile: VenueProfile;
  readonly log: Log;
  readonly now?: () => number;
  readonly random?: () => number;
  /** How HTTP leaves and how sockets are dialled; for tests that watch who is spoken to. */
  readonly http?: HttpClient;
  readonly agent?: Agent;
}

const CALL_DEADLINE_MS = 10_000;
/** The venues' own most. */
const BARS_AN_ANSWER = 1_000;
const MINUTE_MS = 60_000;

export async function createUnifiedMarket(options: UnifiedMarketOptions): Promise<VenueMarket> {
  const { profile, log, now = Date.now, random = Math.random } = options;
  const http = options.http ?? createHttpClient(profile.httpOrigin, CALL_DEADLINE_MS);
  const agent = options.agent ?? (profile.wsOrigin.startsWith('wss:') ? new HttpsAgent() : new HttpAgent());
  const streams = new Set<UnifiedStream>();
  const unifiedNames = new Map<string, string>();
  let isClosed = false;

  const session = await createUnifiedSession({
    profile,
    http,
    agent,
    log: (text) => log.warn('venue library message', { text: text.slice(0, 500) }),
    onGap(reason) {
      for (const stream of streams) stream.noteGap();
      // Out of the library's own handler first: the socket it is working on ends here.
      queueMicrotask(() => session.dropSocket(`book gap: ${reason}`));
    },
  });

  async function read<T>(what: string, call: () => Promise<T>): Promise<T> {
    if (isClosed) throw new VenueUnavailable('the venue is closed');
    try {
      return await call();
    } catch (error) {
      throw readError(what, error);
    }
  }

  async function find(symbol: string): Promise<UnifiedMarket> {
    const markets = await read('markets', () => session.loadMarkets());
    const found = markets.find((market) => market.swap && market.linear && deskName(market) === symbol);
    if (found === undefined || !found.active)
      throw new VenueRefused('symbol_unknown', `${profile.id} has no ${symbol}`);
    unifiedNames.set(symbol, found.symbol);
    return found;
  }

  async function unifiedName(symbol: string): Promise<string> {
    return unifiedNames.get(symbol) ?? (await find(symbol)).symbol;
  }

  return {
    name: profile.id,
    instrument: async (symbol) => toInstrument(await find(symbol), profile),
    async ticker(symbol) {
      const name = await unifiedName(symbol);
      const { last, markPrice, timestamp } = await read('ticker', () => session.ticker(name));
      if (last === undefined || !(last > 0))
        throw new VenueMalformed(`${profile.id} ticker of ${symbol}: no last price`);
      const mark = markPrice === undefined ? null : plainDecimal(markPrice);
      return { symbol, venueAtMs: timestamp ?? now(), lastPrice: plainDecimal(last), markPrice: mark };
    },
    async funding(symbol) {
      const name = await unifiedName(symbol);
      const { info, timestamp } = await read('funding', () => session.fundingRate(name));
      const told = profile.fundingOf(info);
      if (told === null)
        throw new VenueMalformed(`${profile.id} funding of ${symbol}: no rate or no time of settlement`);
      return { symbol, venueAtMs: timestamp ?? now(), ...told };
    },
    async recentBars(symbol, barMs, count) {
      const timeframe = timeframeOf(barMs);
      if (!session.timeframes.includes(timeframe)) throw intervalNotOffered(profile.id, barMs, session.timeframes);
      const name = await unifiedName(symbol);
      // Asked before the bars: what is closed by then does not grow any more when they are told.
      const closedAtMs = await read('time', () => session.serverTimeMs());
      const limit = Math.min(count + 1, BARS_AN_ANSWER);
      const bars = await read('bars', () => session.bars(name, timeframe, limit));
      const told = bars.map((bar) => toBar(bar, `${profile.id} bar of ${symbol}`));
      return closedBars(told, barMs, count, closedAtMs);
    },
    serverTimeMs: () => read('time', () => session.serverTimeMs()),
    streamMarket(instrument, sink) {
      const name = unifiedNames.get(instrument.symbol);
      if (name === undefined) throw new VenueRefused('symbol_unknown', `${instrument.symbol}: ask for its rules first`);
      const stream = new UnifiedStream({ session, profile, name, instrument, sink, log, now, random });
      streams.add(stream);
      return {
        health: () => stream.health(),
        async stop() {
          streams.delete(stream);
          await stream.stop(streams.size > 0);
        },
      };
    },
    async close() {
      isClosed = true;
      const open = [...streams];
      streams.clear();
      await Promise.all(open.map((stream) => stream.stop(false)));
      http.close();
      agent.destroy();
    },
  };
}

function deskName({ baseId, quoteId, settleId }: UnifiedMarket): string | null {
  return quoteId === settleId ? baseId + quoteId : null;
}

function timeframeOf(barMs: number): string {
  const minutes = barMs / MINUTE_MS;
  return minutes % 60 === 0 ? `${minutes / 60}h` : `${minutes}m`;
}

function toBar(row: UnifiedBar, what: string): VenueBar {
  if (row.length < 6 || row.slice(0, 6).some((value) => typeof value !== 'number')) {
    throw new VenueMalformed(`${what}: ${JSON.stringify(row)}`);
  }
  const [openAtMs, ...values] = row as number[] as [number, number, number, number, number, number];
  const [open, high, low, close, volume] = values.map(plainDecimal) as [string, string, string, string, string];
  return requireBar({ openAtMs, open, high, low, close, volume }, what);
}

/** Throws `VenueRefused` for a contract that the desk cannot count in lots of its base coin. */
function toInstrument(market: UnifiedMarket, profile: VenueProfile): Instrument {
  const { id, contractSize, precision, limits } = market;
  const symbol = deskName(market) ?? id;
  if (contractSize !== 1) {
    throw new VenueRefused(
      'contract_size',
      `${profile.id} ${id}: a contract of ${contractSize} ${market.baseId}, expected 1`,
    );
  }
  return createInstrument({
    symbol,
    tick: ruleOf(precision.price, `${id} price step`),
    lot: ruleOf(precision.amount, `${id} quantity step`),
    qtyMin: ruleOf(limits.amount.min, `${id} least quantity`),
    notionalMin: ruleOf(limits.cost.min, `${id} least notional`),
    makerFeeRate: profile.makerFeeRate,
    takerFeeRate: profile.takerFeeRate,
  });
}

function ruleOf(value: number | undefined, what: string): string {
  if (value === undefined || !(value > 0)) throw new VenueMalformed(`${what}: ${value ?? 'missing'}`);
  return plainDecimal(value);
}

function readError(what: string, error: unknown): Error {
  if (error instanceof VenueUnavailable || error instanceof VenueRefused) return error;
  if (error instanceof TransportFailure) return new VenueUnavailable(`${what}: ${error.message}`);
  const text = error instanceof Error ? error.message : String(error);
  if (!(error instanceof UnifiedAnswer)) return new VenueMalformed(`${what}: ${text}`);
  const mayHelp = error.code === null || error.status === 429 || error.status >= 500;
  return mayHelp ? new VenueUnavailable(`${what}: ${text}`) : new VenueRefused(error.code ?? '', `${what}: ${text}`);
}
