import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { isAlive, logTail, processIdentity, spawnLogged, stop, whenGone, whenLogged } from '../../stack/process.ts';
import type { LoggedChild } from '../../stack/process.ts';
import { readRunFile, runningProcesses, writeRunFile } from '../../stack/run-files.ts';
import { saysReady, superviseChild } from '../../stack/supervise.ts';
import type { SuperviseOptions } from '../../stack/supervise.ts';
import { keptLog, tempHome, until } from './helpers.ts';

let temp: ReturnType<typeof tempHome>;
beforeEach(() => void (temp = tempHome()));
afterEach(() => temp.remove());

const READY = `console.log(JSON.stringify({ ready: true, pid: process.pid }));`;
const STAYS = `setInterval(() => {}, 1000);`;

function runNode(script: string, name = 'child'): Promise<LoggedChild> {
  const logFile = join(temp.home.logsDir, `${name}.log`);
  return spawnLogged({ name, command: process.execPath, args: ['-e', script], env: {}, cwd: '/', logFile });
}

describe('who a process is', () => {
  test('we ourselves, the same each time', () => {
    const self = processIdentity(process.pid);
    expect(self).not.toBeNull();
    expect(processIdentity(process.pid)).toEqual(self);
  });

  test('the same pid with another start is somebody else', () => {
    expect(isAlive({ pid: process.pid, startMark: 'some other moment' })).toBe(false);
  });

  test.each([0, -1, 1.5, 2 ** 22 + 7])('%s is nobody', (pid) => expect(processIdentity(pid)).toBeNull());

  test('a dead child that nobody has reaped is dead', async () => {
    // The shell starts a child that ends, and then becomes a program that never waits for it.
    const script = 'sh -c "exit 0" & echo $!; exec sleep 30';
    const parent = spawn('/bin/sh', ['-c', script], { stdio: ['ignore', 'pipe', 'ignore'] });
    const line = await new Promise<string>((resolve) => parent.stdout.once('data', (data) => resolve(String(data))));
    await until('the zombie is seen as dead', () => processIdentity(Number(line)) === null);
    parent.kill('SIGKILL');
  });
});

describe('ending one', () => {
  test('it leaves when asked', async () => {
    const child = await runNode(READY + STAYS);
    await whenLogged('child', child, saysReady, 20_000);
    expect(await stop(child.identity, 10_000)).toBe('ended');
    expect(await child.exited).toEqual({ code: null, signal: 'SIGTERM' });
    expect(await stop(child.identity, 10_000)).toBe('was gone');
  });

  test('it does not leave: it is killed with all of its group', async () => {
    const deaf = `process.on('SIGTERM', () => {}); setInterval(() => {}, 1000);`;
    const script = `const c = require('child_process').spawn(process.execPath, ['-e', ${JSON.stringify(deaf)}]);
      process.on('SIGTERM', () => {}); console.log(JSON.stringify({ ready: true, inner: c.pid })); ${STAYS}`;
    const child = await runNode(script);
    const { inner } = JSON.parse(await whenLogged('child', child, saysReady, 20_000)) as { inner: number };
    const innerIdentity = processIdentity(inner);
    expect(await stop(child.identity, 200, { group: true })).toBe('killed');
    if (innerIdentity !== null) await whenGone(innerIdentity, 25);
    expect(processIdentity(inner)).toBeNull();
  });
});

