import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Connection } from '@temporalio/client';
import pg from 'pg';
import { readPorts } from '../../stack/ports.ts';
import { leftPostgres } from '../../stack/postgres.ts';
import { runningProcesses } from '../../stack/run-files.ts';
import { startStack, stopLeftBehind } from '../../stack/stack.ts';
import type { Stack } from '../../stack/stack.ts';
import { keptLog, runProgram, stackOptions, tempHome, until } from './helpers.ts';

let temp: ReturnType<typeof tempHome>;
beforeEach(() => void (temp = tempHome()));
afterEach(() => temp.remove());

async function answers({ temporal, databaseUrl }: Pick<Stack, 'temporal' | 'databaseUrl'>): Promise<void> {
  const connection = await Connection.connect({ address: temporal.address });
  await connection.workflowService.describeNamespace({ namespace: temporal.namespace });
  await connection.close();
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  await client.query('SELECT 1');
  await client.end();
}

function expectNothingLeft(): void {
  expect(runningProcesses(temp.home)).toEqual([]);
  expect(leftPostgres(temp.home)).toBeNull();
}

test('both run, on ports that everyone can read, come back after kill -9, and leave nothing after stop', async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  const { port } = taken.address() as AddressInfo;
  const log = keptLog();
  const options = stackOptions(temp.home, log);
  const stack = await startStack({ ...options, declaration: { ...options.declaration, console: { port } } });
  expect(stack.moved).toEqual([{ name: 'console', wanted: port, got: stack.ports.console }]);
  expect(log.said('a port is taken')).toBe(true);
  expect(readPorts(temp.home)).toEqual(stack.ports);
  await answers(stack);

  const { temporal, postgres } = stack.services;
  process.kill(temporal?.current()?.identity.pid ?? 0, 'SIGKILL');
  process.kill(postgres?.current()?.identity?.pid ?? 0, 'SIGKILL');
  await until('both were started again', () => temporal?.starts() === 2 && postgres?.starts() === 2);
  await answers(stack);
  await stack.stop();
  expectNothingLeft();
  await new Promise((resolve) => taken.close(resolve));
});

test('kill -9 of the desk: what it left behind can be ended, and a variable replaces a service', async () => {
  const source = `
    import { startStack } from './stack/stack.ts';
    import { deskHome } from './config/home.ts';
    import { SILENT } from './core/log.ts';
    const { root, ...rest } = JSON.parse(process.argv[2]);
    const { temporal, databaseUrl } = await startStack({ home: deskHome(root), log: SILENT, ...rest });
    console.log(JSON.stringify({ temporal, databaseUrl }));
    setInterval(() => {}, 1000);`;
  const { home: _home, log: _log, ...rest } = stackOptions(temp.home, keptLog());
  const desk = await runProgram(source, [JSON.stringify({ root: temp.home.root, ...rest })]);
  const left = JSON.parse(await desk.next()) as Pick<Stack, 'temporal' | 'databaseUrl'>;
  desk.child.kill('SIGKILL');
  await desk.exited;
  await answers(left);

  const other = tempHome();
  const env = { ...rest.env, TEMPORAL_ADDRESS: left.temporal.address, DATABASE_URL: left.databaseUrl };
  const guest = await startStack({ ...rest, home: other.home, log: keptLog(), env });
  expect(guest.services).toEqual({ temporal: null, postgres: null });
  expect(guest.databaseUrl).toBe(left.databaseUrl);
  expect(guest.temporal.address).toBe(left.temporal.address);
  await guest.stop();
  await other.remove();
  await answers(left);

  expect(await stopLeftBehind({ home: temp.home, log: keptLog() })).toBe(2);
  expectNothingLeft();
});

test('one fails: the other is ended again, and the message is that of the failing one', async () => {
  mkdirSync(join(temp.home.postgresDir, 'data'), { recursive: true });
  writeFileSync(join(temp.home.postgresDir, 'data', 'mine'), '');
  await expect(startStack(stackOptions(temp.home, keptLog()))).rejects.toThrow(/no Postgres cluster/);
  expectNothingLeft();
});
