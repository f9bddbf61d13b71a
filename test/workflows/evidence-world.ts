/** Postgres, a Temporal server and the desk's evidence activities on them; journals are written by the tests. */
import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';
import { createEvidenceActivities } from '../../activities/evidence.ts';
import { createMarketDataActivities, type HostBot } from '../../activities/market-data.ts';
import { readScenario } from '../../config/rehearsals.ts';
import { SILENT } from '../../core/log.ts';
import { StreamReportReader } from '../../journal/stream-reports.ts';
import { createPool } from '../../ledger/connect.ts';
import { createEvidenceStore, type EvidenceStore } from '../../ledger/evidence/store.ts';
import { measureSource } from '../../ledger/integrity.ts';
import { writeReport } from '../../ledger/report-files.ts';
import { startDatabase, type TestDatabase } from '../ledger/helpers.ts';
import { builtCode } from '../support/build.ts';
import { startTestTemporal, type TestTemporal } from '../support/temporal.ts';

export interface EvidenceWorld {
  readonly database: TestDatabase;
  readonly temporal: TestTemporal;
  readonly evidence: EvidenceStore;
  readonly reportsDir: string;
  /** What the venue's clock says; the host's own unless a test changes it. */
  venueTimeMs: () => number | null;
  /** Of the process that measures; another one is what its restart looks like. */
  processId: string;
  /** Whose streams are looked at. */
  bots: readonly HostBot[];
  /** How long a bot is waited for to tell what it hears now. */
  waitMs: number;
  stop(): Promise<void>;
}

export interface EvidenceWorldOptions {
  /** Beside what `temporal-dev.yml` sets. */
  readonly dynamicConfig?: Record<string, string | number | boolean>;
  /** Left out, this process runs the workflows, too. */
  readonly runsWorkflows?: boolean;
}

export async function startEvidenceWorld({
  dynamicConfig = {},
  runsWorkflows = true,
}: EvidenceWorldOptions = {}): Promise<EvidenceWorld> {
  const [database, temporal, build] = await Promise.all([
    startDatabase(),
    startTestTemporal(dynamicConfig),
    builtCode(),
  ]);
  const readers = createPool({ databaseUrl: database.url, role: 'desk_reader', connections: 2, log: SILENT });
  const writers = createPool({ databaseUrl: database.url, role: 'desk_writer', connections: 2, log: SILENT });
  const headsFile = join(database.root, 'evidence-heads.jsonl');
  const evidence = createEvidenceStore({ pool: writers, headsFile, log: SILENT });
  const streamReports = new StreamReportReader();
  const reportsDir = join(database.root, 'reports');
  const journals = (): string[] => (existsSync(database.journalsDir) ? readdirSync(database.journalsDir).sort() : []);
  const world: EvidenceWorld = {
    database,
    temporal,
    evidence,
    reportsDir,
    venueTimeMs: Date.now,
    processId: randomUUID(),
    bots: [],
    waitMs: 500,
    async stop() {
      await temporal.stop();
      await Promise.all([readers, writers].map((pool: pg.Pool) => pool.end()));
      await database.remove();
    },
  };
  if (runsWorkflows)
    await temporal.work({
      taskQueue: 'desk',
      workflowBundle: { codePath: join(build, 'workflows', 'bundle.js') },
      workflowFailureErrorTypes: { '*': ['ZodError', 'InvariantError'] },
    });
  await temporal.work({
    taskQueue: 'bot-host-test',
    activities: {
      ...createMarketDataActivities({
        bots: () => world.bots,
        read: (bot, wanted) => streamReports.read(join(database.journalsDir, bot), wanted),
        evidence,
        get waitMs() {
          return world.waitMs;
        },
      }),
      ...createEvidenceActivities({
        sources: journals,
        measure: (source, sinceSequence) =>
          measureSource(readers, { source, journalDir: join(database.journalsDir, source), sinceSequence }),
        scenario: (name) => readScenario(join(process.cwd(), 'config'), name),
        evidence,
        identity: { venue: 'bitget', dataSource: 'simulator', codeVersion: 'test', configHash: '0'.repeat(64) },
        venueTimeMs: async () => world.venueTimeMs(),
        report: (family, atMs, json, markdown) => void writeReport(reportsDir, { family, atMs, json, markdown }),
        get processId() {
          return world.processId;
        },
      }),
    },
  });
  return world;
}
