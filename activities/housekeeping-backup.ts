/** Hands that copy a host's database and prove the copy. */
import { join } from 'node:path';
import type { JsonObject } from '../core/evidence/json.ts';
import type { SourceRange } from '../core/evidence/record.ts';
import type { Log } from '../core/log.ts';
import { size } from '../core/retention/evidence.ts';
import type { RetentionPolicy } from '../core/retention/policy.ts';
import { createBackup } from '../ledger/backup/create.ts';
import { backupPayload, backupSources } from '../ledger/backup/evidence.ts';
import { backupBytes, readManifest, type BackupManifest } from '../ledger/backup/manifest.ts';
import { verifyBackup, type BackupVerdict, type CopyServer } from '../ledger/backup/verify.ts';
import { beating, runIdOf } from './housekeeping-beat.ts';

export interface BackupDeps {
  readonly databaseUrl: string;
  readonly backupsDir: string;
  /** Where `pg_dump` is looked for. */
  readonly env: NodeJS.ProcessEnv;
  readonly copyServer: CopyServer;
  /** As the file is now. Throws `ConfigError`. */
  readonly policy: () => RetentionPolicy;
  readonly log: Log;
}

export interface MadeBackup {
  name: string;
  kind: BackupManifest['kind'];
  bytes: number;
  files: number;
  startedAtMs: number;
  finishedAtMs: number;
  markdown: string;
}

export interface ProvedBackup {
  ok: boolean;
  sources: SourceRange[];
  /** Of the evidence. */
  payload: JsonObject;
  markdown: string;
  /** The policy has schedules remove what nothing keeps. */
  mayThinOut: boolean;
}

/** Of faulty files; all are counted. */
const FAULTS_SHOWN = 20;

export function createBackupActivities({ databaseUrl, backupsDir, env, copyServer, policy, log }: BackupDeps) {
  /** Progress as beats tell it. */
  const counting = (tell: (progress: object) => void): ((bytes: number) => void) => {
    const seen = { files: 0, bytes: 0 };
    return (bytes) => tell(Object.assign(seen, { files: seen.files + 1, bytes: seen.bytes + bytes }));
  };

  return {
    /**
     * Idempotent by the workflow's run: a backup of that name that is whole is the answer of a second try, and what a try
     * left unfinished is removed. `atMs` is when the workflow began. A cancellation leaves nothing.
     */
    makeBackup: ({ atMs }: { atMs: number }): Promise<MadeBackup> =>
      beating(async (signal, tell) => {
        const run = { atMs, id: runIdOf() };
        const { manifest } = await createBackup({ databaseUrl, backupsDir, env, log, run, signal, onFile: counting(tell) }); // prettier-ignore
        const { name, kind, files, startedAtMs, finishedAtMs } = manifest;
        const markdown = `**${lineOf(manifest)}** in ${seconds(finishedAtMs - startedAtMs)}.\n`;
        return { name, kind, bytes: backupBytes(manifest), files: files.length, startedAtMs, finishedAtMs, markdown };
      }),

    /** Read-only for the backup: any retry is safe. Fails for good with `BackupDamaged` where it has no manifest. */
    proveBackup: ({ name, restoreTest }: { name: string; restoreTest: boolean }): Promise<ProvedBackup> =>
      beating(async (signal, tell) => {
        const manifest = readManifest(join(backupsDir, name));
        const server = restoreTest ? copyServer : null;
        const verdict = await verifyBackup(backupsDir, name, server, { signal, onFile: counting(tell) });
        return {
          ok: verdict.ok,
          sources: backupSources(manifest),
          payload: backupPayload(manifest, verdict),
          markdown: provedMarkdown(verdict, manifest, restoreTest),
          mayThinOut: policy().scheduled === 'run',
        };
      }),
  };
}

function lineOf(manifest: BackupManifest): string {
  const events = manifest.store.sources.reduce((sum, each) => sum + each.events, 0);
  return `${manifest.name}, ${manifest.kind}: ${size(backupBytes(manifest))}, ${manifest.files.length} files, ${events} events of ${manifest.store.sources.length} sources`; // prettier-ignore
}

function provedMarkdown({ fileFaults, started }: BackupVerdict, manifest: BackupManifest, wanted: boolean): string {
  const lines = [`**${lineOf(manifest)}**`, ''];
  if (fileFaults.length === 0) lines.push('Every file is as it was made.');
  else lines.push(`**${fileFaults.length} files are not as they were made:**`);
  lines.push(...fileFaults.slice(0, FAULTS_SHOWN).map(({ path, rule }) => `- ${path}: ${rule}`));
  if (started !== null && started.missing.length === 0)
    lines.push(`A server over a copy had all of it after ${seconds(started.tookMs)}.`);
  else if (started !== null) lines.push('**A server over a copy lacked:**', ...started.missing.map((each) => `- ${each}`)); // prettier-ignore
  else if (wanted) lines.push(manifest.kind === 'dump' ? 'A dump: no server was started.' : 'No server was started over it.'); // prettier-ignore
  return `${lines.join('\n')}\n`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
