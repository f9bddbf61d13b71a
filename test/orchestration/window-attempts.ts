/**
 * What somebody may do to get a GO out of the Day-2 gate before its time, by seed: to the clocks, to the process that
 * measures, to the input, to the facts, and by the gate's own updates. A trial is a time line of true seconds; the gate sees it
 * through clocks that lie by then, and the oracle sees it as it was.
 */
import type { IntegrityFacts } from '../../core/gates/day2/facts.ts';
import { oracleOf } from '../../core/gates/day2/oracle.ts';
import { DAY2_POLICY, Day2Rules } from '../../core/gates/day2/rules.ts';
import { factsAt, Scenario } from '../../core/gates/day2/scenario.ts';
import { statusOf } from '../../core/gates/day2/status.ts';
import { createChance } from '../../core/simulation/chance.ts';
import { Gate, START_MS } from '../core/gates/day2-run.ts';

const QUARTER_S = 900;
const HOUR_S = 3_600;
const BY = { operator: 'mallory', reason: 'sooner' };

/** Where a trial stands when it is evaluated at `atS`; an attempt changes it. */
interface Clocks {
  /** Seconds ahead of the truth. */
  hostS: number;
  serverS: number;
  venueS: number;
  isVenueAway: boolean;
  skips: number;
  /** True second at which the measuring process began. */
  bootS: number;
  boots: number;
}

interface Plan {
  /** True seconds of the evaluations; what is taken out is not made. */
  evaluationsAtS: number[];
  scenario: Scenario;
  rules: Day2Rules;
  /** To the clocks, before the evaluation of this number. */
  readonly shifts: { readonly evaluation: number; readonly change: (clocks: Clocks, atS: number) => void }[];
  /** Facts that nobody measured, told after each evaluation: what becomes of them must not matter. */
  readonly forged: ((facts: IntegrityFacts) => object)[];
}

/** A whole number from `least` to `most`. */
type Pick = (least: number, most: number) => number;
type Attempt = (plan: Plan, pick: Pick) => void;

const somewhere = ({ evaluationsAtS }: Plan, pick: Pick): number => pick(1, evaluationsAtS.length - 1);
const restarted = (clocks: Clocks, atS: number): void => {
  clocks.bootS = atS;
  clocks.boots += 1;
};
/** Mostly enough to be worth it, sometimes too little to be seen at once. */
const jumpS = (pick: Pick): number => (pick(0, 3) === 0 ? pick(-6, 6) : pick(-2 * HOUR_S, 26 * HOUR_S));
const machine = (clocks: Clocks, byS: number): void => {
  clocks.hostS += byS;
  clocks.serverS += byS;
};
const acts = (plan: Plan, all: readonly { action: 'pause' | 'resume' | 'reanchor'; atS: number }[]): void => {
  plan.scenario = { ...plan.scenario, actions: [...plan.scenario.actions, ...all.map((one) => ({ ...BY, ...one }))] };
};
const endS = ({ evaluationsAtS }: Plan): number => evaluationsAtS.at(-1)!;

