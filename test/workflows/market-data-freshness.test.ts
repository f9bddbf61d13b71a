/** Journals of bots on disk, read, judged and written down by the real workflow on a real server and a real Postgres. */
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { createMarketDataActivities } from '../../activities/market-data.ts';
import { RecordKind } from '../../core/events/record.ts';
import type { MarketStreamsEvent } from '../../core/market/stream-report.ts';
import { segmentsIn } from '../../journal/segment.ts';
import { StreamReportReader } from '../../journal/stream-reports.ts';
import type {
  MarketDataFreshnessResult,
  MarketDataFreshnessWorkflow,
} from '../../workflows/market-data-freshness/contract.ts';
import { openBot } from '../ledger/helpers.ts';
import { heardMarket, hearingMarket } from '../support/heard-market.ts';
import { startEvidenceWorld, type EvidenceWorld } from './evidence-world.ts';

const S = 1_000;
const MIN = 60 * S;

let world: EvidenceWorld;
let runs = 0;
beforeAll(async () => void (world = await startEvidenceWorld()));
afterAll(() => world.stop());
beforeEach(() => void (world.bots = []));

/** Each desk has a chain of its own. */
function check(desk: string): Promise<MarketDataFreshnessResult> {
  runs += 1;
  return world.temporal.client.workflow.execute<MarketDataFreshnessWorkflow>('marketDataFreshness', {
    workflowId: `freshness-${runs}`,
    taskQueue: 'desk',
    args: [{ desk, host: 'test' }],
  });
}

/** Among inputs, as a bot writes them. */
async function write(bot: string, told: readonly MarketStreamsEvent[], symbol = 'BTCUSDT', isEnabled = true) {
  const { journal } = await openBot(world.database, bot);
  for (const report of told) {
    for (let i = 0; i < 10; i += 1) journal.append(RecordKind.bookInput, 1, 0, report.toMs, 'a book');
    journal.append(RecordKind.telemetryEvent, 1, 0, report.toMs, JSON.stringify(report));
  }
  await journal.close();
  if (!world.bots.some((one) => one.bot === bot)) world.bots = [...world.bots, { bot, symbol, isEnabled }];
}

const codes = ({ report }: MarketDataFreshnessResult): string[] =>
  report.findings.map(({ code, symbol, stream, bot }) => [code, symbol, stream, bot].filter(Boolean).join(' '));

test('no bot is no pass', async () => {
  const found = await check('empty');
  expect([found.pass, codes(found)]).toEqual([false, ['no_streams']]);
});

test('two bots of one symbol are fresh, and each check looks at what is new', async () => {
  const nowMs = Date.now();
  const first = { fromMs: nowMs - 5 * MIN, toMs: nowMs };
  await write('a1', hearingMarket(first));
  await write('a2', hearingMarket(first));
  await write('a3', hearingMarket({ ...first, symbol: 'ETHUSDT' }), 'ETHUSDT');
  const found = await check('fresh');
  expect([found.pass, codes(found)]).toEqual([true, []]);
  expect(
    found.report.streams.map(({ symbol, stream, listeners }) => `${symbol} ${stream} ${listeners.length}`),
  ).toEqual(
    ['BTCUSDT', 'ETHUSDT'].flatMap((symbol) =>
      ['book', 'trades', 'ticker', 'funding', 'orders', 'positions'].map(
        (stream) => `${symbol} ${stream} ${symbol === 'BTCUSDT' ? 2 : 1}`,
      ),
    ),
  );
  const [record] = await world.evidence.list({ kind: 'market_data_freshness', subject: 'fresh', limit: 1 });
  expect(record).toMatchObject({ rehearsal: [], payload: { pass: true, version: 1 } });
  expect(record!.range.sources).toEqual(['a1', 'a2', 'a3'].map((source) => ({ source, fromSequence: 1, toSequence: 21 }))); // prettier-ignore
  const latest = readFileSync(join(world.reportsDir, 'market_data_freshness', 'latest.json'), 'utf8');
  expect(JSON.parse(latest)).toMatchObject({ pass: true, evidence: { number: record!.number, hash: record!.hash } });

  // The bots go on; one of them stops hearing the book.
  const next = { fromMs: nowMs + 15 * S, toMs: nowMs + 2 * MIN };
  await write('a1', hearingMarket(next));
  await write('a2', hearingMarket({ ...next, silent: [{ stream: 'book', fromMs: nowMs + 60 * S, toMs: Infinity }] }));
  await write('a3', hearingMarket({ ...next, symbol: 'ETHUSDT' }));
  const later = await check('fresh');
  expect([later.pass, codes(later)]).toEqual([false, ['stale BTCUSDT book a2']]);
  const [after] = await world.evidence.list({ kind: 'market_data_freshness', subject: 'fresh', limit: 1 });
  expect(after!.range.fromMs).toBe(record!.range.toMs);
  expect(after!.range.sources[0]).toEqual({ source: 'a1', fromSequence: 22, toSequence: 29 });

  // Nobody said anything since: what was told reaches beyond now, so that nothing is missing yet.
  const idle = await check('fresh');
  expect(idle.report.bots.map(({ listenedMs }) => listenedMs)).toEqual([0, 0, 0]);
  const [none] = await world.evidence.list({ kind: 'market_data_freshness', subject: 'fresh', limit: 1 });
  expect(none!.range.sources[0]).toEqual({ source: 'a1', fromSequence: 30, toSequence: 29 });
});

