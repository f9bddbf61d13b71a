/** What a venue allows, as it counts: calls in any second, by endpoint group and account, and in all by address. */
export interface RateLimits<Group extends string> {
  /** Calls in any second, by group. Groups are the venue's own: one limit for each endpoint and account. */
  readonly perSecond: Readonly<Record<Group, number>>;
  /** Groups that the venue counts by address instead: what needs no key. */
  readonly ofAddress: readonly Group[];
  /** Calls in any second of everything that leaves one address. */
  readonly overallPerSecond: number;
  /** Groups that may use the reserved part of the whole and are slowed last: what takes risk away. */
  readonly urgent: readonly Group[];
  /** Groups that find out what became of a call: in them a bot that asks nobody has as many turns as in urgent ones. */
  readonly lookUps?: readonly Group[];
  /** Calls of the whole that the other groups leave alone. */
  readonly reserved: number;
}

export const WINDOW_MS = 1_000;

/**
 * How much later than the quickest a call may reach the venue after it was let go: signing, a busy process, the network.
 * Every window is kept this much longer, so that calls that left one after the other and arrive together are still within
 * the limit.
 */
export const SPREAD_MS = 250;

export function groupsOf<Group extends string>({ perSecond }: RateLimits<Group>): Group[] {
  return Object.keys(perSecond) as Group[];
}
