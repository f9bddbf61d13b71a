/**
 * The housekeeping worker of a host as a process of its own, to be killed. Arguments: Temporal's address, database url, desk
 * home, folder of the configuration. It runs until its end.
 */
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { createEvidenceActivities } from '../../activities/evidence.ts';
import { deskHome, evidenceHeadsFile, reportsDir } from '../../config/home.ts';
import { SILENT } from '../../core/log.ts';
import { createPool } from '../../ledger/connect.ts';
import { createEvidenceStore } from '../../ledger/evidence/store.ts';
import { writeReport } from '../../ledger/report-files.ts';
import { localHousekeeping } from '../../workers/housekeeping-activities.ts';

Runtime.install({ logger: new DefaultLogger('ERROR') });
const { CLICKHOUSE_URL, DESK_BUILD = '' } = process.env;
const [address = '', databaseUrl = '', root = '', configDir = ''] = process.argv.slice(2);
const home = deskHome(root);
const pool = createPool({ databaseUrl, role: 'desk_writer', connections: 2, log: SILENT });
const evidence = createEvidenceActivities({
  sources: () => [],
  measure: () => Promise.reject(new Error('nothing is measured here')),
  scenario: () => {
    throw new Error('nothing is rehearsed here');
  },
  evidence: createEvidenceStore({ pool, headsFile: evidenceHeadsFile(home), log: SILENT }),
  identity: { venue: 'bitget', dataSource: 'simulator', codeVersion: 'test', configHash: '0'.repeat(64) },
  venueTimeMs: () => Promise.resolve(Date.now()),
  report: (family, atMs, json, markdown) => void writeReport(reportsDir(home), { family, atMs, json, markdown }),
  processId: String(process.pid),
});
const connection = await NativeConnection.connect({ address });
const worker = await Worker.create({
  connection,
  taskQueue: 'bot-host-house',
  identity: `${process.pid}@desk`,
  shutdownGraceTime: 500,
  maxHeartbeatThrottleInterval: 1_000,
  defaultHeartbeatThrottleInterval: 1_000,
  activities: {
    ...evidence,
    ...localHousekeeping({
      home,
      env: { DATABASE_URL: databaseUrl, DESK_BUILD, DESK_CONFIG_DIR: configDir, CLICKHOUSE_URL },
      log: SILENT,
    }),
  },
});
await worker.run();
await connection.close();
await pool.end();
