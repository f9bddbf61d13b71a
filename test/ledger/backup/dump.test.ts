/** A dump by the real pg_dump of a server of its version, where this machine has both (Debian's packages of Postgres). */
import { execFileSync } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import pg from 'pg';
import { SILENT } from '../../../core/log.ts';
import { dumpDatabase, findPostgresTool } from '../../../ledger/backup/dump.ts';
import { storeState } from '../../../ledger/backup/store-state.ts';
import { createLedger } from '../../../ledger/ledger.ts';
import { freePort } from '../../../stack/ports.ts';
import { postgresRunner } from '../../../stack/postgres-os.ts';
import { spawnLogged, stop } from '../../../stack/process.ts';
import { MIGRATIONS_DIR } from '../helpers.ts';

const DEBIAN = '/usr/lib/postgresql';
const [major] = existsSync(DEBIAN)
  ? readdirSync(DEBIAN).filter((name) => existsSync(join(DEBIAN, name, 'bin/initdb')))
  : [];
const orSkipped = major === undefined ? test.skip : test;

test('only a tool of the server’s own version is taken', async () => {
  expect(await findPostgresTool('pg_dump', 999, process.env)).toBeNull();
  expect(await findPostgresTool('no_such_tool', 18, process.env)).toBeNull();
});

orSkipped(
  'a dump counts its own snapshot, and loads into a database that has the same',
  async () => {
    const root = mkdtempSync(join(tmpdir(), 'desk-dump-'));
    const bin = (name: string): string => join(DEBIAN, major!, 'bin', name);
    const runner = await postgresRunner([bin('postgres'), root], SILENT);
    const dataDir = join(root, 'data');
    mkdirSync(dataDir, { mode: 0o700 });
    if (runner.owner !== null) for (const dir of [root, dataDir]) chownSync(dir, runner.owner.uid, runner.owner.gid);
    const initdb = runner.spawn(bin('initdb'), ['-D', dataDir, '-U', 'desk', '--auth=trust', '--no-sync']);
    execFileSync(initdb.command, initdb.args, { ...initdb, cwd: '/', stdio: 'ignore' });
    const port = await freePort();
    const flags = [
      '-D',
      dataDir,
      '-p',
      String(port),
      '-c',
      'listen_addresses=127.0.0.1',
      '-c',
      'unix_socket_directories=',
    ];
    const as = runner.spawn(bin('postgres'), flags);
    const server = await spawnLogged({
      name: 'Postgres',
      ...as,
      env: process.env,
      cwd: '/',
      logFile: join(root, 'log'),
    });
    const url = (name: string): string => `postgres://desk:pa%2Fss@127.0.0.1:${port}/${name}`;
    const clients: pg.Client[] = [];
    const connect = async (name: string): Promise<pg.Client> => {
      for (;;) {
        const client = new pg.Client({ connectionString: url(name) });
        try {
          await client.connect();
          clients.push(client);
          return client;
        } catch (error) {
          if (server.ended() !== null) throw error;
        }
      }
    };
    try {
      const client = await connect('postgres');
      const ledger = createLedger({ databaseUrl: url('postgres'), migrationsDir: MIGRATIONS_DIR, log: SILENT });
      await ledger.migrate();
      await ledger.close();
      const insert = `insert into event select 'bot1', n, n, 1, 0, 'hb.order.v1', now(), 'c', '{}' from generate_series($1::int, $2::int) n`; // prettier-ignore
      await client.query(insert, [1, 3_000]);
      const tool = await findPostgresTool('pg_dump', Number(major), process.env);
      expect(tool).not.toBeNull();
      const dumping = dumpDatabase(await connect('postgres'), url('postgres'), tool!, root);
      for (let from = 3_001; from < 6_000; from += 100) await client.query(insert, [from, from + 99]);
      const { store, files, tool: named } = await dumping;
      expect(named).toMatch(/^pg_dump \d+/);
      expect(files).toMatchObject([{ path: 'desk.dump', sha256: expect.stringMatching(/^[0-9a-f]{64}$/) }]);
      await client.query('create database other');
      execFileSync(bin('pg_restore'), ['--dbname', url('other'), join(root, 'desk.dump')], { stdio: 'ignore' });
      expect(await storeState(await connect('other'))).toEqual(store);
      expect(store.sources[0]?.events).toBeGreaterThanOrEqual(3_000);
      expect((await storeState(client)).sources[0]?.events).toBe(6_000);
    } finally {
      await Promise.all(clients.map((client) => client.end()));
      await stop(server.identity, 5_000, { signal: 'SIGINT' });
      rmSync(root, { recursive: true, force: true });
    }
  },
  120_000,
);
