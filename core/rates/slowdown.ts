/** Which groups a 429 slows: the group itself, but an urgent one last. First all others make room for it. */
import { groupsOf, type RateLimits } from './limits.ts';
import { Pace } from './pace.ts';

export class Slowdown<Group extends string> {
  private readonly paces = new Map<Group, Pace>();
  private readonly urgent: readonly Group[];

  /** `random` gives 0 to 1. */
  constructor(limits: RateLimits<Group>, random: () => number) {
    this.urgent = limits.urgent;
    for (const group of groupsOf(limits)) this.paces.set(group, new Pace(random));
  }

  /** The groups that are slower for it; none while the last slowing has not had time to show. */
  tooMany(group: Group, nowMs: number): Group[] {
    if (!this.urgent.includes(group)) return this.halve([group], nowMs);
    const others = [...this.paces.keys()].filter((other) => !this.urgent.includes(other));
    const paces = others.map((other) => this.paces.get(other));
    if (paces.some((pace) => pace?.isSettling(nowMs))) return [];
    const haveMadeRoom = paces.every((pace) => pace !== undefined && pace.at(nowMs) < 1);
    return this.halve(haveMadeRoom ? [...others, group] : others, nowMs);
  }

  paceOf(group: Group, nowMs: number): number {
    return this.paces.get(group)?.at(nowMs) ?? 1;
  }

  private halve(groups: readonly Group[], nowMs: number): Group[] {
    return groups.filter((group) => this.paces.get(group)?.halve(nowMs));
  }
}