export const ATTEMPTS = {
  'host clock set': (plan, pick) => {
    const byS = jumpS(pick);
    plan.shifts.push({ evaluation: somewhere(plan, pick), change: (clocks) => void (clocks.hostS += byS) });
  },
  'clock of the whole machine set': (plan, pick) => {
    const byS = jumpS(pick);
    plan.shifts.push({ evaluation: somewhere(plan, pick), change: (clocks) => machine(clocks, byS) });
  },
  'machine set while the venue is away': (plan, pick) => {
    const byS = jumpS(pick);
    const evaluation = somewhere(plan, pick);
    plan.shifts.push({ evaluation: evaluation - 1, change: (clocks) => void (clocks.isVenueAway = true) });
    plan.shifts.push({ evaluation, change: (clocks) => machine(clocks, byS) });
    plan.shifts.push({ evaluation: evaluation + pick(1, 9), change: (clocks) => void (clocks.isVenueAway = false) });
  },
  'machine set, process restarted, venue away': (plan, pick) => {
    const byS = jumpS(pick);
    const evaluation = somewhere(plan, pick);
    const change = (clocks: Clocks, atS: number): void => {
      machine(clocks, byS);
      restarted(clocks, atS);
      clocks.isVenueAway = true;
    };
    plan.shifts.push({ evaluation, change });
    plan.shifts.push({ evaluation: evaluation + pick(1, 9), change: (clocks) => void (clocks.isVenueAway = false) });
  },
  'machine set before a re-anchor': (plan, pick) => {
    const byS = jumpS(pick);
    const evaluation = somewhere(plan, pick);
    plan.shifts.push({ evaluation, change: (clocks) => machine(clocks, byS) });
    acts(plan, [{ action: 'reanchor', atS: plan.evaluationsAtS[evaluation]! + 1 }]);
  },
  'machine slewed at each evaluation': (plan, pick) => {
    const byS = pick(-4, 300);
    plan.evaluationsAtS.forEach((_, evaluation) => plan.shifts.push({ evaluation, change: (clocks) => machine(clocks, byS) })); // prettier-ignore
  },
  'venue and machine set, process the same': (plan, pick) => {
    const byS = jumpS(pick);
    const change = (clocks: Clocks): void => {
      machine(clocks, byS);
      clocks.venueS += byS;
    };
    plan.shifts.push({ evaluation: somewhere(plan, pick), change });
  },
  'venue clock off': (plan, pick) => {
    const byS = jumpS(pick);
    plan.shifts.push({ evaluation: somewhere(plan, pick), change: (clocks) => void (clocks.venueS += byS) });
  },
  'venue away': (plan, pick) => {
    const evaluation = somewhere(plan, pick);
    plan.shifts.push({ evaluation, change: (clocks) => void (clocks.isVenueAway = true) });
    plan.shifts.push({ evaluation: evaluation + pick(1, 9), change: (clocks) => void (clocks.isVenueAway = false) });
  },
  'server time skipped': (plan, pick) => {
    const byS = pick(1, 26 * HOUR_S);
    const change = (clocks: Clocks): void => {
      clocks.serverS += byS;
      clocks.skips += 1;
    };
    plan.shifts.push({ evaluation: somewhere(plan, pick), change });
  },
  'facts told again': (plan) => void plan.forged.push((facts) => facts),
  'facts of tomorrow, all clocks but one with them': (plan, pick) => {
    const aheadMs = pick(1, 30) * HOUR_S * 1_000;
    plan.forged.push((facts) => {
      const atMs = facts.atMs + aheadMs;
      const { hostMs, venueMs } = facts.clock;
      const clock = { ...facts.clock, workflowMs: atMs, hostMs: hostMs + aheadMs, venueMs: venueMs === null ? null : venueMs + aheadMs }; // prettier-ignore
      return { ...facts, fromMs: facts.atMs, atMs, clock };
    });
  },
  'window of its own in the facts': (plan) =>
    void plan.forged.push((facts) => ({ ...facts, rules: { windowMs: 1_000 }, elapsedMs: 86_400_000, go: true })),
  'shorter window in the input': (plan, pick) => {
    plan.rules = Day2Rules.parse({ windowMs: pick(1, 23) * HOUR_S * 1_000 });
  },
  'paused and resumed': (plan, pick) => {
    const fromS = pick(1, endS(plan));
    acts(plan, [{ action: 'pause', atS: fromS }, { action: 'resume', atS: fromS + pick(1, 8 * HOUR_S) }]); // prettier-ignore
  },
  're-anchored': (plan, pick) => acts(plan, [{ action: 'reanchor', atS: pick(1, endS(plan)) }]),
  'store away': (plan, pick) => {
    const fromS = pick(1, endS(plan));
    plan.scenario = { ...plan.scenario, outages: [{ fromS, toS: fromS + pick(60, 3 * HOUR_S) }] };
  },
  'events lost': (plan, pick) => {
    const fromS = pick(1, endS(plan));
    const gap = { source: 'bot1', fromS, toS: fromS + pick(60, HOUR_S), healedAtS: null };
    plan.scenario = { ...plan.scenario, gaps: [gap] };
  },
  'evaluations left out': (plan, pick) => void plan.evaluationsAtS.splice(somewhere(plan, pick), pick(1, 40)),
  'process restarted': (plan, pick) => void plan.shifts.push({ evaluation: somewhere(plan, pick), change: restarted }),
} satisfies Record<string, Attempt>;
export type Kind = keyof typeof ATTEMPTS;
const KINDS = Object.keys(ATTEMPTS) as Kind[];

