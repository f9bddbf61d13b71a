/** All hands of the housekeeping workflows. */
import { createAnalyticsActivities, type AnalyticsDeps } from './housekeeping-analytics.ts';
import { createBackupActivities, type BackupDeps } from './housekeeping-backup.ts';
import { createRetentionActivities, type RetentionDeps } from './housekeeping-retention.ts';

export type HousekeepingDeps = RetentionDeps & BackupDeps & AnalyticsDeps;
export type HousekeepingActivities = ReturnType<typeof createHousekeepingActivities>;

export function createHousekeepingActivities(deps: HousekeepingDeps) {
  return {
    ...createRetentionActivities(deps),
    ...createBackupActivities(deps),
    ...createAnalyticsActivities(deps),
  };
}
