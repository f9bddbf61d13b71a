/** A restart's verdict in words: what each finding says, and what a person does about it. */
import { exactInstant } from '../gates/day2/status.ts';
import { counted, heading, markdownOf, NOTHING, sentence, type Part } from '../reporting/document.ts';
import type { RestartFinding, RestartNote, RestartReport } from './verdict.ts';

const COUNTERS: Readonly<Record<string, string>> = {
  journal_records: 'records in its journal',
  journal_events: 'events in its journal',
  event_offset: 'the event up to which its journal is stored',
  record_offset: 'the record up to which its journal is stored',
  stored_events: 'stored events',
  retired_events: 'events dropped by retention',
  accepted_loss: 'events accepted as lost',
  evidence_stored: 'the last record of evidence in the store',
  evidence_kept: 'the last head of evidence kept beside it',
};

export function findingText({ code, source, counter, measured, expected, detail }: RestartFinding): string {
  const of = source === null ? '' : `${source}: `;
  switch (code) {
    case 'counter_back':
      return `${of}${counterText(counter ?? '')} went back from ${expected} (${detail}) to ${measured}`;
    case 'journal_damaged':
      return `${of}its journal is damaged from record ${measured} on (${detail}); it does not trade`;
    case 'journal_unread':
      return `${of}its journal could not be read: ${detail}`;
    case 'store_ahead':
      return `${of}the store has events up to ${expected}, its journal ends at ${measured}`;
    case 'store_unread':
      return `the event store could not be asked: ${detail}`;
    case 'gap':
      return `${of}${measured} events are missing in the store and will not come any more`;
    case 'delta':
      return `${of}journal and store are ${measured} events apart, allowed ${expected}`;
    case 'missing_correlation':
      return `${of}${measured} stored events have no correlation id`;
    case 'chain_broken':
      return `the evidence chain is broken at record ${measured} (${detail})`;
  }
}

/** What to do, and where it is written. */
export function findingRemedy({ code, source, counter }: RestartFinding): string {
  const bot = source ?? '<bot>';
  switch (code) {
    case 'journal_damaged':
      return `docs/runbooks/damaged-journal.md: ./desk bot accept-loss ${bot} --reason "...", then ./desk bot approve ${bot} --reason "..."`;
    case 'journal_unread':
      return 'docs/runbooks/after-a-crash.md, "a journal that cannot be read"';
    case 'store_ahead':
      return 'docs/runbooks/after-a-crash.md, "a journal that ends too early"';
    case 'store_unread':
      return 'docs/runbooks/restore.md, when ./desk doctor says that the database is damaged';
    case 'chain_broken':
      return './desk evidence verify; docs/runbooks/restore.md, step 6';
    case 'counter_back':
      if (counter?.startsWith('evidence_') === true) return './desk evidence verify; docs/runbooks/restore.md, step 6';
      return counter?.startsWith('journal_') === true
        ? 'docs/runbooks/after-a-crash.md, "a journal that ends too early"'
        : 'docs/runbooks/after-a-crash.md, "events missing in the store"';
    case 'gap':
    case 'delta':
    case 'missing_correlation':
      return 'docs/runbooks/after-a-crash.md, "events missing in the store"';
  }
}

export function noteText({ code, source, amount }: RestartNote): string {
  switch (code) {
    case 'torn_tail':
      return `${source}: ${counted(amount, 'byte')} at the end of its journal were never acknowledged and are cut`;
    case 'accepted_loss':
      return `${source}: ${counted(amount, 'event')} were given up by a person (accept-loss)`;
    case 'on_its_way':
      return `${source}: ${counted(amount, 'event')} apart, within the tolerance`;
  }
}

export const SOURCES_HEAD = ['source', 'in the journal', 'stored', 'accepted as lost', 'apart'] as const;

export function sourceRows({ sources }: RestartReport): string[][] {
  const shown = (value: number | null): string => (value === null ? NOTHING : String(value));
  return sources.map(({ source, journalEvents, storedEvents, acceptedLoss, delta }) => [
    source,
    ...[journalEvents, storedEvents, acceptedLoss, delta].map(shown),
  ]);
}

export function restartMarkdown(report: RestartReport): string {
  const { pass, before, atMs, baseline, mode, findings, notes, chain } = report;
  const known = before.map((one) => `${one.what} of ${exactInstant(one.atMs)}`).join(', ');
  const credit =
    mode === 'absolute'
      ? 'All that is missing counts'
      : baseline === null
        ? 'No baseline was frozen: all that is missing counts'
        : `What was missing at the baseline (evidence ${baseline.number}, ${exactInstant(baseline.atMs)}) does not count`;
  const parts: Part[] = [
    sentence(
      `Looked at ${exactInstant(atMs)}; held against ${known === '' ? 'nothing: no one knew anything before' : known}.`,
    ),
    sentence(`${credit}.`),
    ...findings.map((one): Part => ({
      part: 'sentence',
      tone: 'bad',
      text: `${findingText(one)}. → ${findingRemedy(one)}`,
    })),
    ...notes.map((one) => sentence(`${noteText(one)}.`)),
    heading('Sources'),
    { part: 'table', head: SOURCES_HEAD, rows: sourceRows(report) },
  ];
  if (chain?.ok === true) parts.push(sentence(`Evidence chain: ${chain.records} records, whole.`));
  const title = `Restart: ${pass ? 'nothing was lost' : counted(findings.length, 'finding')}`;
  return markdownOf({ title, parts }, () => '');
}

function counterText(counter: string): string {
  if (counter.startsWith('stream:')) return `stored events of ${counter.slice('stream:'.length)}`;
  if (counter.startsWith('consumer:')) return `how far ${counter.slice('consumer:'.length)} has read`;
  return COUNTERS[counter] ?? counter;
}
