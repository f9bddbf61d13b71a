/**
 * What is stored of a journal, held against the journal itself: counted from rows, never from what the shipper remembers.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from 'pg';
import { z } from 'zod';
import { GAPS_LISTED_MAX, type SourceFacts } from '../core/gates/day2/facts.ts';
import { lastSequences } from '../journal/reader.ts';
import { withClient } from './connect.ts';
import { AtMs, SafeInt } from './rows.ts';

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
const CountRow = z.object({
  stored: SafeInt,
  retired: SafeInt,
  retired_to: SafeInt,
  lost: SafeInt,
  missing: SafeInt,
  newest: AtMs.nullable(),
});
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
    const counted = await client.query(COUNT, [source, to, sinceSequence]);
    const { stored, retired, retired_to, lost, missing, newest } = CountRow.parse(counted.rows[0]);
    // What retention dropped was whole when it went.
    const found = await client.query(GAPS, [source, Math.max(sinceSequence, retired_to), to, GAPS_LISTED_MAX]);
    await client.query('commit');
    return {
      source,
      journalSequence: to,
      storedEvents: stored + retired,
      acceptedLoss: lost,
      gaps: z.array(GapRow).parse(found.rows),
      missingCorrelation: missing,
      newestEventAtMs: newest,
    };
  });
}

/** After its deadline what is missing is missing. */
async function caughtUp(pool: Pool, source: string, sequence: number): Promise<void> {
  for (const untilAt = performance.now() + CATCH_UP_MS; performance.now() < untilAt;) {
    const { rows } = await withClient(pool, (client) =>
      client.query('select sequence from journal_offset where source = $1', [source]),
    );
    if (rows.length > 0 && OffsetRow.parse(rows[0]).sequence >= sequence) return;
    await sleep(CATCH_UP_EVERY_MS);
  }
}

// A correlation id names the source, the epoch and an input from before the event.
const COUNT = `
  select (select count(*) from event where source = $1 and sequence <= $2) as stored,
    (select coalesce(sum(events), 0) from event_retired where source = $1) as retired,
    (select coalesce(max(to_sequence), 0) from event_retired where source = $1) as retired_to,
    (select coalesce(sum(least(to_sequence, $2) - from_sequence + 1), 0) from journal_loss
     where source = $1 and from_sequence <= $2) as lost,
    (select count(*) from event where source = $1 and sequence > $3 and sequence <= $2
       and (correlation_id !~ ('^' || source || '-[0-9a-z]+-[0-9a-z]+$') or cause_sequence >= journal_sequence)) as missing,
    (select at from event where source = $1 and sequence <= $2 order by sequence desc limit 1) as newest`;

const GAPS = `
  with seen as (
    select sequence from event where source = $1 and sequence > $2 and sequence <= $3
    union all select $2
    union all select $3 + 1
    union all select to_sequence from journal_loss where source = $1 and to_sequence > $2 and to_sequence <= $3),
  neighbours as (select sequence, lead(sequence) over (order by sequence) as next from seen),
  holes as (select sequence + 1 as first, next - 1 as last from neighbours where next > sequence + 1)
  select first as "fromSequence", last as "toSequence" from holes
  where not exists (
    select from journal_loss l where l.source = $1 and l.from_sequence <= holes.first and l.to_sequence >= holes.last)
  order by first limit $4`;
