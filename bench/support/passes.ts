/**
 * Several ways of doing the same work, timed call by call and by turns, so that whatever else the machine does hits them
 * alike. Each figure is that of its best pass: the others were disturbed.
 */
import { spreadOf } from './figures.ts';

/** Does the work of one pass and answers the µs that each call took. */
export type Pass = () => readonly number[] | Promise<readonly number[]>;

/** µs of one call, and calls a second one after the other. */
export interface Best {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly perSecond: number;
}

/** `rounds` turns after one that warms up. */
export async function bestOf<Name extends string>(
  ways: Readonly<Record<Name, Pass>>,
  rounds: number,
): Promise<Record<Name, Best>> {
  const best = {} as Record<Name, Best>;
  for (let round = 0; round <= rounds; round += 1) {
    for (const [name, pass] of Object.entries(ways) as [Name, Pass][]) {
      const figures = figuresOf(await pass());
      if (round > 0) best[name] = round === 1 ? figures : betterOf(best[name], figures);
    }
  }
  return best;
}

function figuresOf(micros: readonly number[]): Best {
  const { count, p50, p99 } = spreadOf(micros, 2);
  const totalMicros = micros.reduce((total, each) => total + each, 0);
  return { count, p50, p99, perSecond: Math.round((count * 1e6) / totalMicros) };
}

function betterOf(a: Best, b: Best): Best {
  return {
    count: a.count,
    p50: Math.min(a.p50, b.p50),
    p99: Math.min(a.p99, b.p99),
    perSecond: Math.max(a.perSecond, b.perSecond),
  };
}

/** µs that each call of `work` took. */
export function timed<T>(items: readonly T[], work: (item: T) => void): number[] {
  return items.map((item) => {
    const startedAt = performance.now();
    work(item);
    return (performance.now() - startedAt) * 1_000;
  });
}
