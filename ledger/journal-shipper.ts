/**
 * Brings this host's journals into the event store, in order and exactly once. Nobody waits for it: with Postgres away it
 * tries again with growing pauses, and a bot whose events are refused stops neither the others nor any bot.
 *
 * Modes: stopped -> running -> stopped. All bots share one loop and one connection; each gets a batch a round.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isEvent } from '../core/events/record.ts';
import type { Log } from '../core/log.ts';
import { BotName } from '../core/names.ts';
import { JournalTail, type TailBatch } from '../journal/reader.ts';
import { createBackground } from './background.ts';
import { LedgerUnavailable } from './errors.ts';
import { SHIP_ROWS_MAX, type Ledger } from './ledger.ts';

export interface ShipperOptions {
  readonly ledger: Pick<Ledger, 'ship' | 'shipLoss' | 'bookmarkOf'>;
  /** One folder a bot. */
  readonly journalsDir: string;
  /** Default: every folder of `journalsDir` that is a bot name. */
  readonly bots?: () => readonly string[];
  readonly log: Log;
  /** Pause when nothing is new, default 200. */
  readonly pollMs?: number;
}

export interface ShippingStatus {
  readonly shippedEventSequence: number;
  /** Last event seen in the journal; up to five seconds old while there is a backlog. */
  readonly journalEventSequence: number;
  readonly lagEvents: number;
  readonly lastShippedAtMs: number | null;
  /** How long ago the store had all that the journal held, ms; null while this shipper has not seen that. */
  readonly storedAgeMs: number | null;
  /** Why the last try failed; null after a good one. */
  readonly lastError: string | null;
}

export interface JournalShipper {
  start(): void;
  /** Ends after the batch on its way. */
  stop(): Promise<void>;
  /** Resolves when everything was stored that the journals held at this call. Rejects after `timeoutMs`. */
  drain(timeoutMs: number): Promise<void>;
  status(): Readonly<Record<string, ShippingStatus>>;
}

const POLL_MS = 200;
const BACKOFF_MS_MIN = 250;
const BACKOFF_MS_MAX = 5_000;
/** How often the size of a backlog is looked up: often while nothing can be shipped, seldom while that takes time from it. */
const LOOK_AHEAD_MS = 1_000;
const LOOK_AHEAD_BUSY_MS = 5_000;

/** One bot's place in its journal, and how it goes. */
interface Lane {
  readonly bot: string;
  readonly dir: string;
  tail: JournalTail | null;
  /** The next batch, being read. */
  ahead: Promise<TailBatch> | null;
  /** When it was asked for, on the monotonic clock. */
  aheadAskedAt: number;
  /** Everything journaled until then is stored; on the same clock, null before the first time. */
  storedAt: number | null;
  /** Reads ahead of the tail, only to know how much there is. */
  head: JournalTail;
  headReadAt: number;
  shipped: number;
  seen: number;
  lastShippedAtMs: number | null;
  lastError: string | null;
  backoffMs: number;
  notBefore: number;
  /** Counts the rounds that ended with nothing left to ship. */
  emptied: number;
}

