import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { runningDesk, takeDesk } from '../../stack/desk-lock.ts';
import { writePorts } from '../../stack/ports.ts';
import { runProgram, tempHome } from './helpers.ts';

let temp: ReturnType<typeof tempHome>;
beforeEach(() => void (temp = tempHome()));
afterEach(() => temp.remove());

const PORTS = { temporal: 1, temporalUi: 2, temporalMetrics: 3, postgres: 4, console: 5, simulator: 6 };

test('the second start learns that the desk runs and where', () => {
  const first = takeDesk(temp.home);
  expect(first.taken).toBe(true);
  expect(takeDesk(temp.home)).toMatchObject({ taken: false, by: { pid: process.pid }, ports: null });
  writePorts(temp.home, PORTS);
  expect(takeDesk(temp.home)).toMatchObject({ taken: false, ports: PORTS });
  expect(runningDesk(temp.home)?.pid).toBe(process.pid);
  if (first.taken) first.release();
  expect(runningDesk(temp.home)).toBeNull();
  expect(takeDesk(temp.home).taken).toBe(true);
});

test('the lock of a dead process, or of one whose pid is used again, is taken over', () => {
  mkdirSync(temp.home.root, { recursive: true });
  writeFileSync(
    temp.home.lockFile,
    JSON.stringify({ pid: process.pid, startMark: 'earlier', token: 't', takenAtMs: 1 }),
  );
  expect(runningDesk(temp.home)).toBeNull();
  expect(takeDesk(temp.home).taken).toBe(true);
  expect((JSON.parse(readFileSync(temp.home.lockFile, 'utf8')) as { startMark: string }).startMark).not.toBe('earlier');
});

test.each(['', '{', '{"pid":"x"}'])('a damaged lock is taken over: %j', (text) => {
  mkdirSync(temp.home.root, { recursive: true });
  writeFileSync(temp.home.lockFile, text);
  expect(takeDesk(temp.home).taken).toBe(true);
  expect(readdirSync(temp.home.root)).toEqual(['desk.lock']);
});

test('a release long after another took over takes nothing away', () => {
  const first = takeDesk(temp.home);
  writeFileSync(temp.home.lockFile, '');
  expect(takeDesk(temp.home).taken).toBe(true);
  if (first.taken) first.release();
  expect(runningDesk(temp.home)?.pid).toBe(process.pid);
});

test('many take a stale lock at once: one has it; killed, it has it no more', async () => {
  mkdirSync(temp.home.root, { recursive: true });
  writeFileSync(temp.home.lockFile, JSON.stringify({ pid: 1, startMark: 'earlier', token: 't', takenAtMs: 1 }));
  const source = `
    import { takeDesk } from './stack/desk-lock.ts';
    import { deskHome } from './config/home.ts';
    setTimeout(() => {
      console.log(String(takeDesk(deskHome(process.argv[2])).taken));
      setInterval(() => {}, 1000);
    }, Math.max(0, Number(process.argv[3]) - Date.now()));`;
  const at = String(Date.now() + 1_500);
  const takers = await Promise.all([1, 2, 3, 4, 5, 6].map(() => runProgram(source, [temp.home.root, at])));
  const answers = await Promise.all(takers.map((taker) => taker.next()));
  expect(answers.filter((answer) => answer === 'true')).toHaveLength(1);
  const holder = takers[answers.indexOf('true')];
  expect(runningDesk(temp.home)?.pid).toBe(holder?.child.pid);
  for (const taker of takers) taker.child.kill('SIGKILL');
  await Promise.all(takers.map((taker) => taker.exited));
  expect(runningDesk(temp.home)).toBeNull();
});
