/**
 * Memory of one trading bot under different settings of Node and of the allocator, all bots at the same time against one
 * simulator, each on an account of its own. Beside them a bare Node process with ccxt's one exchange file. The winner's
 * settings stand in `workers/local-bot-host.ts`.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringify } from 'yaml';
import { accountKeyFile, botRunFile, deskHome } from '../config/home.ts';
import { loadConfig } from '../config/load.ts';
import { BotRun, ControlResponse } from '../core/control/protocol.ts';
import { end, endWithUs } from './support/child.ts';
import { ratio, report, rounded } from './support/figures.ts';
import { buildDir, inScratch, projectRoot } from './support/places.ts';
import { memoryOf, type ProcessMemory } from './support/process-memory.ts';
import { startSimulator, type BenchSimulator } from './support/simulator.ts';

const RUN_MS = Number(process.env['BENCH_MS'] ?? 25_000);
const PING_MS = 1_000;
const START_MS = 40_000;

interface Setting {
  readonly flags: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

const MAPS = '--enable-source-maps';
const YOUNG = '--max-semi-space-size=1';
const CAP = '--max-old-space-size=96';
const ONE_HELPER = '--v8-pool-size=1';
const SIZE = '--optimize-for-size';

/** Named as accounts are. */
const SETTINGS: Readonly<Record<string, Setting>> = {
  plain: { flags: [] },
  young: { flags: [YOUNG] },
  'young-cap': { flags: [YOUNG, CAP] },
  'one-helper': { flags: [YOUNG, CAP, ONE_HELPER] },
  'for-size': { flags: [YOUNG, CAP, ONE_HELPER, SIZE] },
  'for-size-maps': { flags: [MAPS, YOUNG, CAP, ONE_HELPER, SIZE] },
  'small-heap': { flags: [YOUNG, '--max-old-space-size=64', ONE_HELPER, SIZE] },
  threads: { flags: [YOUNG, CAP, ONE_HELPER, SIZE], env: { UV_THREADPOOL_SIZE: '2' } },
  arenas: { flags: [YOUNG, CAP, ONE_HELPER, SIZE], env: { MALLOC_ARENA_MAX: '2' } },
};

interface Running {
  readonly name: string;
  readonly child: ChildProcess;
  readonly run: BotRun;
}

async function startBot(dir: string, name: string, setting: Setting, port: number): Promise<Running> {
  const home = deskHome(dir);
  const optionsFile = join(dir, `${name}.options.json`);
  const origin = `127.0.0.1:${port}`;
  const endpoint = { kind: 'simulator', httpUrl: `http://${origin}`, wsUrl: `ws://${origin}` };
  // No broker listens here: calls leave in the bot's own turns.
  const rates = { socket: join(dir, 'rates.sock'), share: { index: 0, of: 1 } };
  const configDir = join(dir, 'config');
  writeFileSync(
    optionsFile,
    JSON.stringify({ bot: name, home: dir, configDir, codeVersion: 'bench', endpoint, rates }),
  );
  const botMain = process.env['BENCH_BOT_MAIN'] ?? join(buildDir, 'bots/main.js');
  const child = spawn(process.execPath, [...setting.flags, botMain, optionsFile], {
    cwd: projectRoot,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...setting.env },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  endWithUs(child);
  const runFile = botRunFile(home, name);
  for (const until = performance.now() + START_MS; !existsSync(runFile); await sleep(50)) {
    if (child.exitCode !== null || performance.now() > until) throw new Error(`${name} did not start`);
  }
  return { name, child, run: BotRun.parse(JSON.parse(readFileSync(runFile, 'utf8'))) };
}

/** One request over the bot's control socket. */
function ask({ run }: Running, command: 'ping' | 'status'): Promise<ControlResponse> {
  return new Promise((resolve, reject) => {
    const socket = connect(run.socket);
    let text = '';
    socket.on('error', reject);
    socket.on('data', (chunk) => {
      text += chunk.toString();
      if (!text.endsWith('\n')) return;
      socket.end();
      resolve(ControlResponse.parse(JSON.parse(text)));
    });
    socket.write(`${JSON.stringify({ id: 1, command })}\n`);
  });
}

/** The default desk's first bot once for each setting, on an account of the same name. */
function writeConfig(dir: string, names: readonly string[], { accounts }: BenchSimulator): void {
  const { bots, desk } = loadConfig(join(projectRoot, 'config'));
  const bot1 = bots.get('bot1');
  mkdirSync(join(dir, 'config/bots'), { recursive: true });
  mkdirSync(join(dir, 'secrets'), { recursive: true, mode: 0o700 });
  const balances = Object.fromEntries(names.map((name) => [name, { openingBalance: '10000' }]));
  writeFileSync(join(dir, 'config/desk.yml'), stringify({ ...desk, accounts: balances }));
  for (const name of names) {
    writeFileSync(join(dir, `config/bots/${name}.yml`), stringify({ ...bot1, bot: name, account: name }));
  }
  for (const { account, apiKey, secret, passphrase } of accounts) {
    writeFileSync(accountKeyFile(deskHome(dir), account), JSON.stringify({ apiKey, secret, passphrase }), {
      mode: 0o600,
    });
  }
}

function inMb(pid: number | undefined): ProcessMemory {
  const { rssMb, pssMb } = memoryOf(pid ?? 0);
  return { rssMb: rounded(rssMb, 1), pssMb: rounded(pssMb, 1) };
}

async function main(dir: string): Promise<void> {
  const chosen = process.env['BENCH_SETTINGS']?.split(',');
  const names = Object.keys(SETTINGS).filter((name) => chosen?.includes(name) ?? true);
  const simulator = await startSimulator(dir, names);
  writeConfig(dir, names, simulator);
  const bots: Running[] = [];
  const bare = spawn(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      `await import('${projectRoot}/node_modules/ccxt/js/src/bitget.js'); setInterval(() => {}, 1_000)`,
    ],
    { cwd: projectRoot, stdio: 'ignore' },
  );
  endWithUs(bare);
  try {
    const starts = names.map((name) => startBot(dir, name, SETTINGS[name] ?? { flags: [] }, simulator.port));
    bots.push(...(await Promise.all(starts)));
    for (const until = performance.now() + RUN_MS; performance.now() < until; await sleep(PING_MS)) {
      for (const bot of bots) await ask(bot, 'ping');
    }
    const settings: Record<string, unknown> = {};
    for (const bot of bots) {
      const answer = await ask(bot, 'status');
      const { flags, env = {} } = SETTINGS[bot.name] ?? { flags: [] };
      settings[bot.name] = {
        settings: [...Object.entries(env).map(([name, value]) => `${name}=${value}`), ...flags].join(' '),
        ...inMb(bot.child.pid),
        fills: answer.ok ? answer.status.fills : null,
      };
    }
    const limit = inMb(bare.pid);
    const smallest = Math.min(...bots.map(({ child }) => inMb(child.pid).rssMb));
    report('bot-memory', {
      unit: 'MB',
      afterS: RUN_MS / 1_000,
      settings,
      limits: { nodeWithCcxtBitget: limit },
      ratios: { smallestOfNodeWithCcxtBitget: ratio(smallest, limit.rssMb) },
    });
  } finally {
    await Promise.all([...bots.map(({ child }) => end(child)), end(bare)]);
    await simulator.stop();
  }
}

await inScratch('bot-memory', main);
