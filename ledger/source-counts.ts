/** What the event store holds of a source, counted from rows: what retention dropped was stored, and stays counted. */
import type { ClientBase } from 'pg';
import { z } from 'zod';
import { AtMs, SafeInt } from './rows.ts';

export interface SourceCounts {
  /** Rows that are there and rows that retention dropped. */
  readonly storedEvents: number;
  readonly retiredEvents: number;
  /** The last event that retention dropped; 0 before the first. */
  readonly retiredTo: number;
  /** Events that an operator accepted as lost. */
  readonly acceptedLoss: number;
  readonly newestEventAtMs: number | null;
}

const CountRow = z.object({
  stored: SafeInt,
  retired: SafeInt,
  retired_to: SafeInt,
  lost: SafeInt,
  newest: AtMs.nullable(),
});

/** Up to the event `toSequence`, of all time. */
export async function countSource(client: ClientBase, source: string, toSequence: number): Promise<SourceCounts> {
  const { rows } = await client.query(COUNT, [source, toSequence]);
  const { stored, retired, retired_to: retiredTo, lost, newest } = CountRow.parse(rows[0]);
  return {
    storedEvents: stored + retired,
    retiredEvents: retired,
    retiredTo,
    acceptedLoss: lost,
    newestEventAtMs: newest,
  };
}

const COUNT = `
  select (select count(*) from event where source = $1 and sequence <= $2) as stored,
    (select coalesce(sum(events), 0) from event_retired where source = $1) as retired,
    (select coalesce(max(to_sequence), 0) from event_retired where source = $1) as retired_to,
    (select coalesce(sum(least(to_sequence, $2) - from_sequence + 1), 0) from journal_loss
     where source = $1 and from_sequence <= $2) as lost,
    (select at from event where source = $1 and sequence <= $2 order by sequence desc limit 1) as newest`;
