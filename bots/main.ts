/**
 * One bot, one process: `node dist/bots/main.js <options.json>`. Exit codes: 0 left in order, 1 failed, 2 wrong
 * options, configuration, keys or account, 3 the journal is damaged, 4 another process is this bot already.
 */
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { botJournalDir, botRunFile, botSnapshotFile, deskHome, socketPath } from '../config/home.ts';
import { ConfigError, configHash } from '../config/load.ts';
import type { BotConfig } from '../core/bot/bot-config.ts';
import type { BotRun } from '../core/control/protocol.ts';
import type { Log } from '../core/log.ts';
import type { AccountKind } from '../gateway/bitget/dialect.ts';
import { BITGET_LIMITS, type BitgetRateGroup } from '../gateway/bitget/limits.ts';
import { PaperStateError, PaperStateInUse } from '../gateway/paper/store.ts';
import { openSharedBudget, type SharedBudget } from '../gateway/rates/shared-budget.ts';
import type { Venue } from '../gateway/venue.ts';
import { JournalDamaged, JournalLocked } from '../journal/errors.ts';
import { openJournal } from '../journal/journal.ts';
import { createLog } from '../monitoring/log.ts';
import { requireAccount } from './account.ts';
import { createClock } from './clock.ts';
import { listenControl } from './control-server.ts';
import { BotOptions, OptionsWrong, readConfig, readKeys, readOptions, requireNoRealMoney } from './options.ts';
import { preflight, readInstrument } from './preflight.ts';
import { recoverMachine, snapshotSequence } from '../journal/recover-machine.ts';
import { quarantineEnd } from '../journal/recovery.ts';
import { BotRuntime } from './runtime.ts';
import { sweepBook } from './sweep.ts';
import { openExchange, openPaper, type VenueSetup } from './venues.ts';

/** All of leaving in order, cancels included. */
const LEAVE_MS = 4_000;

