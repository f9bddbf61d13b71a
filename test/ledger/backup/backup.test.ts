/** Backups of a real server while events are shipped into it, and servers started over what was restored. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { build } from 'esbuild';
import { deskHome, type DeskHome } from '../../../config/home.ts';
import { SILENT } from '../../../core/log.ts';
import { listBackups, manifestOf, removeBackup, restoreFiles } from '../../../ledger/backup/backups.ts';
import { createBackup } from '../../../ledger/backup/create.ts';
import { MANIFEST_FILE, manifestText, type BackupManifest } from '../../../ledger/backup/manifest.ts';
import { verifyBackup } from '../../../ledger/backup/verify.ts';
import { copyServer } from '../../../stack/postgres-copy.ts';
import { appendEvents, openBot, programOf, startDatabase, storedOf, MIGRATIONS_DIR, type TestDatabase } from '../helpers.ts'; // prettier-ignore

const TIMEOUT_MS = 120_000;
let database: TestDatabase;
let home: DeskHome;
let backupsDir: string;
beforeAll(async () => {
  database = await startDatabase();
  home = deskHome(database.root);
  backupsDir = home.backupsDir;
}, TIMEOUT_MS);
afterAll(() => database.remove());

const server = () => copyServer(home, SILENT);
const create = (dir = backupsDir) =>
  createBackup({ databaseUrl: database.url, backupsDir: dir, env: process.env, log: SILENT });

/** Two bots that write, and a process that ships, until told to stop. */
async function underLoad<T>(work: () => Promise<T>): Promise<T> {
  const start = await programOf('shipping-program.ts', database.root);
  const bots = await Promise.all(['load1', 'load2'].map((bot) => openBot(database, bot, 4 * 1024 * 1024)));
  const child = start([database.url, database.journalsDir, MIGRATIONS_DIR]);
  let isOver = false;
  const writing = (async () => {
    while (!isOver) {
      for (const { journal } of bots) {
        appendEvents(journal, 200);
        await journal.durable();
      }
      await sleep(2);
    }
  })();
  try {
    while ((await storedOf(database, 'load2'))['rows'] === 0) await sleep(20);
    return await work();
  } finally {
    isOver = true;
    await writing;
    child.kill('SIGKILL');
    await once(child, 'exit');
    for (const { journal } of bots) await journal.close();
  }
}

let whole: string;

test(
  'a backup made under load has every event that was stored before its end, and a server over it says so',
  async () => {
    const { before, made } = await underLoad(async () => {
      const stored = await storedOf(database, 'load1');
      return { before: stored, made: await create() };
    });
    const { manifest } = made;
    whole = manifest.name;
    const load1 = manifest.store.sources.find(({ source }) => source === 'load1');
    expect(load1?.lastSequence).toBeGreaterThan(before['last']!);
    expect(load1?.events).toBe(load1?.lastSequence);
    const verdict = await verifyBackup(backupsDir, whole, server());
    expect(verdict).toMatchObject({ ok: true, fileFaults: [], started: { missing: [] } });
    // Nothing is left of what it needed.
    expect(await database.query('select slot_name from pg_replication_slots')).toEqual([]);
    expect(readdirSync(home.postgresDir).filter((name) => name.startsWith('copy-'))).toEqual([]);
    expect(statSync(join(backupsDir, whole)).mode & 0o777).toBe(0o700);
    const names = manifest.files.map(({ path }) => path);
    expect(names).toEqual(expect.arrayContaining(['data/PG_VERSION', 'data/backup_label', 'data/global/pg_control']));
    expect(names.filter((name) => /postmaster|pg_replslot|pg_internal\.init/.test(name))).toEqual([]);
  },
  TIMEOUT_MS,
);