export function createJournalShipper(options: ShipperOptions): JournalShipper {
  const { ledger, journalsDir, log, pollMs = POLL_MS } = options;
  const bots = options.bots ?? (() => botFolders(journalsDir));
  const lanes = new Map<string, Lane>();
  const pauses = new Set<AbortController>();

  function laneOf(bot: string): Lane {
    let lane = lanes.get(bot);
    if (lane === undefined) {
      const dir = join(journalsDir, bot);
      lane = {
        bot,
        dir,
        tail: null,
        ahead: null,
        aheadAskedAt: 0,
        storedAt: null,
        head: new JournalTail(dir, { wanted: () => false }),
        headReadAt: performance.now(),
        shipped: 0,
        seen: 0,
        lastShippedAtMs: null,
        lastError: null,
        backoffMs: 0,
        notBefore: 0,
        emptied: 0,
      };
      lanes.set(bot, lane);
    }
    return lane;
  }

  /** Ships one batch; true when there may be more. */
  async function advance(lane: Lane): Promise<boolean> {
    if (lane.tail === null) {
      const bookmark = await ledger.bookmarkOf(lane.bot);
      lane.shipped = bookmark?.eventSequence ?? 0;
      lane.seen = Math.max(lane.seen, lane.shipped);
      lane.tail = new JournalTail(lane.dir, { wanted: isEvent, ...(bookmark === null ? {} : { after: bookmark }) });
    }
    const tail = lane.tail;
    const askedAt = lane.ahead === null ? performance.now() : lane.aheadAskedAt;
    const { records, loss, atEnd } = await (lane.ahead ?? tail.read(SHIP_ROWS_MAX));
    lane.ahead = null;
    lane.seen = Math.max(lane.seen, tail.eventSequence);
    if (loss !== undefined || records.length > 0) {
      await tail.sync();
      if (!atEnd) {
        // The next batch is read while Postgres is busy with this one.
        lane.aheadAskedAt = performance.now();
        lane.ahead = tail.read(SHIP_ROWS_MAX);
        lane.ahead.catch(() => {});
      }
      const shipped = loss === undefined ? await ledger.ship(lane.bot, records) : await ledger.shipLoss(lane.bot, loss);
      lane.shipped = shipped.eventSequence;
      lane.lastShippedAtMs = Date.now();
    }
    if (atEnd) {
      lane.emptied += 1;
      lane.storedAt = askedAt;
    }
    lane.lastError = null;
    lane.backoffMs = 0;
    return !atEnd;
  }

  /** After any failure the lane begins anew from what is stored: that is always right, whatever went wrong. */
  async function setBack(lane: Lane, error: unknown): Promise<void> {
    const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    if (message !== lane.lastError) {
      const away = error instanceof LedgerUnavailable;
      log[away ? 'warn' : 'error']('journal not shipped', { bot: lane.bot, error: message });
    }
    lane.lastError = message;
    lane.backoffMs = Math.min(BACKOFF_MS_MAX, Math.max(BACKOFF_MS_MIN, 2 * lane.backoffMs));
    lane.notBefore = performance.now() + lane.backoffMs;
    await leave(lane);
  }

  async function leave(lane: Lane): Promise<void> {
    await lane.ahead?.catch(() => {});
    lane.ahead = null;
    await lane.tail?.close();
    lane.tail = null;
  }

  async function lookAhead(lane: Lane): Promise<void> {
    const dueMs = lane.lastError === null ? LOOK_AHEAD_BUSY_MS : LOOK_AHEAD_MS;
    if (performance.now() - lane.headReadAt < dueMs) return;
    lane.headReadAt = performance.now();
    try {
      for (let atEnd = false; !atEnd;) ({ atEnd } = await lane.head.read());
      lane.seen = Math.max(lane.seen, lane.head.eventSequence);
    } catch {
      // Damage is told by the tail when it gets there; until then the figure stays what it was.
    }
  }

  async function run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      let more = false;
      for (const bot of bots()) {
        if (signal.aborted) break;
        const lane = laneOf(bot);
        if (performance.now() >= lane.notBefore) {
          try {
            more = (await advance(lane)) || more;
          } catch (error) {
            await setBack(lane, error);
          }
        }
        if (more || lane.lastError !== null) await lookAhead(lane);
      }
      if (!more) await pause(signal);
    }
  }

  const loop = createBackground(run);

  async function pause(signal: AbortSignal): Promise<void> {
    const wake = new AbortController();
    pauses.add(wake);
    await sleep(pollMs, undefined, { signal: AbortSignal.any([signal, wake.signal]) }).catch(() => {});
    pauses.delete(wake);
  }

  return {
    start: () => loop.start(),
    async stop() {
      await loop.stop();
      for (const lane of lanes.values()) {
        await leave(lane);
        await lane.head.close();
      }
      lanes.clear();
    },
    async drain(timeoutMs) {
      const deadline = performance.now() + timeoutMs;
      // Two rounds from now: the first may have read before this call.
      const wanted = new Map(bots().map((bot) => [bot, laneOf(bot).emptied + 2]));
      for (;;) {
        const behind = [...wanted].filter(([bot, emptied]) => laneOf(bot).emptied < emptied).map(([bot]) => bot);
        if (behind.length === 0) return;
        if (performance.now() > deadline) {
          const why = behind.map((bot) => `${bot} (${laneOf(bot).lastError ?? 'on its way'})`).join(', ');
          throw new Error(`journals not stored within ${timeoutMs} ms: ${why}`);
        }
        for (const wake of pauses) wake.abort();
        await sleep(10);
      }
    },
    status() {
      return Object.fromEntries(
        [...lanes.values()].map((lane) => [
          lane.bot,
          {
            shippedEventSequence: lane.shipped,
            journalEventSequence: lane.seen,
            lagEvents: Math.max(0, lane.seen - lane.shipped),
            lastShippedAtMs: lane.lastShippedAtMs,
            storedAgeMs: lane.storedAt === null ? null : Math.round(performance.now() - lane.storedAt),
            lastError: lane.lastError,
          },
        ]),
      );
    },
  };
}

/** Bots that have a journal here. */
export function botFolders(journalsDir: string): string[] {
  if (!existsSync(journalsDir)) return [];
  return readdirSync(journalsDir, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && BotName.safeParse(entry.name).success)
    .map(({ name }) => name);
}
