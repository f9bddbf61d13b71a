/** P27 on a real server: whatever its time is made to do, a GO that came before its day says that it is a rehearsal. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  pauseUpdate,
  reanchorUpdate,
  resumeUpdate,
  statusQuery,
  type Day2GateStart,
  type Day2GateWorkflow,
} from '../../workflows/day2-gate/contract.ts';
import { until } from '../support/desk.ts';
import { tellProof, trials } from '../support/trials.ts';
import { startEvidenceWorld, type EvidenceWorld } from '../workflows/evidence-world.ts';
import { evidenceOf, reportOf } from './evidence-of.ts';

const HOUR_MS = 3_600_000;
const BY = { operator: 'mallory', reason: 'sooner' };

let world: EvidenceWorld;
beforeAll(async () => void (world = await startEvidenceWorld()));
afterAll(() => world.stop());

interface Case {
  readonly name: string;
  readonly input?: Partial<Day2GateStart>;
  /** Told at the hour, of virtual time. */
  readonly acts?: readonly { readonly atHour: number; readonly act: (workflowId: string) => Promise<unknown> | void }[];
  readonly hours?: number;
  /** Whether the last evaluation says GO. */
  readonly isGo: boolean;
}

const told =
  (update: typeof pauseUpdate) =>
  (workflowId: string): Promise<unknown> =>
    world.temporal.client.workflow.getHandle(workflowId).executeUpdate(update, { args: [BY] });
const restart = (): void => void (world.processId = `process-${Math.random()}`);

const CASES: readonly Case[] = [
  { name: 'a day is skipped', isGo: true },
  {
    name: 'the venue says that a day has passed',
    acts: [{ atHour: 1, act: () => void (world.venueTimeMs = () => Date.now() + 24 * HOUR_MS) }],
    hours: 2,
    isGo: false,
  },
  { name: 'a shorter window', input: { rules: { windowMs: HOUR_MS } }, hours: 2, isGo: true },
  { name: 'skipped a little', hours: 0.001, isGo: false },
  { name: 'the venue is away', acts: [{ atHour: 0.1, act: () => void (world.venueTimeMs = () => null) }], isGo: true },
  { name: 'the venue goes with the server', acts: [{ atHour: 1, act: () => void (world.venueTimeMs = () => Date.now() + HOUR_MS) }], isGo: true }, // prettier-ignore
  { name: 'the measuring process restarts', acts: [6, 12, 18].map((atHour) => ({ atHour, act: restart })), isGo: true },
  { name: 'paused and resumed', acts: [{ atHour: 2, act: told(pauseUpdate) }, { atHour: 9, act: told(resumeUpdate) }], isGo: true }, // prettier-ignore
  { name: 'paused over the end of the day', acts: [{ atHour: 23, act: told(pauseUpdate) }], isGo: false },
  { name: 're-anchored', acts: [{ atHour: 12, act: told(reanchorUpdate) }], isGo: false },
  { name: 're-anchored, and a day more', acts: [{ atHour: 3, act: told(reanchorUpdate) }], hours: 28, isGo: true },
  { name: 'three days, over continue-as-new', hours: 73, isGo: true },
];
const CHOSEN = CASES.slice(0, trials({ ci: 3, long: CASES.length }));
const faults: string[] = [];
let [goes, runs] = [0, 0];

test.each(CHOSEN)(
  'P27: $name',
  async ({ name, input = {}, acts = [], hours = 25, isGo }) => {
    const { temporal } = world;
    const workflowId = name.replace(/[^a-z]+/g, '-');
    world.venueTimeMs = Date.now;
    const handle = await temporal.startStepwise<Day2GateWorkflow>('day2Gate', workflowId, {
      desk: 'test',
      host: 'test',
      scenario: 'day2-clean',
      ...input,
    });
    await until('its baseline', async () => (await handle.query(statusQuery)).baselineAtMs);
    let atHour = 0;
    for (const one of acts) {
      await temporal.advance(workflowId, (one.atHour - atHour) * HOUR_MS);
      atHour = one.atHour;
      await one.act(workflowId);
    }
    await temporal.advance(workflowId, (hours - atHour) * HOUR_MS);
    const records = await evidenceOf(world, workflowId);
    const gates = records.filter(({ kind }) => kind === 'day2_gate');
    const earning = records.filter((record) => reportOf(record).go && record.rehearsal.length === 0);
    goes += gates.filter((record) => reportOf(record).go).length;
    runs += new Set(records.map(({ workflow }) => workflow?.runId)).size;
    if (earning.length > 0) faults.push(`${name}: ${earning.length} verdicts would earn`);
    expect(earning).toEqual([]);
    // By name, since time was first skipped: its baseline may have been before.
    for (const { rehearsal } of gates.slice(1)) expect(rehearsal.join('; ')).toMatch(/the server skipped time/);
    expect(reportOf(gates.at(-1)!).go).toBe(isGo);
    await temporal.client.workflow.getHandle(workflowId).terminate();
  },
  240_000,
);

test('P27: no input brings time or a state of its own', async () => {
  const start = { desk: 'test', host: 'test' };
  const forged = [
    { ...start, nowMs: Date.now() + 24 * HOUR_MS },
    { ...start, startMs: Date.now() - 24 * HOUR_MS },
    { ...start, carried: { state: {}, startMs: 1 } },
    { ...start, rules: { windowMs: 1 } },
    { ...start, rules: { clockToleranceMs: 1e12, windowMs: Infinity } },
  ];
  for (const [number, input] of forged.entries()) {
    const run = world.temporal.client.workflow.execute('day2Gate', { workflowId: `forged ${number}`, taskQueue: 'desk', args: [input] }); // prettier-ignore
    await expect(run).rejects.toMatchObject({ cause: { type: 'InvalidInput' } });
  }
  tellProof({ promise: 'P27', proof: 'days of virtual time on a real server, from timer to timer and over continue-as-new: every GO says that time was skipped', trials: CHOSEN.length + forged.length, failures: faults.length, found: { 'GO as a rehearsal': goes, 'GO that earns': faults.length, runs, 'inputs refused': forged.length }, examples: faults }); // prettier-ignore
});
