/** One look at the event store: measured, judged, written down. A store that is not whole is a result and no failure. */
import { setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
import { INTEGRITY_RULES, integrityMarkdown, integrityOf } from '../../core/gates/integrity.ts';
import { rangesOf } from '../../core/gates/day2/facts.ts';
import { DeskId, DeskKind, DeskSeverity, DeskVerdict } from '../desk-attributes.ts';
import { evidenceHands } from '../evidence-hands.ts';
import type { JsonObject } from '../../core/evidence/json.ts';
import { parseInput } from '../parse-input.ts';
import { EventStoreIntegrityInput, type EventStoreIntegrityResult } from './contract.ts';

export async function eventStoreIntegrity(raw: unknown): Promise<EventStoreIntegrityResult> {
  const { desk, host } = parseInput(EventStoreIntegrityInput, raw);
  upsertSearchAttributes([
    { key: DeskId, value: desk },
    { key: DeskKind, value: 'eventStoreIntegrity' },
  ]);
  const hands = evidenceHands(host);
  const before = await hands.integrityBefore({ subject: desk });
  const atMs = Date.now();
  const facts = await hands.measureIntegrity({
    fromMs: Math.min(before.fromMs ?? atMs, atMs),
    known: before.known,
    atMs,
    scenario: null,
    startMs: atMs,
  });
  const report = integrityOf(facts, INTEGRITY_RULES);
  const markdown = integrityMarkdown(report);
  setCurrentDetails(markdown);
  upsertSearchAttributes([
    { key: DeskVerdict, value: report.pass ? 'PASS' : 'FAIL' },
    { key: DeskSeverity, value: report.pass ? 'ok' : 'warn' },
  ]);
  const since = new Map(before.known.map(({ source, sequence }) => [source, sequence]));
  const evidence = await hands.recordEvidence({
    kind: 'event_store_integrity',
    subject: desk,
    range: {
      fromMs: facts.fromMs,
      toMs: facts.atMs,
      sources: rangesOf(facts.sources, since),
    },
    rehearsal: [],
    payload: { ...(JSON.parse(JSON.stringify(report)) as JsonObject), baseline: before.baseline },
    atMs: Date.now(),
    key: 'integrity',
    markdown,
  });
  return { pass: report.pass, report, evidence };
}
