/**
 * From the arrival of the venue's news at the bot to its order on the wire: the bot's own runtime, a journal on disk, the real gateway and
 * the exchange simulator in a process of its own, on recorded data as it comes. A quote is replaced only when its predecessor
 * is off the book, so the news that frees the place counts as the arrival as well as a book does. Beside it, in the pauses of the same run: the same request by hand on an open socket, and one durable record alone.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BotConfig } from '../core/bot/bot-config.ts';
import { BotMachine } from '../core/bot/machine.ts';
import { createClock } from '../bots/clock.ts';
import { BotRuntime } from '../bots/runtime.ts';
import { RecordKind } from '../core/events/record.ts';
import { SILENT } from '../core/log.ts';
import { createBitgetVenue } from '../gateway/bitget/venue.ts';
import type { Venue, VenueSink } from '../gateway/venue.ts';
import { openJournal, type Journal } from '../journal/journal.ts';
import { ratio, report, spreadOf } from './support/figures.ts';
import { HandClient } from './support/hand-order.ts';
import { watchOrderWire } from './support/order-wire.ts';
import { inScratch } from './support/places.ts';
import { plainQuotes } from './support/plain-quotes.ts';
import { startSimulator, type BenchSimulator } from './support/simulator.ts';

const ORDERS = Number(process.env['BENCH_ORDERS'] ?? 200);
const RUN_MS_MAX = Number(process.env['BENCH_MS'] ?? 40_000);
/** Recorded seconds a second: the market must move as often as orders may leave. */
const SPEED = Number(process.env['BENCH_SPEED'] ?? 15);
/** Frames of the private stream that are on their way when the last order is off the book. */
const STREAM_REST_MS = 200;
const WARM_UP_ORDERS = 40;
/** As large as the record of an intent. */
const RECORD = JSON.stringify({ type: 'place', clientOrderId: 'bench-000001', note: 'x'.repeat(180) });
/** Between a book and the by-hand measurements in its shadow. */
const PAUSE_MS = 25;

/** Instants of one order on its way, ms of one clock. */
interface Way {
  readonly led: 'book' | 'order';
  readonly arrivedAt: number;
  readonly decidedAt: number;
  durableAt: number;
  builtAt: number;
  writtenAt: number;
  answeredAt: number;
}

async function main(dir: string): Promise<void> {
  const simulator = await startSimulator(dir, ['bot', 'hand'], SPEED);
  try {
    await measure(dir, simulator);
  } finally {
    await simulator.stop();
  }
}

async function measure(dir: string, simulator: BenchSimulator): Promise<void> {
  const [keys, handKeys] = simulator.accounts as [BenchSimulator['accounts'][0], BenchSimulator['accounts'][0]];
  // Opened before the watch begins, so that it does not see the requests made by hand.
  const beside = await Beside.open(dir, simulator.port, handKeys);
  const ways = new Map<string, Way>();
  watchOrderWire(({ clientOrderId, builtAt, writtenAt }) => {
    const way = ways.get(clientOrderId);
    if (way !== undefined) Object.assign(way, { builtAt, writtenAt });
  });
  const config = busyConfig();
  const origin = `127.0.0.1:${simulator.port}`;
  const venue = await createBitgetVenue({
    endpoint: { kind: 'simulator', httpUrl: `http://${origin}`, wsUrl: `ws://${origin}` },
    keys,
    log: SILENT,
  });
  const instrument = await venue.instrument(config.symbol);
  const { journal } = await openJournal({ dir: join(dir, 'journal'), log: SILENT });
  const machine = new BotMachine(config, instrument);
  const runtime = new BotRuntime({
    config,
    instrument,
    machine,
    journal,
    venue: watched(venue, ways),
    log: SILENT,
    now: createClock(),
    identity: { instance: 'bench', epoch: Math.floor(Date.now() / 1_000), codeVersion: 'bench', configHash: 'bench' },
    saveSnapshotSequence() {},
  });
  runtime.start();
  const supervisor = setInterval(() => runtime.control({ command: 'ping' }), 1_000);
  const stream = venue.stream(
    instrument,
    timedSink(runtime, machine, ways, () => beside.soon()),
  );
  const untilMs = performance.now() + RUN_MS_MAX;
  const complete = (): Way[] => [...ways.values()].filter(({ answeredAt }) => answeredAt > 0).slice(WARM_UP_ORDERS);
  while (complete().length < ORDERS && performance.now() < untilMs) await sleep(100);
  clearInterval(supervisor);
  await beside.close();
  runtime.control({ command: 'shutdown', reason: 'bench' });
  await runtime.left;
  runtime.stop();
  await sleep(STREAM_REST_MS);
  await stream.stop();
  await venue.close();
  await journal.close();
  tell(complete(), beside);
}

