/** A whole desk of real processes in a folder of its own, on free ports, as a user starts it. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { BotRun } from '../../core/control/protocol.ts';
import { deskHome, paperAccountDir, type DeskHome } from '../../config/home.ts';
import { netLots } from '../../core/accounting/holdings.ts';
import { createInstrument, formatQty } from '../../core/market/instrument.ts';
import { decodeChange } from '../../core/paper/rows.ts';
import type { BotWorkflowStatus } from '../../workflows/bot/contract.ts';
import { leftPostgres } from '../../stack/postgres.ts';
import { readSecret } from '../../stack/postgres-cluster.ts';
import { readRunFile } from '../../stack/run-files.ts';
import type { Ports } from '../../stack/ports.ts';

const run = promisify(execFile);
const ROOT = process.cwd();
const UP_MS = 90_000;

/** Polls `look` until it answers something; fails with what it waited for. */
export async function until<T>(
  what: string,
  look: () => Promise<T | null | false> | T | null | false,
  timeoutMs = 30_000,
  everyMs = 100,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  let last: unknown = null;
  while (performance.now() < deadline) {
    try {
      const found = await look();
      if (found !== null && found !== false) return found;
    } catch (error) {
      last = error;
    }
    await sleep(everyMs);
  }
  throw new Error(`waited ${timeoutMs / 1_000} s for ${what}${last instanceof Error ? `; last: ${last.message}` : ''}`);
}

/**
 * The desk's own configuration on a market that goes `speed` times as fast: a market maker that quotes what is worth it
 * waits minutes for a fill. The folder lies beside the desk's own and is left to the system's temporary folder.
 */
export function configAtSpeed(speed: number): string {
  const dir = mkdtempSync(join(tmpdir(), 'desk-config-'));
  const isData = (path: string): boolean => !path.endsWith('.ts');
  cpSync(join(ROOT, 'config'), dir, { recursive: true, filter: isData });
  const file = join(dir, 'desk.yml');
  const text = readFileSync(file, 'utf8');
  const faster = text.replace(/^( {2}speed: )1\b/m, `$1${speed}`);
  if (faster === text) throw new Error(`${file}: expected simulator.speed 1`);
  writeFileSync(file, faster);
  // Quotes follow a faster market with more cancels, and a bot that uses up its cancels three times stops for good.
  for (const name of readdirSync(join(dir, 'bots'))) {
    const bot = join(dir, 'bots', name);
    writeFileSync(bot, readFileSync(bot, 'utf8').replace(/(cancelsPerMinuteMax: )\d+/, '$1600'));
  }
  return dir;
}

export interface SimulatedAccountStatus {
  openOrders: number;
  fills: number;
  positions: { symbol: string; qty: string }[];
}

export class TestDesk {
  readonly home: DeskHome;
  private readonly env: NodeJS.ProcessEnv;
  private child: ChildProcess | null = null;
  private talk = '';
  private pool: pg.Pool | null = null;
  ports: Ports | null = null;

  constructor(env: NodeJS.ProcessEnv = {}) {
    this.home = deskHome(mkdtempSync(join(tmpdir(), 'desk-')));
    this.env = { ...process.env, ...env, DESK_HOME: this.home.root, DESK_PORTS: 'free', NO_COLOR: '1' };
    delete this.env['NODE_OPTIONS'];
  }

  /** Runs a `desk` command to its end. */
  async desk(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    return this.command(join(ROOT, 'desk'), args);
  }

  /** The plain Temporal command, as a user would type it, against this desk. */
  async temporal(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    return this.command(process.env['TEMPORAL_CLI'] ?? 'temporal', [
      ...args,
      '--address',
      `127.0.0.1:${this.ports?.temporal}`,
    ]);
  }

  private async command(
    command: string,
    args: readonly string[],
  ): Promise<{ code: number; stdout: string; stderr: string }> {
    try {
      const { stdout, stderr } = await run(command, args, { env: this.env, cwd: ROOT, maxBuffer: 64 * 1024 * 1024 });
      return { code: 0, stdout, stderr };
    } catch (error) {
      const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
      return { code, stdout, stderr };
    }
  }

