/** The desk's own worker as a process of its own, as `desk up` starts it, to be killed and started again. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { stringify } from 'yaml';
import { BOT1 } from '../simulator/harness.ts';
import { botConfig } from '../support/bots.ts';
import { builtCode } from '../support/build.ts';

export interface DeskWorkers {
  /** For the desk's own commands. */
  readonly env: NodeJS.ProcessEnv;
  /** Resolves when it takes tasks. */
  start(): Promise<void>;
  /** SIGKILL; nothing when none runs. */
  kill(): Promise<void>;
  remove(): Promise<void>;
}

/** A desk called `test` whose only bot nobody starts; its schedules are those of the project. */
export async function deskWorkers(address: string): Promise<DeskWorkers> {
  const root = mkdtempSync(join(tmpdir(), 'desk-worker-'));
  const configDir = join(root, 'config');
  mkdirSync(join(configDir, 'bots'), { recursive: true });
  const desk = { version: 1, desk: 'test', host: 'test', venue: { name: 'bitget', endpoint: 'simulator' }, simulator: { speed: 1 } }; // prettier-ignore
  const accounts = { [BOT1.account]: { openingBalance: BOT1.balance } };
  writeFileSync(join(configDir, 'desk.yml'), stringify({ ...desk, accounts }));
  writeFileSync(join(configDir, 'bots', 'bot1.yml'), stringify(botConfig({ account: BOT1.account })));
  cpSync(join(process.cwd(), 'config', 'schedules.yml'), join(configDir, 'schedules.yml'));
  const build = await builtCode();
  const { NODE_OPTIONS: _ofJest, ...inherited } = process.env;
  const env = {
    ...inherited,
    TEMPORAL_ADDRESS: address,
    DESK_ROOT: process.cwd(),
    DESK_BUILD: build,
    DESK_HOME: join(root, 'home'),
    DESK_CONFIG: configDir,
    DESK_CONFIG_DIR: configDir,
    DESK_CODE_VERSION: 'test',
    DATABASE_URL: 'postgres://none',
  };
  let running: ChildProcess | null = null;
  const kill = async (): Promise<void> => {
    const child = running;
    running = null;
    if (child === null || child.exitCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  };
  return {
    env,
    kill,
    async start() {
      const child = spawn(process.execPath, [join(build, 'workers', 'desk.worker.js')], { env, stdio: ['ignore', 'pipe', 'inherit'] }); // prettier-ignore
      running = child;
      for await (const line of createInterface(child.stdout)) {
        if (!line.includes('"ready":true')) continue;
        // What it logs from here on is nobody's; a full pipe would hold it up.
        child.stdout.resume();
        return;
      }
      throw new Error('the desk worker ended before it was ready');
    },
    async remove() {
      await kill();
      rmSync(root, { recursive: true, force: true });
    },
  };
}
