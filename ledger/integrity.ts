/**
 * What is stored of a journal, held against the journal itself: counted from rows, never from what the shipper remembers.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClientBase, Pool } from 'pg';
import { z } from 'zod';
import { GAPS_LISTED_MAX, type SourceFacts } from '../core/gates/day2/facts.ts';
import { lastSequences } from '../journal/reader.ts';
import { withClient } from './connect.ts';
import { SafeInt } from './rows.ts';
import { countSource } from './source-counts.ts';

export interface SourceToMeasure {
  readonly source: string;
  readonly journalDir: string;
  /** Looked at before: gaps and missing correlation ids are searched for after it. */
  readonly sinceSequence: number;
}

/** Events on their way are waited for this long: a store that is in step is whole well within it. */
const CATCH_UP_MS = 15_000;
const CATCH_UP_EVERY_MS = 200;

const OffsetRow = z.object({ sequence: SafeInt });
const MissingRow = z.object({ missing: SafeInt });
const GapRow = z.object({ fromSequence: SafeInt, toSequence: SafeInt });

/** Throws `LedgerUnavailable`, and what reading a damaged journal throws. */
export async function measureSource(
  pool: Pool,
  { source, journalDir, sinceSequence }: SourceToMeasure,
): Promise<SourceFacts> {
  // The journal first: what is written meanwhile is then not missing.
  const { eventSequence: to } = await lastSequences(journalDir);
  await caughtUp(pool, source, to);
  return withClient(pool, async (client) => {
    // All counts of one instant.
    await client.query('begin isolation level repeatable read read only');
    const { storedEvents, retiredTo, acceptedLoss, newestEventAtMs } = await countSource(client, source, to);
    const found = await searchGaps(client, source, { since: sinceSequence, retiredTo, to });
    await client.query('commit');
    return {
      source,
      journalSequence: to,
      storedEvents,
      acceptedLoss,
      ...found,
      newestEventAtMs,
    };
  });
}

/** Behind the event `since` and up to `to`: what has no row and was not accepted as lost, and rows without a correlation id. */
export async function searchGaps(
  client: ClientBase,
  source: string,
  { since, retiredTo, to }: { since: number; retiredTo: number; to: number },
): Promise<Pick<SourceFacts, 'gaps' | 'missingCorrelation'>> {
  const uncorrelated = await client.query(MISSING_CORRELATION, [source, since, to]);
  // What retention dropped was whole when it went.
  const found = await client.query(GAPS, [source, Math.max(since, retiredTo), to, GAPS_LISTED_MAX]);
  return {
    gaps: z.array(GapRow).parse(found.rows),
    missingCorrelation: MissingRow.parse(uncorrelated.rows[0]).missing,
  };
}

/** Waits for the shipper. After its deadline what is missing is missing. */
export async function caughtUp(pool: Pool, source: string, sequence: number): Promise<void> {
  for (const untilAt = performance.now() + CATCH_UP_MS; performance.now() < untilAt;) {
    const { rows } = await withClient(pool, (client) =>
      client.query('select sequence from journal_offset where source = $1', [source]),
    );
    if (rows.length > 0 && OffsetRow.parse(rows[0]).sequence >= sequence) return;
    await sleep(CATCH_UP_EVERY_MS);
  }
}

// A correlation id names the source, the epoch and an input from before the event.
const MISSING_CORRELATION = `
  select count(*) as missing from event where source = $1 and sequence > $2 and sequence <= $3
    and (correlation_id !~ ('^' || source || '-[0-9a-z]+-[0-9a-z]+$') or cause_sequence >= journal_sequence)`;

// What is neither a row nor accepted as lost, run by run. A loss is a range, and rows may be missing right beside it.
const GAPS = `
  with known as (
    select sequence as low, sequence as high from event where source = $1 and sequence > $2 and sequence <= $3
    union all select from_sequence, to_sequence from journal_loss
      where source = $1 and to_sequence > $2 and from_sequence <= $3
    union all select $3::bigint + 1, $3::bigint + 1),
  steps as (
    select low, coalesce(max(high) over (order by low rows between unbounded preceding and 1 preceding), $2) as reached
    from known)
  select reached + 1 as "fromSequence", low - 1 as "toSequence" from steps where low > reached + 1
  order by low limit $4`;
