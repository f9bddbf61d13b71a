/**
 * Standard questions to exported events, through the views of `desk query`. Beside each, in the same run, a bare scan by the
 * same engine over the same files of the columns that the question has to read. The events are made by the engine: a desk's
 * mix of streams and payloads, four bots, a day of each, in files as the export merges them.
 */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { openEngine, sqlText } from '../ledger/analytics/duckdb.ts';
import { eventFile } from '../ledger/analytics/event-files.ts';
import { eventsDirOf } from '../ledger/analytics/parquet-sink.ts';
import { openQueries, type Cell, type EventQueries } from '../ledger/analytics/query.ts';
import { median, ratio, report, rounded } from './support/figures.ts';

const EVENTS = Number(process.env['BENCH_EVENTS'] ?? 10_000_000);
const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 3);
const BOTS = 4;
const FILE_EVENTS = 1_000_000;
const DAY = '2026-03-01';
const MEMORY_MB = 2_048;

/** Of a hundred events 66 are market data, 18 decisions, 12 orders, 3 fills, 1 telemetry. */
const STREAM = `case when n % 100 < 66 then 'hb.market_data.v1' when n % 100 < 84 then 'hb.risk_decision.v1'
  when n % 100 < 96 then 'hb.order.v1' when n % 100 < 99 then 'hb.fill.v1' else 'hb.telemetry.v1' end`;
const PRICE = `(61234.5 + (n * 7919 % 1000) / 10)::decimal(12, 1)`;
const PAYLOAD = `case when n % 100 < 66 then format('{{"bid":"{}","ask":"{}","bidQty":"0.{}","askQty":"1.{}","ageMs":{}}}',
    ${PRICE}, ${PRICE} + 0.1, n % 997, n % 991, n % 40)
  when n % 100 < 84 then format('{{"approved":{},"code":{},"clientOrderId":"bench-{}","notional":"{}"}}',
    n % 4 <> 0, case when n % 4 = 0 then '"rule_' || (n * 31 // 4 % 12) || '"' else 'null' end, n // 50, ${PRICE})
  when n % 100 < 96 then format('{{"type":"order","clientOrderId":"bench-{}","symbol":"BTCUSDT","side":"buy","price":"{}","qty":"0.015","filled":"0","state":"open","closeReason":null,"code":null,"external":false}}',
    n // 50, ${PRICE})
  else format('{{"type":"fill","tradeId":"t{}","clientOrderId":"bench-{}","symbol":"BTCUSDT","side":"{}","leg":"net","price":"{}","qty":"0.015","fee":"0.183703500001","liquidity":"maker","realised":"-0.01","positionAfter":"0.03","external":false}}',
    n, n // 50, case when n % 2 = 0 then 'buy' else 'sell' end, ${PRICE}) end`;

const QUESTIONS = {
  eventsByStream: {
    sql: 'select source, stream, count(*) as events from event group by all order by all',
    bare: 'select max(strlen(source)) + max(strlen(stream)) from event',
  },
  fillsPerBotHour: {
    sql: `select bot, date_trunc('hour', happened_at) as hour, count(*) as fills, sum(notional) as turnover, sum(fee) as fees
      from fills group by all order by all`,
    bare: `select max(strlen(stream)), max(happened_at), sum(strlen(payload::varchar)) from event`,
  },
  topReasons: {
    sql: `select payload->>'code' as code, count(*) as denials from event
      where stream = 'hb.risk_decision.v1' and (payload->>'code') is not null group by all order by 2 desc, 1 limit 10`,
    bare: 'select max(strlen(stream)), sum(strlen(payload::varchar)) from event',
  },
} as const;
type Question = keyof typeof QUESTIONS;

async function makeEvents(dir: string): Promise<void> {
  const engine = await openEngine({ threads: 2, memoryMb: MEMORY_MB });
  const perBot = Math.ceil(EVENTS / BOTS);
  for (let bot = 1; bot <= BOTS; bot += 1)
    for (let from = 1; from <= perBot; from += FILE_EVENTS) {
      const file = eventFile(DAY, `bot${bot}`, from, Math.min(from + FILE_EVENTS - 1, perBot));
      const path = join(eventsDirOf(dir), file.path);
      mkdirSync(dirname(path), { recursive: true });
      await engine.connection.run(
        `copy (select 'bot${bot}' as source, n as sequence, n + n // 3 as journal_sequence, 1::bigint as epoch,
             n as cause_sequence, ${STREAM} as stream,
             make_timestamptz(epoch_us(timestamptz '${DAY} 00:00:00+00') + n * 86400000000 // ${perBot + 1}) as happened_at,
             'bot${bot}-1-' || n as correlation_id, (${PAYLOAD})::json as payload
           from range(${file.from}, ${file.to + 1}) made(n))
         to ${sqlText(path)} (format parquet, compression zstd)`,
      );
    }
  engine.close();
}

async function answer(queries: EventQueries, sql: string): Promise<{ ms: number; rows: (readonly Cell[])[] }> {
  const startedAt = performance.now();
  const all: (readonly Cell[])[] = [];
  for await (const rows of (await queries.ask(sql)).rows()) all.push(...rows);
  return { ms: performance.now() - startedAt, rows: all };
}

const dir = mkdtempSync(join(process.env['BENCH_DIR'] ?? tmpdir(), 'duckdb-query-'));
try {
  await makeEvents(dir);
  const queries = await openQueries(dir, { memoryMb: MEMORY_MB });
  const counted = await answer(queries, 'select count(*), count(distinct source) from event');
  const events = Number(counted.rows[0]?.[0]);
  if (events !== Math.ceil(EVENTS / BOTS) * BOTS) throw new Error(`expected ${EVENTS} events, were ${events}`);
  const names = Object.keys(QUESTIONS) as Question[];
  const took = Object.fromEntries(
    names.map((name) => [name, { asked: [] as number[], bare: [] as number[] }]),
  ) as Record<Question, { asked: number[]; bare: number[] }>;
  const answered: Partial<Record<Question, number>> = {};
  // By turns, so that whatever else the machine does hits them alike; the first turn warms up.
  for (let round = 0; round <= ROUNDS; round += 1)
    for (const name of names) {
      const asked = await answer(queries, QUESTIONS[name].sql);
      const bare = await answer(queries, QUESTIONS[name].bare);
      answered[name] = asked.rows.length;
      if (round === 0) continue;
      took[name].asked.push(asked.ms);
      took[name].bare.push(bare.ms);
    }
  queries.close();
  const files = readdirSync(join(eventsDirOf(dir), DAY)).map((name) => join(eventsDirOf(dir), DAY, name));
  const bytes = files.reduce((sum, file) => sum + statSync(file).size, 0);
  report('duckdb-query', {
    events,
    files: files.length,
    bytesPerEvent: rounded(bytes / events, 1),
    rounds: ROUNDS,
    rows: answered,
    ms: Object.fromEntries(names.map((name) => [name, rounded(median(took[name].asked), 1)])),
    limits: { bareScanMs: Object.fromEntries(names.map((name) => [name, rounded(median(took[name].bare), 1)])) },
    ratios: Object.fromEntries(
      names.map((name) => [`${name}OfBareScan`, ratio(median(took[name].asked), median(took[name].bare))]),
    ),
  });
} finally {
  rmSync(dir, { recursive: true, force: true });
}
