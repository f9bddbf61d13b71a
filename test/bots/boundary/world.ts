/**
 * Real bot runtimes in this process: machine, journal on disk, gateway and sockets, on a simulator with its fault plan and
 * its truth. Nothing between them is replaced; a world may run on a clock that goes faster than the wall's, the venue's
 * and the bots' alike.
 */
import { setClockSpeed } from './clock.ts';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { recoverMachine } from '../../../journal/recover-machine.ts';
import { BotRuntime } from '../../../bots/runtime.ts';
import type { BotConfig } from '../../../core/bot/bot-config.ts';
import type { BotMachine } from '../../../core/bot/machine.ts';
import type { ControlEvent, ExecutionIntentEvent, FillEvent, OrderEvent, StopEvent } from '../../../core/bot/events.ts';
import { netLots } from '../../../core/accounting/holdings.ts';
import { isEvent } from '../../../core/events/record.ts';
import { SILENT, type Log } from '../../../core/log.ts';
import { formatQty } from '../../../core/market/instrument.ts';
import type { SimulatorOptionsFile } from '../../../core/simulation/options.ts';
import { createBitgetVenue } from '../../../gateway/bitget/venue.ts';
import type { Venue, VenueStream, VenueTriggerOrder } from '../../../gateway/venue.ts';
import { openJournal, type Journal } from '../../../journal/journal.ts';
import { JournalTail } from '../../../journal/reader.ts';
import type { TrueAccount } from '../../../simulator/admin/truth.ts';
import { startSimulator, type RunningSimulator } from '../../../simulator/server.ts';
import { connectAdmin, type Admin } from '../../simulator/admin.ts';
import { BOT1, simulatorOptions } from '../../simulator/harness.ts';
import { botConfig, BTC } from '../../support/bots.ts';
import { until } from '../../support/desk.ts';
import type { Wire } from './wire.ts';

export type BoundaryEvent = OrderEvent | StopEvent | FillEvent | ControlEvent | ExecutionIntentEvent;

export interface WorldOptions {
  /** Bots, each with an account of its own: `bot1`, `bot2`... */
  readonly bots?: number;
  /** Fields of every bot's configuration. */
  readonly config?: Record<string, unknown>;
  readonly simulator?: Partial<SimulatorOptionsFile>;
  /** How much faster than the wall's the clock of the venue and the bots goes. */
  readonly clockSpeed?: number;
  /** A line between gateway and simulator that can be watched and cut; none goes straight. */
  readonly wire?: Wire;
  readonly callDeadlineMs?: number;
  /** What is wrong with the venue, or what it is told, before the first bot starts. */
  readonly before?: (world: BoundaryWorld) => Promise<void>;
  /** What the bots write to: the journal itself when left out. */
  readonly disk?: (journal: Journal, bot: BoundaryBot) => Journal;
}

/** Quotes close to the market and follows it at once: many orders in a short time. */
export const BUSY = {
  strategy: {
    name: 'two_sided_quotes',
    halfSpreadBps: 0.5,
    orderQuote: '250',
    inventoryQuoteMax: '1000',
    skewBps: 1,
    requoteBps: 0,
    requoteMsMin: 50,
  },
  risk: { ...botConfig().risk, cancelsPerMinuteMax: 600 },
};

/** Quotes far from the market: an order rests until somebody else does something about it. */
export const RESTING = {
  strategy: {
    name: 'two_sided_quotes',
    halfSpreadBps: 200,
    orderQuote: '250',
    inventoryQuoteMax: '1000',
    skewBps: 0,
    requoteBps: 150,
    requoteMsMin: 1_000,
  },
};

type Keys = typeof BOT1;

function keysOf(account: string): Keys {
  return { ...BOT1, account, apiKey: `${account}-api-key`, secret: `${account}-secret-0123456789` };
}

export class BoundaryBot {
  readonly config: BotConfig;
  readonly logged: string[] = [];
  private readonly world: BoundaryWorld;
  readonly journalDir: string;
  readonly keys: Keys;
  private parts: {
    machine: BotMachine;
    runtime: BotRuntime;
    journal: Journal;
    venue: Venue;
    stream: VenueStream;
  } | null = null;
  private pinger: NodeJS.Timeout | undefined;
  private epoch = 1;

  constructor(world: BoundaryWorld, name: string) {
    this.world = world;
    this.keys = keysOf(name);
    this.config = botConfig({ bot: name, account: name, ...world.options.config });
    this.journalDir = join(world.dir, name);
    mkdirSync(this.journalDir);
  }

