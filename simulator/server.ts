/** Wires the simulator: saved state, recordings, exchange, HTTP and WebSocket, and the one clock that drives the replay. */
import { createServer, type Server } from 'node:http';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AddressInfo } from 'node:net';
import { SILENT, type Log } from '../core/log.ts';
import { createInstrument } from '../core/market/instrument.ts';
import { SimulatorOptions, type SimulatorOptionsInput } from '../core/simulation/options.ts';
import { Exchange } from './exchange/exchange.ts';
import { Market } from './exchange/market.ts';
import { StateStore } from './exchange/store.ts';
import { loadRecording } from './replay/recording.ts';
import { createRequestListener } from './rest/http.ts';
import { OrderRate } from './rest/order-rate.ts';
import { simulatorStatus } from './status.ts';
import { PublicFeed } from './stream/public-feed.ts';
import { Sockets } from './stream/sockets.ts';

export interface RunningSimulator {
  readonly port: number;
  /** Saves, closes every connection and ends. */
  stop(): Promise<void>;
}

/** Shortest and longest sleep between two steps of the replay. */
const STEP_MS_MIN = 4;
const STEP_MS_MAX = 50;
const REPLAY_SAVE_EVERY_MS = 1_000;
/** After a longer pause of this process (a suspended machine) the replay goes on where it stood instead of rushing after. */
const CATCH_UP_MS_MAX = 1_000;

/** `nowMs` is the venue's clock. Throws `RecordingError`, `StateDamaged`, `DecimalError` or the system's error when it cannot start; nothing is left open. */
export async function startSimulator(
  options: SimulatorOptionsInput,
  { log = SILENT, nowMs = Date.now }: { log?: Log; nowMs?: () => number } = {},
): Promise<RunningSimulator> {
  const settings = SimulatorOptions.parse(options);
  const startedAtMs = nowMs();
  mkdirSync(settings.stateDir, { recursive: true, mode: 0o700 });
  const store = new StateStore(settings.stateDir);
  const markets = settings.markets.map(({ instrument: spec, recordings }) => {
    const instrument = createInstrument(spec);
    return new Market(instrument, loadRecording(settings.dataDir, recordings, instrument), nowMs);
  });
  const exchange = new Exchange(markets, settings.accounts, store.load(), store, nowMs);
  const keys = new Map(settings.accounts.map((account) => [account.apiKey, account]));
  const publicFeed = new PublicFeed(exchange.markets, settings.bookChecksum, nowMs);
  const sockets = new Sockets({ exchange, keys, publicFeed, nowMs });
  exchange.onEvents = (events) => sockets.privateFeed.push(events);
  const http = createServer(
    createRequestListener({
      exchange,
      keys,
      orderRate: settings.orderRate === null ? null : new OrderRate(settings.orderRate),
      nowMs,
      log,
      pages: {
        '/simulator/health': () => ({ status: 'ok', uptimeMs: nowMs() - startedAtMs }),
        '/simulator/status': () => simulatorStatus(exchange, startedAtMs, nowMs(), settings.speed),
      },
    }),
  );
  // Longer than any client keeps an idle connection, so that it is never the server that closes under a request.
  http.keepAliveTimeout = 120_000;
  sockets.attach(http);
  let port: number;
  try {
    port = await listen(http, settings.port, settings.host);
  } catch (error) {
    sockets.close();
    store.close();
    throw error;
  }
  writeFileSync(join(settings.stateDir, 'port'), `${port}\n`);
  const stopClock = startClock(exchange, publicFeed, settings.speed);
  log.info('simulator ready', { port, startMs: nowMs() - startedAtMs });

  return {
    port,
    stop: async () => {
      stopClock();
      sockets.close();
      await new Promise<void>((resolve) => {
        http.close(() => resolve());
        http.closeAllConnections();
      });
      exchange.saveAll();
      store.close();
    },
  };
}

/** Plays the recording at `speed` times real time; answers how to stop it. */
function startClock(exchange: Exchange, publicFeed: PublicFeed, speed: number): () => void {
  let playedAt = performance.now();
  let savedAt = playedAt;
  let timer: NodeJS.Timeout;
  const step = () => {
    const now = performance.now();
    exchange.advance(Math.min(now - playedAt, CATCH_UP_MS_MAX) * speed);
    playedAt = now;
    publicFeed.flush();
    if (now - savedAt >= REPLAY_SAVE_EVERY_MS) {
      savedAt = now;
      exchange.saveReplayPositions();
    }
    timer = setTimeout(step, sleepMs());
  };
  const sleepMs = () => {
    const dueInMs = Math.min(...[...exchange.markets.values()].map(({ replay }) => replay.nextFrameInMs())) / speed;
    return Math.min(STEP_MS_MAX, Math.max(STEP_MS_MIN, dueInMs));
  };
  timer = setTimeout(step, STEP_MS_MIN);
  return () => clearTimeout(timer);
}

function listen(http: Server, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    http.once('error', reject);
    http.listen(port, host, () => {
      http.off('error', reject);
      resolve((http.address() as AddressInfo).port);
    });
  });
}
