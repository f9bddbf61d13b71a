/** What the exported files say, and the same of the store. */
import { openQueries, type Cell } from '../../../ledger/analytics/query.ts';
import type { TestDatabase } from '../helpers.ts';

export async function ask(dir: string, sql: string): Promise<Record<string, Cell>[]> {
  const queries = await openQueries(dir, { memoryMb: 512 });
  try {
    const answer = await queries.ask(sql);
    const all: Record<string, Cell>[] = [];
    for await (const portion of answer.rows())
      for (const row of portion)
        all.push(Object.fromEntries(answer.columns.map((name, index) => [name, row[index] ?? null])));
    return all;
  } finally {
    queries.close();
  }
}

/** Counts, sums, and one hash of every field of every event in order. */
const told = (at: string, hugeint: string) => `
  select count(*)::text as events, count(distinct sequence)::text as distinct_events,
    sum(sequence)::text as sequences, sum(journal_sequence)::text as journal_sequences,
    sum(${at})::text as times, sum(length(payload::text))::text as payload_chars,
    sum((payload->>'n')::${hugeint})::text as told,
    md5(string_agg(concat_ws('|', sequence, journal_sequence, epoch, cause_sequence, stream, ${at}, correlation_id,
      payload::text), ';' order by sequence)) as hash
  from event where source = `;

export async function exportedOf(dir: string, source: string) {
  return (await ask(dir, `${told('epoch_us(happened_at)', 'hugeint')} '${source}'`))[0];
}

export async function storedOf(database: TestDatabase, source: string) {
  const at = '(extract(epoch from at) * 1000000)::bigint';
  return (await database.query(`${told(at, 'numeric')} '${source}'`))[0];
}