  /** Starts it and waits for its ready line. */
  async up(...args: string[]): Promise<this> {
    const child = spawn(join(ROOT, 'desk'), ['up', ...args], {
      env: this.env,
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child = child;
    this.talk = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (this.talk += chunk.toString()));
    const ready = await until(
      'the desk',
      () => {
        if (child.exitCode !== null) throw new Error(`desk up ended with ${child.exitCode}: ${this.talk}`);
        return /\{"ready":true.*\}/.exec(this.talk)?.[0] ?? null;
      },
      UP_MS,
    ).catch((error: Error) => {
      throw new Error(`${error.message}\n${this.talk}`);
    });
    this.ports = (JSON.parse(ready) as { ports: Ports }).ports;
    return this;
  }

  output(): string {
    return this.talk;
  }

  /** Ctrl-C in its terminal; resolves with its exit code. */
  async interrupt(): Promise<number | null> {
    const { child } = this;
    if (child === null || child.exitCode !== null) return child?.exitCode ?? null;
    child.kill('SIGINT');
    await until('the desk to end', () => child.exitCode !== null || child.signalCode !== null, 30_000);
    await this.pool?.end();
    this.pool = null;
    return child.exitCode;
  }

  /** Ends it however far it came, and removes its folder. */
  async dispose(): Promise<void> {
    await this.interrupt().catch(() => {});
    await this.desk('down');
    rmSync(this.home.root, { recursive: true, force: true });
  }

  async bot(bot: string): Promise<BotWorkflowStatus> {
    const { stdout, code, stderr } = await this.desk('bot', 'show', bot);
    if (code !== 0) throw new Error(stderr);
    return JSON.parse(stdout) as BotWorkflowStatus;
  }

  botRun(bot: string): BotRun {
    return BotRun.parse(JSON.parse(readFileSync(join(this.home.runDir, `bot-${bot}.json`), 'utf8')));
  }

  /** Pid of a process of the stack or the desk, by its name. */
  pidOf(name: string): number {
    const entry = readRunFile(this.home, name);
    if (entry === null) throw new Error(`no process called ${name} runs`);
    return entry.pid;
  }

  postmasterPid(): number {
    const left = leftPostgres(this.home);
    if (left === null) throw new Error('no Postgres runs');
    return left.identity.pid;
  }

  /** What a power cut does to the supervisor alone. */
  async killSupervisor(): Promise<void> {
    const { child } = this;
    child?.kill('SIGKILL');
    await until(
      'the supervisor to be gone',
      () => child === null || child.exitCode !== null || child.signalCode !== null,
    );
    await this.pool?.end();
    this.pool = null;
  }

  async query<Row extends pg.QueryResultRow>(sql: string, values: unknown[] = []): Promise<Row[]> {
    if (this.pool === null) {
      const secret = readSecret(this.home);
      if (secret === null || this.ports === null) throw new Error('the desk has no database yet');
      this.pool = new pg.Pool({ host: '127.0.0.1', port: this.ports.postgres, ...secret, database: 'desk', max: 2 });
      this.pool.on('error', () => {});
    }
    return (await this.pool.query<Row>(sql, values)).rows;
  }

  async simulator(): Promise<Record<string, SimulatedAccountStatus>> {
    const answer = await fetch(`http://127.0.0.1:${this.ports?.simulator}/simulator/status`);
    return ((await answer.json()) as { accounts: Record<string, SimulatedAccountStatus> }).accounts;
  }

  /** What each account holds by its venue's own word: the simulator's, and the paper accounts'. */
  async accounts(): Promise<Record<string, SimulatedAccountStatus>> {
    const paper = existsSync(this.home.paperDir) ? readdirSync(this.home.paperDir) : [];
    const told = paper.map((account) => [account, paperAccount(paperAccountDir(this.home, account))] as const);
    return { ...(await this.simulator()), ...Object.fromEntries(told) };
  }

  async storedFills(bot: string): Promise<number> {
    const [row] = await this.query<{ n: string }>(
      `select count(*) as n from event where source = $1 and stream = 'hb.fill.v1'`,
      [bot],
    );
    return Number(row?.n ?? 0);
  }
}

/** A paper account as its file tells it: everything in it survives the process that wrote it. */
export function paperAccount(dir: string): SimulatedAccountStatus {
  const [, ...lines] = readFileSync(join(dir, 'account.jsonl'), 'utf8').split('\n').slice(0, -1);
  const open = new Set<number>();
  const fills = new Set<number>();
  const positions = new Map<string, string>();
  for (const line of lines) {
    const change = decodeChange(line.slice('checksum '.length));
    for (const { id, status } of change.orders) {
      if (status === 'open') open.add(id);
      else open.delete(id);
    }
    for (const { id } of change.fills) fills.add(id);
    for (const { spec, holdings } of change.symbols) {
      const instrument = createInstrument(spec);
      positions.set(spec.symbol, formatQty(netLots(holdings), instrument));
    }
  }
  const held = [...positions].filter(([, qty]) => Number(qty) !== 0);
  return { openOrders: open.size, fills: fills.size, positions: held.map(([symbol, qty]) => ({ symbol, qty })) };
}
