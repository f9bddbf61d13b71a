/** What the store tells a restart snapshot, counted from rows; and the snapshots as files. */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Pool } from 'pg';
import type { RestartSnapshot } from '../../core/recovery/snapshot.ts';
import { SILENT } from '../../core/log.ts';
import { createPool } from '../../ledger/connect.ts';
import { createEvidenceStore } from '../../ledger/evidence/store.ts';
import { measureSource } from '../../ledger/integrity.ts';
import { readChainEnd, readLastIntegrity, readOffsets, readSource } from '../../ledger/recovery.ts';
import { readSnapshots, unjudged, writeSnapshot } from '../../ledger/recovery-snapshots.ts';
import { startDatabase, writeEvents, type TestDatabase } from './helpers.ts';

const TIMEOUT_MS = 180_000;
let database: TestDatabase;
let pool: Pool;
let writers: Pool;

beforeAll(async () => {
  database = await startDatabase();
  const poolOf = (role: 'desk_reader' | 'desk_writer'): Pool =>
    createPool({ databaseUrl: database.url, role, connections: 2, log: SILENT });
  [pool, writers] = [poolOf('desk_reader'), poolOf('desk_writer')];
  await database.ledger.ship('bot1', await writeEvents(database, 'bot1', 100));
}, TIMEOUT_MS);
afterAll(async () => {
  await Promise.all([pool.end(), writers.end()]);
  await database.remove();
}, TIMEOUT_MS);

async function storeOf(checks: 'since_baseline' | 'absolute' | null) {
  const [offsets, { baseline }] = [await readOffsets(pool), await readChainEnd(pool)];
  return readSource(pool, { source: 'bot1', eventSequence: 100, offset: offsets.get('bot1'), baseline, checks });
}

test(
  'a whole store, and who wrote none',
  async () => {
    expect(await storeOf('absolute')).toMatchObject({
      eventOffset: 100,
      recordOffset: 120,
      storedEvents: 100,
      retiredEvents: 0,
      acceptedLoss: 0,
      lackingAtBaseline: 0,
      streams: [
        { stream: 'hb.market_data.v1', events: 50, lastSequence: 99 },
        { stream: 'hb.order.v1', events: 50, lastSequence: 100 },
      ],
      checks: { gaps: [], missingCorrelation: 0 },
    });
    expect(await readChainEnd(pool)).toEqual({ head: null, baseline: null });
    expect(await readLastIntegrity(pool)).toBeNull();
  },
  TIMEOUT_MS,
);

test(
  'what retention dropped was stored: doctor, integrity check and snapshot count it alike',
  async () => {
    await tamper('delete from event where sequence <= 10');
    await database.query(`insert into event_retired (source, day, events, from_sequence, to_sequence) values ('bot1', '2023-11-14', 10, 1, 10)`); // prettier-ignore
    const journalDir = join(database.journalsDir, 'bot1');
    expect(await database.ledger.reads.sourceVersusStored({ bot: 'bot1', journalDir })).toEqual({
      bot: 'bot1',
      sourceEventSequence: 100,
      storedEvents: 100,
      lostEvents: 0,
      missingEvents: 0,
    });
    expect(await measureSource(pool, { source: 'bot1', journalDir, sinceSequence: 0 })).toMatchObject({ storedEvents: 100, gaps: [] }); // prettier-ignore
    expect(await storeOf('absolute')).toMatchObject({ storedEvents: 100, retiredEvents: 10, checks: { gaps: [] } });
  },
  TIMEOUT_MS,
);