test(
  'a server over the copy that lacks what the manifest counted is told, source by source',
  async () => {
    const dir = join(database.root, 'short');
    mkdirSync(dir);
    cpSync(join(backupsDir, whole), join(dir, whole), { recursive: true });
    change(dir, (manifest) => {
      for (const each of manifest.store.sources) each.events += 1;
      manifest.store.evidenceHead = { number: 7, hash: 'a'.repeat(64) };
    });
    const verdict = await verifyBackup(dir, whole, server());
    expect(verdict.ok).toBe(false);
    expect(verdict.started?.missing).toEqual([
      expect.stringMatching(/^load1: expected \d+ events up to \d+, was \d+$/),
      expect.stringContaining('load2: expected'),
      expect.stringContaining('evidence: expected record 7'),
    ]);
  },
  TIMEOUT_MS,
);

test(
  'a log that ends too early starts no server',
  async () => {
    const dir = join(database.root, 'no-log');
    mkdirSync(dir);
    cpSync(join(backupsDir, whole), join(dir, whole), { recursive: true });
    change(dir, (manifest) => {
      const isLog = (path: string): boolean => path.startsWith('data/pg_wal/');
      for (const { path } of manifest.files) if (isLog(path)) rmSync(join(dir, whole, path));
      manifest.files = manifest.files.filter(({ path }) => !isLog(path));
    });
    await expect(verifyBackup(dir, whole, server())).rejects.toThrow('Postgres over a copy');
  },
  TIMEOUT_MS,
);

test('two flipped bytes, a missing file, one too many: each is named', async () => {
  const dir = join(database.root, 'flipped');
  mkdirSync(dir);
  cpSync(join(backupsDir, whole), join(dir, whole), { recursive: true });
  const { files } = manifestOf(dir, whole);
  const victims = files.filter(({ bytes }) => bytes > 8_192).slice(0, 2);
  for (const { path } of victims) {
    const bytes = readFileSync(join(dir, whole, path));
    bytes[5_000]! ^= 1;
    writeFileSync(join(dir, whole, path), bytes);
  }
  rmSync(join(dir, whole, 'data/PG_VERSION'));
  writeFileSync(join(dir, whole, 'data/recovery.signal'), '');
  const verdict = await verifyBackup(dir, whole, server());
  expect(verdict).toMatchObject({ ok: false, started: null });
  expect(verdict.fileFaults.map(({ path }) => path)).toEqual(
    [...victims.map(({ path }) => path), 'data/PG_VERSION', 'data/recovery.signal'].sort(),
  );
  await expect(restoreFiles(join(dir, whole), manifestOf(dir, whole), join(database.root, 'nowhere'), null)).rejects.toThrow('SHA-256'); // prettier-ignore
  expect(existsSync(join(database.root, 'nowhere'))).toBe(false);
  const manifest = join(dir, whole, MANIFEST_FILE);
  writeFileSync(manifest, readFileSync(manifest, 'utf8').replace('"events":', '"events":1'));
  await expect(verifyBackup(dir, whole, null)).rejects.toThrow('expected SHA-256');
  expect(await listBackups(dir)).toMatchObject([{ name: whole, manifest: null }]);
});

test('is restored into an empty folder only', async () => {
  const to = join(database.root, 'taken');
  mkdirSync(to);
  writeFileSync(join(to, 'mine'), 'x');
  const dir = join(backupsDir, whole);
  await expect(restoreFiles(dir, manifestOf(backupsDir, whole), to, null)).rejects.toThrow('expected an empty folder');
  expect(readdirSync(to)).toEqual(['mine']);
});

