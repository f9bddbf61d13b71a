/** What a journal and the event store say of one source, each by itself, to be held against the other. */
import { readJournal } from '../../journal/reader.ts';
import type { TestDesk } from '../support/desk.ts';

export interface SourceCount {
  /** Records, events, and the sum of the events' record numbers. */
  readonly records: number;
  readonly events: number;
  readonly checksum: number;
  /** Numbers that are missing, twice or out of order. */
  readonly broken: number;
}

/** Reads all of it; damage is an error. */
export async function countJournal(dir: string): Promise<SourceCount> {
  let [records, events, checksum, broken] = [0, 0, 0, 0];
  for await (const { sequence, eventSequence } of readJournal(dir)) {
    records += 1;
    if (sequence !== records) broken += 1;
    if (eventSequence === 0) continue;
    events += 1;
    checksum += sequence;
    if (eventSequence !== events) broken += 1;
  }
  return { records, events, checksum, broken };
}

/** `numbered`: each payload says its own number as `n`. */
export async function countStored(
  desk: TestDesk,
  source: string,
  numbered: boolean,
): Promise<Omit<SourceCount, 'records'>> {
  const [row] = await desk.query<Record<'events' | 'numbers' | 'last' | 'checksum' | 'wrong' | 'at', string>>(
    `select count(*) as events, count(distinct sequence) as numbers, coalesce(max(sequence), 0) as last,
       coalesce(sum(journal_sequence), 0) as checksum,
       count(*) filter (where $2 and (payload->>'n')::bigint is distinct from sequence) as wrong,
       coalesce((select sequence from journal_offset where source = $1), 0) as at
     from event where source = $1`,
    [source, numbered],
  );
  if (row === undefined) throw new Error('a count is one row');
  const { events, numbers, last, checksum, wrong, at } = Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name, Number(value)]),
  ) as Record<keyof typeof row, number>;
  return { events, checksum, broken: wrong + (events - numbers) + (last - numbers) + Math.abs(at - last) };
}

const PROJECTIONS = ['orders', 'fills', 'positions', 'bot_snapshot_minute', 'bot_daily', 'stream_total'];

/** Rows and fingerprint of each projection, in whatever order its rows lie. */
export async function projectionPrints(desk: TestDesk): Promise<Record<string, string>> {
  const prints: Record<string, string> = {};
  for (const table of PROJECTIONS) {
    const [row] = await desk.query<{ print: string }>(
      `select count(*) || ' ' || coalesce(md5(string_agg(row::text, '|' order by row::text)), '') as print from ${table} as row`,
    );
    prints[table] = row?.print ?? '';
  }
  return prints;
}
