/** The console as `desk up` starts it: a process of its own. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { temporalUiUrl } from '../../console/environment.ts';
import { freePort } from '../../stack/ports.ts';
import { builtCode } from '../support/build.ts';
import { ask } from './harness.ts';
import { StreamReader } from './stream-reader.ts';

const home = mkdtempSync(join(tmpdir(), 'desk-console-'));
let entry: string;
let ports: Record<'temporal' | 'temporalUi' | 'console' | 'simulator', number>;

beforeAll(async () => {
  entry = join(await builtCode(), 'console', 'main.js');
  const [temporal, temporalUi, console, simulator] = await Promise.all([
    freePort(),
    freePort(),
    freePort(),
    freePort(),
  ]);
  ports = { temporal, temporalUi, console, simulator };
  writeFileSync(join(home, 'ports.json'), JSON.stringify(ports));
}, 60_000);
afterAll(() => rmSync(home, { recursive: true, force: true }));

interface Started {
  readonly child: ChildProcess;
  readonly exited: Promise<number | null>;
  /** Everything that it has written. */
  readonly output: () => string;
}

function start(changes: Record<string, string> = {}): Started {
  const env = {
    PATH: process.env['PATH'],
    DESK_ROOT: process.cwd(),
    DESK_HOME: home,
    DESK_CONFIG_DIR: join(process.cwd(), 'config'),
    DESK_CODE_VERSION: 'test',
    DATABASE_URL: 'postgres://desk:none@127.0.0.1:1/desk',
    TEMPORAL_ADDRESS: `127.0.0.1:${ports.temporal}`,
    ...changes,
  };
  const child = spawn(process.execPath, [entry], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  return { child, exited: once(child, 'close').then(([code]) => code as number | null), output: () => output };
}

async function ready({ child, exited, output }: Started): Promise<void> {
  while (!output().includes('{"ready":true')) {
    const ended = await Promise.race([once(child.stdout as NodeJS.EventEmitter, 'data').then(() => null), exited]);
    if (ended !== null) throw new Error(`ended with ${ended}: ${output()}`);
  }
}

test('starts with nothing else there, says what is missing, and leaves on SIGTERM with a viewer connected', async () => {
  const started = start();
  await ready(started);
  expect(started.output()).toContain(`{"ready":true,"port":${ports.console}}`);
  const health = await ask(ports.console, '/health');
  expect(health.status).toBe(503);
  expect(health.body).toContain('"component":"postgres","up":false');
  const viewer = await StreamReader.open(ports.console);
  expect((await viewer.next()).parts.map(({ id }) => id)).toContain('bot:bot1');
  started.child.kill('SIGTERM');
  expect(await started.exited).toBe(0);
  await expect(viewer.nextWith('no such part')).rejects.toThrow('the stream has ended');
}, 30_000);

test.each([
  ['a port that is taken', {}, 'EADDRINUSE'],
  ['no database named', { DATABASE_URL: '' }, 'DATABASE_URL'],
  ['no ports file', { DESK_HOME: '/nonexistent' }, 'ports.json'],
])(
  '%s: says so and ends with 1',
  async (_name, changes, says) => {
    const first = start();
    await ready(first);
    const second = start(changes);
    expect(await second.exited).toBe(1);
    expect(second.output()).toContain(says);
    first.child.kill('SIGTERM');
    await first.exited;
  },
  30_000,
);

test.each([
  ['127.0.0.1:7233', 'http://127.0.0.1:8233'],
  ['localhost:7233', 'http://127.0.0.1:8233'],
  ['127.0.0.1:7234', null],
  ['desk.tmprl.cloud:7233', null],
])('the web UI of %s', (address, url) => {
  expect(temporalUiUrl(address, { temporal: 7233, temporalUi: 8233, console: 8787, simulator: 9700 })).toBe(url);
});
