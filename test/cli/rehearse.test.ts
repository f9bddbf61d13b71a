/** `desk rehearse` against a real server, with the workers that a desk has: what a user reads, and what is left behind. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Day2Status } from '../../core/gates/day2/status.ts';
import { recordOf } from '../../ledger/evidence/stored.ts';
import { runDesk, type Said } from '../support/desk-command.ts';
import { startEvidenceWorld, type EvidenceWorld } from '../workflows/evidence-world.ts';

const configDir = mkdtempSync(join(tmpdir(), 'rehearse-'));
let world: EvidenceWorld;

beforeAll(async () => {
  world = await startEvidenceWorld();
  cpSync('config', configDir, { recursive: true, filter: (path) => !path.endsWith('.ts') });
  const file = join(configDir, 'desk.yml');
  writeFileSync(file, readFileSync(file, 'utf8').replace(/^host: .*$/m, 'host: test'));
}, 120_000);
afterAll(async () => {
  await world.stop();
  rmSync(configDir, { recursive: true, force: true });
});

const rehearse = (...args: string[]): Promise<Said> =>
  runDesk(
    { TEMPORAL_ADDRESS: world.temporal.address, DESK_CONFIG: configDir, DESK_HOME: configDir },
    'rehearse',
    ...args,
  );

test('tells what changed at which hour, and leaves a terminated workflow and evidence that says rehearsal', async () => {
  const { code, out, err } = await rehearse('day2-gate', 'day2-outage', '--hours', '32', '--every', '60');
  expect({ code, err }).toEqual({ code: 0, err: '' });
  const [begun, ...lines] = out.trimEnd().split('\n');
  expect(begun).toMatch(/^rehearsal\/day2-gate\/day2-outage-.*: 32 h of day2-outage, an evaluation every 60 min$/);
  expect(lines.map((line) => line.trim().replace(/ in \d+\.\d s/, ''))).toEqual([
    '3.00 h  the clock was reset and stands still: the evaluation failed: no database (day2-outage)',
    '4.00 h  the clock runs again',
    '28.00 h  GO',
    'GO after 32 h,; a rehearsal, which earns nothing',
  ]);
  const id = begun!.split(': ')[0]!;
  expect(await world.temporal.client.workflow.getHandle(id).describe()).toMatchObject({
    status: { name: 'TERMINATED' },
  });
  const records = [];
  for await (const page of world.evidence.pages()) records.push(...page.map(recordOf));
  const ours = records.filter(({ workflow, kind }) => workflow?.id === id && kind === 'day2_gate');
  expect(ours.length).toBeGreaterThanOrEqual(32);
  for (const { rehearsal } of ours) expect(rehearsal.join()).toContain('scenario day2-outage');
}, 120_000);

test("operators' actions come at their hour; a verdict of NO-GO is exit 5; JSON is the last status", async () => {
  const { code, out } = await rehearse('day2-gate', 'day2-pause', '--hours', '25', '--every', '60', '-o', 'json');
  const status = JSON.parse(out) as Day2Status;
  expect([code, status.go, status.paused?.operator]).toEqual([5, false, 'ada']);
}, 120_000);

test.each([
  [['nobody', 'day2-clean'], 2, 'workflow: expected day2-gate, was "nobody"'],
  [['day2-gate', '../desk'], 2, 'scenario: expected one of day2-clean, day2-outage, day2-pause, day2-reanchor, was'],
  [['day2-gate', 'day2-clean', '--hours', '0'], 2, '--hours: expected a whole number from 1 to 744, was "0"'],
  [['day2-gate', 'day2-clean', '--every', '1.5'], 2, '--every: expected a whole number from 1 to 1440, was "1.5"'],
])('%j is refused', async (args, code, message) => {
  const said = await rehearse(...args);
  expect(said.err).toContain(message);
  expect(said.code).toBe(code);
});

test('without a name it lists what there is', async () => {
  const { code, out } = await rehearse();
  expect(code).toBe(0);
  expect(out).toContain('./desk rehearse day2-gate day2-reanchor\n');
});
