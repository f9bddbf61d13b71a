/** How the `marketDataFreshness` workflow is started. */
import { z } from 'zod';
import type { EvidenceHead } from '../../core/evidence/record.ts';
import type { FreshnessReport } from '../../core/gates/freshness/judge.ts';
import { HostName } from '../../core/names.ts';

export const MarketDataFreshnessInput = z.strictObject({
  desk: HostName,
  /** Whose bots' streams are looked at. */
  host: HostName,
});
export type MarketDataFreshnessInput = z.infer<typeof MarketDataFreshnessInput>;

export interface MarketDataFreshnessResult {
  pass: boolean;
  report: FreshnessReport;
  evidence: EvidenceHead;
}

export type MarketDataFreshnessWorkflow = (input: MarketDataFreshnessInput) => Promise<MarketDataFreshnessResult>;
