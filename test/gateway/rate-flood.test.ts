/**
 * One account, 8 processes of 20 bots, one server that counts. `RATE_FLOOD_S` makes the run longer; the broker is killed
 * and replaced in the middle of every `ROUND_MS`.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { build } from 'esbuild';
import type { RateLimits } from '../../core/rates/limits.ts';
import { mostIn, startCountingVenue } from './counting-venue.ts';
import type { FloodGroup, FloodOptions, FloodResult } from './rate-flood-client.ts';

const PROCESSES = 8;
const BOTS = 20;
const RUN_MS = Number(process.env['RATE_FLOOD_S'] ?? 12) * 1_000;
const ROUND_MS = 12_000;
const LIMITS: RateLimits<FloodGroup> = {
  perSecond: { place: 90, cancel: 60 },
  ofAddress: [],
  overallPerSecond: 180,
  urgent: ['cancel'],
  reserved: 20,
};

const folder = mkdtempSync(join(tmpdir(), 'rate-flood-'));
const socketPath = join(folder, 'flood.sock');
const started: ChildProcess[] = [];
beforeAll(async () => {
  symlinkSync(join(process.cwd(), 'node_modules'), join(folder, 'node_modules'));
  await build({
    entryPoints: ['test/gateway/rate-flood-client.ts', 'test/gateway/rate-flood-broker.ts'],
    bundle: true,
    packages: 'external',
    format: 'esm',
    platform: 'node',
    outdir: folder,
    outExtension: { '.js': '.mjs' },
  });
});
afterAll(() => {
  for (const child of started) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

function run(script: string, options: object): ChildProcess {
  const args = [join(folder, script), JSON.stringify(options)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], env: {} });
  started.push(child);
  return child;
}

async function startBroker(): Promise<ChildProcess> {
  const broker = run('rate-flood-broker.mjs', { socketPath, limits: LIMITS });
  await once(broker.stdout as NodeJS.ReadableStream, 'data');
  return broker;
}

async function resultOf(child: ChildProcess): Promise<FloodResult> {
  let text = '';
  child.stdout?.on('data', (chunk) => (text += String(chunk)));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`a client process ended with ${code}`);
  return JSON.parse(text) as FloodResult;
}

function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

test(
  '160 bots of one account stay below the limit while the broker is killed, and cancels keep their time',
  async () => {
    const venue = await startCountingVenue();
    let broker = await startBroker();
    const clients = Array.from({ length: PROCESSES }, (_, n) => {
      const options: FloodOptions = {
        socketPath,
        port: venue.port,
        limits: LIMITS,
        first: n * BOTS,
        bots: BOTS,
        of: PROCESSES * BOTS,
        runMs: RUN_MS,
        // Places are wanted all the time; cancels come at less than half of what the venue takes.
        restMs: { place: 0, cancel: 6_000 },
      };
      return resultOf(run('rate-flood-client.mjs', options));
    });
    const results = Promise.all(clients);
    const rounds = Math.max(1, Math.floor(RUN_MS / ROUND_MS));
    for (let round = 0; round < rounds; round += 1) {
      await sleep(ROUND_MS * 0.45);
      // At once, and once more: what dead ones have handed out is still on its way.
      for (let takeover = 0; takeover < 2; takeover += 1) {
        broker.kill('SIGKILL');
        broker = await startBroker();
        await sleep(ROUND_MS * 0.05);
      }
      await sleep(ROUND_MS * 0.45);
    }
    const flood = await results;
    broker.kill('SIGTERM');
    await venue.close();

    const waits = (group: FloodGroup): number[] => flood.flatMap(({ waitsMs }) => waitsMs[group]);
    const calls = (group: FloodGroup): number[] => flood.flatMap((result) => result.calls[group]);
    const most = (group: FloodGroup): number => mostIn(venue.arrivals.get(group) ?? [], 1_000);
    const all = [...venue.arrivals.values()].flat().sort((a, b) => a - b);
    const shown = {
      rounds,
      arrived: all.length,
      most: { place: most('place'), cancel: most('cancel'), all: mostIn(all, 1_000) },
      waitMs: {
        placeP50: percentile(waits('place'), 0.5),
        placeP99: percentile(waits('place'), 0.99),
        cancelP50: percentile(waits('cancel'), 0.5),
        cancelP99: percentile(waits('cancel'), 0.99),
      },
      leastPlaces: Math.min(...calls('place')),
      mostPlaces: Math.max(...calls('place')),
      inTurns: flood.flatMap(({ counters }) => counters).reduce((sum, { inTurn }) => sum + inTurn, 0),
    };
    console.log(JSON.stringify(shown));
    expect(shown.most.place).toBeLessThanOrEqual(LIMITS.perSecond.place);
    expect(shown.most.cancel).toBeLessThanOrEqual(LIMITS.perSecond.cancel);
    expect(shown.most.all).toBeLessThanOrEqual(LIMITS.overallPerSecond);
    expect(calls('place')).toHaveLength(PROCESSES * BOTS);
    expect(shown.leastPlaces).toBeGreaterThan(0);
    expect(shown.waitMs.cancelP99).toBeLessThan(shown.waitMs.placeP99 / 2);
    expect(shown.waitMs.cancelP50).toBeLessThan(shown.waitMs.placeP50 / 2);
    expect(shown.inTurns).toBeGreaterThan(0);
  },
  RUN_MS + 60_000,
);