describe('starting one', () => {
  test('a program that is not there', async () => {
    const logFile = join(temp.home.logsDir, 'x.log');
    const starting = spawnLogged({ name: 'x', command: '/nowhere/x', args: [], env: {}, cwd: '/', logFile });
    await expect(starting).rejects.toThrow(/x did not start: \/nowhere\/x/);
  });

  test('an early end shows how and its last lines, not those of an earlier run', async () => {
    const earlier = await runNode(`console.log('line of an earlier run')`);
    await earlier.exited;
    const child = await runNode(`for (let i = 1; i <= 30; i++) console.error('line ' + i); process.exit(7)`);
    const failure = await whenLogged('child', child, saysReady, 20_000).catch((error: unknown) => error as Error);
    expect(String(failure)).toMatch(/child ended at start \(exit code 7\).*child\.log/s);
    expect(String(failure)).toMatch(/line 11\n.*line 30$/s);
    expect(String(failure)).not.toMatch(/line 10\n|earlier run/);
  });

  test('it is not ready in time', async () => {
    const child = await runNode(STAYS);
    await expect(whenLogged('child', child, saysReady, 100)).rejects.toThrow(/not ready within 0\.1 s/);
    await stop(child.identity, 5_000);
  });

  test('a log that is not there has a tail that says so', () => {
    expect(logTail('/nowhere/x.log')).toMatch(/no log at/);
  });
});

describe('keeping one running', () => {
  const supervise = (script: string, more: Partial<SuperviseOptions> = {}) => {
    const log = keptLog();
    const run = { name: 'helper', command: process.execPath, args: ['-e', script], env: {}, cwd: '/' };
    return { log, kept: superviseChild({ home: temp.home, ...run, log, ready: saysReady, ...more }) };
  };

  test('killed, it comes back; stopped, it does not', async () => {
    const { log, kept: starting } = supervise(READY + STAYS);
    const kept = await starting;
    const first = kept.current()?.identity;
    process.kill(first?.pid ?? 0, 'SIGKILL');
    await until('a second start', () => kept.starts() === 2 && kept.current() !== null);
    const second = kept.current()?.identity;
    expect(second?.pid).not.toBe(first?.pid);
    expect(log.lines.find(({ msg }) => msg === 'service ended unasked')?.fields).toMatchObject({
      how: 'signal SIGKILL',
    });
    await kept.stop();
    expect(second !== undefined && isAlive(second)).toBe(false);
    expect(kept.current()).toBeNull();
    expect(runningProcesses(temp.home)).toEqual([]);
  });

  test('a first start that fails is not tried again', async () => {
    await expect(supervise(`process.exit(3)`).kept).rejects.toThrow(/helper ended at start \(exit code 3\)/);
    expect(runningProcesses(temp.home)).toEqual([]);
  });

  test('a later start that fails is tried again, ever later, and ends with stop', async () => {
    const once = join(temp.home.root, 'once');
    const script = `const fs = require('fs'); if (fs.existsSync(${JSON.stringify(once)})) process.exit(5);
      fs.writeFileSync(${JSON.stringify(once)}, ''); ${READY} ${STAYS}`;
    const { log, kept: starting } = supervise(script);
    const kept = await starting;
    process.kill(kept.current()?.identity.pid ?? 0, 'SIGKILL');
    const failures = () => log.lines.filter(({ msg }) => msg === 'service did not restart');
    await until('two failed restarts', () => failures().length >= 2);
    const waits = failures().map(({ fields }) => (fields as { nextTryMs: number }).nextTryMs);
    expect(waits[1]).toBeGreaterThan(waits[0] ?? Infinity);
    await kept.stop();
    expect(kept.current()).toBeNull();
  });

  test('one that an earlier desk left behind is ended, so that there is no twin', async () => {
    const left = await runNode(READY + STAYS, 'left');
    await whenLogged('left', left, saysReady, 20_000);
    writeRunFile(temp.home, { name: 'helper', ...left.identity, details: {} });
    const kept = await supervise(READY + STAYS).kept;
    expect(isAlive(left.identity)).toBe(false);
    expect(readRunFile(temp.home, 'helper')?.pid).toBe(kept.current()?.identity.pid);
    await kept.stop();
  });

  test('a damaged run file is nobody', () => {
    const file = join(temp.home.runDir, 'stack-helper.json');
    mkdirSync(temp.home.runDir);
    writeFileSync(file, '{"name":');
    expect(readRunFile(temp.home, 'helper')).toBeNull();
    expect(runningProcesses(temp.home)).toEqual([]);
  });
});
