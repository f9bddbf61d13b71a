import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import { readScenario } from '../../config/rehearsals.ts';
import { oracleOf } from '../../core/gates/day2/oracle.ts';
import type { Day2Report } from '../../core/gates/day2/report.ts';
import { DAY2_POLICY } from '../../core/gates/day2/rules.ts';
import type { Day2Status } from '../../core/gates/day2/status.ts';
import {
  pauseUpdate,
  reanchorUpdate,
  resumeUpdate,
  statusQuery,
  type Day2GateStart,
  type Day2GateWorkflow,
} from '../../workflows/day2-gate/contract.ts';
import type { EvidenceRecord } from '../../core/evidence/record.ts';
import { recordOf } from '../../ledger/evidence/stored.ts';
import { eventsOf, openBot, appendEvents } from '../ledger/helpers.ts';
import { until } from '../support/desk.ts';
import { startEvidenceWorld, type EvidenceWorld } from './evidence-world.ts';

const HOUR_S = 3_600;
const UPDATES = { pause: pauseUpdate, resume: resumeUpdate, reanchor: reanchorUpdate };
const BY = { operator: 'ada', reason: 'a test' };
let world: EvidenceWorld;
beforeAll(async () => void (world = await startEvidenceWorld()));
afterAll(() => world.stop());

const inputOf = (input: Partial<Day2GateStart> = {}): Day2GateStart => ({ desk: 'test', host: 'test', ...input });

/** Of one gate, oldest first. */
async function recordsOf(workflowId: string) {
  const records: EvidenceRecord[] = [];
  for await (const page of world.evidence.pages()) records.push(...page.map(recordOf));
  return records.filter(({ workflow }) => workflow?.id === workflowId);
}

