/** Every workflow type: what the worker's bundle is made of. */
export { bot } from './bot/workflow.ts';
export { day2Gate } from './day2-gate/workflow.ts';
export { eventStoreIntegrity } from './event-store-integrity/workflow.ts';
export { marketDataFreshness } from './market-data-freshness/workflow.ts';
export { artifactRetention } from './artifact-retention/workflow.ts';
export { databaseBackup } from './database-backup/workflow.ts';
export { analyticsExport } from './analytics-export/workflow.ts';
