/** The housekeeping activities of this host, made of its folders and the event store. They hold nothing between two runs. */
import { createHousekeepingActivities, type HousekeepingActivities } from '../activities/housekeeping.ts';
import { reportsDir, type DeskHome } from '../config/home.ts';
import { loadRetentionPolicy, retentionPlaces } from '../config/retention.ts';
import type { Log } from '../core/log.ts';
import { writeReport } from '../ledger/report-files.ts';
import { copyServer } from '../stack/postgres-copy.ts';
import { analyticsProcess } from './analytics-process.ts';
import type { DeskEnvironment } from './environment.ts';

export interface HousekeepingOptions {
  readonly home: DeskHome;
  readonly env: Pick<DeskEnvironment, 'DATABASE_URL' | 'DESK_BUILD' | 'DESK_CONFIG_DIR' | 'CLICKHOUSE_URL'>;
  readonly log: Log;
}

export function localHousekeeping({ home, env, log }: HousekeepingOptions): HousekeepingActivities {
  const databaseUrl = env.DATABASE_URL;
  return createHousekeepingActivities({
    databaseUrl,
    places: retentionPlaces(home),
    policy: () => loadRetentionPolicy(env.DESK_CONFIG_DIR),
    backupsDir: home.backupsDir,
    env: process.env,
    copyServer: copyServer(home, log),
    openAnalytics: () =>
      analyticsProcess({
        buildDir: env.DESK_BUILD,
        env: { ...process.env, DATABASE_URL: databaseUrl, DESK_HOME: home.root, CLICKHOUSE_URL: env.CLICKHOUSE_URL },
      }),
    report: (family, atMs, json, markdown) => void writeReport(reportsDir(home), { family, atMs, json, markdown }),
    log,
  });
}
