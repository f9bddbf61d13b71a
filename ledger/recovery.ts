/** The event store's and the chain's part of a restart snapshot. Read-only. */
import type { ClientBase, Pool } from 'pg';
import { z } from 'zod';
import { EvidenceHead } from '../core/evidence/record.ts';
import type { Counter, Known, StorePart } from '../core/recovery/snapshot.ts';
import type { DeltaMode } from '../core/recovery/verdict.ts';
import { withClient } from './connect.ts';
import { searchGaps } from './integrity.ts';
import { SafeInt } from './rows.ts';
import { countSource } from './source-counts.ts';

const OffsetRow = z.object({ source: z.string(), sequence: SafeInt, journal_sequence: SafeInt });
const StreamRow = z.object({ stream: z.string(), events: SafeInt, last: SafeInt });
const ConsumerRow = z.object({ consumer: z.string(), sequence: SafeInt });
const NumberRow = z.object({ number: SafeInt, hash: z.string() });
const BaselineRow = z.object({ number: SafeInt, payload: z.string(), record: z.string() });
const BaselineFacts = z.object({
  counts: z.array(z.object({ source: z.string(), events: z.int(), lastSequence: z.int() })),
});
const IntegrityRow = z.object({ payload: z.string(), record: z.string() });
const Recorded = z.object({ atMs: z.int(), rehearsal: z.array(z.string()) });
const IntegrityFigures = z.object({
  sources: z.array(
    z.object({ source: z.string(), journalSequence: z.int(), storedEvents: z.int(), acceptedLoss: z.int() }),
  ),
});

/** By source: the last stored event and its record. */
export type StoreOffsets = ReadonlyMap<string, { readonly event: number; readonly record: number }>;

export interface BaselineKnown {
  readonly number: number;
  readonly atMs: number;
  /** By source, counted when it was frozen. */
  readonly counts: ReadonlyMap<string, { readonly events: number; readonly lastSequence: number }>;
}

/** To be read before the journals: what is stored was in them. */
export function readOffsets(pool: Pool): Promise<StoreOffsets> {
  return withClient(pool, async (client) => {
    const { rows } = await client.query('select source, sequence, journal_sequence from journal_offset');
    return new Map(
      z
        .array(OffsetRow)
        .parse(rows)
        .map(({ source, sequence, journal_sequence: record }) => [source, { event: sequence, record }]),
    );
  });
}

/** The chain's end, and the last baseline that a person froze. */
export function readChainEnd(pool: Pool): Promise<{ head: EvidenceHead | null; baseline: BaselineKnown | null }> {
  return withClient(pool, async (client) => {
    const heads = await client.query('select number, hash from evidence order by number desc limit 1');
    const [head] = z.array(NumberRow).parse(heads.rows);
    const [frozen] = z.array(BaselineRow).parse(await newest(client, 'baseline_freeze', 1));
    return {
      head: head === undefined ? null : EvidenceHead.parse(head),
      baseline: frozen === undefined ? null : baselineOf(frozen),
    };
  });
}

/** What the last integrity check knew; null before the first, and rehearsals know nothing. */
export function readLastIntegrity(pool: Pool): Promise<Known | null> {
  return withClient(pool, async (client) => {
    for (const { payload, record } of z.array(IntegrityRow).parse(await newest(client, 'event_store_integrity', 20))) {
      const { atMs, rehearsal } = Recorded.parse(JSON.parse(record));
      if (rehearsal.length > 0) continue;
      const { sources } = IntegrityFigures.parse(JSON.parse(payload));
      const counters = sources.flatMap(({ source, journalSequence, storedEvents, acceptedLoss }): Counter[] => [
        { source, counter: 'journal_events', value: journalSequence },
        { source, counter: 'stored_events', value: storedEvents },
        { source, counter: 'accepted_loss', value: acceptedLoss },
      ]);
      return { what: 'event_store_integrity', atMs, counters };
    }
    return null;
  });
}

export interface SourceToRead {
  readonly source: string;
  /** Of its journal. */
  readonly eventSequence: number;
  readonly offset: { readonly event: number; readonly record: number } | undefined;
  readonly baseline: BaselineKnown | null;
  /** Look for gaps and missing correlation ids: behind the baseline, or from the first event on (a second for a million). */
  readonly checks: DeltaMode | null;
}

export function readSource(
  pool: Pool,
  { source, eventSequence, offset, baseline, checks: wanted }: SourceToRead,
): Promise<StorePart> {
  const to = Math.max(eventSequence, offset?.event ?? 0);
  return withClient(pool, async (client) => {
    // All counts of one instant.
    await client.query('begin isolation level repeatable read read only');
    const { storedEvents, retiredEvents, retiredTo, acceptedLoss } = await countSource(client, source, to);
    const streams = await client.query(
      `select stream, count(*) as events, max(sequence) as last from event where source = $1 and sequence <= $2
       group by stream order by stream collate "C"`,
      [source, to],
    );
    const consumers = await client.query(
      'select consumer, sequence from consumer_offset where source = $1 order by consumer collate "C"',
      [source],
    );
    const lackingAtBaseline = await lackingAt(client, source, baseline);
    const since = wanted === 'absolute' ? 0 : (baseline?.counts.get(source)?.lastSequence ?? 0);
    const checks = wanted === null ? null : await searchGaps(client, source, { since, retiredTo, to });
    await client.query('commit');
    return {
      eventOffset: offset?.event ?? 0,
      recordOffset: offset?.record ?? 0,
      storedEvents,
      retiredEvents,
      acceptedLoss,
      lackingAtBaseline,
      streams: z
        .array(StreamRow)
        .parse(streams.rows)
        .map(({ stream, events, last }) => ({ stream, events, lastSequence: last })),
      consumers: z.array(ConsumerRow).parse(consumers.rows),
      checks,
    };
  });
}

/** Numbers up to the last stored one that had no row when the baseline was frozen, without what was accepted or retired by then. */
async function lackingAt(client: ClientBase, source: string, baseline: BaselineKnown | null): Promise<number> {
  const counted = baseline?.counts.get(source);
  if (baseline === null || counted === undefined) return 0;
  const { rows } = await client.query(
    `select (select coalesce(sum(events), 0) from event_retired where source = $1 and retired_at <= $2) +
       (select coalesce(sum(least(to_sequence, $3) - from_sequence + 1), 0) from journal_loss
        where source = $1 and from_sequence <= $3 and noted_at <= $2) as accounted`,
    [source, new Date(baseline.atMs), counted.lastSequence],
  );
  const [{ accounted }] = z.tuple([z.object({ accounted: SafeInt })]).parse(rows);
  return counted.lastSequence - counted.events - accounted;
}

function baselineOf({ number, payload, record }: z.infer<typeof BaselineRow>): BaselineKnown {
  const counts = new Map<string, { events: number; lastSequence: number }>();
  for (const { source, events, lastSequence } of BaselineFacts.parse(JSON.parse(payload)).counts) {
    const known = counts.get(source) ?? { events: 0, lastSequence: 0 };
    counts.set(source, {
      events: known.events + events,
      lastSequence: Math.max(known.lastSequence, lastSequence),
    });
  }
  return { number, atMs: Recorded.pick({ atMs: true }).parse(JSON.parse(record)).atMs, counts };
}

async function newest(client: ClientBase, kind: string, limit: number): Promise<unknown[]> {
  const { rows } = await client.query<Record<string, unknown>>(
    'select number, record, payload_text as payload from evidence where kind = $1 order by number desc limit $2',
    [kind, limit],
  );
  return rows;
}
