/**
 * `./desk rehearse`: 48 virtual hours of the Day-2 gate with hourly evaluations, on a desk that trades. Beside it, in turns in
 * the same run: as many runs of the integrity workflow, which are the same activities in real time without a gate around them.
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { DESK_TASK_QUEUE } from '../workflows/desk-attributes.ts';
import type { EventStoreIntegrityWorkflow } from '../workflows/event-store-integrity/contract.ts';
import { DeskRun } from './support/desk-run.ts';
import { median, ratio, report, rounded } from './support/figures.ts';
import { inScratch, projectRoot } from './support/places.ts';

const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 3);
const HOURS = 48;
const run = promisify(execFile);

await inScratch('rehearsal', async (dir) => {
  const desk = new DeskRun(dir, 'no-console');
  try {
    await desk.ready();
    const connection = await Connection.connect({ address: `127.0.0.1:${desk.ports.temporal}` });
    const client = new Client({ connection });
    const rehearsedMs: number[] = [];
    const realMs: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      rehearsedMs.push(await timed(() => rehearse(dir)));
      realMs.push(await timed(() => measureInRealTime(client, round)));
    }
    await connection.close();
    const [rehearsed, real] = [median(rehearsedMs), median(realMs)];
    report('rehearsal', {
      unit: 's',
      rounds: ROUNDS,
      virtualHours: HOURS,
      evaluations: HOURS,
      rehearsed: rounded(rehearsed / 1_000),
      limits: { sameActivitiesInRealTime: rounded(real / 1_000) },
      ratios: { rehearsedOfRealTime: ratio(rehearsed, real), virtualOfWallTime: ratio(HOURS * 3_600_000, rehearsed) },
    });
  } finally {
    await desk.stop();
  }
});

async function timed(work: () => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

async function rehearse(dir: string): Promise<void> {
  const { NODE_OPTIONS: _, ...env } = process.env;
  const args = ['rehearse', 'day2-gate', 'day2-clean', '--hours', `${HOURS}`, '--every', '60', '-o', 'json'];
  const { stdout } = await run(join(projectRoot, 'desk'), args, { cwd: projectRoot, env: { ...env, DESK_HOME: dir } });
  const { go } = JSON.parse(stdout) as { go: boolean };
  if (!go) throw new Error(`the rehearsal did not end with a GO:\n${stdout}`);
}

async function measureInRealTime(client: Client, round: number): Promise<void> {
  for (let n = 0; n < HOURS; n += 1) {
    await client.workflow.execute<EventStoreIntegrityWorkflow>('eventStoreIntegrity', {
      workflowId: `bench-integrity-${round}-${n}`,
      taskQueue: DESK_TASK_QUEUE,
      args: [{ desk: 'local', host: 'local' }],
    });
  }
}
