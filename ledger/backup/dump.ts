/** A dump by `pg_dump`, for a server whose files are elsewhere. Its counts are those of the very snapshot that is dumped. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import type { Client } from 'pg';
import { DUMP_FILE, type BackupFile, type StoreState } from './manifest.ts';
import { hashFile } from './files.ts';
import { storeState } from './store-state.ts';

const run = promisify(execFile);

export interface PostgresTool {
  readonly path: string;
  readonly version: string;
}

/** `name` (pg_dump, pg_restore) of the server's major version, on PATH or where Debian keeps several; null when there is none. */
export async function findPostgresTool(
  name: string,
  major: number,
  env: NodeJS.ProcessEnv,
): Promise<PostgresTool | null> {
  const folders = [`/usr/lib/postgresql/${major}/bin`, ...(env['PATH'] ?? '').split(delimiter)];
  for (const folder of folders) {
    const path = join(folder, name);
    if (folder === '' || !existsSync(path)) continue;
    const said = await run(path, ['--version']).catch(() => null);
    const version = /(\d+)(\.\d+)*/.exec(said?.stdout ?? '');
    if (version !== null && Number(version[1]) === major) return { path, version: version[0] };
  }
  return null;
}

export interface DumpCopy {
  readonly tool: string;
  readonly files: readonly BackupFile[];
  readonly store: StoreState;
}

export async function dumpDatabase(
  client: Client,
  databaseUrl: string,
  tool: PostgresTool,
  dir: string,
  signal?: AbortSignal,
): Promise<DumpCopy> {
  await client.query('begin transaction isolation level repeatable read read only');
  const { rows } = await client.query<{ snapshot: string }>('select pg_export_snapshot() as snapshot');
  const store = await storeState(client);
  const file = join(dir, DUMP_FILE);
  const url = new URL(databaseUrl);
  const password = decodeURIComponent(url.password);
  // Arguments can be read by everybody on the machine, the environment cannot.
  url.password = '';
  const args = ['--format=custom', `--snapshot=${rows[0]?.snapshot ?? ''}`, `--file=${file}`, url.href];
  const env = { ...process.env, ...(password !== '' && { PGPASSWORD: password }) };
  try {
    await run(tool.path, args, { env, maxBuffer: 16 * 1024 * 1024, ...(signal !== undefined && { signal }) });
  } catch (error) {
    const { stderr } = error as { stderr?: string };
    throw new Error(`${tool.path} failed: ${stderr?.trim() ?? (error as Error).message}`, { cause: error });
  }
  await client.query('commit');
  const handle = await open(file, 'r+');
  await handle.chmod(0o600);
  await handle.sync();
  await handle.close();
  const hashed = await hashFile(file);
  if (hashed === null) throw new Error(`${tool.path} left no ${file}`);
  return { tool: `pg_dump ${tool.version}`, files: [{ path: DUMP_FILE, ...hashed }], store };
}
