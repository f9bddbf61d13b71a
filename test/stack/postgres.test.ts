import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { hydrateSymlinks, postgresBinaries } from '../../stack/postgres-os.ts';
import { externalPostgres, leftPostgres, postgresSettings, startPostgres } from '../../stack/postgres.ts';
import type { Postgres, PostgresOptions } from '../../stack/postgres.ts';
import { isAlive, processIdentity, spawnLogged, stop } from '../../stack/process.ts';
import { keepRunning } from '../../stack/supervise.ts';
import { declaration, keptLog, runProgram, tempDir, tempHome, until } from './helpers.ts';

const settings = postgresSettings(declaration());
const temp = tempHome();
const dataDir = join(temp.home.postgresDir, 'data');
const pidFile = join(dataDir, 'postmaster.pid');

// One cluster for the whole file, as one desk has; each test leaves it stopped.
beforeAll(async () => (await start()).stop());
afterAll(() => temp.remove());

function start(more: Partial<PostgresOptions> = {}): Promise<Postgres> {
  return startPostgres({ home: temp.home, port: 0, settings, log: keptLog(), ...more });
}

async function sql<Row = Record<string, string>>(url: string, text: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query(text)).rows as Row[];
  } finally {
    await client.end();
  }
}

async function stopped(): Promise<void> {
  await until('no Postgres is left', () => leftPostgres(temp.home) === null);
}

describe('a clean start', () => {
  test('durable, loopback only, own user, and gone after stop', async () => {
    const postgres = await start();
    const rows = await sql(
      postgres.databaseUrl,
      `SELECT name, setting FROM pg_settings WHERE name IN
       ('fsync','synchronous_commit','full_page_writes','listen_addresses','unix_socket_directories','max_connections','TimeZone')`,
    );
    expect(Object.fromEntries(rows.map(({ name, setting }) => [name, setting]))).toEqual({
      fsync: 'on',
      synchronous_commit: 'on',
      full_page_writes: 'on',
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      max_connections: '60',
      TimeZone: 'UTC',
    });
    expect(postgres.adopted).toBe(false);
    expect(new URL(postgres.databaseUrl).pathname).toBe('/desk');
    await postgres.stop();
    expect(await postgres.exited).toEqual({ code: 0, signal: null });
    expect(existsSync(pidFile)).toBe(false);
  });

  test('the password is random, asked for, and readable by us alone', async () => {
    const file = join(temp.home.secretsDir, 'postgres.json');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(temp.home.secretsDir).mode & 0o777).toBe(0o700);
    expect(readdirSync(temp.home.postgresDir)).toEqual(['data']);
    const postgres = await start();
    const url = new URL(postgres.databaseUrl);
    expect(url.password).toMatch(/^[0-9a-f]{48}$/);
    url.password = 'another';
    await expect(sql(url.href, 'SELECT 1')).rejects.toThrow(/password authentication failed/);
    await postgres.stop();
  });

  test('a taken port is replaced; for a restart it is an error with the last log lines', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    const log = keptLog();
    const postgres = await start({ port, log });
    expect(postgres.port).not.toBe(port);
    expect(log.said('port is taken')).toBe(true);
    await postgres.stop();
    await expect(start({ port, samePort: true })).rejects.toThrow(/ended at start.*could not (bind|create)/s);
    await new Promise((resolve) => other.close(resolve));
  });

  test('two starts at once: one server, found by both', async () => {
    const [a, b] = await Promise.all([start(), start()]);
    expect([a.adopted, b.adopted].sort()).toEqual([false, true]);
    expect(a.identity).toEqual(b.identity);
    expect(a.databaseUrl).toBe(b.databaseUrl);
    await a.stop();
    expect(await b.exited).toEqual({ code: null, signal: null });
  });
});

