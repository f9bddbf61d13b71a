/** What the event store holds, counted from its rows: beside a backup, and again in a restored server. */
import type { ClientBase } from 'pg';
import { z } from 'zod';
import { SafeInt } from '../rows.ts';
import type { StoreState } from './manifest.ts';

const SourceRow = z.object({ source: z.string(), events: SafeInt, last: SafeInt });

/** Reads every event's key: about a second for a million. A database that the desk never migrated holds nothing. */
export async function storeState(client: ClientBase): Promise<StoreState> {
  const has = async (table: string): Promise<boolean> => {
    const { rows } = await client.query<{ there: boolean }>('select to_regclass($1) is not null as there', [table]);
    return rows[0]?.there === true;
  };
  const migration = (await has('schema_migration'))
    ? (await client.query<{ name: string }>('select name from schema_migration order by id desc limit 1')).rows[0]?.name
    : undefined;
  const counted = (await has('journal_offset'))
    ? await client.query(
        `select source, count(*) as events, max(sequence) as last from event group by source order by source collate "C"`,
      )
    : { rows: [] };
  const heads = (await has('evidence'))
    ? await client.query('select number, hash from evidence order by number desc limit 1')
    : { rows: [] };
  const [head] = z.array(z.object({ number: SafeInt, hash: z.string() })).parse(heads.rows);
  return {
    migration: migration ?? null,
    sources: z
      .array(SourceRow)
      .parse(counted.rows)
      .map(({ source, events, last }) => ({ source, events, lastSequence: last })),
    evidenceHead: head ?? null,
  };
}

/** What of `state` the database behind `client` does not hold, one line each; empty when it has all of it. More is no fault. */
export async function missingFrom(client: ClientBase, state: StoreState): Promise<string[]> {
  const missing: string[] = [];
  for (const { source, events, lastSequence } of state.sources) {
    const { rows } = await client.query<{ events: string }>(
      'select count(*) as events from event where source = $1 and sequence <= $2',
      [source, lastSequence],
    );
    const found = Number(rows[0]?.events);
    if (found !== events) missing.push(`${source}: expected ${events} events up to ${lastSequence}, was ${found}`);
  }
  if (state.evidenceHead !== null) {
    const { number, hash } = state.evidenceHead;
    const { rows } = await client.query('select from evidence where number = $1 and hash = $2', [number, hash]);
    if (rows.length === 0) missing.push(`evidence: expected record ${number} with hash ${hash}, was missing`);
  }
  return missing;
}
