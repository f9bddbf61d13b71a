/** Wires the simulator: saved state, recordings, exchange, HTTP and WebSocket, and the one clock that drives the replay. */
import { createServer, type Server } from 'node:http';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AddressInfo } from 'node:net';
import { SILENT, type Log } from '../core/log.ts';
import { createInstrument } from '../core/market/instrument.ts';
import { SimulatorOptions, type SimulatorOptionsInput } from '../core/simulation/options.ts';
import { FaultBook } from './admin/fault-book.ts';
import { fillInPart } from './admin/actions.ts';
import { stalledBook, toldPositions } from './admin/state-faults.ts';
import { StreamFaults } from './admin/stream-faults.ts';
import { startAdmin, type RunningAdmin } from './admin/server.ts';
import { Traffic } from './admin/traffic.ts';
import { TruthTeller } from './admin/truth.ts';
import type { Account } from './exchange/account.ts';
import { Exchange } from './exchange/exchange.ts';
import { Market } from './exchange/market.ts';
import { StateStore } from './exchange/store.ts';
import { loadRecording } from './recordings.ts';
import { createRequestListener } from './rest/http.ts';
import { RestLimits } from './rest/limits.ts';
import { OrderRate } from './rest/order-rate.ts';
import { Countdowns } from './rest/unified-countdown.ts';
import { simulatorStatus } from './status.ts';
import { Channels } from './stream/channels.ts';
import type { StreamClient } from './stream/client.ts';
import { StreamLimits } from './stream/limits.ts';
import { PrivateFeed } from './stream/private-feed.ts';
import { PublicFeed, type Stalled } from './stream/public-feed.ts';
import { Sockets } from './stream/sockets.ts';
import { UnifiedPrivateFeed } from './stream/unified-private-feed.ts';
import { UnifiedPublicFeed } from './stream/unified-public-feed.ts';
import { UnifiedTopics } from './stream/unified-topics.ts';

export interface RunningSimulator {
  readonly port: number;
  /** Null when the admin port is off. */
  readonly adminPort: number | null;
  /** Saves, closes every connection and ends. */
  stop(): Promise<void>;
}

/** Shortest and longest sleep between two steps of the replay. */
const STEP_MS_MIN = 4;
const STEP_MS_MAX = 50;
const REPLAY_SAVE_EVERY_MS = 1_000;
/** After a longer pause of this process (a suspended machine) the replay goes on where it stood instead of rushing after. */
const CATCH_UP_MS_MAX = 1_000;