test(
  'killed at any file, a backup leaves nothing that looks like one, and the next one removes what is left',
  async () => {
    const dir = join(database.root, 'killed');
    const outfile = join(process.cwd(), 'node_modules/.cache', `backup-program-${process.pid}.mjs`);
    await build({
      entryPoints: [join(process.cwd(), 'test/ledger/backup/backup-program.ts')],
      outfile,
      bundle: true,
      packages: 'external',
      format: 'esm',
      platform: 'node',
      logLevel: 'error',
    });
    try {
      for (const files of [1, 40, 400, 900]) {
        const child = spawn(process.execPath, [outfile, database.url, dir, '1'], {
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        let seen = 0;
        for await (const chunk of child.stdout) {
          seen += (chunk as Buffer).length;
          if (seen >= files) break;
        }
        child.kill('SIGKILL');
        if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
        expect(seen).toBeGreaterThanOrEqual(files);
        expect(await listBackups(dir)).toEqual([]);
        expect(readdirSync(dir)).toEqual([expect.stringMatching(/^\.partial-/)]);
        // The server notices that its client is gone, and ends backup, slot and lock by itself.
        while ((await database.query('select from pg_replication_slots')).length > 0) await sleep(20);
      }
    } finally {
      rmSync(outfile, { force: true });
    }
    const { manifest } = await create(dir);
    expect(readdirSync(dir)).toEqual([manifest.name]);
    expect(await verifyBackup(dir, manifest.name, null)).toMatchObject({ ok: true });
    await removeBackup(dir, manifest.name);
    expect(readdirSync(dir)).toEqual([]);
  },
  TIMEOUT_MS,
);

test(
  'a second try of a run finds what the first one made, when it is whole; another run beside it is turned away',
  async () => {
    const dir = join(database.root, 'runs');
    const run = { atMs: Date.UTC(2026, 10, 23, 3), id: '01a20614-0996-70ea-8570-9ec098a9eb13' };
    const options = { databaseUrl: database.url, backupsDir: dir, env: process.env, log: SILENT };
    mkdirSync(join(dir, '.partial-20261123T030000Z-98a9eb13', 'data'), { recursive: true });
    const seen: number[] = [];
    let beside: unknown = null;
    const onFile = (bytes: number): void => {
      if (seen.push(bytes) === 1) beside = createBackup({ ...options, run: { ...run, id: 'f'.repeat(32) } }).catch((error: Error) => error.name); // prettier-ignore
    };
    const first = await createBackup({ ...options, run, onFile });
    expect(await beside).toBe('BackupBusy');
    expect(first.manifest.name).toBe('20261123T030000Z-98a9eb13');
    const files = seen.length;
    expect(await createBackup({ ...options, run, onFile })).toEqual(first);
    expect(seen).toHaveLength(files);
    writeFileSync(join(first.dir, 'data', 'PG_VERSION'), 'no version');
    const again = await createBackup({ ...options, run });
    expect(again.manifest.startedAtMs).toBeGreaterThan(first.manifest.startedAtMs);
    expect(await verifyBackup(dir, again.manifest.name, null)).toMatchObject({ ok: true });
    expect(readdirSync(dir)).toEqual([again.manifest.name]);
  },
  TIMEOUT_MS,
);

test(
  'given up at any file it leaves nothing, and its reason is what is told',
  async () => {
    const dir = join(database.root, 'given-up');
    for (const files of [1, 200]) {
      const stopping = new AbortController();
      let seen = 0;
      const onFile = (): void => void ((seen += 1) === files && stopping.abort(new Error('no more of this')));
      const options = { databaseUrl: database.url, backupsDir: dir, env: process.env, log: SILENT };
      await expect(createBackup({ ...options, signal: stopping.signal, onFile })).rejects.toThrow('no more of this');
      expect(readdirSync(dir)).toEqual([]);
      while ((await database.query('select from pg_replication_slots')).length > 0) await sleep(20);
    }
    const { manifest } = await create(dir);
    const signal = AbortSignal.abort(new Error('nor of this'));
    await expect(verifyBackup(dir, manifest.name, server(), { signal })).rejects.toThrow('nor of this');
  },
  TIMEOUT_MS,
);

function change(dir: string, edit: (manifest: BackupManifest) => void): void {
  const manifest = manifestOf(dir, whole);
  edit(manifest);
  writeFileSync(join(dir, whole, MANIFEST_FILE), manifestText(manifest));
}