  get account(): string {
    return this.keys.account;
  }

  get secrets(): readonly string[] {
    return [this.keys.secret, this.keys.passphrase];
  }

  private get running(): NonNullable<BoundaryBot['parts']> {
    if (this.parts === null) throw new Error(`${this.account} does not run`);
    return this.parts;
  }

  get machine(): BotMachine {
    return this.running.machine;
  }

  get state(): BotMachine['state'] {
    return this.machine.state;
  }

  get runtime(): BotRuntime {
    return this.running.runtime;
  }

  get journal(): Journal {
    return this.running.journal;
  }

  /** As a bot's process starts: journal, replay of what is in it, venue, streams. A supervisor speaks from then on. */
  async start(): Promise<this> {
    const { world, config, keys } = this;
    const log: Log = this.createLog();
    const { journal: opened } = await openJournal({ dir: this.journalDir, log });
    const journal = world.options.disk?.(opened, this) ?? opened;
    const venue = await createBitgetVenue({
      endpoint: world.endpoint,
      keys,
      log,
      now: Date.now,
      ...(world.options.callDeadlineMs === undefined ? {} : { callDeadlineMs: world.options.callDeadlineMs }),
    });
    const instrument = await venue.instrument(config.symbol);
    const { machine } = await recoverMachine(this.journalDir, 1, config, instrument);
    this.epoch += 1;
    const runtime = new BotRuntime({
      config,
      instrument,
      machine,
      journal,
      venue,
      log,
      now: Date.now,
      identity: { instance: 'boundary', epoch: this.epoch, codeVersion: 'test', configHash: 'test' },
      saveSnapshotSequence() {},
    });
    runtime.start();
    const stream = venue.stream(instrument, runtime);
    this.parts = { machine, runtime, journal, venue, stream };
    this.pinger = setInterval(() => runtime.control({ command: 'ping' }), 200);
    return this;
  }

  /** As a kill leaves it: nothing is cancelled, nothing is told; what was appended is on disk. */
  async crash(): Promise<void> {
    if (this.parts === null) return;
    const { runtime, stream, venue, journal } = this.parts;
    this.parts = null;
    clearInterval(this.pinger);
    runtime.stop();
    await stream.stop();
    await venue.close();
    await journal.close();
  }

  /** An operator pauses it: its quotes leave the book and no new ones are formed. */
  pause(): void {
    this.runtime.control({ command: 'pause', operator: 'ann', reason: 'test' });
  }

  resume(): void {
    this.runtime.control({ command: 'resume', operator: 'ann', reason: 'test' });
  }

  position(): string {
    return formatQty(netLots(this.state.holdings), this.world.instrument);
  }

  truth(): Promise<TrueAccount> {
    return this.world.truthOf(this.account);
  }

  /** What the bot has recorded so far, oldest first. */
  async events(): Promise<BoundaryEvent[]> {
    await this.parts?.journal.durable();
    return recordedEvents(this.journalDir);
  }

  async alerts(): Promise<string[]> {
    return (await this.events()).flatMap((event) => (event.type === 'alert' ? [event.reason] : []));
  }

  /** Every state that the order went through, as recorded. */
  async lifeOf(clientOrderId: string): Promise<string[]> {
    return (await this.events()).flatMap((event) =>
      event.type === 'order' && event.clientOrderId === clientOrderId
        ? [event.closeReason === null ? event.state : event.closeReason]
        : [],
    );
  }

  async quoting(orders = 2): Promise<void> {
    await until(`${this.account} to have ${orders} open orders, ${this.runtime.status().reason}`, () => {
      return this.state.orders.filter(({ state }) => state === 'open').length === orders;
    });
  }

  private createLog(): Log {
    const write = (level: string) => (message: string, fields?: object) =>
      void this.logged.push(`${level} ${message} ${JSON.stringify(fields ?? {})}`);
    return { info: write('info'), warn: write('warn'), error: write('error') };
  }
}

/** Followed as the shipper does it: the bot may go on writing meanwhile. */
export async function recordedEvents(journalDir: string): Promise<BoundaryEvent[]> {
  const found: BoundaryEvent[] = [];
  const tail = new JournalTail(journalDir, { fromSequence: 1, wanted: isEvent });
  try {
    for (let isMore = true; isMore;) {
      const { records, atEnd } = await tail.read(10_000);
      for (const { payload } of records) found.push(JSON.parse(payload.toString('utf8')) as BoundaryEvent);
      isMore = !atEnd;
    }
  } finally {
    await tail.close();
  }
  return found;
}

