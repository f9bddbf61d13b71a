/**
 * The event store in Postgres. A bot's events arrive in order and are stored exactly once: its offset row is locked, what
 * lies at or below it is skipped, a gap is refused, and rows and offset become visible together.
 */
import pg from 'pg';
import { z } from 'zod';
import type { Log } from '../core/log.ts';
import { invariant } from '../core/invariant.ts';
import type { JournalBookmark, JournalLoss, JournalRecord } from '../journal/reader.ts';
import { classified, isRefusedValue, LedgerGap, LedgerUnavailable } from './errors.ts';
import { COPY_EVENTS, copyChunks, copyIn, storableJson, streamOf, unreadableJson } from './copy-rows.ts';
import { migrate } from './migrate.ts';
import { createLedgerReads, type LedgerReads } from './reads.ts';
import { SafeInt } from './rows.ts';

/** Rows of one transaction: more gain nothing (see the event-shipping bench), fewer pay for the commit. */
export const SHIP_ROWS_MAX = 10_000;
const CONNECT_TIMEOUT_MS = 5_000;

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
  readonly reads: LedgerReads;
  close(): Promise<void>;
}

const OffsetRow = z.object({
  event_sequence: SafeInt,
  journal_sequence: SafeInt,
  segment: z.string(),
  offset: SafeInt,
});
type OffsetRow = z.infer<typeof OffsetRow>;

