import { closeSync, openSync, readdirSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test } from '@jest/globals';
import type { MarketStreamsEvent } from '../../core/market/stream-report.ts';
import { RecordKind } from '../../core/events/record.ts';
import { SILENT } from '../../core/log.ts';
import { JournalDamaged } from '../../journal/errors.ts';
import { openJournal, type Journal } from '../../journal/journal.ts';
import { segmentsIn } from '../../journal/segment.ts';
import { StreamReportReader, type StreamReportsWanted } from '../../journal/stream-reports.ts';
import { heardMarket } from '../support/heard-market.ts';
import { removeTempDirs, tempDir } from './helpers.ts';

afterAll(removeTempDirs);

const T0 = 1_700_000_000_000;
const REPORTS = heardMarket({ fromMs: T0, toMs: T0 + 3_600_000 });
const ALL: StreamReportsWanted = { afterEventSequence: 0, sinceMs: 0, untilMs: 0, waitMs: 0 };

/** Each report among what else a bot writes: inputs, and telemetry of other types. */
function append(journal: Journal, reports: readonly MarketStreamsEvent[], inputs = 20, book = 'a book'): void {
  const write = (kind: RecordKind, atMs: number, payload: string) => journal.append(kind, 1, 0, atMs, payload);
  for (const report of reports) {
    for (let i = 0; i < inputs; i += 1) write(RecordKind.bookInput, report.toMs, book);
    write(RecordKind.telemetryEvent, report.toMs, JSON.stringify({ type: 'TickTimings', market_streams: 1 }));
    write(RecordKind.telemetryEvent, report.toMs, JSON.stringify(report));
    write(RecordKind.controlEvent, report.toMs, JSON.stringify(report));
  }
}

async function write(dir: string, reports: readonly MarketStreamsEvent[], segmentBytes = 16 * 1024): Promise<void> {
  const { journal } = await openJournal({ dir, log: SILENT, segmentBytes });
  append(journal, reports);
  await journal.close();
}

test('what was read once is not read again, over segments and by another reader', async () => {
  const dir = tempDir();
  const first = new StreamReportReader();
  expect(await first.read(dir, ALL)).toEqual({ told: [], fromSequence: 1, toSequence: 0 });
  const found: MarketStreamsEvent[] = [];
  let afterEventSequence = 0;
  for (let from = 0; from < REPORTS.length; from += 50) {
    await write(dir, REPORTS.slice(from, from + 50));
    // A worker that has begun anew knows no place; one that goes on does.
    const reader = from % 100 === 0 ? first : new StreamReportReader();
    const { told, fromSequence, toSequence } = await reader.read(dir, { ...ALL, afterEventSequence });
    if (from > 0) expect(fromSequence).toBe(afterEventSequence + 1);
    expect(toSequence).toBe(3 * Math.min(from + 50, REPORTS.length));
    found.push(...told);
    afterEventSequence = toSequence;
  }
  expect(found).toEqual(REPORTS);
  expect(segmentsIn(dir).length).toBeGreaterThan(5);
  // Nothing new is no range at all.
  const none = await first.read(dir, { ...ALL, afterEventSequence });
  expect(none).toEqual({ told: [], fromSequence: afterEventSequence + 1, toSequence: afterEventSequence });
});

test('what lies before the place where it stopped is not looked at again', async () => {
  const dir = tempDir();
  const { journal } = await openJournal({ dir, log: SILENT });
  append(journal, REPORTS.slice(0, 10));
  await journal.durable();
  const reader = new StreamReportReader();
  const { toSequence: afterEventSequence } = await reader.read(dir, ALL);
  append(journal, REPORTS.slice(10, 20));
  await journal.durable();
  const file = openSync(join(dir, segmentsIn(dir)[0]!), 'r+');
  writeSync(file, 'damage', 200);
  closeSync(file);
  const wanted = { ...ALL, afterEventSequence };
  expect((await reader.read(dir, wanted)).told).toEqual(REPORTS.slice(10, 20));
  await expect(new StreamReportReader().read(dir, { ...wanted, untilMs: Infinity, waitMs: 60_000 })).rejects.toThrow(
    JournalDamaged,
  );
  await journal.close();
});

