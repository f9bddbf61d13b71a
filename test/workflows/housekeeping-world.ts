/** Postgres, Temporal, a desk's folders, and a housekeeping worker that is a process of its own. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import type pg from 'pg';
import { parse, stringify } from 'yaml';
import { deskHome, type DeskHome } from '../../config/home.ts';
import type { EvidenceRecord } from '../../core/evidence/record.ts';
import { SILENT } from '../../core/log.ts';
import { createPool } from '../../ledger/connect.ts';
import { createEvidenceStore } from '../../ledger/evidence/store.ts';
import { createJournalShipper } from '../../ledger/journal-shipper.ts';
import { appendEvents, openBot, startDatabase, type TestDatabase } from '../ledger/helpers.ts';
import { builtCode } from '../support/build.ts';
import { startTestTemporal, type TestTemporal } from '../support/temporal.ts';

const DAY_MS = 86_400_000;

export interface HousekeepingWorld {
  readonly database: TestDatabase;
  readonly temporal: TestTemporal;
  readonly home: DeskHome;
  /** Starts the host's worker; `env` over this process's own. */
  work(databaseUrl?: string, env?: NodeJS.ProcessEnv): ChildProcess;
  /** Changes `config/retention.yml` of this desk. */
  policy(changes: object): void;
  /** A journal in small segments, stored, and old enough to leave. Answers the names of its segments. */
  oldJournal(bot: string, events: number): Promise<string[]>;
  /** Newest first. */
  evidence(kind: 'retention' | 'database_backup'): Promise<EvidenceRecord[]>;
  report(family: string): unknown;
  stop(): Promise<void>;
}

export async function startHousekeepingWorld(): Promise<HousekeepingWorld> {
  const [database, temporal, code] = await Promise.all([startDatabase(), startTestTemporal(), builtCode()]);
  const home = deskHome(database.root);
  const configDir = join(database.root, 'config');
  cpSync('config', configDir, { recursive: true, filter: (path) => !path.endsWith('.ts') });
  const program = join(process.cwd(), 'node_modules/.cache', `housekeeping-program-${process.pid}.mjs`);
  await build({
    entryPoints: [join(process.cwd(), 'test/workflows/housekeeping-program.ts')],
    outfile: program,
    bundle: true,
    packages: 'external',
    format: 'esm',
    platform: 'node',
    logLevel: 'error',
  });
  await temporal.work({
    taskQueue: 'desk',
    workflowBundle: { codePath: join(code, 'workflows', 'bundle.js') },
    workflowFailureErrorTypes: { '*': ['ZodError', 'InvariantError'] },
  });
  const readers: pg.Pool = createPool({ databaseUrl: database.url, role: 'desk_reader', connections: 1, log: SILENT });
  const store = createEvidenceStore({ pool: readers, headsFile: null, log: SILENT });
  const children: ChildProcess[] = [];
  return {
    database,
    temporal,
    home,
    work(databaseUrl = database.url, env = {}) {
      const { NODE_OPTIONS: _ofJest, ...rest } = process.env;
      const args = [program, temporal.address, databaseUrl, home.root, configDir];
      const child = spawn(process.execPath, args, {
        env: { ...rest, DESK_BUILD: code, ...env },
        stdio: ['ignore', 'ignore', 'inherit'],
      });
      children.push(child);
      return child;
    },
    policy(changes) {
      const file = join(configDir, 'retention.yml');
      writeFileSync(file, stringify({ ...(parse(readFileSync(file, 'utf8')) as object), ...changes }));
    },
    async oldJournal(bot, events) {
      const { journal } = await openBot(database, bot, 32 * 1024);
      for (let n = 0; n < events; n += 50) {
        appendEvents(journal, 50);
        await journal.durable();
      }
      await journal.close();
      writeFileSync(
        join(home.journalsDir, `${bot}.snapshot.json`),
        JSON.stringify({ sequence: journal.nextSequence - 1 }),
      );
      const shipper = createJournalShipper({ ledger: database.ledger, journalsDir: home.journalsDir, log: SILENT });
      shipper.start();
      await shipper.drain(60_000);
      await shipper.stop();
      const dir = join(home.journalsDir, bot);
      const segments = readdirSync(dir).filter((name) => name.endsWith('.journal'));
      const oldAt = new Date(Date.now() - 9 * DAY_MS);
      for (const name of segments) utimesSync(join(dir, name), oldAt, oldAt);
      return segments;
    },
    evidence: (kind) => store.list({ kind, limit: 20 }),
    report: (family) => JSON.parse(readFileSync(join(home.root, 'reports', family, 'latest.json'), 'utf8')) as unknown,
    async stop() {
      for (const child of children) await endOf(child);
      await temporal.stop();
      await readers.end();
      await database.remove();
      rmSync(program, { force: true });
    },
  };
}

/** As a power cut would. */
export async function endOf(child: ChildProcess | null): Promise<void> {
  if (child === null || child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}