export function createLedger({ databaseUrl, migrationsDir, log, connections = 4 }: LedgerOptions): Ledger {
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    application_name: 'desk-ledger',
    max: connections,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    // A shipper whose host died holds its bot's offset row no longer than this.
    idle_in_transaction_session_timeout: 30_000,
    statement_timeout: 60_000,
  });
  // A server that restarts ends idle connections; unheard, that error would end the process.
  pool.on('error', (error) => log.warn('idle Postgres connection lost', { error: error.message }));

  // One that is in use tells its query, too, and the rest of what it says comes when nobody asks any more.
  pool.on('connect', (client) => client.on('error', () => {}));

  let migrated: Promise<void> | null = null;

  /** Runs `work` on a connection of its own. After an error nobody asks what state it is in: it is thrown away. */
  async function withClient<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    let client: pg.PoolClient;
    try {
      client = await pool.connect();
    } catch (error) {
      throw classified(error);
    }
    let failed = true;
    try {
      const result = await work(client);
      failed = false;
      return result;
    } catch (error) {
      throw classified(error);
    } finally {
      client.release(failed);
    }
  }

  function ensureMigrated(): Promise<void> {
    migrated ??= withClient((client) => migrate(client, migrationsDir, log)).catch((error: unknown) => {
      migrated = null;
      throw error;
    });
    return migrated;
  }

  async function lockOffset(client: pg.PoolClient, bot: string): Promise<OffsetRow> {
    const lock = `select event_sequence, journal_sequence, segment, "offset" from journal_offset where bot = $1 for update`;
    let { rows } = await client.query(lock, [bot]);
    if (rows.length === 0) {
      await client.query('insert into journal_offset (bot) values ($1) on conflict do nothing', [bot]);
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
      return await withClient(async (client) => {
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
      const offset = await withClient(async (client) => {
        await client.query('begin');
        const found = await lockOffset(client, bot);
        await client.query('commit');
        return found;
      });
      log.warn('commit with unknown outcome looked up', { bot, reaches, stored: offset.event_sequence });
      if (offset.event_sequence >= reaches) return shipped;
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
    return transaction(bot, last.eventSequence, async (client, offset) => {
      const fresh = records.filter(({ eventSequence }) => eventSequence > offset.event_sequence);
      for (const [index, { eventSequence }] of fresh.entries()) {
        const expected = offset.event_sequence + 1 + index;
        if (eventSequence !== expected) throw new LedgerGap(bot, expected, eventSequence);
      }
      const skipped = records.length - fresh.length;
      if (fresh.length === 0) return { stored: 0, skipped, eventSequence: offset.event_sequence };
      await copyIn(client, COPY_EVENTS, copyChunks(bot, fresh, payloadOf));
      await addTotals(client, bot, fresh);
      await client.query(
        `update journal_offset set event_sequence = $2, journal_sequence = $3, segment = $4, "offset" = $5,
           updated_at = clock_timestamp() where bot = $1`,
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
        const stored = offset.event_sequence;
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
          `update journal_offset set event_sequence = $2, journal_sequence = $3, updated_at = clock_timestamp() where bot = $1`,
          [bot, loss.toEventSequence, loss.toSequence],
        );
        return { stored: 0, skipped: 0, eventSequence: loss.toEventSequence };
      }),
    async bookmarkOf(bot) {
      await ensureMigrated();
      return withClient(async (client) => {
        const { rows } = await client.query(
          `select event_sequence, journal_sequence, segment, "offset" from journal_offset where bot = $1`,
          [bot],
        );
        if (rows.length === 0) return null;
        const row = OffsetRow.parse(rows[0]);
        if (row.event_sequence === 0) return null;
        return {
          position: { segment: row.segment, offset: row.offset },
          sequence: row.journal_sequence,
          eventSequence: row.event_sequence,
        };
      });
    },
    reads: createLedgerReads(pool, log),
    close: () => pool.end(),
  };
}

/** What pages ask for without a scan: counts by stream, and the orders that are not closed. */
async function addTotals(client: pg.PoolClient, bot: string, records: readonly JournalRecord[]): Promise<void> {
  const totals = new Map<string, { events: number; last: JournalRecord }>();
  for (const record of records) {
    const stream = streamOf(record.kind);
    const total = totals.get(stream);
    if (total === undefined) totals.set(stream, { events: 1, last: record });
    else {
      total.events += 1;
      total.last = record;
    }
  }
  const rows = [...totals].map(([stream, { events, last }]) => ({
    stream,
    events,
    last_event_sequence: last.eventSequence,
    last_journal_sequence: last.sequence,
    last_at: new Date(last.atMs).toISOString(),
  }));
  await client.query(
    `insert into stream_total (bot, stream, events, last_event_sequence, last_journal_sequence, last_at)
     select $1, stream, events, last_event_sequence, last_journal_sequence, last_at
     from jsonb_to_recordset($2::jsonb)
       as t(stream text, events bigint, last_event_sequence bigint, last_journal_sequence bigint, last_at timestamptz)
     on conflict (bot, stream) do update set events = stream_total.events + excluded.events,
       last_event_sequence = excluded.last_event_sequence, last_journal_sequence = excluded.last_journal_sequence,
       last_at = excluded.last_at`,
    [bot, JSON.stringify(rows)],
  );
  if (!totals.has('hb.order.v1')) return;
  await client.query(
    `with latest as (
       select distinct on (payload->>'clientOrderId') payload->>'clientOrderId' as id, event_sequence, at, correlation_id, payload
       from event
       where bot = $1 and stream = 'hb.order.v1' and event_sequence between $2 and $3 and payload->>'clientOrderId' is not null
         and payload->>'type' is distinct from 'stop'
       order by payload->>'clientOrderId', event_sequence desc),
     closed as (
       delete from open_order using latest
       where open_order.bot = $1 and client_order_id = latest.id and latest.payload->>'state' = 'closed')
     insert into open_order (bot, client_order_id, event_sequence, at, correlation_id, payload)
     select $1, id, event_sequence, at, correlation_id, payload from latest where payload->>'state' is distinct from 'closed'
     on conflict (bot, client_order_id) do update set event_sequence = excluded.event_sequence, at = excluded.at,
       correlation_id = excluded.correlation_id, payload = excluded.payload`,
    [bot, records[0]?.eventSequence, records.at(-1)?.eventSequence],
  );
}
