/** The layout of `DESK_HOME`: every path that one process writes and another reads, in one place. */
import { join, resolve } from 'node:path';

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