describe('a day in virtual time, on the real server', () => {
  test.each([
    ['day2-clean', 26],
    ['day2-outage', 29],
    ['day2-pause', 27],
    ['day2-reanchor', 31],
  ])('%s says what the oracle says at each evaluation, and earns nothing', async (name, hours) => {
    const { temporal } = world;
    const scenario = readScenario(join(process.cwd(), 'config'), name);
    const handle = await temporal.startStepwise<Day2GateWorkflow>('day2Gate', name, inputOf({ scenario: name }));
    await until('its baseline', async () => (await handle.query(statusQuery)).baselineAtMs);
    let atS = 0;
    for (const { atS: actionS, action, operator, reason } of scenario.actions) {
      await temporal.advance(name, (actionS - atS) * 1_000);
      atS = actionS;
      await handle.executeUpdate(UPDATES[action], { args: [{ operator, reason }] });
    }
    await temporal.advance(name, (hours * HOUR_S - atS) * 1_000);
    const gates = (await recordsOf(name)).filter(({ kind }) => kind === 'day2_gate');
    const reports = gates.map(({ payload }) => payload as unknown as Day2Report);
    const startMs = reports[0]!.baselineAtMs!;
    const secondOf = (ms: number): number => Math.floor((ms - startMs) / 1_000);
    const evaluationsAtS = gates.map(({ range }) => secondOf(range.toMs));
    // Every quarter of an hour, a busy machine's seconds apart.
    const apartS = evaluationsAtS.slice(1).map((atS, index) => atS - evaluationsAtS[index]!);
    expect(Math.max(...apartS)).toBeLessThan(960);
    expect(evaluationsAtS.length).toBeGreaterThan(hours * 4 - 2);
    const spans = oracleOf(scenario, evaluationsAtS, DAY2_POLICY);
    for (const [index, report] of reports.entries()) {
      const said = spans.findLast(({ fromS }) => fromS <= evaluationsAtS[index]!)!;
      expect([evaluationsAtS[index], report.go]).toEqual([evaluationsAtS[index], said.isGo]);
      expect(Math.abs(report.hoursElapsed * HOUR_S - said.elapsedS)).toBeLessThanOrEqual(2);
    }
    const status = await handle.query(statusQuery);
    expect(status.go).toBe(true);
    expect(reports.at(-1)!.go).toBe(true);
    for (const { rehearsal } of gates) expect(rehearsal).toContain(`the facts were made up by scenario ${name}`);
    expect(gates.at(-1)!.rehearsal.join()).toMatch(/the server skipped time/);
    await handle.terminate();
  });

  test('a re-anchor keeps what it replaced as evidence', async () => {
    const [replaced] = (await recordsOf('day2-reanchor')).filter(({ kind }) => kind === 'baseline_reanchor');
    expect(replaced?.payload).toMatchObject({
      operator: 'ada',
      reason: 'journal of that disk was lost',
      replaced: { maxDeltaObserved: 20, sources: [{ source: 'bot1', delta: 20 }] },
    });
  });

  test('the chain of all of it is whole', async () => {
    const head = await world.evidence.head();
    expect(await world.evidence.verify({ keptHeads: [head!] })).toMatchObject({ ok: true });
  });

  test('its report lies beside the chain, the latest under one name', () => {
    const dir = join(world.reportsDir, 'day2_gate');
    expect(existsSync(join(dir, 'latest.json'))).toBe(true);
    const latest = JSON.parse(readFileSync(join(dir, 'latest.json'), 'utf8')) as { evidence: { number: number } };
    expect(latest).toMatchObject({ kind: 'day2_gate', go: true, evidence: { hash: expect.any(String) } });
    const pages = readdirSync(dir).filter((name) => name.endsWith('.md'));
    expect(readFileSync(join(dir, pages[0]!), 'utf8')).toMatch(/^# Day-2 gate: (NO-)?GO/);
  });
});

describe('over real journals, in real time', () => {
  let handle: WorkflowHandle<Day2GateWorkflow>;
  const status = (): Promise<Day2Status> => handle.query(statusQuery);

  beforeAll(async () => {
    const { database, temporal } = world;
    const { journal } = await openBot(database, 'bot1');
    appendEvents(journal, 100, Date.now());
    await journal.close();
    await database.ledger.ship('bot1', await eventsOf(database, 'bot1'));
    const rules = { windowMs: 2_000, intervalMs: 1_000 };
    handle = await temporal.client.workflow.start<Day2GateWorkflow>('day2Gate', {
      workflowId: 'day2-real',
      taskQueue: 'desk',
      args: [inputOf({ rules })],
    });
    await until('a GO', async () => (await status()).go);
  });
  afterAll(() => handle.terminate());

  test('a window shorter than the policy is a rehearsal, for that reason alone', async () => {
    expect((await status()).rehearsal).toEqual(['rules.windowMs is 2000, by policy 86400000']);
    const record = (await recordsOf('day2-real')).at(-1)!;
    expect(record).toMatchObject({
      dataSource: 'simulator',
      rehearsal: ['rules.windowMs is 2000, by policy 86400000'],
    });
    expect(record.range.sources).toEqual([{ source: 'bot1', fromSequence: 101, toSequence: 100 }]);
  });

  test('a pause is NO-GO at once, by whom and why, and not twice; the clock goes on', async () => {
    const paused = await handle.executeUpdate(pauseUpdate, { args: [BY] });
    expect(paused).toMatchObject({ go: false, paused: BY });
    await expect(handle.executeUpdate(pauseUpdate, { args: [BY] })).rejects.toMatchObject({
      cause: { type: 'NotAllowed' },
    });
    const { hoursElapsed } = await status();
    await until('time that counts', async () => (await status()).hoursElapsed > hoursElapsed);
    expect((await status()).go).toBe(false);
    expect((await handle.executeUpdate(resumeUpdate, { args: [BY] })).go).toBe(false);
    await until('a GO', async () => (await status()).go);
  });

  test.each([[{}], [{ operator: 'ada' }], [{ ...BY, extra: 1 }], ['go']])(
    'a message %j is refused',
    async (message) => {
      await expect(handle.executeUpdate(reanchorUpdate, { args: [message as typeof BY] })).rejects.toMatchObject({
        cause: { type: 'InvalidInput' },
      });
    },
  );

  test('events that never reach the store stop the clock until somebody re-anchors', async () => {
    const { database } = world;
    const { journal } = await openBot(database, 'bot1');
    appendEvents(journal, 10, Date.now());
    await journal.close();
    const broken = await until('a break', async () => {
      const seen = await status();
      return seen.standing.length > 0 && seen;
    });
    expect(broken.standing.map(({ code }) => code)).toEqual(['gap', 'delta_over_tolerance']);
    expect(broken).toMatchObject({ go: false, max_delta_observed: 10, clockStartedAtMs: null });
    await database.ledger.ship('bot1', await eventsOf(database, 'bot1'));
    await until('the clock anew', async () => (await status()).clockStartedAtMs);
    expect((await handle.executeUpdate(reanchorUpdate, { args: [BY] })).max_delta_observed).toBe(0);
    await until('a GO', async () => (await status()).go);
  });

  test('a venue clock that is off makes it a rehearsal for good', async () => {
    world.venueTimeMs = () => Date.now() + 6_000;
    const off = (told: Day2Status): boolean => told.rehearsal.some((why) => why.startsWith("the venue's clock was"));
    await until('the disagreement', async () => off(await status()));
    world.venueTimeMs = Date.now;
    const { lastEvaluatedAtMs } = await status();
    await until('the next evaluation', async () => (await status()).lastEvaluatedAtMs! > lastEvaluatedAtMs!);
    expect(off(await status())).toBe(true);
  });
});

describe('a wrong input fails at once', () => {
  test.each([
    ['no desk', { host: 'test' }, /desk: /],
    ['a rule that is none', { ...inputOf(), rules: { windowMs: -1 } }, /rules\.windowMs: /],
    [
      'a scenario that is nowhere',
      inputOf({ scenario: 'nowhere' }),
      /scenario: expected one of day2-clean, .*"nowhere"/,
    ],
    ['a path for a scenario', inputOf({ scenario: '../desk' }), /scenario: expected a name/],
    ['a state of its own', { ...inputOf(), carried: { state: {}, startMs: 1 } }, /carried/],
  ])('%s', async (name, input, says) => {
    const run = world.temporal.client.workflow.execute('day2Gate', {
      workflowId: `wrong ${name}`,
      taskQueue: 'desk',
      args: [input],
    });
    await expect(run).rejects.toMatchObject({ cause: { type: 'InvalidInput', message: expect.stringMatching(says) } });
  });
});
