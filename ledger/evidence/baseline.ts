/** What a baseline counts from: the rows themselves, at one instant, and no projection of them. */
import type { Pool } from 'pg';
import { z } from 'zod';
import type { BaselineFreeze } from '../../core/evidence/payloads.ts';
import type { SourceRange } from '../../core/evidence/record.ts';
import { withClient } from '../connect.ts';
import { AtMs, SafeInt } from '../rows.ts';

const CountRow = z.object({
  source: z.string(),
  stream: z.string(),
  events: SafeInt,
  first_sequence: SafeInt,
  last_sequence: SafeInt,
  first_at: AtMs,
  last_at: AtMs,
});

export interface StoredCounts {
  readonly counts: BaselineFreeze['counts'];
  readonly sources: readonly SourceRange[];
  /** Null while nothing is stored. */
  readonly firstAtMs: number | null;
}

/** Reads every row: seconds where there are millions. In the order of sources and streams. */
export async function storedCounts(pool: Pool): Promise<StoredCounts> {
  const rows = await withClient(pool, async (client) => {
    const found = await client.query(
      `select source, stream, count(*) as events, min(sequence) as first_sequence, max(sequence) as last_sequence,
         min(at) as first_at, max(at) as last_at
       from event group by source, stream order by source collate "C", stream collate "C"`,
    );
    return z.array(CountRow).parse(found.rows);
  });
  const sources = new Map<string, SourceRange>();
  for (const { source, first_sequence: first, last_sequence: last } of rows) {
    const { fromSequence = first, toSequence = last } = sources.get(source) ?? {};
    sources.set(source, {
      source,
      fromSequence: Math.min(fromSequence, first),
      toSequence: Math.max(toSequence, last),
    });
  }
  return {
    counts: rows.map(({ source, stream, events, last_sequence: lastSequence, last_at: lastAtMs }) => ({
      source,
      stream,
      events,
      lastSequence,
      lastAtMs,
    })),
    sources: [...sources.values()],
    firstAtMs: rows.length === 0 ? null : Math.min(...rows.map(({ first_at: firstAtMs }) => firstAtMs)),
  };
}
