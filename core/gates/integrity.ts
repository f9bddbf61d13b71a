/** What one look at the event store found: whether every event of every journal is there, correlated and fresh. Pure. */
import { counted, heading, markdownOf, sentence, type Part } from '../reporting/document.ts';
import type { IntegrityFacts, SourceFacts } from './day2/facts.ts';
import { exactInstant } from './day2/status.ts';

export interface IntegrityRules {
  /** Events that journal and store may be apart. */
  readonly deltaTolerance: number;
  readonly silentMsMax: number;
}

/** As the Day-2 gate's policy has them: a check that passes here does not break its clock there. */
export const INTEGRITY_RULES: IntegrityRules = { deltaTolerance: 5, silentMsMax: 300_000 };

export type IntegrityCode = 'no_sources' | 'gap' | 'missing_correlation' | 'delta' | 'stale';

export interface IntegrityFinding {
  readonly code: IntegrityCode;
  readonly source: string | null;
  readonly measured: number | null;
  readonly limit: number;
}

export interface IntegrityReport {
  readonly kind: 'event_store_integrity';
  readonly version: 1;
  readonly pass: boolean;
  readonly fromMs: number;
  readonly atMs: number;
  /** Largest difference of a source between its journal and the store, accepted losses taken off. */
  readonly max_delta_observed: number;
  readonly findings: readonly IntegrityFinding[];
  readonly sources: readonly (SourceFacts & { readonly delta: number; readonly silentMs: number | null })[];
}

export function integrityOf(facts: IntegrityFacts, rules: IntegrityRules): IntegrityReport {
  const sources = facts.sources.map((one) => ({
    ...one,
    delta: Math.abs(one.journalSequence - one.storedEvents - one.acceptedLoss),
    silentMs: one.newestEventAtMs === null ? null : Math.max(0, facts.atMs - one.newestEventAtMs),
  }));
  const findings: IntegrityFinding[] = [];
  if (sources.length === 0) findings.push({ code: 'no_sources', source: null, measured: 0, limit: 1 });
  for (const { source, gaps, missingCorrelation, delta, silentMs } of sources) {
    const lacking = gaps.reduce((sum, { fromSequence, toSequence }) => sum + toSequence - fromSequence + 1, 0);
    if (lacking > 0) findings.push({ code: 'gap', source, measured: lacking, limit: 0 });
    if (missingCorrelation > 0)
      findings.push({ code: 'missing_correlation', source, measured: missingCorrelation, limit: 0 });
    if (delta > rules.deltaTolerance)
      findings.push({ code: 'delta', source, measured: delta, limit: rules.deltaTolerance });
    if (silentMs === null || silentMs > rules.silentMsMax)
      findings.push({ code: 'stale', source, measured: silentMs, limit: rules.silentMsMax });
  }
  return {
    kind: 'event_store_integrity',
    version: 1,
    pass: findings.length === 0,
    fromMs: facts.fromMs,
    atMs: facts.atMs,
    max_delta_observed: sources.reduce((most, { delta }) => Math.max(most, delta), 0),
    findings,
    sources,
  };
}

export function integrityText({ code, source, measured, limit }: IntegrityFinding): string {
  switch (code) {
    case 'no_sources':
      return 'there was no source to look at';
    case 'gap':
      return `${source}: ${measured} events are missing in the store`;
    case 'missing_correlation':
      return `${source}: ${measured} events without a correlation id`;
    case 'delta':
      return `${source}: journal and store are ${measured} events apart, allowed ${limit}`;
    case 'stale':
      return measured === null
        ? `${source} has no event`
        : `${source} had no event for ${measured} ms, allowed ${limit}`;
  }
}

export function integrityMarkdown({ pass, fromMs, atMs, findings, sources }: IntegrityReport): string {
  const parts: Part[] = [sentence(`Looked at ${exactInstant(fromMs)} to ${exactInstant(atMs)}.`)];
  for (const finding of findings) parts.push({ part: 'sentence', tone: 'bad', text: `${integrityText(finding)}.` });
  parts.push(heading('Sources'));
  parts.push({
    part: 'table',
    head: ['source', 'in the journal', 'stored', 'accepted as lost', 'apart', 'last event'],
    rows: sources.map(({ source, journalSequence, storedEvents, acceptedLoss, delta, silentMs }) => [
      source,
      `${journalSequence}`,
      `${storedEvents}`,
      `${acceptedLoss}`,
      `${delta}`,
      silentMs === null ? 'never' : `${Math.round(silentMs / 1_000)} s before`,
    ]),
  });
  const title = `Event store: ${pass ? 'whole' : counted(findings.length, 'finding')}`;
  return markdownOf({ title, parts }, () => '');
}
