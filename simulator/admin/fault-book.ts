/**
 * The faults in force. Empty until a plan is set, and again after a restart: a plan is never saved. Each fault draws its
 * own numbers from the plan's seed, so that the traffic which another fault sees cannot shift what it does.
 */
import { createChance } from '../../core/simulation/chance.ts';
import type {
  CallKind,
  Fault,
  FaultKind,
  FaultOf,
  FaultPlan,
  FaultReport,
  FaultWhen,
} from '../../core/simulation/fault-plan.ts';

/** What a fault may match; a field that is absent here matches no fault that names it. */
export interface Occasion {
  readonly account?: string | null;
  readonly symbol?: string | null;
  readonly call?: CallKind;
  readonly path?: string;
  readonly channel?: string;
  readonly socket?: 'public' | 'private';
}

interface ActiveFault {
  readonly fault: Fault;
  readonly matchesPath: RegExp | null;
  readonly chance: () => number;
  matched: number;
  struck: number;
}

/** Spreads the seeds of a plan's faults: any odd constant with mixed bits does, this is 2^32 over the golden ratio. */
const SEED_STEP = 0x9e3779b1;

export class FaultBook {
  /** Each is called when a plan was set or cleared. */
  readonly onChange = new Set<() => void>();
  private active: ActiveFault[] = [];
  private setAtMs = 0;
  private readonly steadyMs: () => number;

  /** `steadyMs` is the host's clock, which no fault skews. */
  constructor(steadyMs: () => number) {
    this.steadyMs = steadyMs;
  }

  get isEmpty(): boolean {
    return this.active.length === 0;
  }

  /** Replaces the whole plan; all counters begin at 0. */
  replace({ seed, faults }: FaultPlan): void {
    this.setAtMs = this.steadyMs();
    this.active = faults.map((fault, index) => ({
      fault,
      matchesPath: 'where' in fault && 'path' in fault.where ? globOf(fault.where.path) : null,
      chance: createChance((seed + index * SEED_STEP) >>> 0),
      matched: 0,
      struck: 0,
    }));
    for (const listener of this.onChange) listener();
  }

  clear(): void {
    this.replace({ seed: 0, faults: [] });
  }

  report(): FaultReport[] {
    return this.active.map(({ fault, matched, struck }) => ({ fault, matched, struck }));
  }

  /**
   * The first fault of `kinds` that strikes, in the plan's order. Those behind it do not see the occasion, nor do those
   * that could do nothing with it.
   */
  strike<K extends FaultKind>(
    kinds: ReadonlySet<K>,
    occasion: Occasion,
    canAct: (fault: FaultOf<K>) => boolean = () => true,
  ): FaultOf<K> | null {
    for (const entry of this.active) {
      if (!kinds.has(entry.fault.kind as K)) continue;
      const fault = entry.fault as FaultOf<K>;
      if (canAct(fault) && this.strikes(entry, occasion)) return fault;
    }
    return null;
  }

  /** Every fault of `kind` that strikes. */
  strikeAll<K extends FaultKind>(kind: K, occasion: Occasion): FaultOf<K>[] {
    return this.active
      .filter((entry) => entry.fault.kind === kind && this.strikes(entry, occasion))
      .map(({ fault }) => fault as FaultOf<K>);
  }

  /** Faults of `kind` whose window is open, without counting: a state that lasts, like a skewed clock. */
  inForce<K extends FaultKind>(kind: K): FaultOf<K>[] {
    if (this.isEmpty) return [];
    return this.active
      .filter(({ fault }) => fault.kind === kind && this.isOpen(fault))
      .map(({ fault }) => fault as FaultOf<K>);
  }

  /** How far the venue's clock is ahead of the host's now. */
  clockSkewMs(): number {
    let skewMs = 0;
    for (const { ms } of this.inForce('clock_skew')) skewMs += ms;
    return skewMs;
  }

  /** Notes that a fault which lasts, or runs by a timer, took effect. */
  countStrike(fault: Fault): void {
    const entry = this.active.find((candidate) => candidate.fault === fault);
    if (entry === undefined) return;
    entry.matched += 1;
    entry.struck += 1;
  }

  private strikes(entry: ActiveFault, occasion: Occasion): boolean {
    const { fault } = entry;
    if (!this.isOpen(fault) || !matches(entry, occasion)) return false;
    entry.matched += 1;
    const when: FaultWhen = fault.when;
    // Drawn in any case: what else the fault asks for does not shift its later draws.
    const drawn = when.probability === undefined || entry.chance() < when.probability;
    if (!drawn || entry.matched % (when.every ?? 1) !== 0 || entry.struck >= (when.next ?? Infinity)) return false;
    entry.struck += 1;
    return true;
  }

  private isOpen({ when }: Fault): boolean {
    const sinceMs = this.steadyMs() - this.setAtMs;
    return sinceMs >= (when.fromMs ?? 0) && sinceMs < (when.untilMs ?? Infinity);
  }
}

function matches({ fault, matchesPath }: ActiveFault, occasion: Occasion): boolean {
  if (!('where' in fault)) return true;
  const where: Occasion = fault.where as Occasion;
  if (matchesPath !== null && !matchesPath.test(occasion.path ?? '')) return false;
  return MATCHED.every((field) => where[field] === undefined || where[field] === occasion[field]);
}

const MATCHED = ['account', 'symbol', 'call', 'channel', 'socket'] as const;

function globOf(path: string | undefined): RegExp | null {
  if (path === undefined) return null;
  const parts = path.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`);
}
