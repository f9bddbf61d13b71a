/** A whole desk as a user starts it, `./desk up`, in a folder of its own and on free ports. */
import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { deskHome, type DeskHome } from '../../config/home.ts';
import { runningProcesses } from '../../stack/run-files.ts';
import { end, endWithUs } from './child.ts';
import { projectRoot } from './places.ts';

const UP_MS = 120_000;
const DOWN_MS = 30_000;
const POLL_MS = 25;

const Ready = z.object({ ports: z.object({ simulator: z.int().positive(), temporal: z.int().positive() }) });
const Accounts = z.object({
  accounts: z.record(z.string(), z.object({ openOrders: z.int(), fills: z.int() })),
});

export interface DeskStep {
  readonly step: string;
  readonly seconds: number;
}

export class DeskRun {
  readonly home: DeskHome;
  readonly startedAt = performance.now();
  private readonly child: ChildProcess;
  /** Known once it is ready. */
  ports = { simulator: 0, temporal: 0 };
  private talk = '';

  constructor(dir: string, profile: 'all' | 'no-console') {
    this.home = deskHome(dir);
    const env: NodeJS.ProcessEnv = { ...process.env, DESK_HOME: dir, DESK_PORTS: 'free', NO_COLOR: '1' };
    delete env['NODE_OPTIONS'];
    delete env['DATABASE_URL'];
    this.child = spawn(join(projectRoot, 'desk'), ['up', '--profile', profile], {
      cwd: projectRoot,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    endWithUs(this.child);
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on('data', (chunk: Buffer) => (this.talk += chunk.toString()));
    }
  }

  /** Ms from the start to the ready line. */
  async ready(): Promise<number> {
    const line = await this.until('its ready line', () => /^\{"ready":true.*\}$/m.exec(this.talk)?.[0] ?? null, UP_MS);
    const atMs = this.sinceStartMs();
    this.ports = Ready.parse(JSON.parse(line)).ports;
    return atMs;
  }

  /** The steps it told of, in the order of their ends. */
  steps(): DeskStep[] {
    return [...this.talk.matchAll(/^\s+✓ (.+?) (\d+\.\d) s/gm)].map(([, step = '', seconds]) => ({
      step,
      seconds: Number(seconds),
    }));
  }

  /** Orders that rest and fills so far, over all accounts of the simulator. */
  async activity(): Promise<{ openOrders: number; fills: number }> {
    const answer = await fetch(`http://127.0.0.1:${this.ports.simulator}/simulator/status`);
    const accounts = Object.values(Accounts.parse(await answer.json()).accounts);
    const sum = (of: 'openOrders' | 'fills'): number => accounts.reduce((total, account) => total + account[of], 0);
    return { openOrders: sum('openOrders'), fills: sum('fills') };
  }

  /** Polls until `look` answers something. */
  async until<T>(what: string, look: () => Promise<T | null> | T | null, timeoutMs: number): Promise<T> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const found = await look();
      if (found !== null) return found;
      if (this.child.exitCode !== null) throw new Error(`the desk ended with ${this.child.exitCode}:\n${this.talk}`);
      if (performance.now() > deadline) throw new Error(`waited ${timeoutMs / 1_000} s for ${what}:\n${this.talk}`);
      await sleep(POLL_MS);
    }
  }

  sinceStartMs(): number {
    return performance.now() - this.startedAt;
  }

  /** Pids by name, the desk command itself among them. */
  processes(): { name: string; pid: number }[] {
    return [{ name: 'desk', pid: this.child.pid ?? 0 }, ...runningProcesses(this.home)];
  }

  async stop(): Promise<void> {
    await end(this.child, DOWN_MS);
  }
}
