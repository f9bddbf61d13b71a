/** The Day-2 gate's report: as JSON and as Markdown, the same bytes for the same state and moment. */
import { counted, heading, markdownOf, sentence, type Part } from '../../reporting/document.ts';
import type { Day2Rules } from './rules.ts';
import type { Day2State } from './state.ts';
import { exactInstant, statusOf, type Check, type Day2Status } from './status.ts';

export interface Day2Report extends Day2Status {
  readonly kind: 'day2_gate';
  readonly version: 1;
  readonly madeAtMs: number;
  readonly rules: Day2Rules;
  readonly sources: readonly { readonly source: string; readonly delta: number; readonly missingCorrelation: number }[];
}

export function reportOf(state: Day2State, nowMs: number): { readonly json: Day2Report; readonly markdown: string } {
  const sources = state.sources.map(({ source, delta, missingCorrelation }) => ({ source, delta, missingCorrelation }));
  const json: Day2Report = {
    kind: 'day2_gate',
    version: 1,
    madeAtMs: nowMs,
    ...statusOf(state, nowMs),
    rules: state.rules,
    sources,
  };
  return { json, markdown: markdown(json) };
}

function markdown(report: Day2Report): string {
  const { go, checks, rehearsal, standing, resets, sources } = report;
  const parts: Part[] = [sentence(clockText(report))];
  if (rehearsal.length > 0) parts.push(bad(`A rehearsal, which earns nothing: ${rehearsal.join('; ')}.`));
  if (report.paused !== null) {
    const { operator, reason, atMs } = report.paused;
    parts.push(bad(`Held at NO-GO by ${operator} since ${exactInstant(atMs)}: ${reason}`));
  }
  parts.push(table(['check', 'passed', 'measured', 'limit'], Object.entries(checks).map(checkRow)));
  if (standing.length > 0) {
    parts.push(heading('Why the clock stands still'));
    parts.push(
      table(
        ['what', 'since'],
        standing.map(({ text, sinceMs }) => [text, exactInstant(sinceMs)]),
      ),
    );
  }
  if (resets.length > 0) {
    parts.push(heading('Why the clock was reset'));
    parts.push(
      table(
        ['what', 'at'],
        resets.map(({ text, atMs }) => [text, exactInstant(atMs)]),
      ),
    );
  }
  const before = report.resetsBefore.map(({ code, count }) => `${counted(count, 'time')} ${code}`);
  if (before.length > 0) parts.push(sentence(`Before that: ${before.join(', ')}.`));
  const rows = sources.map((one) => [one.source, `${one.delta}`, `${one.missingCorrelation}`]);
  parts.push(heading('Sources since the baseline'), table(['source', 'delta', 'without correlation id'], rows));
  return markdownOf({ title: `Day-2 gate: ${go ? 'GO' : 'NO-GO'}`, parts }, () => '');
}

function clockText({
  baselineAtMs,
  hoursElapsed,
  clockStartedAtMs,
  lastEvaluatedAtMs,
  max_delta_observed,
}: Day2Report): string {
  if (baselineAtMs === null || lastEvaluatedAtMs === null) return 'There is no baseline yet.';
  const clock =
    clockStartedAtMs === null ? 'the clock stands still' : `counting since ${exactInstant(clockStartedAtMs)}`;
  return (
    `Baseline of ${exactInstant(baselineAtMs)}; ${clock}; ${(Math.floor(hoursElapsed * 100) / 100).toFixed(2)} hours without a break, as ` +
    `evaluated ${exactInstant(lastEvaluatedAtMs)}. Largest delta since the baseline: ${max_delta_observed}.`
  );
}

function checkRow([name, { pass, measured, limit }]: [string, Check]): string[] {
  return [name, pass ? 'yes' : 'no', measured === null ? '–' : `${measured}`, `${limit}`];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): Part {
  return { part: 'table', head, rows: rows.map((row) => row.map(inline)) };
}

function bad(text: string): Part {
  return { part: 'sentence', tone: 'bad', text: inline(text) };
}

/** What people typed stays within its cell and says nothing in Markdown. */
function inline(text: string): string {
  return text.replace(/\s+/g, ' ').replace(/[|\\`*_<>[\]]/g, '\\$&');
}