test('what is silent, repeated or only quiet is told apart', async () => {
  const nowMs = Date.now();
  const range = { fromMs: nowMs - 5 * MIN, toMs: nowMs };
  const from = (stream: 'book' | 'trades' | 'ticker' | 'funding', minutes: number) => ({
    stream,
    fromMs: nowMs - minutes * MIN,
    toMs: Infinity,
  });
  await write('b1', hearingMarket({ ...range, repeated: [from('ticker', 2)] }));
  await write('b2', hearingMarket({ ...range, silent: [from('funding', 5)] }));
  await write('b3', hearingMarket({ ...range, silent: [from('trades', 5)] }));
  const found = await check('silent');
  expect(codes(found)).toEqual(['venue_time_lags BTCUSDT ticker b1', 'never BTCUSDT funding b2']);
});

test('a restart is no silence, and a bot that does not run is no stale stream', async () => {
  const nowMs = Date.now();
  const fromMs = nowMs - 5 * MIN;
  await write('c1', heardMarket({ fromMs, toMs: nowMs - 3 * MIN, isKilled: true }));
  await write('c1', hearingMarket({ fromMs: nowMs - 3 * MIN + 20 * S, toMs: nowMs }));
  await write('c2', heardMarket({ fromMs, toMs: nowMs - 3 * MIN, symbol: 'ETHUSDT' }), 'ETHUSDT');
  await write('c3', [], 'SOLUSDT', false);
  const found = await check('restarted');
  expect([found.pass, codes(found)]).toEqual([false, ['not_listened ETHUSDT']]);
  expect(found.report.bots.map(({ bot, state }) => `${bot} ${state}`)).toEqual([
    'c1 listening',
    'c2 left',
    'c3 disabled',
  ]);
  expect(found.report.findings[0]!.measured).toBeGreaterThanOrEqual(3 * MIN);
  // An operator's stop is still one when nothing is told any more.
  const later = await check('restarted');
  expect(later.report.bots.find(({ bot }) => bot === 'c2')).toMatchObject({ state: 'left', listenedMs: 0 });
  expect(codes(later)).toContain('not_listened ETHUSDT');
});

test('a damaged journal says nothing of its bot, and nothing against the others', async () => {
  const nowMs = Date.now();
  const range = { fromMs: nowMs - 5 * MIN, toMs: nowMs };
  await write('e1', hearingMarket(range));
  await write('e2', hearingMarket({ ...range, symbol: 'ETHUSDT' }), 'ETHUSDT');
  const dir = join(world.database.journalsDir, 'e2');
  const file = openSync(join(dir, segmentsIn(dir)[0]!), 'r+');
  writeSync(file, 'damage', 200);
  closeSync(file);
  world.waitMs = 10 * S;
  const found = await check('damaged');
  world.waitMs = 500;
  expect([found.pass, codes(found)]).toEqual([false, ['not_listened ETHUSDT']]);
  expect(found.report.bots.map(({ state }) => state)).toEqual(['listening', 'unreadable']);
});

test('a check that comes late looks back half an hour, and one before all others five minutes at most', async () => {
  const atMs = Date.now();
  await write('d1', hearingMarket({ fromMs: atMs - 3 * 60 * MIN, toMs: atMs }));
  const reader = new StreamReportReader();
  const hands = createMarketDataActivities({
    bots: () => world.bots,
    read: (bot, wanted) => reader.read(join(world.database.journalsDir, bot), wanted),
    evidence: world.evidence,
    waitMs: 0,
  });
  const known = [{ source: 'd1', sequence: 10 }];
  const told = [{ bot: 'd1', symbol: 'BTCUSDT', toldToMs: atMs - 170 * MIN, state: 'listening' as const }];
  const late = await hands.measureFreshness({ before: { toMs: atMs - 170 * MIN, known, told }, atMs });
  expect(late.fromMs).toBe(atMs - 30 * MIN);
  expect(late.sources).toEqual([{ source: 'd1', fromSequence: 601, toSequence: 721 }]);
  expect(late.bots[0]!.before).toBeNull();
  const first = await hands.measureFreshness({ before: { toMs: null, known: [], told: [] }, atMs });
  expect(first.fromMs).toBe(atMs - 5 * MIN);
  await write('d2', hearingMarket({ fromMs: atMs - MIN, toMs: atMs }));
  world.bots = world.bots.filter(({ bot }) => bot === 'd2');
  const young = await hands.measureFreshness({ before: { toMs: null, known: [], told: [] }, atMs });
  expect(young.fromMs).toBe(atMs - MIN);
});

test('an input that is none fails the workflow at once', async () => {
  const handle = await world.temporal.client.workflow.start('marketDataFreshness', {
    workflowId: 'freshness-wrong',
    taskQueue: 'desk',
    args: [{ desk: 'test', host: 'test', minutes: 5 }],
  });
  await expect(handle.result()).rejects.toMatchObject({ cause: { message: expect.stringContaining('minutes') } });
});
