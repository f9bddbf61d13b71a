/** Brings up what does not run: Postgres first, since only the store knows how far each journal went, then the desk. */
import { join } from 'node:path';
import { botJournalDir } from '../../config/home.ts';
import { lastKnownRecord, type Known, type RestartSnapshot } from '../../core/recovery/snapshot.ts';
import { journalOwner } from '../../journal/lock.ts';
import { quarantineEnd } from '../../journal/recovery.ts';
import { createFileLog } from '../../monitoring/log.ts';
import { runningDesk } from '../../stack/desk-lock.ts';
import { externalPostgres, postgresSettings, startPostgres, stopPostgres } from '../../stack/postgres.ts';
import { spawnLogged, stop, whenLogged } from '../../stack/process.ts';
import { saysReady } from '../../stack/supervise.ts';
import { declaredPorts, onFreePorts } from '../../stack/temporal-dev.ts';
import type { Context } from '../context.ts';
import { readDeclarations } from '../declarations.ts';

export interface StartedDatabase {
  readonly databaseUrl: string;
  /** Ends it again, where it was not there before: for a recovery that goes no further. */
  undo(): Promise<void>;
}

/** Rejects with what to do. The desk that is started afterwards takes the server over. */
export async function startDatabase(context: Context): Promise<StartedDatabase> {
  const { home, env } = context;
  const external = await externalPostgres(env);
  if (external !== null) return { databaseUrl: external.databaseUrl, undo: async () => {} };
  const declared = readDeclarations(context).stack;
  const declaration = env['DESK_PORTS'] === 'free' ? onFreePorts(declared) : declared;
  const log = createFileLog('desk', join(home.logsDir, 'desk.log'));
  const settings = postgresSettings(declaration);
  const postgres = await startPostgres({ home, port: declaredPorts(declaration).postgres, settings, log });
  return {
    databaseUrl: postgres.databaseUrl,
    async undo() {
      if (!postgres.adopted && postgres.identity !== null) await stopPostgres(postgres.identity);
    },
  };
}

/**
 * A journal that ends before what is known of it has lost what was acknowledged, and looks whole: its bot would use numbers
 * and order ids again. It is quarantined as a damaged one is. Answers whose; a bot that runs keeps its journal.
 */
export function keepOut({ home }: Context, now: RestartSnapshot, known: readonly Known[]): string[] {
  return now.sources
    .filter(({ source, journal, journalUnread }) => {
      const isReadable = journalUnread === null && (journal?.damage ?? null) === null;
      return isReadable && (journal?.sequence ?? 0) < lastKnownRecord(known, source);
    })
    .map(({ source }) => source)
    .filter((source) => {
      const dir = botJournalDir(home, source);
      if (journalOwner(dir) !== null) return false;
      quarantineEnd(dir);
      return true;
    });
}

/** The code that this command runs from, whatever becomes of the checkout meanwhile. */
const MAIN = 'const [file, ...rest] = process.argv.slice(1); (await import(file)).main(...rest.splice(0, 2), rest)';

/** As long as `desk down` gives it. */
const UP_GRACE_MS = 20_000;

/** Starts `desk up` in a session of its own and waits until all of it answers. One that somebody else started is waited for, too. */
export async function startDesk(context: Context, profile: string, deadline: number): Promise<void> {
  const { root, buildDir, home, env } = context;
  const child = await spawnLogged({
    name: 'desk up',
    command: process.execPath,
    args: ['--enable-source-maps', '--input-type=module', '-e', MAIN, '--', join(buildDir, 'cli', 'main.js'), root, buildDir, 'up', '--profile', profile], // prettier-ignore
    env,
    cwd: root,
    logFile: join(home.logsDir, 'up.log'),
  });
  try {
    await whenLogged('desk up', child, saysReady, Math.max(1_000, deadline - performance.now()));
  } catch (error) {
    // It found another one that is starting: then that one is it, and its health is looked at.
    if (child.ended()?.code === 0 && runningDesk(home) !== null) return;
    if (child.ended() === null) await stop(child.identity, UP_GRACE_MS);
    throw error;
  }
}
