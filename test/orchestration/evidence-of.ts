/** What one workflow left on the evidence chain, oldest first. */
import type { Day2Report } from '../../core/gates/day2/report.ts';
import type { EvidenceRecord } from '../../core/evidence/record.ts';
import { recordOf } from '../../ledger/evidence/stored.ts';
import type { EvidenceWorld } from '../workflows/evidence-world.ts';

/** `from`: the first number on the chain that is looked at. */
export async function evidenceOf({ evidence }: EvidenceWorld, workflowId: string, from = 1): Promise<EvidenceRecord[]> {
  const records: EvidenceRecord[] = [];
  for await (const page of evidence.pages({ from })) records.push(...page.map(recordOf));
  return records.filter(({ workflow }) => workflow?.id === workflowId);
}

export function reportOf({ payload }: EvidenceRecord): Day2Report {
  return payload as unknown as Day2Report;
}