/** `nowMs` is the host's clock, the venue's until a fault skews it. Throws `RecordingError`, `StateDamaged`, `DecimalError` or the system's error when it cannot start; nothing is left open. */
export async function startSimulator(
  options: SimulatorOptionsInput,
  { log = SILENT, nowMs: steadyMs = Date.now }: { log?: Log; nowMs?: () => number } = {},
): Promise<RunningSimulator> {
  const settings = SimulatorOptions.parse(options);
  const startedAtMs = steadyMs();
  const faults = new FaultBook(steadyMs);
  const nowMs = () => steadyMs() + faults.clockSkewMs();
  mkdirSync(settings.stateDir, { recursive: true, mode: 0o700 });
  const store = new StateStore(settings.stateDir);
  const markets = settings.markets.map(({ instrument: spec, recordings, ...terms }) => {
    const instrument = createInstrument(spec);
    return new Market(
      instrument,
      loadRecording(settings.dataDir, recordings, instrument),
      nowMs,
      terms,
      settings.speed,
    );
  });
  const exchange = new Exchange(markets, settings.accounts, store.load(), store, nowMs);
  const keys = new Map(settings.accounts.map((account) => [account.apiKey, account]));
  const clients = new Set<StreamClient>();
  const streamFaults = new StreamFaults(faults, clients);
  const stalled: Stalled = (symbol, channel) => stalledBook(faults, symbol, channel);
  const toldByStream = (account: Account) => toldPositions(faults, exchange.markets, account, 'stream');
  const publicFeed = new PublicFeed(exchange.markets, settings.bookChecksum, nowMs, steadyMs, stalled);
  const privateFeed = new PrivateFeed(exchange, clients, nowMs, toldByStream);
  const channels = new Channels(exchange, publicFeed, privateFeed);
  const unifiedFeed = new UnifiedPublicFeed(exchange.markets, nowMs, steadyMs, stalled);
  const unifiedPrivateFeed = new UnifiedPrivateFeed(exchange, clients, nowMs, toldByStream);
  const topics = new UnifiedTopics(exchange, unifiedFeed, unifiedPrivateFeed);
  const countdowns = new Countdowns(exchange, steadyMs);
  const sockets = new Sockets({
    ends: {
      '/v2/ws/public': { isPrivate: false, isUnified: false, subscriptions: channels },
      '/v2/ws/private': { isPrivate: true, isUnified: false, subscriptions: channels },
      '/v3/ws/public': { isPrivate: false, isUnified: true, subscriptions: topics },
      '/v3/ws/private': { isPrivate: true, isUnified: true, subscriptions: topics },
    },
    clients,
    keys,
    faults: streamFaults,
    limits: settings.limits === 'none' ? null : new StreamLimits(steadyMs),
    nowMs,
    steadyMs,
  });
  const traffic = new Traffic();
  const truth = new TruthTeller(exchange, traffic, nowMs);
  exchange.onEvents = (events) => {
    truth.note(events);
    privateFeed.push(events);
    unifiedPrivateFeed.push(events);
    unifiedFeed.push(events);
  };
  const http = createServer(
    createRequestListener({
      exchange,
      countdowns,
      keys,
      limits: settings.limits === 'none' ? null : new RestLimits(steadyMs),
      orderRate: settings.orderRate === null ? null : new OrderRate(settings.orderRate),
      faults,
      traffic,
      told: (account, path) =>
        path.includes('/position/') ? toldPositions(faults, exchange.markets, account, 'rest') : account,
      fillInPart: (account, answer, { ratio }) => {
        fillInPart(exchange, account, answer, ratio);
        streamFaults.cut({ account });
      },
      nowMs,
      steadyMs,
      log,
      pages: {
        '/simulator/health': () => ({ status: 'ok', uptimeMs: steadyMs() - startedAtMs }),
        '/simulator/status': () => simulatorStatus(exchange, startedAtMs, steadyMs(), settings.speed),
      },
    }),
  );
  // Longer than any client keeps an idle connection, so that it is never the server that closes under a request.
  http.keepAliveTimeout = 120_000;
  sockets.attach(http);
  let port: number;
  let admin: RunningAdmin | null = null;
  try {
    admin = settings.adminPort === null ? null : await startAdmin(settings.adminPort, { exchange, faults, truth });
    port = await listen(http, settings.port, settings.host);
  } catch (error) {
    await admin?.stop();
    sockets.close();
    store.close();
    throw error;
  }
  writeFileSync(join(settings.stateDir, 'port'), `${port}\n`);
  const stopClock = startClock(exchange, [publicFeed, unifiedFeed, countdowns], settings.speed);
  log.info('simulator ready', { port, startMs: nowMs() - startedAtMs });

  return {
    port,
    adminPort: admin?.port ?? null,
    stop: async () => {
      stopClock();
      await admin?.stop();
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
function startClock(exchange: Exchange, followers: readonly { flush(): void }[], speed: number): () => void {
  let playedAt = performance.now();
  let savedAt = playedAt;
  let timer: NodeJS.Timeout;
  const step = () => {
    const now = performance.now();
    const realMs = Math.min(now - playedAt, CATCH_UP_MS_MAX);
    exchange.advance(realMs * speed, realMs);
    playedAt = now;
    for (const follower of followers) follower.flush();
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
