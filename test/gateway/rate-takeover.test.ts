/** Several workers of one machine: one of them hands out, the next one does so when that is gone. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { build } from 'esbuild';
import { deskHome, rateSocket } from '../../config/home.ts';
import { loadConfig } from '../../config/load.ts';
import { SILENT } from '../../core/log.ts';
import { BITGET_LIMITS } from '../../gateway/bitget/limits.ts';
import { openSharedBudget } from '../../gateway/rates/shared-budget.ts';

// Long enough that the sockets have to go elsewhere: see `socketPath`.
const folder = mkdtempSync(join(tmpdir(), `rate-takeover-${'long'.repeat(20)}-`));
const home = deskHome(join(folder, 'home'));
const worker = join(folder, 'worker.mjs');
const started: ChildProcess[] = [];
beforeAll(async () => {
  symlinkSync(join(process.cwd(), 'node_modules'), join(folder, 'node_modules'));
  const entryPoints = ['test/gateway/rate-takeover-worker.ts'];
  await build({ entryPoints, bundle: true, packages: 'external', format: 'esm', platform: 'node', outfile: worker });
});
afterAll(() => {
  for (const child of started) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

interface Worker {
  readonly child: ChildProcess;
  readonly said: string[];
}

function startWorker(): Worker {
  const child = spawn(process.execPath, [worker, home.root, 'config'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const said: string[] = [];
  child.stdout.on('data', (chunk) => said.push(...String(chunk).trim().split('\n')));
  started.push(child);
  return { child, said };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(20);
}

const listens = ({ said }: Worker): boolean => said.includes('rate brokers listen');
const waits = ({ said }: Worker): boolean => said.includes('rate brokers run in another worker');

test('one worker hands out; killed or ended in order, the next one takes over', async () => {
  const workers = [startWorker(), startWorker(), startWorker()];
  const account = [...loadConfig('config').bots.values()][0]?.account ?? '';
  const budget = openSharedBudget({
    account,
    client: 'bot1',
    socketPath: rateSocket(home, account),
    limits: BITGET_LIMITS,
    share: { index: 0, of: 1_000_000 },
    now: Date.now,
    log: SILENT,
  });
  try {
    for (const signal of ['SIGKILL', 'SIGTERM', 'SIGTERM'] as const) {
      await until(() => workers.filter(listens).length === 1 && workers.every((each) => listens(each) || waits(each)));
      const broker = workers.find(listens) as Worker;
      expect(await budget.acquire('cancel', Date.now() + 20_000)).toBe(true);
      const ended = once(broker.child, 'close');
      broker.child.kill(signal);
      await ended;
      await until(() => !budget.counters().isConnected);
      workers.splice(workers.indexOf(broker), 1);
    }
    expect(budget.counters().inTurn).toBe(0);
  } finally {
    budget.close();
  }
});
