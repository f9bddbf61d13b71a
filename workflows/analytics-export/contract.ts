/** How the `analyticsExport` workflow is started. */
import { z } from 'zod';
import { HostName } from '../../core/names.ts';

export const AnalyticsExportInput = z.strictObject({
  desk: HostName,
  /** Where the Parquet files lie. */
  host: HostName,
});
export type AnalyticsExportInput = z.infer<typeof AnalyticsExportInput>;

/** What one sink got. */
export interface ExportedSink {
  sink: string;
  /** `busy`: another process exports to it just now. `failed`: it did not answer; what it has is whole. */
  outcome: 'done' | 'busy' | 'failed';
  error: string | null;
  events: number;
  batches: number;
  /** Sources of which it holds more than the store. */
  ahead: string[];
}

export interface AnalyticsExportResult {
  /** No sink failed, and none is ahead of the store. */
  pass: boolean;
  sinks: ExportedSink[];
}

export type AnalyticsExportWorkflow = (input: AnalyticsExportInput) => Promise<AnalyticsExportResult>;
