/**
 * Memory of each process of a desk that trades, a minute after its start. Beside it, from the same run: a bare Node process
 * and one that has loaded ccxt's one exchange file and nothing else, which no bot can be below.
 */
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { leftPostgres } from '../stack/postgres.ts';
import { end, endWithUs } from './support/child.ts';
import { DeskRun } from './support/desk-run.ts';
import { ratio, report, rounded } from './support/figures.ts';
import { inScratch, projectRoot } from './support/places.ts';
import { familyOf, memoryOf, type ProcessMemory } from './support/process-memory.ts';

const AFTER_MS = Number(process.env['BENCH_MS'] ?? 60_000);
const SETTLE_MS = 3_000;

function sum(pids: readonly number[]): ProcessMemory {
  const parts = pids.map(memoryOf);
  return {
    rssMb: rounded(
      parts.reduce((total, { rssMb }) => total + rssMb, 0),
      1,
    ),
    pssMb: rounded(
      parts.reduce((total, { pssMb }) => total + pssMb, 0),
      1,
    ),
  };
}

async function bare(script: string): Promise<ProcessMemory> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', `${script}; setInterval(() => {}, 1_000)`], {
    cwd: projectRoot,
    stdio: 'ignore',
  });
  endWithUs(child);
  await sleep(SETTLE_MS);
  const memory = sum([child.pid ?? 0]);
  await end(child);
  return memory;
}

async function main(dir: string): Promise<void> {
  const desk = new DeskRun(dir, 'all');
  try {
    await desk.ready();
    await sleep(AFTER_MS);
    const postgres = leftPostgres(desk.home);
    const processes = [
      ...desk.processes().map(({ name, pid }) => ({ name: name.replace(/-\d+$/, ''), pid })),
      ...(postgres === null ? [] : [{ name: 'postgres', pid: postgres.identity.pid }]),
    ];
    const own = new Set(processes.map(({ pid }) => pid));
    // Children that are named themselves are not counted twice.
    const familyBut = (pid: number): number[] => familyOf(pid).filter((member) => member === pid || !own.has(member));
    const named = processes.map(({ name, pid }) => ({ name, ...sum(name === 'desk' ? [pid] : familyBut(pid)) }));
    const limits = {
      node: await bare(''),
      nodeWithCcxtBitget: await bare(`await import('${projectRoot}/node_modules/ccxt/js/src/bitget.js')`),
    };
    const bots = named.filter(({ name }) => name.startsWith('bot-') && name !== 'bot-host');
    const botRssMb = Math.max(...bots.map(({ rssMb }) => rssMb));
    const total = (of: 'rssMb' | 'pssMb'): number =>
      rounded(
        named.reduce((all, each) => all + each[of], 0),
        1,
      );
    report('memory', {
      unit: 'MB',
      afterS: AFTER_MS / 1_000,
      processes: Object.fromEntries(named.map(({ name, ...memory }) => [name, memory])),
      total: { rssMb: total('rssMb'), pssMb: total('pssMb') },
      limits,
      ratios: { largestBotOfNodeWithCcxtBitget: ratio(botRssMb, limits.nodeWithCcxtBitget.rssMb) },
    });
  } finally {
    await desk.stop();
  }
}

await inScratch('memory', main);
