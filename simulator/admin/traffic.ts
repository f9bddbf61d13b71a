/**
 * What came over the wire since the process started: how many requests, how fast at most, and what they were answered.
 * Counted as requests arrive, before faults and limits, so that it shows what the clients did and not what they got.
 */
import type { CallKind } from '../../core/simulation/fault-plan.ts';
import type { Answer } from '../rest/answer.ts';
import { RollingWindows } from '../rolling-window.ts';

export interface RouteCounts {
  calls: number;
  /** Answers by the venue's code, an entry of a batch that failed included. Lost replies count as what they would have said. */
  readonly codes: Record<string, number>;
  /** Most calls that arrived within any one second. */
  perSecondMax: number;
}

export interface CallerCounts {
  /** Most requests of the caller in any one second, by what they were about. */
  readonly perSecondMax: Partial<Record<CallKind | 'all', number>>;
  readonly routes: Record<string, RouteCounts>;
}

const SECOND_MS = 1_000;
/** The venue's codes for a client order id that was used before. */
const DUPLICATE_CODES: ReadonlySet<string> = new Set(['40786', '40708', '43118', '45034', '25212']);
/** Requests without a known key. */
export const NOBODY = '';

export class Traffic {
  private readonly callers = new Map<string, CallerCounts>();
  private readonly windows = new RollingWindows(SECOND_MS);

  arrived(caller: string, route: string, kind: CallKind, steadyMs: number): void {
    const counts = this.of(caller);
    const routeCounts = (counts.routes[route] ??= { calls: 0, codes: {}, perSecondMax: 0 });
    routeCounts.calls += 1;
    const inLastSecond = (group: string) => this.windows.of(`${caller} ${group}`).add(steadyMs);
    routeCounts.perSecondMax = Math.max(routeCounts.perSecondMax, inLastSecond(route));
    for (const group of [kind, 'all'] as const) {
      const now = inLastSecond(group);
      counts.perSecondMax[group] = Math.max(counts.perSecondMax[group] ?? 0, now);
    }
  }

  answered(caller: string, route: string, { body }: Answer): void {
    const { codes } = (this.of(caller).routes[route] ??= { calls: 0, codes: {}, perSecondMax: 0 });
    const count = (code: string) => (codes[code] = (codes[code] ?? 0) + 1);
    const { code, data } = body as { code?: string; data?: { failureList?: { errorCode?: string }[] } | null };
    if (code !== undefined) count(code);
    for (const { errorCode } of data?.failureList ?? []) if (errorCode !== undefined) count(errorCode);
  }

  /** How often the account was told that a client order id had been used before. */
  duplicatesRefused(caller: string): number {
    let refused = 0;
    for (const { codes } of Object.values(this.of(caller).routes)) {
      for (const [code, times] of Object.entries(codes)) if (DUPLICATE_CODES.has(code)) refused += times;
    }
    return refused;
  }

  of(caller: string): CallerCounts {
    const existing = this.callers.get(caller);
    if (existing !== undefined) return existing;
    const counts = { perSecondMax: {}, routes: {} };
    this.callers.set(caller, counts);
    return counts;
  }
}
