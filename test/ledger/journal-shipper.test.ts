import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { SILENT } from '../../core/log.ts';
import { openJournal } from '../../journal/journal.ts';
import { createJournalShipper, type JournalShipper } from '../../ledger/journal-shipper.ts';
import {
  appendEvents,
  eventsOf,
  MIGRATIONS_DIR,
  openBot,
  programOf,
  startDatabase,
  storedExactly,
  storedOf,
  writeEvents,
} from './helpers.ts';
import type { TestDatabase } from './helpers.ts';

let database: TestDatabase;
beforeAll(async () => (database = await startDatabase()));
afterAll(() => database.remove());

const started: JournalShipper[] = [];
afterEach(async () => {
  for (const shipper of started.splice(0)) await shipper.stop();
});

function shipperOf(bots: readonly string[]): JournalShipper {
  const { ledger, journalsDir } = database;
  const shipper = createJournalShipper({ ledger, journalsDir, bots: () => bots, log: SILENT, pollMs: 5 });
  started.push(shipper);
  return shipper;
}

async function until(what: string, holds: () => boolean): Promise<void> {
  const deadline = performance.now() + 30_000;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`never came: ${what}`);
    await sleep(5);
  }
}

test('several bots that go on writing, over segments, are stored as they are written', async () => {
  const bots = ['one', 'two', 'three'];
  const journals = await Promise.all(bots.map((bot) => openBot(database, bot, 16 * 1024)));
  const shipper = shipperOf(bots);
  shipper.start();
  for (let round = 0; round < 20; round += 1) {
    for (const { journal } of journals) appendEvents(journal, 50);
    await sleep(3);
  }
  for (const { journal } of journals) await journal.close();
  await shipper.drain(20_000);
  for (const bot of bots) expect(await storedOf(database, bot)).toEqual(storedExactly(1000));
  expect(shipper.status()['two']).toMatchObject({
    shippedEventSequence: 1000,
    journalEventSequence: 1000,
    lagEvents: 0,
    lastError: null,
  });
  await shipper.stop();
  for (const bot of bots) {
    const compared = await database.ledger.reads.sourceVersusStored({
      bot,
      journalDir: join(database.journalsDir, bot),
    });
    expect(compared).toMatchObject({ sourceEventSequence: 1000, storedEvents: 1000, missingEvents: 0 });
  }
});

test('with Postgres away trading goes on, the lag shows, and all of it arrives after', async () => {
  const { journal } = await openBot(database, 'patient');
  const shipper = shipperOf(['patient']);
  shipper.start();
  appendEvents(journal, 100);
  await journal.durable();
  await shipper.drain(10_000);
  let waitedMs = 0;
  await database.restart(async () => {
    appendEvents(journal, 400);
    await journal.durable();
    await until('a lag of 400 events, and why', () => {
      const { lagEvents, lastError } = shipper.status()['patient'] ?? {};
      return lagEvents === 400 && lastError?.includes('LedgerUnavailable') === true;
    });
    await expect(shipper.drain(50)).rejects.toThrow('patient');
    const ageOf = () => shipper.status()['patient']?.storedAgeMs ?? 0;
    const before = ageOf();
    await until('a wait that grows', () => ageOf() > before + 100);
    waitedMs = ageOf();
  });
  await journal.close();
  await shipper.drain(20_000);
  expect(await storedOf(database, 'patient')).toEqual(storedExactly(500));
  await until('no wait any more', () => (shipper.status()['patient']?.storedAgeMs ?? Infinity) < waitedMs);
  await shipper.stop();
});

test('shippers killed at random instants, two at a time, store each event once', async () => {
  const { journal } = await openBot(database, 'killed', 64 * 1024);
  const start = await programOf('shipping-program.ts', database.root);
  const program = () => start([database.url, database.journalsDir, MIGRATIONS_DIR]);
  for (let kill = 0; kill < 8; kill += 1) {
    const shippers = [program(), program()];
    const exits = shippers.map((child) => once(child, 'exit'));
    for (let burst = 0; burst < 12; burst += 1) {
      appendEvents(journal, 100);
      await sleep(10 + ((kill * 7 + burst) % 13));
    }
    for (const child of shippers) child.kill('SIGKILL');
    await Promise.all(exits);
    // Nothing is stored that the journal could not show.
    const { last = 0 } = await storedOf(database, 'killed');
    expect(last).toBeLessThanOrEqual((await eventsOf(database, 'killed')).length);
  }
  await journal.close();
  const shipper = shipperOf(['killed']);
  shipper.start();
  await shipper.drain(20_000);
  await shipper.stop();
  expect(await storedOf(database, 'killed')).toEqual(storedExactly(9600));
});

test('a bot whose journal is not the one that was stored stops alone', async () => {
  await writeEvents(database, 'sound', 10);
  await writeEvents(database, 'swapped', 10);
  await database.query(`insert into journal_offset values ('swapped', 5, 5, '0000000000000001.journal', 50)`);
  const shipper = shipperOf(['swapped', 'sound']);
  shipper.start();
  await until('an error', () => (shipper.status()['swapped']?.lastError ?? null) !== null);
  await until('the other one', () => shipper.status()['sound']?.shippedEventSequence === 10);
  expect(shipper.status()['swapped']?.lastError).toContain('JournalMismatch');
  await shipper.stop();
  expect((await storedOf(database, 'swapped'))['rows']).toBe(0);
});

test.each([
  ['stored up to before it', 'before', 30],
  ['stored into it', 'into', 70],
])('damage whose loss was accepted is stored as a loss: %s', async (_name, bot, storedBefore) => {
  const records = await writeEvents(database, bot, 100);
  await database.ledger.ship(bot, records.slice(0, storedBefore));
  const dir = join(database.journalsDir, bot);
  const bad = records[50];
  if (bad === undefined) throw new Error('no record');
  const path = join(dir, bad.position.segment);
  const bytes = readFileSync(path);
  writeFileSync(path, bytes.fill(0xff, bad.position.offset + 50, bad.position.offset + 54));
  const { journal } = await openJournal({ dir, log: SILENT, segmentBytes: 256 * 1024, acknowledgeDamage: true });
  const nextEvent = journal.nextEventSequence;
  expect(nextEvent).toBeGreaterThan(100);
  appendEvents(journal, 20);
  await journal.close();
  for (let again = 0; again < 2; again += 1) {
    const shipper = shipperOf([bot]);
    shipper.start();
    await shipper.drain(10_000);
    await shipper.stop();
  }
  const first = Math.max(50, storedBefore);
  expect(await storedOf(database, bot)).toMatchObject({ rows: first + 20, offset: nextEvent + 19, wrong: 0 });
  const compared = await database.ledger.reads.sourceVersusStored({ bot, journalDir: dir });
  expect(compared).toMatchObject({ lostEvents: nextEvent - 1 - first, missingEvents: 0 });
});