describe('after a death', () => {
  test('kill -9 of the postmaster: the keeper restarts it on its port with every acknowledged row', async () => {
    let port = 0;
    const kept = await keepRunning({
      name: 'postgres',
      log: keptLog(),
      start: () => start({ port, samePort: port !== 0 }),
      onUp: (postgres) => void (port = postgres.port),
    });
    const first = kept.current();
    const url = first?.databaseUrl ?? '';
    await sql(url, 'CREATE TABLE acked (n int)');
    const writer = new pg.Client({ connectionString: url });
    writer.on('error', () => {});
    await writer.connect();
    let acked = 0;
    const writing = (async () => {
      for (;;) {
        await writer.query(`INSERT INTO acked VALUES (${acked + 1})`);
        acked += 1;
      }
    })().catch(() => {});
    await until('rows are written', () => acked >= 100);
    process.kill(first?.identity?.pid ?? 0, 'SIGKILL');
    await until('it is up again', () => kept.starts() === 2 && kept.current() !== null);
    await writing;
    expect(kept.current()?.databaseUrl).toBe(url);
    const [row] = await sql<{ n: string }>(url, 'SELECT count(*) AS n FROM acked');
    expect(Number(row?.n)).toBeGreaterThanOrEqual(acked);
    await kept.stop();
    await stopped();
  });

  test('kill -9 of the desk: the server lives on, and the next start adopts it', async () => {
    const source = `
      import { startPostgres } from './stack/postgres.ts';
      import { deskHome } from './config/home.ts';
      import { SILENT } from './core/log.ts';
      const [root, settings] = process.argv.slice(2);
      const postgres = await startPostgres({ home: deskHome(root), port: 0, settings: JSON.parse(settings), log: SILENT });
      console.log(JSON.stringify({ pid: postgres.identity.pid, port: postgres.port }));
      setInterval(() => {}, 1000);`;
    const desk = await runProgram(source, [temp.home.root, JSON.stringify(settings)]);
    const left = JSON.parse(await desk.next()) as { pid: number; port: number };
    desk.child.kill('SIGKILL');
    await desk.exited;
    expect(leftPostgres(temp.home)).toMatchObject({ identity: { pid: left.pid }, port: left.port });
    const log = keptLog();
    const postgres = await start({ log });
    expect(postgres).toMatchObject({ adopted: true, port: left.port, identity: { pid: left.pid } });
    expect(log.said('adopted the Postgres')).toBe(true);
    expect(await sql(postgres.databaseUrl, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await postgres.stop();
    expect(await postgres.exited).toEqual({ code: null, signal: null });
    await stopped();
  });

  test('a pid file whose pid is used again by another process: that process is left alone', async () => {
    const logFile = join(temp.home.logsDir, 'other.log');
    const other = await spawnLogged({ name: 'o', command: 'sleep', args: ['60'], env: process.env, cwd: '/', logFile });
    writeFileSync(pidFile, `${other.identity.pid}\n${dataDir}\n1700000000\n5432\n\n127.0.0.1\n\nready   \n`);
    const log = keptLog();
    const postgres = await start({ log });
    expect(postgres.adopted).toBe(false);
    expect(log.said('none of ours')).toBe(true);
    expect(isAlive(other.identity)).toBe(true);
    await postgres.stop();
    await stop(other.identity, 1_000);
  });

  test('a killed server that nobody reaps keeps its number, and keeps nobody from starting', async () => {
    const postgres = await start();
    const written = readFileSync(pidFile, 'utf8');
    process.kill(postgres.identity!.pid, 'SIGKILL');
    await stopped();
    // A child that ends, of a parent that never asks for it.
    const holder = spawn('sh', ['-c', 'sleep 0.3 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] });
    const zombie = Number(await once(holder.stdout, 'data'));
    await until('it to be a zombie', () => processIdentity(zombie) === null);
    expect(process.kill(zombie, 0)).toBe(true);
    writeFileSync(pidFile, written.replace(/^\d+/, String(zombie)));
    const again = await start();
    expect(again.adopted).toBe(false);
    await again.stop();
    holder.kill('SIGKILL');
  });

  test('a Postgres over other data is not ours, whatever the pid file says', async () => {
    const elsewhere = tempHome();
    const theirs = await startPostgres({ home: elsewhere.home, port: 0, settings, log: keptLog() });
    writeFileSync(pidFile, readFileSync(join(elsewhere.home.postgresDir, 'data', 'postmaster.pid')));
    const ours = await start();
    expect(ours.identity?.pid).not.toBe(theirs.identity?.pid);
    expect(ours.port).not.toBe(theirs.port);
    await ours.stop();
    expect(theirs.identity && isAlive(theirs.identity)).toBe(true);
    await theirs.stop();
    await elsewhere.remove();
  });

  test('a start that was cut off while it made the cluster leaves nothing in the way', async () => {
    const half = tempHome();
    mkdirSync(join(half.home.postgresDir, 'new-99999', 'base'), { recursive: true });
    const postgres = await startPostgres({ home: half.home, port: 0, settings, log: keptLog() });
    expect(readdirSync(half.home.postgresDir)).toEqual(['data']);
    await postgres.stop();
    await half.remove();
  });
});

describe('a damaged home', () => {
  test('a lost password is replaced, the data stays', async () => {
    rmSync(join(temp.home.secretsDir, 'postgres.json'));
    const postgres = await start();
    const [row] = await sql<{ n: string }>(postgres.databaseUrl, 'SELECT count(*) AS n FROM acked');
    expect(Number(row?.n)).toBeGreaterThan(0);
    await postgres.stop();
  });

  test('a damaged password file says what to do', async () => {
    const file = join(temp.home.secretsDir, 'postgres.json');
    const good = readFileSync(file);
    writeFileSync(file, '{"user":');
    await expect(start()).rejects.toThrow(/postgres\.json is damaged.*remove the file/);
    writeFileSync(file, good);
  });

  test('a server that cannot start shows how it ended and its own last lines', async () => {
    const control = join(dataDir, 'global', 'pg_control');
    const good = readFileSync(control);
    writeFileSync(control, Buffer.alloc(good.length));
    const failure = await start().then(
      () => 'started',
      (error: Error) => error.message,
    );
    writeFileSync(control, good);
    expect(failure).toMatch(/Postgres ended at start \(exit code 1\).*incompatible with server/s);
  });

  test('data of another release', async () => {
    const file = join(dataDir, 'PG_VERSION');
    const good = readFileSync(file);
    writeFileSync(file, '15\n');
    await expect(start()).rejects.toThrow(/made by Postgres 15 and 18 is installed.*DATABASE_URL/);
    writeFileSync(file, good);
  });

  test('files where the cluster should be', async () => {
    const odd = tempHome();
    mkdirSync(join(odd.home.postgresDir, 'data'), { recursive: true });
    writeFileSync(join(odd.home.postgresDir, 'data', 'mine'), '');
    const starting = startPostgres({ home: odd.home, port: 0, settings, log: keptLog() });
    await expect(starting).rejects.toThrow(
      /holds files and no Postgres cluster: PG_VERSION is missing[^]*mv .*postgres /,
    );
    await odd.remove();
  });
});

describe('the package', () => {
  test('links that an install without scripts left out are made, once', async () => {
    const { postgres } = await postgresBinaries();
    const list = join(postgres, '..', '..', 'pg-symlinks.json');
    if (!existsSync(list)) return; // this system's package has whole libraries
    const dir = tempDir();
    mkdirSync(join(dir, 'native', 'lib'), { recursive: true });
    cpSync(list, join(dir, 'native', 'pg-symlinks.json'));
    const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[];
    for (const { source } of links) writeFileSync(join(dir, source), source);
    symlinkSync('libpq.so.5.18', join(dir, 'native/lib/libpq.so'));
    expect(hydrateSymlinks(dir)).toBe(links.length - 1);
    expect(hydrateSymlinks(dir)).toBe(0);
    for (const { source, target } of links) expect(readFileSync(join(dir, target), 'utf8')).toBe(source);
    rmSync(dir, { recursive: true });
  });
});

describe('DATABASE_URL', () => {
  test('not set: our own', async () => expect(await externalPostgres({})).toBeNull());

  test('set: used as it is, and never stopped', async () => {
    const own = await start();
    const external = await externalPostgres({ DATABASE_URL: own.databaseUrl });
    expect(external).toMatchObject({ databaseUrl: own.databaseUrl, identity: null });
    await external?.stop();
    expect(own.identity && processIdentity(own.identity.pid)).not.toBeNull();
    await own.stop();
  });

  test.each([
    ['no URL', 'localhost', /expected postgres:\/\//],
    ['another protocol', 'mysql://u:geheim@h/d', /expected postgres:\/\//],
    ['nobody answers', 'postgres://u:geheim@127.0.0.1:1/d', /no answer from 127\.0\.0\.1:1\/d/],
  ] as const)('%s: an error that keeps the password to itself', async (_name, url, why) => {
    const failure = await externalPostgres({ DATABASE_URL: url }).then(
      () => 'accepted',
      (error: Error) => error.message,
    );
    expect(failure).toMatch(why);
    expect(failure).not.toContain('geheim');
  });
});
