import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type {
  EventStoreIntegrityResult,
  EventStoreIntegrityWorkflow,
} from '../../workflows/event-store-integrity/contract.ts';
import { appendEvents, eventsOf, openBot } from '../ledger/helpers.ts';
import { startEvidenceWorld, type EvidenceWorld } from './evidence-world.ts';

let world: EvidenceWorld;
let runs = 0;
beforeAll(async () => void (world = await startEvidenceWorld()));
afterAll(() => world.stop());

function check(): Promise<EventStoreIntegrityResult> {
  runs += 1;
  return world.temporal.client.workflow.execute<EventStoreIntegrityWorkflow>('eventStoreIntegrity', {
    workflowId: `integrity-${runs}`,
    taskQueue: 'desk',
    args: [{ desk: 'test', host: 'test' }],
  });
}

async function write(bot: string, count: number): Promise<void> {
  const { journal } = await openBot(world.database, bot);
  appendEvents(journal, count, Date.now());
  await journal.close();
}

async function ship(bot: string): Promise<void> {
  await world.database.ledger.ship(bot, await eventsOf(world.database, bot));
}

/** What no role may do: by the owner, with the trigger off. */
async function tamper(sql: string): Promise<void> {
  await world.database.query('alter table event disable trigger event_refuses_change');
  for (const { part } of await world.database.query(
    `select inhrelid::regclass as part from pg_inherits where inhparent = 'event'::regclass`,
  ))
    await world.database.query(`alter table ${part} disable trigger event_refuses_change`);
  await world.database.query(sql);
}

test('no source is no pass', async () => {
  const { pass, report } = await check();
  expect([pass, report.findings]).toEqual([false, [{ code: 'no_sources', source: null, measured: 0, limit: 1 }]]);
});

test('a whole store passes, and each check looks at what is new', async () => {
  await write('bot1', 50);
  await ship('bot1');
  const first = await check();
  expect(first).toMatchObject({ pass: true, report: { max_delta_observed: 0, findings: [] } });
  await write('bot1', 25);
  await ship('bot1');
  await check();
  const [last, before] = await world.evidence.list({ kind: 'event_store_integrity', limit: 2 });
  expect(before!.range.sources).toEqual([{ source: 'bot1', fromSequence: 1, toSequence: 50 }]);
  expect(last!.range.sources).toEqual([{ source: 'bot1', fromSequence: 51, toSequence: 75 }]);
  expect(last!.range.fromMs).toBe(before!.range.toMs);
  expect(last!.rehearsal).toEqual([]);
  const latest = readFileSync(join(world.reportsDir, 'event_store_integrity', 'latest.json'), 'utf8');
  expect(JSON.parse(latest)).toMatchObject({ pass: true, evidence: { number: last!.number, hash: last!.hash } });
});

test('an accepted loss is no gap', async () => {
  const { database } = world;
  await write('bot2', 30);
  const records = await eventsOf(database, 'bot2');
  await database.ledger.ship('bot2', records.slice(0, 10));
  const loss = { fromSequence: 11, toSequence: 20, fromEventSequence: 11, toEventSequence: 20 };
  await database.ledger.shipLoss('bot2', loss);
  await database.ledger.ship('bot2', records.slice(20));
  const { report } = await check();
  const bot2 = report.sources.find(({ source }) => source === 'bot2');
  expect(bot2).toMatchObject({ storedEvents: 20, acceptedLoss: 10, gaps: [], delta: 0 });
  expect(report.pass).toBe(true);
});

test('a day that retention dropped is neither missing nor apart', async () => {
  await write('bot5', 40);
  await ship('bot5');
  await tamper(`delete from event where source = 'bot5' and sequence <= 15`);
  await world.database.query(`insert into event_retired values ('bot5', '2026-01-01', 15, 1, 15)`);
  const { report } = await check();
  expect(report.sources.find(({ source }) => source === 'bot5')).toMatchObject({
    storedEvents: 40,
    gaps: [],
    delta: 0,
  });
  expect(report.pass).toBe(true);
});

test('what somebody took out or made nameless is found, with its numbers', async () => {
  await write('bot3', 40);
  await ship('bot3');
  await tamper(`delete from event where source = 'bot3' and sequence in (7, 8, 9, 20)`);
  await tamper(`update event set correlation_id = '' where source = 'bot3' and sequence = 30`);
  await tamper(`update event set correlation_id = 'bot1-1-5' where source = 'bot3' and sequence = 31`);
  const { pass, report } = await check();
  expect(pass).toBe(false);
  expect(report.findings).toEqual([
    { code: 'gap', source: 'bot3', measured: 4, limit: 0 },
    { code: 'missing_correlation', source: 'bot3', measured: 2, limit: 0 },
  ]);
  expect(report.sources.find(({ source }) => source === 'bot3')?.gaps).toEqual([
    { fromSequence: 7, toSequence: 9 },
    { fromSequence: 20, toSequence: 20 },
  ]);
});

test('what is not shipped in time is missing at the end', async () => {
  await write('bot4', 12);
  const { report } = await check();
  expect(report.sources.find(({ source }) => source === 'bot4')).toMatchObject({
    journalSequence: 12,
    storedEvents: 0,
    gaps: [{ fromSequence: 1, toSequence: 12 }],
    delta: 12,
  });
});
