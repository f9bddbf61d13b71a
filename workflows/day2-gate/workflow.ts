/**
 * The Day-2 gate: every quarter of an hour the event store is held against the journals, and a fold in `core/gates/day2`
 * judges. This loop alone measures; handlers write down what is wanted, and it goes on for ever.
 */
import {
  ActivityFailure,
  allHandlersFinished,
  ApplicationFailure,
  condition,
  continueAsNew,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { faultLine } from '../../core/faults.ts';
import { rangesOf, type IntegrityFacts } from '../../core/gates/day2/facts.ts';
import { step, type ReplacedBaseline } from '../../core/gates/day2/gate.ts';
import { reportOf } from '../../core/gates/day2/report.ts';
import { blankDay2, type Day2State } from '../../core/gates/day2/state.ts';
import { rehearsalOf, statusOf, type Day2Status } from '../../core/gates/day2/status.ts';
import { Attribution, attributed } from '../attribution.ts';
import { DeskId, DeskKind, DeskPhase, DeskSeverity, DeskVerdict } from '../desk-attributes.ts';
import { evidenceHands } from '../evidence-hands.ts';
import type { JsonObject } from '../../core/evidence/json.ts';
import { parseInput } from '../parse-input.ts';
import { watchRollOver } from '../roll-over.ts';
import * as contract from './contract.ts';

/** Beyond the last moment that is missing, so that no clock's rounding costs another quarter of an hour. */
const LAST_MS = 1_000;

interface Reanchor {
  readonly by: Attribution;
  answer: Day2Status | ApplicationFailure | null;
}

export async function day2Gate(raw: unknown): Promise<never> {
  const input = parseInput(contract.Day2GateInput, raw);
  if (input.carried !== null && workflowInfo().continuedFromExecutionRunId === undefined)
    throw ApplicationFailure.nonRetryable('carried: expected nothing, only a run before may carry', 'InvalidInput');
  const { desk, host, rules, scenario } = input;
  const hands = evidenceHands(host);
  const rollOver = watchRollOver();
  const startMs = input.carried?.startMs ?? Date.now();
  let state: Day2State = input.carried?.state ?? blankDay2(rules);
  let records = 0;
  const reanchors: Reanchor[] = [];

  const show = (): void => {
    const { go, paused, baseline, clockStartedAtMs } = state;
    const phase =
      paused !== null ? 'paused' : baseline === null ? 'starting' : clockStartedAtMs === null ? 'stopped' : 'counting';
    upsertSearchAttributes([
      { key: DeskId, value: desk },
      { key: DeskKind, value: 'day2Gate' },
      { key: DeskPhase, value: phase },
      { key: DeskVerdict, value: go ? 'GO' : 'NO-GO' },
      { key: DeskSeverity, value: phase === 'stopped' ? 'warn' : 'ok' },
    ]);
    setCurrentDetails(reportOf(state, Date.now()).markdown);
  };

  /** What an operator wants, at once; refused when the gate is not in the state for it. */
  const told =
    (kind: 'paused' | 'resumed') =>
    (message: Attribution): Day2Status => {
      rollOver.note();
      if ((kind === 'paused') === (state.paused !== null)) throw notAllowed(pausedText(state));
      const { state: next, faults } = step(state, { kind, atMs: Date.now(), ...message });
      if (faults.length > 0) throw notAllowed(faults.map(faultLine).join('\n'));
      state = next;
      show();
      return statusOf(state, Date.now());
    };
  setHandler(contract.pauseUpdate, told('paused'), { validator: attributed });
  setHandler(contract.resumeUpdate, told('resumed'), { validator: attributed });
  setHandler(
    contract.reanchorUpdate,
    async (message) => {
      rollOver.note();
      const reanchor: Reanchor = { by: parseInput(Attribution, message), answer: null };
      reanchors.push(reanchor);
      await condition(() => reanchor.answer !== null);
      if (reanchor.answer instanceof ApplicationFailure) throw reanchor.answer;
      return reanchor.answer!;
    },
    { validator: attributed },
  );
  setHandler(contract.statusQuery, () => statusOf(state, Date.now()));

  /** The range after the last whole one, at a time that all clocks were asked for; a string says why not. */
  const measure = async (): Promise<IntegrityFacts | string> => {
    const beforeMs = Date.now();
    const known = state.sources.map(({ source, highest }) => ({
      source,
      sequence: Math.min(highest.journalSequence, highest.storedEvents + highest.acceptedLoss),
    }));
    const fromMs = state.measuredToMs ?? beforeMs;
    try {
      const facts = await hands.measureIntegrity({ fromMs, known, atMs: beforeMs, scenario, startMs });
      // The server's time of the reading lies between asking and hearing; the host's counts where it agrees with that.
      const atMs = Math.min(Math.max(facts.clock.hostMs, beforeMs), Date.now());
      return { ...facts, atMs, clock: { ...facts.clock, workflowMs: atMs } };
    } catch (error) {
      if (!(error instanceof ActivityFailure)) throw error;
      // Nobody can rehearse a scenario that is not there: that is no matter of time.
      if (error.cause instanceof ApplicationFailure && error.cause.type === 'InvalidInput') throw error.cause;
      return error.cause?.message ?? error.message;
    }
  };

  const evaluate = async (): Promise<void> => {
    const before = state;
    const facts = await measure();
    const failed = (why: string): Day2State => step(state, { kind: 'evaluationFailed', atMs: Date.now(), why }).state;
    if (typeof facts === 'string') state = failed(facts);
    else {
      const judged = step(state, { kind: 'evaluated', facts });
      state = judged.faults.length === 0 ? judged.state : failed(judged.faults.map(faultLine).join('; '));
    }
    show();
    const { json, markdown } = reportOf(state, Date.now());
    await record('day2_gate', json, markdown, typeof facts === 'string' ? null : facts, before);
  };

  const reanchor = async (wanted: Reanchor): Promise<void> => {
    const before = state;
    const facts = await measure();
    const judged =
      typeof facts === 'string' ? facts : step(state, { kind: 'reanchored', atMs: facts.atMs, ...wanted.by, facts });
    if (typeof judged === 'string' || judged.faults.length > 0) {
      const why = typeof judged === 'string' ? judged : judged.faults.map(faultLine).join('\n');
      wanted.answer = notAllowed(`nothing was re-anchored: ${why}`);
      return;
    }
    state = judged.state;
    show();
    const payload = { ...wanted.by, replaced: judged.replaced satisfies ReplacedBaseline | null };
    await record('baseline_reanchor', payload, null, facts as IntegrityFacts, before);
    wanted.answer = statusOf(state, Date.now());
  };

  const record = async (
    kind: 'day2_gate' | 'baseline_reanchor',
    payload: object,
    markdown: string | null,
    facts: IntegrityFacts | null,
    before: Day2State,
  ): Promise<void> => {
    records += 1;
    const nowMs = Date.now();
    const since = new Map(before.sources.map(({ source, highest }) => [source, highest.journalSequence]));
    await hands.recordEvidence({
      kind,
      subject: desk,
      range: {
        fromMs: facts?.fromMs ?? state.measuredToMs ?? nowMs,
        toMs: facts?.atMs ?? nowMs,
        sources: rangesOf(facts?.sources ?? [], since),
      },
      rehearsal: rehearsalOf(state),
      payload: JSON.parse(JSON.stringify(payload)) as JsonObject,
      atMs: nowMs,
      key: `${kind}-${records}`,
      markdown,
    });
  };

  show();
  const mayRollOver = (): boolean => rollOver.isDue() && allHandlersFinished();
  for (let dueMs = Date.now(); ;) {
    // Not before a roll-over: the next run begins with one, and messages that come meanwhile would put it off again.
    if (!rollOver.isDue() && Date.now() >= dueMs) {
      dueMs = Date.now() + nextMs(state);
      await evaluate();
    }
    for (let next = reanchors.shift(); next !== undefined; next = reanchors.shift()) await reanchor(next);
    rollOver.note();
    if (mayRollOver() && reanchors.length === 0)
      return continueAsNew<typeof day2Gate>({ ...input, carried: { state, startMs } });
    dueMs = Math.min(dueMs, Date.now() + nextMs(state));
    // A flood of messages fills a history long before the next evaluation.
    const isAwaited = (): boolean => reanchors.length > 0 || mayRollOver();
    if (rollOver.isDue()) await condition(isAwaited);
    else await condition(isAwaited, Math.max(1, dueMs - Date.now()), { summary: 'until the next evaluation' });
  }
}

/** An interval, or less when less is missing: GO comes with the window's end and not up to an interval later. */
function nextMs({ rules, clockStartedAtMs, elapsedMs }: Day2State): number {
  const missingMs = rules.windowMs - elapsedMs;
  const isNear = clockStartedAtMs !== null && missingMs > 0 && missingMs + LAST_MS < rules.intervalMs;
  return isNear ? missingMs + LAST_MS : rules.intervalMs;
}

function notAllowed(text: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(text, 'NotAllowed');
}

function pausedText({ paused }: Day2State): string {
  return paused === null ? 'the gate is not paused' : `paused already, by ${paused.operator}: ${paused.reason}`;
}
