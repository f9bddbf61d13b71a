/**
 * Real bot processes, killed at the two moments that matter: the intent is on disk and its request has not reached the
 * venue, or the venue has it and the answer has not come back. Whatever the next process finds, each intent stays at most
 * one order and gets an end.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, test } from '@jest/globals';
import { stringify } from 'yaml';
import { connectBotControl, type BotControl } from '../../../activities/bot-control.ts';
import { accountKeyFile, botJournalDir, deskHome, rateSocket } from '../../../config/home.ts';
import { loadConfig } from '../../../config/load.ts';
import { BotRun, type BotStatus } from '../../../core/control/protocol.ts';
import { SILENT } from '../../../core/log.ts';
import { ARRIVAL_MS_MAX } from '../../../core/orders/order.ts';
import { startRateBrokers } from '../../../workers/rate-brokers.ts';
import { startSimulator } from '../../../simulator/server.ts';
import { connectAdmin } from '../../simulator/admin.ts';
import { BOT1, simulatorOptions } from '../../simulator/harness.ts';
import { botConfig } from '../../support/bots.ts';
import { builtCode } from '../../support/build.ts';
import { until } from '../../support/desk.ts';
import { judgeBelief } from './order-run.ts';
import { tellProof, trials } from '../../support/trials.ts';
import { BUSY, recordedEvents } from './world.ts';
import { Wire, type SeenRequest } from './wire.ts';

const KILLS = trials({ ci: 4, long: 200 });

/** The process dies as this request of it is seen; the request itself passes, or is lost with its sender. */
interface Trap {
  readonly victim: ChildProcess;
  readonly request: 'pass' | 'drop';
  /** So many requests are let through first. */
  after: number;
}

interface RunningBot {
  readonly process: ChildProcess;
  readonly control: BotControl;
}

async function startBot(command: readonly string[]): Promise<RunningBot> {
  const child = spawn(process.execPath, command, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env['PATH'] },
  });
  for await (const line of createInterface({ input: child.stdout })) {
    const said = JSON.parse(line) as { ready?: boolean };
    if (said.ready !== true) continue;
    const { ready: _ready, ...run } = said;
    child.stdout.resume();
    return { process: child, control: await connectBotControl(BotRun.parse(run).socket) };
  }
  throw new Error(`the bot ended before it was ready: ${child.exitCode}`);
}

async function gone(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

test(`${KILLS} kills, every other one with the request lost: one order an intent, and each gets an end`, async () => {
  const root = mkdtempSync(join(tmpdir(), 'boundary-kills-'));
  const home = deskHome(join(root, 'home'));
  const configDir = join(root, 'config');
  mkdirSync(join(configDir, 'bots'), { recursive: true });
  mkdirSync(home.secretsDir, { recursive: true, mode: 0o700 });
  const { account, apiKey, secret, passphrase, balance } = BOT1;
  const venue = { name: 'bitget', endpoint: 'simulator' };
  const desk = { version: 1, desk: 'test', host: 'local', venue, simulator: { speed: 1 } };
  writeFileSync(
    join(configDir, 'desk.yml'),
    stringify({ ...desk, accounts: { [account]: { openingBalance: balance } } }),
  );
  writeFileSync(join(configDir, 'bots', 'bot1.yml'), stringify(botConfig({ ...BUSY, account, deadmanS: 600 })));
  writeFileSync(accountKeyFile(home, account), JSON.stringify({ apiKey, secret, passphrase }), { mode: 0o600 });
  const simulator = await startSimulator({ ...simulatorOptions(home.simulatorDir), adminPort: 0 });
  const admin = connectAdmin(simulator.adminPort);
  let trap: Trap | null = null;
  const killed = { pass: 0, drop: 0 };
  const wire = new Wire({
    onFirstByte: () => null,
    onRequest(_request: SeenRequest<null>) {
      if (trap === null || trap.after-- > 0) return 'pass';
      const { victim, request } = trap;
      trap = null;
      killed[request] += 1;
      victim.kill('SIGKILL');
      return request;
    },
  });
  await wire.open(simulator.port);
  const options = join(root, 'options.json');
  const address = `127.0.0.1:${wire.port}`;
  const endpoint = { kind: 'simulator', httpUrl: `http://${address}`, wsUrl: `ws://${address}` };
  const config = loadConfig(configDir);
  const rateBrokers = startRateBrokers({ home, config, log: SILENT });
  const rates = { socket: rateSocket(home, account), share: { index: 0, of: 1 } };
  writeFileSync(
    options,
    JSON.stringify({ bot: 'bot1', home: home.root, configDir, codeVersion: 'test', rates, endpoint }),
  );
  const command = [join(await builtCode(), 'bots', 'main.js'), options];
  const alive: RunningBot[] = [];
  try {
    for (let kill = 0; kill < KILLS; kill += 1) {
      const bot = await startBot(command);
      alive[0] = bot;
      trap = { victim: bot.process, request: kill % 2 === 0 ? 'pass' : 'drop', after: kill % 2 };
      const pinging = setInterval(() => void bot.control.ping().catch(() => {}), 200);
      await gone(bot.process);
      clearInterval(pinging);
      bot.control.close();
      expect(bot.process.signalCode).toBe('SIGKILL');
    }
    const last = await startBot(command);
    alive[0] = last;
    await last.control.ping();
    await last.control.command({ command: 'pause', operator: 'ann', reason: 'judged' });
    // A lost one has its end when it can no longer arrive.
    const endsWithinMs = ARRIVAL_MS_MAX + 60_000;
    const hasEnds = async (): Promise<BotStatus | null> => {
      const status = await last.control.ping();
      return status.ordersActive === 0 && status.reason === 'paused_by_operator' ? status : null;
    };
    const { position } = await until('every order to have an end', hasEnds, endsWithinMs);
    last.process.kill('SIGTERM');
    await gone(last.process);
    const events = await recordedEvents(botJournalDir(home, 'bot1'));
    const truth = (await admin.truth()).accounts[account]!;
    const { broken, intents } = judgeBelief({ account, events, left: [], position }, truth);
    const found = { ...killed, intents, accepted: truth.accepted, duplicatesRefused: truth.duplicatesRefused };
    tellProof({ promise: 'P6', proof: 'SIGKILL around the place call', trials: KILLS, failures: broken.length, found });
    expect(broken).toEqual([]);
    expect(killed.pass + killed.drop).toBe(KILLS);
    expect(killed.drop).toBeGreaterThan(0);
  } finally {
    for (const { process: child } of alive) {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await gone(child);
    }
    await rateBrokers.stop();
    await wire.cut();
    await simulator.stop();
    rmSync(root, { recursive: true, force: true });
  }
}, 3_600_000);
