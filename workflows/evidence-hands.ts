/** The evidence activities of one host, each with the patience it needs. */
import { proxyActivities } from '@temporalio/workflow';
import type { EvidenceActivities } from '../activities/evidence.ts';
import { botHostTaskQueue } from './desk-attributes.ts';

export function evidenceHands(host: string): EvidenceActivities {
  const taskQueue = botHostTaskQueue(host);
  const retry = { initialInterval: '2s', maximumInterval: '15s' } as const;
  // Less than an evaluation may be late: what cannot be measured by then breaks the continuity anyway.
  const measuring = { taskQueue, retry, startToCloseTimeout: '90s', scheduleToCloseTimeout: '4 minutes' } as const;
  const { measureIntegrity } = proxyActivities<EvidenceActivities>({
    ...measuring,
    summary: 'holds the event store against the journals',
  });
  const { integrityBefore } = proxyActivities<EvidenceActivities>({
    ...measuring,
    summary: 'where the check before ended',
  });
  // What was found is written down however long the store is away.
  const { recordEvidence } = proxyActivities<EvidenceActivities>({
    taskQueue,
    retry: { ...retry, maximumInterval: '1 minute', nonRetryableErrorTypes: ['EvidenceMalformed'] },
    startToCloseTimeout: '60s',
    summary: 'adds to the evidence chain',
  });
  return { measureIntegrity, integrityBefore, recordEvidence };
}