function writeAtomically(path: string, value: unknown): void {
  writeFileSync(`${path}.new`, JSON.stringify(value), { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

function openBudget(
  { isSweep, rates }: BotOptions,
  { bot, account }: BotConfig,
  now: () => number,
  log: Log,
): SharedBudget<BitgetRateGroup> {
  const client = isSweep ? `${bot} sweep` : bot;
  const { socket, share } = rates;
  return openSharedBudget({ account, client, socketPath: socket, share, limits: BITGET_LIMITS, now, log });
}

function explain(error: unknown): string {
  if (error instanceof JournalDamaged)
    return `the journal is damaged: ${error.message}. See docs/runbooks/damaged-journal.md`;
  if (isDiskFull(error)) return `the disk is full: ${(error as Error).message}. See docs/runbooks/full-disk.md`;
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

function isDiskFull(error: unknown): boolean {
  return error instanceof Error && ('code' in error ? error.code === 'ENOSPC' : error.message.includes('ENOSPC'));
}

async function main(): Promise<void> {
  const options = readOptions(process.argv[2], BotOptions);
  const { endpoint } = options;
  const log = createLog(`bot-${options.bot}`);
  const { desk, config } = readConfig(options.configDir, options.bot);
  const home = deskHome(options.home);
  requireNoRealMoney(config, endpoint, home, process.env);
  const journalDir = botJournalDir(home, config.bot);
  const snapshotFile = botSnapshotFile(home, config.bot);
  mkdirSync(journalDir, { recursive: true });
  mkdirSync(home.runDir, { recursive: true });
  // A paper account has no key, and what is not read cannot leak.
  const keys = config.mode === 'paper_only' ? null : readKeys(home, config.account);

  const now = createClock();
  const budget = openBudget(options, config, now, log);
  let onLost: (error: Error) => void = () => {};
  const venueLost = new Promise<Error>((resolve) => (onLost = resolve));
  const setup: VenueSetup = { config, desk, home, endpoint, budget, log, now, onLost };
  const openVenue = (kind?: AccountKind): Promise<Venue> =>
    keys === null ? openPaper(setup) : openExchange(setup, keys, kind);
  const sweep = (swept: Venue): Promise<boolean> => sweepBook(swept, config.symbol, log);
  if (options.isSweep) {
    const venue = await openVenue();
    const isClear = await sweep(venue);
    await venue.close();
    if (!isClear) throw new Error(`the venue did not confirm that nothing of ${config.symbol} is open`);
    process.exit(0);
  }
  // The journal lock comes first: whoever holds it is the bot, and a twin ends here before it touches the venue.
  const pointer = snapshotSequence(snapshotFile);
  const { journal, recovery } = await openWhole(journalDir, pointer, log).catch(async (error: unknown) => {
    // Nobody knows what rests in the book any more, and nobody will look before a person has.
    if (error instanceof JournalDamaged)
      await openVenue()
        .then(sweep)
        .catch(() => false);
    throw error;
  });
  log.info('journal open', { ...recovery });
  const report = keys === null ? null : await requireAccount(config, { endpoint, keys, log, budget, now });
  const venue = await openVenue(report?.accountKind ?? undefined);
  const instrument = await readInstrument(venue, config);
  if (pointer === 1 && existsSync(snapshotFile))
    log.warn('snapshot pointer unreadable: replaying the whole journal', { snapshotFile });
  const recovered = await recoverMachine(journalDir, pointer, config, instrument).catch(async (error: unknown) => {
    await sweep(venue).catch(() => false);
    throw error;
  });
  const { missing } = recovered;
  for (const { kind, payload } of missing.events) {
    journal.append(kind, missing.epoch, missing.causeSequence, now(), payload);
  }
  log.info('recovered', {
    inputsReplayed: recovered.inputsReplayed,
    divergedAt: recovered.divergedAt,
    eventsRestored: missing.events.length,
  });

  await preflight(venue, config, instrument, recovered.machine.state.holdings);

  const epoch = Math.max(Math.floor(now() / 1_000), recovery.lastEpoch + 1);
  const instance = randomUUID();
  const runtime = new BotRuntime({
    config,
    instrument,
    machine: recovered.machine,
    journal,
    venue,
    log,
    now,
    ownLotsInBook: venue.capabilities.isRealExecution && endpoint.kind !== 'simulator',
    identity: {
      instance,
      epoch,
      codeVersion: options.codeVersion,
      configHash: configHash(config),
      ...(report !== null && { account: report }),
    },
    saveSnapshotSequence: (sequence) => writeAtomically(snapshotFile, { sequence }),
  });

  let isLeaving = false;
  const leave = async (reason: string): Promise<void> => {
    if (isLeaving) return;
    isLeaving = true;
    log.info('leaving', { reason });
    runtime.control({ command: 'shutdown', reason });
    const leftInOrder = await Promise.race([runtime.left.then(() => true), sleep(LEAVE_MS, false, { ref: false })]);
    runtime.reportLast();
    runtime.stop();
    await stream.stop();
    if (!leftInOrder) {
      const swept = await Promise.race([
        venue.cancelAll({ symbol: config.symbol, families: ['normal', 'plan'] }),
        sleep(500, null, { ref: false }),
      ]);
      log.warn('left before every order was known to be off the book', { swept: swept?.answer ?? 'no answer' });
    }
    await runtime.snapshot();
    await journal.close();
    rmSync(botRunFile(home, config.bot), { force: true });
    control.close();
    await Promise.race([venue.close(), sleep(500, undefined, { ref: false })]);
    log.info('left', { leftInOrder, calls: budget.counters() });
    process.exit(0);
  };

  let isDying = false;
  /** Nothing more may be risked: clear the book and go. */
  const die = async (what: string, error: unknown): Promise<void> => {
    if (isDying) return;
    isDying = true;
    log.error(what, { error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    runtime.stop();
    await sweep(venue).catch(() => false);
    process.exit(1);
  };
  // Without a journal nothing can be recorded, and after a bug nothing is sure.
  void journal.failed.then((error) => die('journal failed', error));
  void venueLost.then((error) => die('venue lost', error));
  process.on('uncaughtException', (error) => void die('bug', error));
  process.on('unhandledRejection', (error) => void die('bug', error));

  runtime.start();
  const stream = venue.stream(instrument, runtime);
  runtime.watch(stream);
  const socket = socketPath(home, `bot-${config.bot}`);
  const control = await listenControl(socket, {
    status: () => runtime.status(),
    control: (command) => runtime.control(command),
    judge: (command) => recovered.machine.judgeCommand(command),
    durable: () => journal.durable(),
    shutdown: (reason) => void leave(reason),
  });
  const run: BotRun = { bot: config.bot, instance, pid: process.pid, socket, startedAtMs: Date.now() };
  writeAtomically(botRunFile(home, config.bot), run);
  process.on('SIGTERM', () => void leave('SIGTERM'));
  process.on('SIGINT', () => void leave('SIGINT'));
  console.log(JSON.stringify({ ready: true, ...run }));
}

/**
 * A journal that ends before the snapshot that this bot remembers has lost what was on disk, and looks whole: the bot would
 * begin without its past, and use numbers and order ids again. It is quarantined as a damaged one is.
 */
async function openWhole(dir: string, rememberedSequence: number, log: Log): ReturnType<typeof openJournal> {
  const opened = await openJournal({ dir, log });
  const { lastSequence } = opened.recovery;
  if (rememberedSequence <= Math.max(1, lastSequence)) return opened;
  await opened.journal.close();
  const reason = `the journal ends here, and the bot remembers its snapshot of record ${rememberedSequence}`;
  throw new JournalDamaged(dir, { file: quarantineEnd(dir), sequence: lastSequence + 1, offset: 0, reason });
}

function exitCodeOf(error: unknown): number {
  if (error instanceof OptionsWrong || error instanceof ConfigError) return 2;
  if (error instanceof PaperStateError) return error instanceof PaperStateInUse ? 1 : 2;
  if (error instanceof JournalDamaged) return 3;
  return error instanceof JournalLocked ? 4 : 1;
}

main().catch((error: unknown) => {
  console.error(explain(error));
  process.exit(exitCodeOf(error));
});
