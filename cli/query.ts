/** `desk query` and `desk analytics`: SQL over the exported events, and the export. */
import type { Command } from 'commander';
import Table from 'cli-table3';
import { analyticsDir } from '../config/home.ts';
import type { Log } from '../core/log.ts';
import { createAnalytics, type SinkReport } from '../ledger/analytics/analytics.ts';
import { openQueries, QueryRefused, type Answer, type Cell } from '../ledger/analytics/query.ts';
import { LedgerUnavailable } from '../ledger/errors.ts';
import type { Context } from './context.ts';
import { databaseUrl } from './database-url.ts';
import { CommandFailure, EXIT, type ExitCode } from './exit-codes.ts';

const FORMATS = ['text', 'json', 'jsonl'];
/** A table for eyes; the other formats print every row. */
const TEXT_ROWS_MAX = 1_000;
const MEMORY_MB = { least: 64, most: 1_000_000 };
/** Unknown table or role: made by migrations that this database has not had. */
const NOT_MIGRATED = ['42P01', '22023', '42704'];

interface QueryFlags {
  readonly output: string;
  readonly memory: string;
  readonly fresh?: true;
}

export function registerQuery(program: Command, context: Context): void {
  program
    .command('query')
    .description(
      'ask the exported events in SQL (DuckDB), read-only: event, orders, fills, positions, bot_snapshot_minute, bot_daily, stream_total',
    )
    .argument('<sql>', 'one SELECT; "show tables" and "describe event" work, too')
    .option('--fresh', 'export what is stored first')
    .option('--memory <mb>', 'MB that the engine may take', '1024')
    .option('-o, --output <format>', `${FORMATS.slice(0, -1).join(', ')} or ${FORMATS.at(-1)}`, 'text')
    .action(async (sql: string, flags: QueryFlags) => process.exit(await query(context, sql, flags)));
  const analytics = program.command('analytics').description('the export of events to Parquet, and to CLICKHOUSE_URL');
  analytics
    .command('ingest')
    .description('export what has been stored since the last time')
    .option('-o, --output <format>', 'text or json', 'text')
    .action(async ({ output }: { output: string }) => process.exit(await ingest(context, output)));
}

async function query(context: Context, sql: string, { output, memory, fresh }: QueryFlags): Promise<ExitCode> {
  checkFormat(output, FORMATS);
  const memoryMb = /^\d{1,7}$/.test(memory) ? Number(memory) : 0;
  if (memoryMb < MEMORY_MB.least || memoryMb > MEMORY_MB.most)
    throw new CommandFailure(
      EXIT.usage,
      `--memory: expected ${MEMORY_MB.least} to ${MEMORY_MB.most} (MB), was "${memory}"`,
    );
  if (fresh === true) for (const report of await exportNow(context)) if (report.outcome !== 'done') complain(report);
  const queries = await openQueries(analyticsDir(context.home), { memoryMb });
  try {
    if (queries.files === 0) console.error('nothing has been exported yet: ./desk analytics ingest');
    await print(await queries.ask(sql), output);
    return EXIT.ok;
  } catch (error) {
    if (error instanceof QueryRefused) throw new CommandFailure(EXIT.usage, error.message);
    throw new CommandFailure(EXIT.failure, error instanceof Error ? error.message : String(error));
  } finally {
    queries.close();
  }
}

async function print(answer: Answer, output: string): Promise<void> {
  if (output === 'text') return printTable(answer);
  const all: Record<string, Cell>[] = [];
  for await (const rows of answer.rows())
    for (const row of rows) {
      const named = Object.fromEntries(answer.columns.map((name, index) => [name, row[index] ?? null]));
      if (output === 'jsonl') console.log(JSON.stringify(named));
      else all.push(named);
    }
  if (output === 'json') console.log(JSON.stringify({ v: 1, data: all }));
}

async function printTable(answer: Answer): Promise<void> {
  const table = new Table({ head: [...answer.columns], style: { head: [], border: [] } });
  let count = 0;
  for await (const portion of answer.rows())
    for (const row of portion) {
      count += 1;
      if (count <= TEXT_ROWS_MAX) table.push(row.map(textOf));
    }
  console.log(table.toString());
  console.log(`${count} rows${count > TEXT_ROWS_MAX ? `, the first ${TEXT_ROWS_MAX} shown: all with -o jsonl` : ''}`);
}

function textOf(cell: Cell): string {
  if (cell === null) return '';
  return typeof cell === 'object' ? JSON.stringify(cell) : String(cell);
}

async function ingest(context: Context, output: string): Promise<ExitCode> {
  checkFormat(output, ['text', 'json']);
  const reports = await exportNow(context);
  if (output === 'json') console.log(JSON.stringify({ v: 1, data: reports }));
  else
    for (const report of reports) {
      const { sink, outcome, events, batches } = report;
      if (outcome === 'done') console.log(`${sink}: ${events} events in ${batches} batches`);
      if (outcome !== 'done' || report.ahead.length > 0) complain(report);
    }
  return reports.some(({ outcome }) => outcome === 'failed') ? EXIT.failure : EXIT.ok;
}

function complain({ sink, outcome, ahead }: SinkReport): void {
  if (outcome === 'busy') console.error(`${sink}: another process exports just now`);
  if (ahead.length > 0) console.error(`${sink}: holds more than the event store of ${ahead.join(', ')}: left alone`);
}

async function exportNow(context: Context): Promise<SinkReport[]> {
  const url = databaseUrl(context);
  if (url === null) throw new CommandFailure(EXIT.unhealthy, 'no database is known: ./desk up');
  const clickhouseUrl = context.env['CLICKHOUSE_URL'];
  const analytics = createAnalytics({
    databaseUrl: url,
    dir: analyticsDir(context.home),
    log: TO_STDERR,
    ...(clickhouseUrl !== undefined && clickhouseUrl !== '' && { clickhouseUrl }),
  });
  try {
    return await analytics.ingest();
  } catch (error) {
    if (error instanceof LedgerUnavailable)
      throw new CommandFailure(EXIT.unhealthy, `${error.message}\n  → ./desk status`);
    if (error instanceof Error && 'code' in error && NOT_MIGRATED.includes(String(error.code)))
      throw new CommandFailure(EXIT.unhealthy, `the database has no event store yet (${error.message})\n  → ./desk up`);
    throw error;
  } finally {
    await analytics.close();
  }
}

/** What an export has to put right, or cannot, is news to whoever asked for it; its usual doings are not. */
const tell = (msg: string, fields: object = {}): void => console.error(msg, JSON.stringify(fields));
const TO_STDERR: Log = { info: () => {}, warn: tell, error: tell };

function checkFormat(output: string, known: readonly string[]): void {
  if (!known.includes(output))
    throw new CommandFailure(EXIT.usage, `--output: expected one of ${known.join(', ')}, was "${output}"`);
}