/** Those that leave every clock and the rules alone: of them the gate has to say what the oracle says, GO and all. */
const OF_THE_ORACLE: ReadonlySet<Kind> = new Set<Kind>(['facts told again', 'window of its own in the facts', 'paused and resumed', 're-anchored', 'store away', 'events lost', 'evaluations left out', 'process restarted']); // prettier-ignore

export interface Tried {
  readonly kinds: readonly Kind[];
  /** Empty where the promise held. */
  readonly faults: readonly string[];
  /** GO with nothing that calls it a rehearsal: it earns. */
  readonly earned: boolean;
  /** GO that something calls a rehearsal. */
  readonly rehearsed: boolean;
}

/** Trial 0 tries nothing; each kind is tried alone before chance puts up to four of them together. */
export function attempt(seed: number): Tried {
  const chance = createChance(1 + seed);
  const pick: Pick = (least, most) => least + Math.floor(chance() * (most - least + 1));
  const count = seed === 0 ? 0 : seed <= KINDS.length ? 1 : pick(1, 4);
  const kinds = Array.from({ length: count }, () => (seed <= KINDS.length ? KINDS[seed - 1]! : KINDS[pick(0, KINDS.length - 1)]!)); // prettier-ignore
  const plan: Plan = {
    evaluationsAtS: Array.from({ length: pick(100, 230) }, (_, at) => at * QUARTER_S + (at === 0 ? 0 : pick(0, 20))),
    scenario: Scenario.parse({ version: 1, name: 'attempt', sources: [{ source: 'bot1', everyS: 60, fromS: -HOUR_S }] }), // prettier-ignore
    rules: DAY2_POLICY,
    shifts: [],
    forged: [],
  };
  for (const kind of kinds) ATTEMPTS[kind](plan, pick);
  return { kinds, ...play(plan, kinds) };
}