test('the first reading begins where it is told to, and says so', async () => {
  const dir = tempDir();
  await write(dir, REPORTS);
  const sinceMs = REPORTS.at(-21)!.toMs;
  const { told, fromSequence, toSequence } = await new StreamReportReader().read(dir, { ...ALL, sinceMs });
  expect(told).toEqual(REPORTS.slice(-20));
  // Two of three events of each report are telemetry.
  expect([fromSequence, toSequence]).toEqual([3 * (REPORTS.length - 20) + 1, 3 * REPORTS.length]);
});

test('a place that is gone is found anew, and a journal that was set back is read from where it stands', async () => {
  const dir = tempDir();
  const reader = new StreamReportReader();
  await write(dir, REPORTS.slice(0, 50));
  const { toSequence: afterEventSequence } = await reader.read(dir, ALL);
  await write(dir, REPORTS.slice(50, 100));
  // All but the newest went into the archive.
  for (const segment of segmentsIn(dir).slice(0, -1)) rmSync(join(dir, segment));
  const { told, ...range } = await reader.read(dir, { ...ALL, afterEventSequence });
  expect(told.length).toBeGreaterThan(0);
  expect(told).toEqual(REPORTS.slice(100 - told.length, 100));
  expect(range).toEqual({ fromSequence: afterEventSequence + 1, toSequence: 300 });

  for (const file of readdirSync(dir)) rmSync(join(dir, file));
  await write(dir, REPORTS.slice(100, 110));
  const anew = await reader.read(dir, { ...ALL, afterEventSequence: 300 });
  expect(anew).toEqual({ told: REPORTS.slice(100, 110), fromSequence: 1, toSequence: 30 });
});

test('a report that reaches far enough is waited for, and no longer than allowed', async () => {
  const dir = tempDir();
  const { journal } = await openJournal({ dir, log: SILENT });
  append(journal, REPORTS.slice(0, 1));
  await journal.durable();
  const untilMs = REPORTS[1]!.toMs;
  const reader = new StreamReportReader();
  const waiting = reader.read(dir, { ...ALL, untilMs, waitMs: 60_000 });
  await sleep(50);
  append(journal, REPORTS.slice(1, 2));
  expect((await waiting).told).toEqual(REPORTS.slice(0, 2));
  const inVain = await reader.read(dir, { ...ALL, untilMs: untilMs + 1, waitMs: 30 });
  expect(inVain.told).toEqual(REPORTS.slice(0, 2));
  await journal.close();
});

test('telemetry that is no report of this version says nothing', async () => {
  const dir = tempDir();
  const { journal } = await openJournal({ dir, log: SILENT });
  for (const payload of ['{"type":"market_streams",', '{"type":"market_streams","toMs":"x"}'])
    journal.append(RecordKind.telemetryEvent, 1, 0, T0, payload);
  append(journal, REPORTS.slice(0, 1));
  await journal.close();
  expect((await new StreamReportReader().read(dir, ALL)).told).toEqual(REPORTS.slice(0, 1));
});

test('whoever reads a long journal does other work meanwhile', async () => {
  const dir = tempDir();
  const { journal } = await openJournal({ dir, log: SILENT });
  append(journal, REPORTS, 100, 'a book'.repeat(180));
  await journal.close();
  let turns = 0;
  let isReading = true;
  const turn = (): void => {
    turns += 1;
    if (isReading) setImmediate(turn);
  };
  turn();
  const { told } = await new StreamReportReader().read(dir, ALL);
  isReading = false;
  expect(told).toHaveLength(REPORTS.length);
  // 26 MB, half a megabyte at a time.
  expect(turns).toBeGreaterThan(40);
});
