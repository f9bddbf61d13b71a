/**
 * Recorded feeds as a market: the book and the trades of a recording in the order in which they were received, with the
 * time of the clock that plays them. After its end a recording goes on in mirrored laps (`core/recording/laps.ts`).
 *
 * What the files do not hold is not made up: there is no mark price, no funding unless an assumed rate is given, and no bar
 * of a time before the recording began to be played.
 */
import { createInstrument, type Instrument } from '../../core/market/instrument.ts';
import { MINUTE_MS } from '../../core/recording/minute-bars.ts';
import type { SimulatedMarket } from '../../core/simulation/options.ts';
import { closedBars, intervalNotOffered } from '../bars.ts';
import { VenueRefused, VenueUnavailable } from '../venue.ts';
import type { VenueFunding, VenueMarket } from '../venue.ts';
import { loadRecording } from './files.ts';
import { Player } from './player.ts';

export type RecordedSymbol = Pick<SimulatedMarket, 'instrument' | 'recordings'>;

export interface RecordedMarketOptions {
  readonly dataDir: string;
  /** Instruments and their recordings, as in `data/markets.json`. */
  readonly markets: readonly RecordedSymbol[];
  /** Recorded seconds a second; 0 plays only what `advance` is told to. */
  readonly speed: number;
  readonly now?: () => number;
  /** How a recording is read; for callers that keep it. */
  readonly load?: typeof loadRecording;
  /** Settlements every `intervalHours` from 00:00 UTC at `rate`; the recordings hold none. */
  readonly assumedFunding?: { readonly rate: string; readonly intervalHours: number };
}

export interface RecordedMarket extends VenueMarket {
  /** Plays the next `recordedMs` of every streamed recording, message by message. */
  advance(recordedMs: number): void;
}

/** The shortest step of the clock that plays: the feeds came every 50 ms. */
const STEP_MS = 10;
const HOUR_MS = 3_600_000;

export function createRecordedMarket(options: RecordedMarketOptions): RecordedMarket {
  const { dataDir, markets, speed, now = Date.now, load = loadRecording, assumedFunding } = options;
  const players = new Map<string, Player>();
  let isClosed = false;
  let playedAtMs = now();
  const timer = speed === 0 ? null : setInterval(play, STEP_MS);

  function play(): void {
    const atMs = now();
    const elapsedMs = (atMs - playedAtMs) * speed;
    if (elapsedMs <= 0) return;
    playedAtMs = atMs;
    advance(elapsedMs);
  }
  function advance(recordedMs: number): void {
    for (const player of players.values()) player.advance(recordedMs);
  }

  function marketOf(symbol: string): RecordedSymbol {
    const found = markets.find(({ instrument }) => instrument.symbol === symbol);
    if (found === undefined) throw new VenueRefused('symbol_not_recorded', `there is no recording of ${symbol}`);
    return found;
  }

  function playerOf(instrument: Instrument): Player {
    const { symbol } = instrument;
    let player = players.get(symbol);
    if (player === undefined) {
      const recording = load(dataDir, marketOf(symbol).recordings, instrument);
      player = new Player(instrument, recording, now, () => fundingOf(symbol));
      players.set(symbol, player);
    }
    return player;
  }

  function fundingOf(symbol: string): VenueFunding | null {
    if (assumedFunding === undefined) return null;
    const { rate, intervalHours } = assumedFunding;
    const atMs = now();
    const nextAtMs = (Math.floor(atMs / (intervalHours * HOUR_MS)) + 1) * intervalHours * HOUR_MS;
    return { symbol, venueAtMs: atMs, rate, intervalHours, nextAtMs };
  }

  function requireOpen(): void {
    if (isClosed) throw new VenueUnavailable('the recorded market is closed');
  }

  return {
    name: 'recorded',
    advance,
    async instrument(symbol) {
      requireOpen();
      return createInstrument(marketOf(symbol).instrument);
    },
    async funding(symbol) {
      requireOpen();
      marketOf(symbol);
      const funding = fundingOf(symbol);
      if (funding === null) throw new VenueRefused('funding_not_recorded', `the recording of ${symbol} has no funding`);
      return funding;
    },
    async serverTimeMs() {
      requireOpen();
      return now();
    },
    async ticker(symbol) {
      requireOpen();
      const price = playerOf(createInstrument(marketOf(symbol).instrument)).price();
      if (price === null) throw new VenueUnavailable(`the recording of ${symbol} has no price here`);
      return { symbol, venueAtMs: now(), lastPrice: price, markPrice: null };
    },
    async recentBars(symbol, barMs, count) {
      requireOpen();
      const instrument = createInstrument(marketOf(symbol).instrument);
      if (!(barMs > 0) || barMs % MINUTE_MS !== 0) throw intervalNotOffered('recorded', barMs, ['whole minutes']);
      return closedBars(playerOf(instrument).bars(barMs), barMs, count, now());
    },
    streamMarket(instrument, sink) {
      requireOpen();
      return playerOf(instrument).attach(sink);
    },
    async close() {
      isClosed = true;
      if (timer !== null) clearInterval(timer);
      for (const player of players.values()) player.close();
      players.clear();
    },
  };
}
