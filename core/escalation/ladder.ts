/**
 * The ladder of risk: how far something is taken out of the market, and when it comes back.
 *
 *   allow --> reduce_exposure --> soft_pause --> hard_stop --> kill_switch      up: at once, over as many steps as it takes
 *   allow <-- reduce_exposure <-- soft_pause    hard_stop, kill_switch: latched, only an approval leads back, to allow
 *
 * Down it goes one step at a time, each after a dwell without a cause at or above the level it leaves.
 */

export type Level = 'allow' | 'reduce_exposure' | 'soft_pause' | 'hard_stop' | 'kill_switch';

interface Step {
  readonly rank: number;
  /** In the words of the page that shows it. */
  readonly meaning: string;
  /** Left by an approval only, whatever has become of its cause. */
  readonly isLatched: boolean;
}

/** `kill_switch` is the desk's answer to a hard stop; no rule of a single bot reaches for it. */
export const LADDER: Readonly<Record<Level, Step>> = {
  allow: { rank: 0, meaning: 'trades within its limits', isLatched: false },
  reduce_exposure: { rank: 1, meaning: 'only makes its position smaller', isLatched: false },
  soft_pause: { rank: 2, meaning: 'has no orders and waits for the cause to pass', isLatched: false },
  hard_stop: { rank: 3, meaning: 'cancelled everything and stays out until a person approves', isLatched: true },
  kill_switch: { rank: 4, meaning: 'is taken to flat and stays out until a person approves', isLatched: true },
};

/** Where a level leads when its cause has passed; the others are the bottom and what only an approval leads from. */
const BELOW: Readonly<Partial<Record<Level, Level>>> = { soft_pause: 'reduce_exposure', reduce_exposure: 'allow' };

/** What a rule found wrong; the rule that finds it also decides when it has passed (its hysteresis). */
export interface Finding<Code extends string = string> {
  readonly level: Exclude<Level, 'allow'>;
  readonly code: Code;
  /** Null: what should have been measured was no number. */
  readonly measured: number | null;
  readonly limit: number;
}

/** Plain JSON values, part of its owner's state. */
export interface LadderMemory<Code extends string = string> {
  level: Level;
  /** Why: the cause last seen at this level or, on the way down, above it; null when all is allowed. */
  code: Code | null;
  measured: number | null;
  limit: number | null;
  /** When the level was entered, or since then a cause at or above it was last seen. */
  causeAtMs: number;
}

export interface Change<Code extends string = string> {
  readonly from: Level;
  readonly to: Level;
  /** On the way down, what has passed. */
  readonly code: Code;
  readonly measured: number | null;
  readonly limit: number;
}

export function blankLadder<Code extends string>(): LadderMemory<Code> {
  return { level: 'allow', code: null, measured: null, limit: null, causeAtMs: 0 };
}

/** The graver of two findings; of equals the first. */
export function worse<Code extends string>(a: Finding<Code> | null, b: Finding<Code> | null): Finding<Code> | null {
  if (a === null || b === null) return a ?? b;
  return LADDER[b.level].rank > LADDER[a.level].rank ? b : a;
}

/** Holds the level against the worst finding of this moment; answers with the step it took. */
export function applyLadder<Code extends string>(
  memory: LadderMemory<Code>,
  worst: Finding<Code> | null,
  atMs: number,
  dwellMs: number,
): Change<Code> | null {
  const { level: from } = memory;
  const { rank } = LADDER[from];
  const wantedRank = worst === null ? 0 : LADDER[worst.level].rank;
  if (worst !== null && wantedRank > rank) {
    move(memory, worst.level, atMs);
    remember(memory, worst);
    return { from, to: worst.level, code: worst.code, measured: worst.measured, limit: worst.limit };
  }
  const below = BELOW[from];
  // What was latched keeps the cause that was told of it.
  if (below === undefined) return null;
  if (worst !== null && wantedRank === rank) {
    remember(memory, worst);
    memory.causeAtMs = atMs;
    return null;
  }
  // A clock set back begins the dwell anew: it is never cut short.
  memory.causeAtMs = Math.min(memory.causeAtMs, atMs);
  return atMs - memory.causeAtMs >= dwellMs ? stepDown(memory, below, worst, atMs) : null;
}

/** A person takes responsibility: all is allowed again, until the next finding. Null when it was anyway. */
export function approveLadder<Code extends string>(memory: LadderMemory<Code>, atMs: number): Change<Code> | null {
  if (memory.level === 'allow') return null;
  const change = passing(memory, 'allow');
  move(memory, 'allow', atMs);
  forget(memory);
  return change;
}

function stepDown<Code extends string>(
  memory: LadderMemory<Code>,
  below: Level,
  worst: Finding<Code> | null,
  atMs: number,
): Change<Code> {
  const change = passing(memory, below);
  move(memory, below, atMs);
  if (below === 'allow') forget(memory);
  else if (worst?.level === below) remember(memory, worst);
  return change;
}

function passing<Code extends string>({ level, code, measured, limit }: LadderMemory<Code>, to: Level): Change<Code> {
  // Every level but `allow` was entered with a finding.
  return { from: level, to, code: code as Code, measured, limit: limit as number };
}

function move<Code extends string>(memory: LadderMemory<Code>, to: Level, atMs: number): void {
  memory.level = to;
  memory.causeAtMs = atMs;
}

function remember<Code extends string>(memory: LadderMemory<Code>, { code, measured, limit }: Finding<Code>): void {
  memory.code = code;
  memory.measured = measured;
  memory.limit = limit;
}

function forget<Code extends string>(memory: LadderMemory<Code>): void {
  memory.code = null;
  memory.measured = null;
  memory.limit = null;
}
