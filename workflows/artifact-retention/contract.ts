/** How the `artifactRetention` workflow is started. */
import { z } from 'zod';
import type { EvidenceHead } from '../../core/evidence/record.ts';
import { HostName } from '../../core/names.ts';
import type { PlanCounts, RetentionCounts } from '../../core/retention/evidence.ts';

export const ArtifactRetentionInput = z.strictObject({
  desk: HostName,
  /** Whose folders are tidied. */
  host: HostName,
  /** Only say what may go, or also do it. Left out, the policy's `scheduled` says which. */
  mode: z.enum(['plan', 'run']).optional(),
});
export type ArtifactRetentionInput = z.infer<typeof ArtifactRetentionInput>;

export interface ArtifactRetentionResult {
  mode: 'plan' | 'run';
  /** Nothing was refused. */
  pass: boolean;
  planned: PlanCounts;
  /** Null where nothing was to be done, or only a plan was asked for. */
  done: RetentionCounts | null;
  evidence: EvidenceHead | null;
}

export type ArtifactRetentionWorkflow = (input: ArtifactRetentionInput) => Promise<ArtifactRetentionResult>;
