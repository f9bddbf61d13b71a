/**
 * The event store in Postgres. A bot's events arrive in order and are stored exactly once: its offset row is locked, what
 * lies at or below it is skipped, a gap is refused, and rows and offset become visible together. What pages want is projected
 * from the rows afterwards, with an offset of its own.
 */
import type pg from 'pg';
import { z } from 'zod';
import type { Log } from '../core/log.ts';
import { invariant } from '../core/invariant.ts';
import type { JournalBookmark, JournalLoss, JournalRecord } from '../journal/reader.ts';
import { createPool, withClient, type LedgerRole } from './connect.ts';
import { isRefusedValue, LedgerGap, LedgerUnavailable } from './errors.ts';
import { COPY_EVENTS, copyChunks, copyIn, storableJson, unreadableJson } from './copy-rows.ts';
import { migrate } from './migrate.ts';
import { projectNews, rebuild } from './projections.ts';
import { createLedgerReads, type LedgerReads } from './reads.ts';
import { SafeInt } from './rows.ts';

/** Rows of one transaction: more gain nothing (see the event-shipping bench), fewer pay for the commit. */
export const SHIP_ROWS_MAX = 10_000;
const DAY_MS = 86_400_000;
/** Older events, and those of a clock that is a day ahead, get no partition of their own. */
const KEPT_MS_MAX = 400 * DAY_MS;

export interface LedgerOptions {
  readonly databaseUrl: string;
  /** Folder of the project's SQL migrations, `ledger/migrations`. */
  readonly migrationsDir: string;
  readonly log: Log;
  /** Connections at most, default 4. */
  readonly connections?: number;
}

export interface Shipped {
  readonly stored: number;
  /** Were there already. */
  readonly skipped: number;
  /** Last stored event of the bot. */
  readonly eventSequence: number;
}

export interface Ledger {
  /** Done by `ship` too. Throws `LedgerNewer`, or `LedgerUnavailable`. */
  migrate(): Promise<void>;
  /** Idempotent by (bot, event sequence). Throws `LedgerGap`, or `LedgerUnavailable` after which nothing or all of it is stored. */
  ship(bot: string, records: readonly JournalRecord[]): Promise<Shipped>;
  /** Stores an accepted loss in place of its events. Idempotent like `ship`. */
  shipLoss(bot: string, loss: JournalLoss): Promise<Shipped>;
  /** The last stored event's place in the journal; null before the first. */
  bookmarkOf(bot: string): Promise<JournalBookmark | null>;
  /**
   * Brings the projections up to what is stored, at most so many events of each source; how many it read. Another process
   * that is at it is not waited for.
   */
  project(eventsMax: number): Promise<number>;
  /** Makes every projection again from the events; readers see the old rows until a source is done. How many it read. */
  rebuild(): Promise<number>;
  readonly reads: LedgerReads;
  close(): Promise<void>;
}

const OffsetRow = z.object({
  sequence: SafeInt,
  journal_sequence: SafeInt,
  segment: z.string(),
  offset: SafeInt,
});
type OffsetRow = z.infer<typeof OffsetRow>;