function tell(ways: readonly Way[], { durableMs, hand }: Beside): void {
  const span = (from: Instant, to: Instant): ReturnType<typeof spreadOf> =>
    spreadOf(ways.map((way) => way[to] - way[from]));
  const total = span('arrivedAt', 'writtenAt');
  const written = spreadOf(hand.map(({ writtenMs }) => writtenMs));
  const answered = spreadOf(hand.map(({ answeredMs }) => answeredMs));
  const durable = spreadOf(durableMs);
  const answer = span('arrivedAt', 'answeredAt');
  report('tick-to-order', {
    unit: 'ms',
    orders: ways.length,
    ledByBooks: ways.filter(({ led }) => led === 'book').length,
    tickToWire: total,
    parts: {
      decision: span('arrivedAt', 'decidedAt'),
      durable: span('decidedAt', 'durableAt'),
      buildAndSign: span('durableAt', 'builtAt'),
      socket: span('builtAt', 'writtenAt'),
    },
    tickToAnswer: answer,
    durableByCause: {
      book: spreadOf(ways.filter(({ led }) => led === 'book').map((way) => way.durableAt - way.decidedAt)),
      order: spreadOf(ways.filter(({ led }) => led === 'order').map((way) => way.durableAt - way.decidedAt)),
    },
    limits: { byHandToWire: written, byHandToAnswer: answered, durableAlone: durable },
    ratios: {
      tickToWireOfLimitP50: ratio(total.p50, written.p50 + durable.p50),
      tickToWireOfLimitP99: ratio(total.p99, written.p99 + durable.p99),
      tickToAnswerOfByHandP50: ratio(answer.p50, answered.p50),
    },
  });
}

type Instant = Exclude<keyof Way, 'led'>;

/** Replaces its quotes as often as the venue's order rate allows. */
function busyConfig(): BotConfig {
  const config = plainQuotes();
  return BotConfig.parse({
    ...config,
    strategy: { ...config.strategy, inventoryQuoteMax: '100000', requoteBps: 0, requoteMsMin: 250 },
    risk: { ...config.risk, exposureQuoteMax: '200000', cancelsPerMinuteMax: 600, dailyLossQuoteMax: '100000' },
  });
}

/** The venue itself, with a look at the clock where the runtime hands an order over and where its answer comes. */
function watched(venue: Venue, ways: ReadonlyMap<string, Way>): Venue {
  return {
    ...venue,
    async place(intent) {
      const way = ways.get(intent.clientOrderId);
      if (way !== undefined) way.durableAt = performance.now();
      const answer = await venue.place(intent);
      if (way !== undefined && way.writtenAt > 0) way.answeredAt = performance.now();
      return answer;
    },
  };
}

/** Passes everything on, and notes which orders it led to and when it came. */
function timedSink(runtime: BotRuntime, machine: BotMachine, ways: Map<string, Way>, onPause: () => void): VenueSink {
  const { state } = machine;
  const timed = (led: Way['led'], deliver: () => void): boolean => {
    const before = state.intentNumber;
    const arrivedAt = performance.now();
    deliver();
    const decidedAt = performance.now();
    const placed = state.intentNumber - before;
    for (const { clientOrderId } of placed === 0 ? [] : state.orders.slice(-placed)) {
      ways.set(clientOrderId, { led, arrivedAt, decidedAt, durableAt: 0, builtAt: 0, writtenAt: 0, answeredAt: 0 });
    }
    return placed > 0;
  };
  return {
    onBook: (book) => void (timed('book', () => runtime.onBook(book)) || onPause()),
    onOrder: (order) => void timed('order', () => runtime.onOrder(order)),
    onFill: (fill) => void timed('order', () => runtime.onFill(fill)),
    onTrade: (trade) => runtime.onTrade(trade),
    onFunding: () => {},
    onTicker: (ticker) => runtime.onTicker(ticker),
    onPosition: (position) => runtime.onPosition(position),
    onConnector: (channel, status, reason) => runtime.onConnector(channel, status, reason),
  };
}

/** The limits, measured while the bot has nothing on its way. */
class Beside {
  readonly durableMs: number[] = [];
  readonly hand: Awaited<ReturnType<HandClient['place']>>[] = [];
  private readonly client: HandClient;
  private readonly journal: Journal;
  private running: Promise<void> | null = null;
  private number = 0;
  private closing = false;

  private constructor(client: HandClient, journal: Journal) {
    this.client = client;
    this.journal = journal;
  }

  static async open(dir: string, port: number, keys: BenchSimulator['accounts'][0]): Promise<Beside> {
    const { journal } = await openJournal({ dir: join(dir, 'beside'), log: SILENT });
    return new Beside(await HandClient.open(port, keys), journal);
  }

  soon(): void {
    if (!this.closing) this.running ??= this.once().finally(() => (this.running = null));
  }

  private async once(): Promise<void> {
    await sleep(PAUSE_MS);
    const startedAt = performance.now();
    this.journal.append(RecordKind.executionIntentEvent, 1, 1, Date.now(), RECORD);
    await this.journal.durable();
    this.durableMs.push(performance.now() - startedAt);
    this.number += 1;
    this.hand.push(await this.client.place('BTCUSDT', '30000', '0.010', `hand-${this.number}`));
  }

  async close(): Promise<void> {
    this.closing = true;
    await this.running;
    this.client.close();
    await this.journal.close();
  }
}

await inScratch('tick-to-order', main);
