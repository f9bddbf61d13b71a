/**
 * What one run that never ends would hold, folded from the records of many: messages in the order in which the server has
 * them, and, of the gate, what its activities answered. A run has to begin with just that.
 */
import type { RecordEvidence } from '../../activities/evidence.ts';
import { faultLine } from '../../core/faults.ts';
import type { IntegrityFacts } from '../../core/gates/day2/facts.ts';
import { step } from '../../core/gates/day2/gate.ts';
import { reportOf } from '../../core/gates/day2/report.ts';
import { blankDay2, type Day2State } from '../../core/gates/day2/state.ts';
import { BotWorkflowInput, type BotCarried, type BotWorkflowStatus } from '../../workflows/bot/contract.ts';
import { Day2GateInput } from '../../workflows/day2-gate/contract.ts';
import { firstOf, type HistoryEvent, type Run } from './chain-of-runs.ts';

interface By {
  readonly operator: string;
  readonly reason: string;
}

/** Who holds it and why; not when: the server's time of a message is not the workflow's of reading it. */
type Wanted = Pick<Record<keyof BotCarried, By | null>, 'pausedBy' | 'frozenBy'>;

const by = (held: By | null): By | null => held && { operator: held.operator, reason: held.reason };

/** Faults of each hand-over, and of the status in the end. */
export function botOracle(runs: readonly Run[], status: BotWorkflowStatus): string[] {
  const wanted: Wanted = { pausedBy: null, frozenBy: null };
  const faults: string[] = [];
  const compare = (where: string, { pausedBy, frozenBy }: Wanted): void => {
    const held = JSON.stringify({ pausedBy: by(pausedBy), frozenBy: by(frozenBy) });
    if (held !== JSON.stringify(wanted)) faults.push(`${where}: ${held}, in one run ${JSON.stringify(wanted)}`);
  };
  for (const [number, { input, received }] of runs.entries()) {
    if (number > 0) compare(`run ${number} begins with`, BotWorkflowInput.parse(input).carried);
    for (const { name, message } of received) {
      if (name === 'freeze') wanted.frozenBy = by(message as By);
      if (name === 'thaw') wanted.frozenBy = null;
      if (name === 'pause') wanted.pausedBy = by(message as By);
      if (name === 'resume') wanted.pausedBy = null;
    }
  }
  compare('the status in the end', status);
  return faults;
}

/** Faults of each hand-over, and of each report that went on the evidence chain. */
export function day2Oracle(runs: readonly Run[]): string[] {
  const faults: string[] = [];
  let state: Day2State | null = null;
  let startMs: number | null = null;
  for (const [number, { input, events }] of runs.entries()) {
    const { rules, carried } = Day2GateInput.parse(input);
    state ??= blankDay2(rules);
    if (carried !== null) {
      if (JSON.stringify(carried.state) !== JSON.stringify(state)) faults.push(`run ${number} begins with another state than one run has by then`); // prettier-ignore
      startMs ??= carried.startMs;
      if (carried.startMs !== startMs) faults.push(`run ${number}: its time line begins elsewhere`);
    }
    for (const turn of turnsOf(events)) {
      state = afterTurn(state, turn);
      for (const { kind, payload, atMs } of turn.recorded) {
        const expected = JSON.stringify(reportOf(state, atMs).json);
        if (kind === 'day2_gate' && JSON.stringify(payload) !== expected) faults.push(`run ${number}: a report on the chain is not that of one run`); // prettier-ignore
      }
    }
  }
  return faults;
}

/** What one workflow task was told, and what it had written down. */
interface Turn {
  readonly nowMs: number;
  readonly held: { readonly kind: 'paused' | 'resumed'; readonly by: By }[];
  /** A string: why it could not be measured. */
  readonly measured: { readonly facts: IntegrityFacts | string; readonly beforeMs: number }[];
  readonly recorded: RecordEvidence[];
}

/** Messages come before answers of activities, as the SDK has it. */
function afterTurn(before: Day2State, { nowMs, held, measured, recorded }: Turn): Day2State {
  let state = before;
  for (const { kind, by: person } of held) state = step(state, { kind, atMs: nowMs, ...person }).state;
  for (const { facts, beforeMs } of measured) {
    const [record] = recorded;
    // A re-anchor that was refused changes nothing, and nothing is written down.
    if (record === undefined) continue;
    const failed = (why: string): Day2State => step(state, { kind: 'evaluationFailed', atMs: nowMs, why }).state;
    if (typeof facts === 'string') {
      state = failed(facts);
      continue;
    }
    const atMs = Math.min(Math.max(facts.clock.hostMs, beforeMs), nowMs);
    const timed = { ...facts, atMs, clock: { ...facts.clock, workflowMs: atMs } };
    const { operator, reason } = record.payload as unknown as By;
    const judged =
      record.kind === 'baseline_reanchor'
        ? step(state, { kind: 'reanchored', atMs, operator, reason, facts: timed })
        : step(state, { kind: 'evaluated', facts: timed });
    state = judged.faults.length === 0 ? judged.state : failed(judged.faults.map(faultLine).join('; '));
  }
  return state;
}

function turnsOf(events: readonly HistoryEvent[]): Turn[] {
  const turns: Turn[] = [];
  const asked = new Map<string, { readonly type: string; readonly input: unknown }>();
  let startedMs = 0;
  let answers: Turn['measured'] = [];
  for (const event of events) {
    if (event.workflowTaskStartedEventAttributes) startedMs = msOf(event.eventTime);
    if (event.workflowTaskCompletedEventAttributes) {
      turns.push({ nowMs: startedMs, held: [], measured: answers, recorded: [] });
      answers = [];
    }
    const scheduled = event.activityTaskScheduledEventAttributes;
    if (scheduled) {
      const input = firstOf(scheduled.input?.payloads);
      asked.set(String(event.eventId), { type: scheduled.activityType?.name ?? '', input });
      if (scheduled.activityType?.name === 'recordEvidence') turns.at(-1)!.recorded.push(input as RecordEvidence);
    }
    const accepted = event.workflowExecutionUpdateAcceptedEventAttributes?.acceptedRequest?.input;
    if (accepted?.name === 'pause' || accepted?.name === 'resume') {
      const kind = accepted.name === 'pause' ? 'paused' : 'resumed';
      turns.at(-1)!.held.push({ kind, by: firstOf(accepted.args?.payloads) as By });
    }
    const answered = event.activityTaskCompletedEventAttributes;
    const question = asked.get(String((answered ?? event.activityTaskFailedEventAttributes)?.scheduledEventId));
    if (question?.type !== 'measureIntegrity') continue;
    const facts = answered
      ? (firstOf(answered.result?.payloads) as IntegrityFacts)
      : (event.activityTaskFailedEventAttributes?.failure?.message ?? '');
    answers.push({ facts, beforeMs: (question.input as { atMs: number }).atMs });
  }
  return turns;
}

function msOf(time: HistoryEvent['eventTime']): number {
  return Number(time?.seconds ?? 0) * 1_000 + Math.floor((time?.nanos ?? 0) / 1e6);
}
