/** How the `eventStoreIntegrity` workflow is started. */
import { z } from 'zod';
import type { IntegrityReport } from '../../core/gates/integrity.ts';
import type { EvidenceHead } from '../../core/evidence/record.ts';
import { HostName } from '../../core/names.ts';

export const EventStoreIntegrityInput = z.strictObject({
  desk: HostName,
  /** Whose journals are held against the store. */
  host: HostName,
});
export type EventStoreIntegrityInput = z.infer<typeof EventStoreIntegrityInput>;

export interface EventStoreIntegrityResult {
  pass: boolean;
  report: IntegrityReport;
  evidence: EvidenceHead;
}

export type EventStoreIntegrityWorkflow = (input: EventStoreIntegrityInput) => Promise<EventStoreIntegrityResult>;
