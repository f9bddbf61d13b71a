/** What a crash left on disk: read, and nothing changed. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { botJournalDir, evidenceHeadsFile, recoveryDir } from '../../config/home.ts';
import { journalStanding, type JournalStanding } from '../../journal/standing.ts';
import { readKeptHeads } from '../../ledger/evidence/heads-file.ts';
import { readSnapshots } from '../../ledger/recovery-snapshots.ts';
import { runningDesk } from '../../stack/desk-lock.ts';
import { leftPostgres } from '../../stack/postgres.ts';
import { dataDirOf } from '../../stack/postgres-cluster.ts';
import { runningProcesses } from '../../stack/run-files.ts';
import type { Context } from '../context.ts';
import { messageOf, sourcesOf } from './snapshot.ts';

export interface DiskState {
  readonly home: string;
  /** Of the supervisor that holds the desk. */
  readonly supervisor: number | null;
  /** The lock of one that is gone. */
  readonly hasStaleLock: boolean;
  readonly running: readonly string[];
  /** Run files of processes that are gone. */
  readonly staleRunFiles: readonly string[];
  readonly postgres: 'elsewhere' | 'running' | 'ended in order' | 'to be recovered' | 'none';
  readonly temporal: 'elsewhere' | 'there' | 'none';
  readonly journals: readonly {
    readonly bot: string;
    readonly standing: JournalStanding | null;
    readonly unread: string | null;
  }[];
  readonly evidenceHeads: { readonly kept: number; readonly unreadable: number };
  readonly snapshots: { readonly kept: number; readonly unreadable: number; readonly lastAtMs: number | null };
}

export async function diskState(context: Context): Promise<DiskState> {
  const { home, env } = context;
  const supervisor = runningDesk(home)?.pid ?? null;
  const running = runningProcesses(home).map(({ name }) => name);
  const runFiles = existsSync(home.runDir) ? readdirSync(home.runDir) : [];
  const staleRunFiles = runFiles.filter(
    (name) => /^stack-.*\.json$/.test(name) && !running.includes(name.slice('stack-'.length, -'.json'.length)),
  );
  const journals = await Promise.all(
    sourcesOf(context).map(async (bot) => {
      try {
        return { bot, standing: await journalStanding(botJournalDir(home, bot), { sync: false }), unread: null };
      } catch (error) {
        return { bot, standing: null, unread: messageOf(error) };
      }
    }),
  );
  const heads = readKeptHeads(evidenceHeadsFile(home));
  const { snapshots, unreadable } = readSnapshots(recoveryDir(home));
  return {
    home: home.root,
    supervisor,
    hasStaleLock: supervisor === null && existsSync(home.lockFile),
    running,
    staleRunFiles,
    postgres: postgresState(context),
    temporal: (env['TEMPORAL_ADDRESS'] ?? '') !== '' ? 'elsewhere' : isFile(home.temporalDb) ? 'there' : 'none',
    journals,
    evidenceHeads: { kept: heads.heads.length, unreadable: heads.unreadable },
    snapshots: {
      kept: snapshots.length,
      unreadable: unreadable.length,
      lastAtMs: snapshots.at(-1)?.snapshot.atMs ?? null,
    },
  };
}

function postgresState({ home, env }: Context): DiskState['postgres'] {
  if ((env['DATABASE_URL'] ?? '') !== '') return 'elsewhere';
  if (leftPostgres(home) !== null) return 'running';
  const dir = dataDirOf(home);
  if (!existsSync(dir)) return 'none';
  return existsSync(`${dir}/postmaster.pid`) ? 'to be recovered' : 'ended in order';
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

/** For people. */
export function diskLines(disk: DiskState): string[] {
  const { supervisor, hasStaleLock, running, staleRunFiles, postgres, temporal, journals, snapshots } = disk;
  return [
    `on disk (${disk.home}):`,
    supervisor === null
      ? `  no supervisor runs${hasStaleLock ? '; one that is gone has left its lock' : ''}`
      : `  the desk runs, pid ${supervisor}`,
    `  processes: ${running.length === 0 ? 'none' : running.join(', ')}`,
    ...(staleRunFiles.length === 0 ? [] : [`  run files of processes that are gone: ${staleRunFiles.join(', ')}`]),
    `  Postgres: ${postgres}; Temporal database: ${temporal}`,
    ...journals.map(({ bot, standing, unread }) => `  ${bot}: ${unread ?? journalText(standing)}`),
    `  evidence heads: ${disk.evidenceHeads.kept}${disk.evidenceHeads.unreadable > 0 ? `, and ${disk.evidenceHeads.unreadable} torn lines` : ''}`,
    `  snapshots: ${snapshots.kept}${snapshots.lastAtMs === null ? '' : `, the last of ${new Date(snapshots.lastAtMs).toISOString()}`}`,
  ];
}

function journalText(standing: JournalStanding | null): string {
  if (standing === null) return 'no journal';
  const { owner, sequence, eventSequence, tornBytes, damage } = standing;
  const torn = tornBytes > 0 ? `, then ${tornBytes} bytes that were never acknowledged` : '';
  const held = owner === null ? '' : ` (process ${owner} appends)`;
  const bad = damage === null ? '' : `, damaged from record ${damage.sequence} on: ${damage.reason}`;
  return `journal up to record ${sequence}, event ${eventSequence}${held}${torn}${bad}`;
}
