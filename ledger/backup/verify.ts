/** Whether a backup is what it was made as, and whether a server over it really has what it should. */
import type { ClientBase } from 'pg';
import { manifestOf, restoreFiles } from './backups.ts';
import { verifyFiles, type FileFault, type Watched } from './files.ts';
import { backupBytes, type BackupManifest } from './manifest.ts';
import { missingFrom } from './store-state.ts';
import { join } from 'node:path';

/** Runs Postgres over a data folder: `stack/postgres-copy.ts`. */
export interface CopyServer {
  /** Whom the data folder has to belong to; null when that is us. */
  owner(): Promise<{ uid: number; gid: number } | null>;
  /** A place for a data folder, not there yet. */
  folder(): Promise<{ readonly dir: string; remove(): Promise<void> }>;
  withServer<T>(
    options: { dataDir: string; user: string; database: string; signal?: AbortSignal | undefined },
    work: (client: ClientBase) => Promise<T>,
  ): Promise<T>;
}

export interface BackupVerdict {
  readonly name: string;
  readonly kind: BackupManifest['kind'];
  readonly bytes: number;
  readonly files: number;
  readonly fileFaults: readonly FileFault[];
  /** Null where no server was started over it. */
  readonly started: { readonly tookMs: number; readonly missing: readonly string[] } | null;
  readonly ok: boolean;
}

/**
 * With `server` a server is started over a copy, too: that is the restore test. Read-only for the backup, so any retry is
 * safe. Throws `BackupDamaged` where the manifest itself cannot be read.
 */
export async function verifyBackup(
  backupsDir: string,
  name: string,
  server: CopyServer | null,
  watched: Watched = {},
): Promise<BackupVerdict> {
  const manifest = manifestOf(backupsDir, name);
  const dir = join(backupsDir, name);
  const fileFaults = await verifyFiles(dir, manifest, watched);
  const started =
    server === null || manifest.kind === 'dump' || fileFaults.length > 0
      ? null
      : await start(dir, manifest, server, watched);
  return {
    name,
    kind: manifest.kind,
    bytes: backupBytes(manifest),
    files: manifest.files.length,
    fileFaults,
    started,
    ok: fileFaults.length === 0 && (started === null || started.missing.length === 0),
  };
}

async function start(
  dir: string,
  manifest: BackupManifest,
  server: CopyServer,
  watched: Watched,
): Promise<NonNullable<BackupVerdict['started']>> {
  const owner = await server.owner();
  const copy = await server.folder();
  try {
    const { user, database, store } = manifest;
    await restoreFiles(dir, manifest, copy.dir, owner, watched);
    const began = performance.now();
    const options = { dataDir: copy.dir, user, database, signal: watched.signal };
    const missing = await server.withServer(options, (client) => missingFrom(client, store));
    return { tookMs: Math.round(performance.now() - began), missing };
  } finally {
    await copy.remove();
  }
}
