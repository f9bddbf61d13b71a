import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { once } from 'node:events';
import { afterAll, expect, test } from '@jest/globals';
import { JournalLocked } from '../../journal/errors.ts';
import { open, removeTempDirs, runProgram, tempDir, writeTo } from './helpers.ts';

afterAll(removeTempDirs);

test('one process opens a journal once', async () => {
  const dir = tempDir();
  const { journal } = await open(dir);
  await expect(open(dir)).rejects.toThrow(JournalLocked);
  await journal.close();
  await writeTo(dir, 1);
});

test('another living process keeps it, a killed one does not', async () => {
  const dir = tempDir();
  const child = await runProgram('journal/appending-program.ts', [dir]);
  const exited = once(child, 'exit');
  await once(createInterface(child.stdout), 'line');
  await expect(open(dir)).rejects.toThrow(`process ${child.pid}`);
  child.kill('SIGKILL');
  await exited;
  const { journal } = await open(dir);
  await journal.close();
});

test.each([
  ['of nobody', '999999999 x/1'],
  ['of a pid that is used again', `${process.pid} another-boot/1`],
  ['that says nothing', ''],
])('a lock %s is stale', async (_name, content) => {
  const dir = tempDir();
  writeFileSync(join(dir, 'lock.7'), content);
  const { journal } = await open(dir);
  expect(readdirSync(dir).filter((name) => name.startsWith('lock'))).toEqual(['lock.8']);
  await journal.close();
});

test('of twenty at once over a stale lock one gets it', async () => {
  const dir = tempDir();
  writeFileSync(join(dir, 'lock.1'), '999999999 x/1');
  const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => open(dir)));
  const won = outcomes.filter((outcome) => outcome.status === 'fulfilled');
  expect(won).toHaveLength(1);
  for (const { value } of won) await value.journal.close();
});