export class BoundaryWorld {
  readonly dir = mkdtempSync(join(tmpdir(), 'boundary-'));
  readonly options: WorldOptions;
  readonly bots: BoundaryBot[] = [];
  private simulator: RunningSimulator | null = null;
  port = 0;
  admin!: Admin;

  constructor(options: WorldOptions) {
    this.options = options;
    setClockSpeed(options.clockSpeed ?? 1);
  }

  get bot(): BoundaryBot {
    return this.bots[0]!;
  }

  get endpoint() {
    const address = `127.0.0.1:${this.options.wire?.port ?? this.port}`;
    return { kind: 'simulator' as const, httpUrl: `http://${address}`, wsUrl: `ws://${address}` };
  }

  get instrument() {
    return BTC;
  }

  /** Of the account called `account`. */
  keysOf(account: string): Keys {
    return keysOf(account);
  }

  /** Again on the same port and from the same state, after `venueDown`. */
  async venueUp(): Promise<void> {
    const { bots = 1, simulator, wire } = this.options;
    const accounts = Array.from({ length: bots }, (_, index) => keysOf(`bot${index + 1}`));
    this.simulator = await startSimulator(
      simulatorOptions(join(this.dir, 'simulator'), {
        adminPort: 0,
        port: this.port,
        accounts,
        ...simulator,
      } as object),
      { nowMs: Date.now },
    );
    this.port = this.simulator.port;
    if (wire !== undefined) await wire.open(this.port);
    this.admin = connectAdmin(this.simulator.adminPort);
  }

  /** Its ports are closed: whoever dials is refused. */
  async venueDown(): Promise<void> {
    await this.simulator?.stop();
    this.simulator = null;
  }

  async truthOf(account: string): Promise<TrueAccount> {
    return (await this.admin.truth()).accounts[account]!;
  }

  async startBots(): Promise<void> {
    for (let index = 1; index <= (this.options.bots ?? 1); index += 1) {
      this.bots.push(new BoundaryBot(this, `bot${index}`));
    }
    // One after the other: a start reads a good deal, and a crowd of them would miss a short deadline.
    for (const bot of this.bots) await bot.start();
  }

  /** A second client of the bot's account, that sees which protective stops the venue lists. */
  async watchStops({ keys }: BoundaryBot): Promise<{ list(): Promise<VenueTriggerOrder[]>; close(): Promise<void> }> {
    const venue = await createBitgetVenue({ endpoint: this.endpoint, keys, log: SILENT, accountKind: 'classic' });
    await venue.instrument('BTCUSDT');
    return {
      list: async () => (await venue.triggerOrders('BTCUSDT')).filter(({ isProtectiveStop }) => isProtectiveStop),
      close: () => venue.close(),
    };
  }

  async end(): Promise<void> {
    await Promise.all(this.bots.map((bot) => bot.crash()));
    await this.options.wire?.cut();
    await this.venueDown();
    setClockSpeed(1);
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** Runs `use` in a world that is ended, and its folder removed, whatever happens. */
export async function withWorld(options: WorldOptions, use: (world: BoundaryWorld) => Promise<void>): Promise<void> {
  const world = new BoundaryWorld(options);
  try {
    await world.venueUp();
    await options.before?.(world);
    await world.startBots();
    await use(world);
  } finally {
    await world.end();
  }
}

/** Bot and venue hold the same, and every fill is booked once. */
export async function agree(bot: BoundaryBot, timeoutMs = 30_000): Promise<TrueAccount> {
  return until(
    `${bot.account} and the venue to agree`,
    async () => {
      const truth = await bot.truth();
      const held = truth.positions.reduce((sum, { qty }) => sum + Number(qty), 0);
      if (Number(bot.position()).toFixed(9) === held.toFixed(9) && bot.state.fills === truth.fills.length) return truth;
      const { state } = bot;
      throw new Error(
        `bot ${bot.position()} after ${state.fills} fills, venue ${held} after ${truth.fills.length}; ` +
          `${bot.runtime.status().reason}, orders ${JSON.stringify(state.orders)}, log ${bot.logged.slice(-4).join(' | ')}`,
      );
    },
    timeoutMs,
    200,
  );
}
