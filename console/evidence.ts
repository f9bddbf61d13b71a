/** The newest evidence of each kind, as the page shows it. Pure. */
import { gistOf, type Gist } from '../core/evidence/gist.ts';
import type { EvidenceKind, EvidenceRecord } from '../core/evidence/record.ts';

/** In the order of the page; what a person's command leaves is not watched. */
export const WATCHED_KINDS = [
  'day2_gate',
  'event_store_integrity',
  'market_data_freshness',
  'restart_regression',
  'database_backup',
  'retention',
] as const satisfies readonly EvidenceKind[];

export interface EvidenceView extends Gist {
  readonly kind: EvidenceKind;
  readonly number: number;
  readonly atMs: number;
  /** Why it is no more than a rehearsal; empty when it is not one. */
  readonly rehearsal: readonly string[];
}

export function evidenceViews(records: readonly EvidenceRecord[]): EvidenceView[] {
  return WATCHED_KINDS.flatMap((kind) => {
    const record = records.find((each) => each.kind === kind);
    if (record === undefined) return [];
    const { number, atMs, rehearsal, payload } = record;
    return [{ kind, number, atMs, rehearsal, ...gistOf(kind, payload) }];
  });
}