function play(plan: Plan, kinds: readonly Kind[]): Omit<Tried, 'kinds'> {
  const { scenario, evaluationsAtS, rules, shifts, forged } = plan;
  const gate = new Gate(rules);
  const spans = oracleOf(scenario, evaluationsAtS, rules);
  const isOracles = kinds.every((kind) => OF_THE_ORACLE.has(kind));
  const clocks: Clocks = { hostS: 0, serverS: 0, venueS: 0, isVenueAway: false, skips: 0, bootS: -7, boots: 0 };
  const faults: string[] = [];
  /** True seconds of what the gate knows by workflow time. */
  const trueS = new Map<number, number>();
  const met = { earned: false, rehearsed: false };

  const workflowMs = (atS: number): number => START_MS + (atS + clocks.serverS) * 1_000;
  const factsNow = (atS: number): object => {
    const atMs = workflowMs(atS);
    const measuredToMs = gate.state.measuredToMs ?? atMs;
    const fromS = Math.min(atS, trueS.get(measuredToMs) ?? atS);
    const facts = factsAt(scenario, { startMs: START_MS, fromMs: START_MS + fromS * 1_000, atMs: START_MS + atS * 1_000 }); // prettier-ignore
    if ('failed' in facts) return facts;
    const { scenario: _made, ...measured } = facts;
    const sources = measured.sources.map((one) => ({ ...one, newestEventAtMs: (one.newestEventAtMs ?? 0) + clocks.serverS * 1_000 })); // prettier-ignore
    const clock = {
      workflowMs: atMs,
      hostMs: START_MS + (atS + clocks.hostS) * 1_000,
      monotonicMs: (atS - clocks.bootS) * 1_000,
      processId: `p${clocks.boots}`,
      venueMs: clocks.isVenueAway ? null : START_MS + (atS + clocks.venueS) * 1_000,
      timeSkips: clocks.skips,
    };
    return { ...measured, fromMs: measuredToMs, atMs, sources, clock };
  };
  const look = (atS: number): void => {
    const { go, clockStartedAtMs, rehearsal, checks } = statusOf(gate.state, workflowMs(atS));
    const isSkipped = rehearsal.some((why) => why.startsWith('the server skipped time'));
    const byOracle = spans.findLast(({ fromS }) => fromS <= atS);
    const startedS = clockStartedAtMs === null ? atS : (trueS.get(clockStartedAtMs) ?? atS);
    const fault = (text: string): void => void faults.push(`${kinds.join(' + ') || 'nothing'}, second ${atS}: ${text}`);
    if (clocks.skips > 0 && !isSkipped && go) fault('GO, and the skip of time is forgotten');
    if (rules.windowMs < DAY2_POLICY.windowMs && rehearsal.length === 0) fault('a shorter window is no rehearsal');
    if (!isSkipped && (checks.elapsed_window.measured ?? 0) > (atS - startedS) * 1_000) fault(`${checks.elapsed_window.measured} ms count, ${atS - startedS} s passed`); // prettier-ignore
    if (go && !isSkipped && byOracle?.isGo !== true) fault(`GO against the oracle, which counts ${byOracle?.elapsedS} s`); // prettier-ignore
    if (isOracles && byOracle?.isGo === true && !go) fault('no GO, and the oracle gives it');
    if (go && rehearsal.length === 0) met.earned = true;
    if (go && rehearsal.length > 0) met.rehearsed = true;
  };
  const took = (atS: number): void => void trueS.set(workflowMs(atS), atS);
  const evaluate = (atS: number): void => {
    const facts = factsNow(atS);
    gate.tell('failed' in facts ? { kind: 'evaluationFailed', atMs: workflowMs(atS), why: 'away' } : { kind: 'evaluated', facts }); // prettier-ignore
    if (gate.faults.length > 0) {
      // What the gate refuses is worth a failure.
      gate.tell({ kind: 'evaluationFailed', atMs: Math.max(workflowMs(atS), gate.state.attemptedAtMs ?? 0), why: 'refused' }); // prettier-ignore
    } else took(atS);
    look(atS);
    if ('failed' in facts) return;
    for (const forge of forged) {
      const before = JSON.stringify(gate.state);
      const refused = gate.tell({ kind: 'evaluated', facts: forge(facts as IntegrityFacts) }).faults.length > 0;
      if (refused && JSON.stringify(gate.state) !== before) faults.push(`${kinds.join(' + ')}: refused, and changed the gate`); // prettier-ignore
      look(atS);
    }
  };
  const act = (action: 'pause' | 'resume' | 'reanchor', atS: number): void => {
    const attributed = { atMs: workflowMs(atS), ...BY };
    if (action === 'pause') gate.tell({ kind: 'paused', ...attributed });
    else if (action === 'resume') gate.tell({ kind: 'resumed', ...attributed });
    else {
      const facts = factsNow(atS);
      if (!('failed' in facts) && gate.tell({ kind: 'reanchored', ...attributed, facts }).faults.length === 0) took(atS); // prettier-ignore
    }
    look(atS);
  };
  const events = [
    ...evaluationsAtS.map((atS, evaluation) => ({
      atS,
      run: () => {
        for (const shift of shifts) if (shift.evaluation === evaluation) shift.change(clocks, atS);
        evaluate(atS);
      },
    })),
    ...scenario.actions.map(({ action, atS }) => ({ atS, run: () => act(action, atS) })),
  ].sort((a, b) => a.atS - b.atS);
  for (const { run } of events) run();
  return { faults, ...met };
}
