/** What each workflow type takes: whoever schedules one knows before it starts. */
import type { z } from 'zod';
import { AnalyticsExportInput } from './analytics-export/contract.ts';
import { ArtifactRetentionInput } from './artifact-retention/contract.ts';
import { BotWorkflowInput } from './bot/contract.ts';
import { DatabaseBackupInput } from './database-backup/contract.ts';
import { Day2GateInput } from './day2-gate/contract.ts';
import type { WORKFLOW_TYPES } from './desk-attributes.ts';
import { EventStoreIntegrityInput } from './event-store-integrity/contract.ts';
import { MarketDataFreshnessInput } from './market-data-freshness/contract.ts';

/** In the order of the types. */
export const WORKFLOW_INPUTS: Readonly<Record<(typeof WORKFLOW_TYPES)[number], z.ZodType>> = {
  bot: BotWorkflowInput,
  day2Gate: Day2GateInput,
  eventStoreIntegrity: EventStoreIntegrityInput,
  marketDataFreshness: MarketDataFreshnessInput,
  artifactRetention: ArtifactRetentionInput,
  databaseBackup: DatabaseBackupInput,
  analyticsExport: AnalyticsExportInput,
};
