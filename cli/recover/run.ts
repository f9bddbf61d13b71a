/** The recovery itself: look, start, wait, let the shipper catch up, judge. */
import { setTimeout as sleep } from 'node:timers/promises';
import { recoveryDir } from '../../config/home.ts';
import { loadConfig, type LoadedConfig } from '../../config/load.ts';
import { SILENT } from '../../core/log.ts';
import { knownBy, type RestartSnapshot } from '../../core/recovery/snapshot.ts';
import type { DeltaMode } from '../../core/recovery/verdict.ts';
import { createPool } from '../../ledger/connect.ts';
import { readLastIntegrity, readOffsets } from '../../ledger/recovery.ts';
import { writeSnapshot } from '../../ledger/recovery-snapshots.ts';
import { runningDesk } from '../../stack/desk-lock.ts';
import type { Context } from '../context.ts';
import { databaseUrl } from '../database-url.ts';
import { prepareHome } from '../prepare-home.ts';
import { step } from '../steps.ts';
import { diskState, type DiskState } from './disk.ts';
import { waitForHealth, type DeskHealth } from './health.ts';
import { judgeNow, knownSnapshots, type Judged } from './judge.ts';
import { messageOf, takeSnapshot } from './snapshot.ts';
import { keepOut, startDatabase, startDesk } from './start.ts';

export interface RecoverOptions {
  readonly mode: DeltaMode;
  /** For everything to answer. */
  readonly patienceMs: number;
}

export interface Recovery {
  /** As it was found. */
  readonly disk: DiskState;
  /** False: the desk ran already. */
  readonly started: boolean;
  /** Why nothing could be started. */
  readonly startFault: string | null;
  /** Bots whose journals end too early: kept from trading. */
  readonly keptOut: readonly string[];
  /** The Temporal database is gone, and with it who paused what: no bot was started. */
  readonly lostIntent: boolean;
  readonly preSnapshot: string | null;
  readonly health: DeskHealth | null;
  readonly judged: Judged | null;
  /** Why there is no verdict. */
  readonly judgeFault: string | null;
}

/** A supervisor that ends while it is looked at was on its way down: then it is started after all. */
const STARTS_MAX = 2;
/** The shipper may stand still this long before nobody waits for it any more. */
const STANDSTILL_MS = 15_000;
const EVERY_MS = 250;

export async function recoverDesk(context: Context, { mode, patienceMs }: RecoverOptions): Promise<Recovery> {
  const { home, configDir } = context;
  const config = loadConfig(configDir);
  const deadline = performance.now() + patienceMs;
  const disk = await diskState(context);
  const found = {
    disk,
    started: false,
    startFault: null,
    keptOut: [],
    lostIntent: false,
    preSnapshot: null,
    health: null,
    judged: null,
    judgeFault: null,
  };
  let begun: Begun | null = null;
  let health: DeskHealth;
  for (let starts = 0; ;) {
    if (runningDesk(home) === null) {
      starts += 1;
      begun = await begin(context, disk, deadline);
      if (begun.startFault !== null) return { ...found, ...begun };
    }
    health = await step('health', () =>
      waitForHealth(context, begun?.lostIntent === true ? withoutBots(config) : config, deadline),
    );
    if (runningDesk(home) !== null || starts >= STARTS_MAX || performance.now() > deadline) break;
  }
  const recovery = { ...found, ...begun, started: begun !== null, health };
  try {
    const url = databaseUrl(context);
    if (url !== null) await step('journals stored', () => caughtUp(context, url));
    return {
      ...recovery,
      judged: await step('verdict', () => judgeNow(context, { databaseUrl: url, mode, dryRun: false })),
    };
  } catch (error) {
    return { ...recovery, judgeFault: messageOf(error) };
  }
}

function withoutBots({ desk }: LoadedConfig): LoadedConfig {
  return { desk, bots: new Map() };
}

type Begun = Pick<Recovery, 'startFault' | 'keptOut' | 'lostIntent' | 'preSnapshot'>;

/** Writes down what is left before anything is started that could change it. */
async function begin(context: Context, disk: DiskState, deadline: number): Promise<Begun> {
  const { home } = context;
  try {
    prepareHome(home);
  } catch (error) {
    return { startFault: messageOf(error), keptOut: [], lostIntent: false, preSnapshot: null };
  }
  const earlier = knownSnapshots(context);
  let database: Awaited<ReturnType<typeof startDatabase>> | null = null;
  let fault: string | null = null;
  try {
    database = await step('Postgres', () => startDatabase(context));
  } catch (error) {
    fault = messageOf(error);
  }
  const url = database?.databaseUrl ?? null;
  const pre = await takeSnapshot(context, {
    label: 'pre_restart',
    databaseUrl: url,
    checks: null,
    ...(fault !== null && { storeUnread: fault }),
  });
  const preSnapshot = writeSnapshot(recoveryDir(home), pre);
  if (fault !== null) return { startFault: fault, keptOut: [], lostIntent: false, preSnapshot };
  const keptOut = keepOut(context, pre, await knownBefore(url!, [...earlier, pre]));
  // Who was paused or frozen is in no other place: a bot that nobody may have wanted to trade waits for a person.
  const lostIntent = disk.temporal === 'none' && disk.journals.some(({ standing }) => (standing?.sequence ?? 0) > 0);
  try {
    await step('the desk', () => startDesk(context, lostIntent ? 'no-bots' : 'all', deadline));
    return { startFault: null, keptOut, lostIntent, preSnapshot };
  } catch (error) {
    if (runningDesk(home) === null) await database?.undo();
    return { startFault: messageOf(error), keptOut, lostIntent, preSnapshot };
  }
}

async function knownBefore(url: string, snapshots: readonly RestartSnapshot[]): Promise<ReturnType<typeof knownBy>[]> {
  const known = snapshots.map(knownBy);
  const pool = createPool({ databaseUrl: url, role: 'desk_reader', connections: 1, log: SILENT });
  try {
    const integrity = await readLastIntegrity(pool);
    return integrity === null ? known : [...known, integrity];
  } catch {
    return known; // a database that has no tables yet knows nothing
  } finally {
    await pool.end();
  }
}

/** Until the store has all that the journals hold now, or nothing moves any more. */
async function caughtUp(context: Context, url: string): Promise<void> {
  const { journals } = await diskState(context);
  const wanted = journals.flatMap(({ bot, standing }) =>
    standing === null || standing.damage !== null ? [] : [{ bot, event: standing.eventSequence }],
  );
  const pool = createPool({ databaseUrl: url, role: 'desk_reader', connections: 1, log: SILENT });
  try {
    let movedAt = performance.now();
    for (let before = ''; performance.now() - movedAt < STANDSTILL_MS; await sleep(EVERY_MS)) {
      const offsets = await readOffsets(pool);
      const behind = wanted.filter(({ bot, event }) => (offsets.get(bot)?.event ?? 0) < event);
      if (behind.length === 0) return;
      const now = behind.map(({ bot }) => `${bot} ${offsets.get(bot)?.event ?? 0}`).join();
      if (now !== before) movedAt = performance.now();
      before = now;
    }
  } finally {
    await pool.end();
  }
}
