/** A Day-2 gate under test: facts as a sound desk gives them, and the gate taken through a scenario. */
import type { Fault } from '../../../core/faults.ts';
import type { IntegrityFacts, SourceFacts } from '../../../core/gates/day2/facts.ts';
import { step, type Step } from '../../../core/gates/day2/gate.ts';
import { Day2Rules } from '../../../core/gates/day2/rules.ts';
import { factsAt, type Scenario } from '../../../core/gates/day2/scenario.ts';
import { blankDay2, Day2State } from '../../../core/gates/day2/state.ts';

export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;
export const START_MS = Date.UTC(2028, 1, 28, 22, 17, 3);
const BOOT_MS = Date.UTC(2026, 0, 1);
export const RULES = Day2Rules.parse({});

type Change<T> = { readonly [K in keyof T]?: T[K] };

/** A source that writes an event a second, all of which are stored. */
export function soundSource(atMs: number, source = 'bot1', change: Change<SourceFacts> = {}): SourceFacts {
  const journalSequence = 1_000 + Math.floor((atMs - START_MS) / 1_000);
  return {
    source,
    journalSequence,
    storedEvents: journalSequence,
    acceptedLoss: 0,
    gaps: [],
    missingCorrelation: 0,
    newestEventAtMs: atMs,
    ...change,
  };
}

export function soundFacts(fromMs: number, atMs: number, change: Change<IntegrityFacts> = {}): IntegrityFacts {
  return {
    fromMs,
    atMs,
    sources: [soundSource(atMs)],
    clock: {
      workflowMs: atMs,
      hostMs: atMs,
      monotonicMs: atMs - BOOT_MS,
      processId: 'p1',
      venueMs: atMs,
      timeSkips: 0,
    },
    ...change,
  };
}

/** A gate and its events: its state goes through JSON and its schema again and again, as it does when a run continues as new. */
export class Gate {
  state: Day2State;
  faults: readonly Fault[] = [];
  replaced: Step['replaced'] = null;
  #told = 0;

  constructor(rules: Day2Rules = RULES) {
    this.state = blankDay2(rules);
  }

  tell(event: unknown): this {
    const { state, faults, replaced } = step(this.state, event);
    this.state = this.#told++ % 8 === 0 ? Day2State.parse(JSON.parse(JSON.stringify(state))) : state;
    this.faults = faults;
    this.replaced = replaced;
    return this;
  }

  /** Measured `minutes` after the start. */
  look(minutes: number, change: Change<IntegrityFacts> = {}): this {
    const atMs = START_MS + minutes * MINUTE_MS;
    return this.tell({ kind: 'evaluated', facts: soundFacts(this.state.measuredToMs ?? atMs, atMs, change) });
  }

  /** The same with another source than the sound one. */
  lookAt(minutes: number, change: Change<SourceFacts>): this {
    return this.look(minutes, { sources: [soundSource(START_MS + minutes * MINUTE_MS, 'bot1', change)] });
  }

  /** All evaluations after `from` up to `to` minutes, one every quarter of an hour. */
  lookOften(from: number, to: number): this {
    for (let minutes = from + 15; minutes <= to; minutes += 15) this.look(minutes);
    return this;
  }
}

/** A gate with a baseline at the start and good evaluations since. */
export function gateAfter(minutes: number, rules: Day2Rules = RULES): Gate {
  return new Gate(rules).look(0).lookOften(0, minutes);
}

export interface Turn {
  readonly atS: number;
  readonly state: Day2State;
}

/** States after each second in which something happened. `isMeasured`: as though nobody had made the facts up. */
export function playScenario(
  scenario: Scenario,
  evaluationsAtS: readonly number[],
  { rules, startMs = START_MS, isMeasured = false }: { rules: Day2Rules; startMs?: number; isMeasured?: boolean },
): Turn[] {
  const gate = new Gate(rules);
  const factsFor = (atMs: number): ReturnType<typeof factsAt> => {
    const facts = factsAt(scenario, { startMs, fromMs: gate.state.measuredToMs ?? atMs, atMs });
    if ('failed' in facts || !isMeasured) return facts;
    const { scenario: _made, ...measured } = facts;
    return measured;
  };
  const evaluate = (atMs: number): void => {
    const facts = factsFor(atMs);
    gate.tell('failed' in facts ? { kind: 'evaluationFailed', atMs, why: facts.failed } : { kind: 'evaluated', facts });
    if (gate.faults.length > 0) throw new Error(`refused: ${JSON.stringify(gate.faults)}`);
  };
  const act = ({ action, operator, reason }: Scenario['actions'][number], atMs: number): void => {
    const attributed = { atMs, operator, reason };
    if (action === 'pause') gate.tell({ kind: 'paused', ...attributed });
    else if (action === 'resume') gate.tell({ kind: 'resumed', ...attributed });
    else {
      const facts = factsFor(atMs);
      if (!('failed' in facts)) gate.tell({ kind: 'reanchored', ...attributed, facts });
    }
  };
  const events = [
    ...evaluationsAtS.map((atS) => ({ atS, run: (): void => evaluate(startMs + atS * 1_000) })),
    ...scenario.actions.map((one) => ({ atS: one.atS, run: (): void => act(one, startMs + one.atS * 1_000) })),
  ].sort((a, b) => a.atS - b.atS);
  const turns: Turn[] = [];
  for (const { atS, run } of events) {
    run();
    if (turns.at(-1)?.atS === atS) turns.pop();
    turns.push({ atS, state: gate.state });
  }
  return turns;
}