test(
  'rows that go missing are gaps; a baseline takes those of before, and only those',
  async () => {
    await tamper('delete from event where sequence in (20, 21, 22)');
    expect(await storeOf('since_baseline')).toMatchObject({ storedEvents: 97, lackingAtBaseline: 0, checks: { gaps: [{ fromSequence: 20, toSequence: 22 }] } }); // prettier-ignore
    const store = createEvidenceStore({ pool: writers, headsFile: null, log: SILENT });
    const record = (kind: 'baseline_freeze' | 'event_store_integrity', rehearsal: string[], payload: object) =>
      store.append({
        key: `${kind}/${rehearsal.length}`,
        kind,
        subject: 'local',
        atMs: Date.now(),
        workflow: null,
        range: { fromMs: 1, toMs: 2, sources: [] },
        venue: 'bitget-simulator',
        account: null,
        dataSource: 'simulator',
        rehearsal,
        codeVersion: 'd8239e7a1b2c',
        configHash: '0123456789abcdef',
        releaseId: null,
        payload: { ...payload },
      });
    const counts = [
      { source: 'bot1', stream: 'hb.market_data.v1', events: 44, lastSequence: 99, lastAtMs: 1 },
      { source: 'bot1', stream: 'hb.order.v1', events: 43, lastSequence: 100, lastAtMs: 1 },
    ];
    const { number } = await record('baseline_freeze', [], { operator: 'ada', reason: 'test', counts });
    expect(await readChainEnd(pool)).toMatchObject({ head: { number }, baseline: { number } });
    expect(await storeOf('since_baseline')).toMatchObject({ lackingAtBaseline: 3, checks: { gaps: [] } });
    expect(await storeOf('absolute')).toMatchObject({ checks: { gaps: [{ fromSequence: 20, toSequence: 22 }] } });
    expect(await storeOf(null)).toMatchObject({ checks: null });

    const sources = [{ source: 'bot1', journalSequence: 100, storedEvents: 97, acceptedLoss: 0 }];
    await record('event_store_integrity', [], { sources });
    await record('event_store_integrity', ['made up'], { sources: [{ ...sources[0]!, journalSequence: 9_999 }] });
    expect(await readLastIntegrity(pool)).toMatchObject({
      what: 'event_store_integrity',
      counters: [
        { source: 'bot1', counter: 'journal_events', value: 100 },
        { source: 'bot1', counter: 'stored_events', value: 97 },
        { source: 'bot1', counter: 'accepted_loss', value: 0 },
      ],
    });
  },
  TIMEOUT_MS,
);

test('snapshots: the last judged one and all behind it count; what is no snapshot is told; the oldest go', () => {
  const dir = join(database.root, 'recovery');
  const at = (atMs: number, label: RestartSnapshot['label']): RestartSnapshot => ({
    version: 1,
    label,
    atMs,
    codeVersion: 'x',
    storeUnread: null,
    sources: [],
    evidence: { stored: null, kept: null },
    baseline: null,
  });
  expect(readSnapshots(dir)).toEqual({ snapshots: [], unreadable: [] });
  for (const [atMs, label] of [
    [1, 'pre_restart'],
    [2, 'post_restart'],
    [3, 'post_restart'],
    [4, 'pre_restart'],
    [5, 'pre_restart'],
  ] as const)
    // prettier-ignore
    writeSnapshot(dir, at(atMs, label));
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, '20200101T000000.000Z_pre_restart.json'), '{"version":1');
  writeFileSync(join(dir, 'torn.json.1.draft'), '{');
  const { snapshots, unreadable } = readSnapshots(dir);
  expect(unreadable).toHaveLength(1);
  expect(unjudged(snapshots).map(({ snapshot }) => snapshot.atMs)).toEqual([3, 4, 5]);
  expect(unjudged(snapshots.slice(0, 1)).map(({ snapshot }) => snapshot.atMs)).toEqual([1]);
  for (let atMs = 6; atMs <= 60; atMs += 1) writeSnapshot(dir, at(atMs, 'pre_restart'));
  expect(readdirSync(dir)).toHaveLength(50);
  expect(readSnapshots(dir).snapshots.at(-1)?.snapshot.atMs).toBe(60);
});

/** As the owner, past the triggers that keep everybody from it. */
async function tamper(sql: string): Promise<void> {
  await database.query('alter table event disable trigger all');
  await database.query(sql);
  await database.query('alter table event enable trigger all');
}
