import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test } from '@jest/globals';
import { open, readAll, removeTempDirs, runProgram, seeded, tempDir } from './helpers.ts';
import { payloadOf } from './records.ts';

afterAll(removeTempDirs);

test('kill -9 at random instants: no acknowledged record is lost', async () => {
  const seed = Number(process.env['TEST_SEED'] ?? 4711);
  const random = seeded(seed);
  const dir = tempDir();
  let acknowledged = 0;
  for (let kill = 0; kill < 12; kill += 1) {
    const child = await runProgram('journal/appending-program.ts', [dir]);
    const exited = once(child, 'exit');
    const lines = createInterface(child.stdout);
    lines.on('line', (line) => (acknowledged = Number(line)));
    await once(lines, 'line');
    await sleep(random(60));
    child.kill('SIGKILL');
    await exited;
    if (!child.stdout.readableEnded) await once(lines, 'close');
    const { journal, recovery } = await open(dir, { segmentBytes: 32 * 1024 });
    await journal.close();
    expect({ seed, kill, whole: recovery.lastSequence >= acknowledged }).toEqual({ seed, kill, whole: true });
  }
  const records = await readAll(dir);
  expect(records.length).toBeGreaterThanOrEqual(acknowledged);
  expect(acknowledged).toBeGreaterThan(1000);
  expect(
    records.every(({ sequence, payload }, i) => sequence === i + 1 && payload.toString() === payloadOf(sequence)),
  ).toBe(true);
});