export function createLedger({ databaseUrl, migrationsDir, log, connections = 4 }: LedgerOptions): Ledger {
  const poolOf = (role: LedgerRole, max: number): pg.Pool => createPool({ databaseUrl, role, connections: max, log });
  const writers = poolOf('desk_writer', connections);
  const projectors = poolOf('desk_projector', 1);
  const readers = poolOf('desk_reader', connections);
  /** Days since 1970 whose partition is there. */
  const days = new Set<number>();
  let migrated: Promise<void> | null = null;

  function ensureMigrated(): Promise<void> {
    migrated ??= migrateAsOwner().catch((error: unknown) => {
      migrated = null;
      throw error;
    });
    return migrated;
  }

  async function migrateAsOwner(): Promise<void> {
    const owner = createPool({ databaseUrl, connections: 1, log });
    try {
      await withClient(owner, (client) => migrate(client, migrationsDir, log));
    } finally {
      await owner.end();
    }
  }

  /** Before the transaction: making a partition holds up everybody for a moment, and this must not wait for a commit. */
  async function ensureDays(records: readonly JournalRecord[]): Promise<void> {
    const nowMs = Date.now();
    const fresh = new Set<number>();
    for (const { atMs } of records) {
      const day = Math.floor(atMs / DAY_MS);
      if (days.has(day) || nowMs - atMs > KEPT_MS_MAX || atMs - nowMs > DAY_MS) continue;
      fresh.add(day);
    }
    for (const day of fresh) {
      const date = new Date(day * DAY_MS).toISOString().slice(0, 10);
      await withClient(writers, (client) => client.query('select ensure_event_day($1)', [date]));
      days.add(day);
    }
  }

  async function lockOffset(client: pg.PoolClient, bot: string): Promise<OffsetRow> {
    const lock = `select sequence, journal_sequence, segment, "offset" from journal_offset where source = $1 for update`;
    let { rows } = await client.query(lock, [bot]);
    if (rows.length === 0) {
      await client.query('insert into journal_offset (source) values ($1) on conflict do nothing', [bot]);
      ({ rows } = await client.query(lock, [bot]));
    }
    return OffsetRow.parse(rows[0]);
  }

  /** Runs `fill` with the offset row locked. `reaches` is the event sequence that the offset has after a commit. */
  async function transaction(
    bot: string,
    reaches: number,
    fill: (client: pg.PoolClient, offset: OffsetRow) => Promise<Shipped>,
  ): Promise<Shipped> {
    await ensureMigrated();
    let shipped: Shipped | null = null;
    try {
      return await withClient(writers, async (client) => {
        await client.query('begin');
        const result = await fill(client, await lockOffset(client, bot));
        shipped = result;
        await client.query('commit');
        return result;
      });
    } catch (error) {
      if (shipped === null || !(error instanceof LedgerUnavailable)) throw error;
      // The connection went during the commit: what the server made of it is asked, under the lock that a commit on its
      // way still holds.
      const offset = await withClient(writers, async (client) => {
        await client.query('begin');
        const found = await lockOffset(client, bot);
        await client.query('commit');
        return found;
      });
      log.warn('commit with unknown outcome looked up', { bot, reaches, stored: offset.sequence });
      if (offset.sequence >= reaches) return shipped;
      throw error;
    }
  }

  async function shipAs(
    bot: string,
    records: readonly JournalRecord[],
    payloadOf: (record: JournalRecord) => Buffer,
  ): Promise<Shipped> {
    const last = records.at(-1);
    invariant(last !== undefined, 'an empty batch is not shipped');
    await ensureMigrated();
    await ensureDays(records);
    return transaction(bot, last.eventSequence, async (client, offset) => {
      const fresh = records.filter(({ eventSequence }) => eventSequence > offset.sequence);
      for (const [index, { eventSequence }] of fresh.entries()) {
        const expected = offset.sequence + 1 + index;
        if (eventSequence !== expected) throw new LedgerGap(bot, expected, eventSequence);
      }
      const skipped = records.length - fresh.length;
      if (fresh.length === 0) return { stored: 0, skipped, eventSequence: offset.sequence };
      await copyIn(client, COPY_EVENTS, copyChunks(bot, fresh, payloadOf));
      await client.query(
        `update journal_offset set sequence = $2, journal_sequence = $3, segment = $4, "offset" = $5,
           updated_at = clock_timestamp() where source = $1`,
        [bot, last.eventSequence, last.sequence, last.position.segment, last.position.offset],
      );
      return { stored: fresh.length, skipped, eventSequence: last.eventSequence };
    });
  }

  /** One value that Postgres refuses must not stop the others for good: halves are tried until it stands alone. */
  async function ship(bot: string, records: readonly JournalRecord[]): Promise<Shipped> {
    if (records.length === 0) return { stored: 0, skipped: 0, eventSequence: 0 };
    try {
      return await shipAs(bot, records, ({ payload }) => payload);
    } catch (error) {
      if (!isRefusedValue(error)) throw error;
      const [only] = records;
      if (records.length === 1 && only !== undefined) {
        log.warn('event payload refused, stored in another form', {
          bot,
          eventSequence: only.eventSequence,
          error: (error as Error).message,
        });
        return shipRefused(bot, only);
      }
      const middle = Math.ceil(records.length / 2);
      const front = await ship(bot, records.slice(0, middle));
      const back = await ship(bot, records.slice(middle));
      return {
        stored: front.stored + back.stored,
        skipped: front.skipped + back.skipped,
        eventSequence: back.eventSequence,
      };
    }
  }

  async function shipRefused(bot: string, record: JournalRecord): Promise<Shipped> {
    try {
      return await shipAs(bot, [record], ({ payload }) => storableJson(payload));
    } catch (error) {
      if (!isRefusedValue(error)) throw error;
      return await shipAs(bot, [record], ({ payload }) => unreadableJson(payload));
    }
  }

  return {
    migrate: ensureMigrated,
    ship,
    shipLoss: (bot, loss) =>
      transaction(bot, loss.toEventSequence, async (client, offset) => {
        const stored = offset.sequence;
        if (loss.toEventSequence <= stored) return { stored: 0, skipped: 0, eventSequence: stored };
        if (loss.fromEventSequence > stored + 1) throw new LedgerGap(bot, stored + 1, loss.fromEventSequence);
        await client.query('insert into journal_loss values ($1, $2, $3, $4, $5)', [
          bot,
          stored + 1,
          loss.toEventSequence,
          loss.fromSequence,
          loss.toSequence,
        ]);
        // The bookmark names a record that is gone; reading finds its way by the loss in the segment's header.
        await client.query(
          `update journal_offset set sequence = $2, journal_sequence = $3, updated_at = clock_timestamp() where source = $1`,
          [bot, loss.toEventSequence, loss.toSequence],
        );
        return { stored: 0, skipped: 0, eventSequence: loss.toEventSequence };
      }),
    async bookmarkOf(bot) {
      await ensureMigrated();
      return withClient(writers, async (client) => {
        const { rows } = await client.query(
          `select sequence, journal_sequence, segment, "offset" from journal_offset where source = $1`,
          [bot],
        );
        if (rows.length === 0) return null;
        const row = OffsetRow.parse(rows[0]);
        if (row.sequence === 0) return null;
        return {
          position: { segment: row.segment, offset: row.offset },
          sequence: row.journal_sequence,
          eventSequence: row.sequence,
        };
      });
    },
    project: async (eventsMax) => {
      await ensureMigrated();
      return projectNews(projectors, eventsMax);
    },
    rebuild: async () => {
      await ensureMigrated();
      return rebuild(projectors);
    },
    reads: createLedgerReads(readers, log),
    close: async () => void (await Promise.all([writers, projectors, readers].map((pool) => pool.end()))),
  };
}
