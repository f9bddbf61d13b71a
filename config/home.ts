/** The layout of `DESK_HOME`: every path that one process writes and another reads, in one place. */
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fnv1a } from '../core/orders/client-order-id.ts';

export interface DeskHome {
  readonly root: string;
  /** Free or default ports as chosen at the last start: see `stack/ports.ts`. */
  readonly portsFile: string;
  readonly lockFile: string;
  /** 0700; holds 0600 key files. */
  readonly secretsDir: string;
  readonly logsDir: string;
  readonly temporalDb: string;
  readonly postgresDir: string;
  readonly simulatorDir: string;
  readonly journalsDir: string;
  /** Segments that left the journals, a folder a bot. */
  readonly archiveDir: string;
  readonly backupsDir: string;
  /** Paper accounts, a folder each. */
  readonly paperDir: string;
  /** Recorded data made ready to be played; made anew when missing. */
  readonly columnsDir: string;
  /** Run files of the desk's own processes and bots. */
  readonly runDir: string;
}

export function deskHome(root: string): DeskHome {
  const home = resolve(root);
  return {
    root: home,
    portsFile: join(home, 'ports.json'),
    lockFile: join(home, 'desk.lock'),
    secretsDir: join(home, 'secrets'),
    logsDir: join(home, 'logs'),
    temporalDb: join(home, 'temporal', 'temporal.db'),
    postgresDir: join(home, 'postgres'),
    simulatorDir: join(home, 'simulator'),
    journalsDir: join(home, 'journals'),
    archiveDir: join(home, 'archive'),
    backupsDir: join(home, 'backups'),
    paperDir: join(home, 'paper'),
    columnsDir: join(home, 'cache', 'columns'),
    runDir: join(home, 'run'),
  };
}

/** A bot's own log on disk. */
export function botJournalDir(home: DeskHome, bot: string): string {
  return join(home.journalsDir, bot);
}

/** Where recovery of a bot starts in its journal: JSON with the sequence of its last durable state snapshot. */
export function botSnapshotFile(home: DeskHome, bot: string): string {
  return join(home.journalsDir, `${bot}.snapshot.json`);
}

/** `BotRun` of the running bot process. Written by the bot when its control socket listens, removed at a clean exit. */
export function botRunFile(home: DeskHome, bot: string): string {
  return join(home.runDir, `bot-${bot}.json`);
}

/** Keys of one account: apiKey, secret, passphrase. */
export function accountKeyFile(home: DeskHome, account: string): string {
  return join(home.secretsDir, `${account}.json`);
}

/** State of the paper account: what its bots hold and have open where nothing real happens. */
export function paperAccountDir(home: DeskHome, account: string): string {
  return join(home.paperDir, account);
}

/** Says that somebody has armed the bot for real money. Nothing writes or verifies one yet. */
export function armingRecordFile(home: DeskHome, bot: string): string {
  return join(home.root, 'arming', `${bot}.json`);
}

/** Heads of the evidence chain, kept beside the database: see `ledger/evidence/heads-file.ts`. */
export function evidenceHeadsFile(home: DeskHome): string {
  return join(home.root, 'evidence-heads.jsonl');
}

/** What a run of retention did, until it is on the evidence chain. */
export function retentionRunsDir(home: DeskHome): string {
  return join(home.root, 'retention');
}

/** Reports of the desk's own processes, a folder a family. */
export function reportsDir(home: DeskHome): string {
  return join(home.root, 'reports');
}

/** Restart snapshots: see `ledger/recovery-snapshots.ts`. */
export function recoveryDir(home: DeskHome): string {
  return join(home.root, 'recovery');
}

/** Events as Parquet files, for `./desk query`. */
export function analyticsDir(home: DeskHome): string {
  return join(home.root, 'analytics');
}

/** Who hands out calls to the venue on this machine. */
export function rateLockFile(home: DeskHome): string {
  return join(home.runDir, 'rates.lock');
}

/** Where the processes of one account ask for calls to the venue. */
export function rateSocket(home: DeskHome, account: string): string {
  return socketPath(home, `rates-${account}`);
}

/** Unix socket paths end at 104 to 108 bytes, by system. */
const SOCKET_PATH_MAX = 100;

/** In the run folder, or in the system's folder for such things when that path would be too long. */
export function socketPath(home: DeskHome, name: string): string {
  const path = join(home.runDir, `${name}.sock`);
  return path.length <= SOCKET_PATH_MAX
    ? path
    : join(tmpdir(), `tempodesk-${fnv1a(home.root).toString(36)}-${name}.sock`);
}
