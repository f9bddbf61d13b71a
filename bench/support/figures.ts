/** What a bench says of many measurements: quantiles, medians and ratios, rounded to what they mean. */
import { availableParallelism, loadavg } from 'node:os';

export interface Spread {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

export function rounded(value: number, digits = 2): number {
  return Number(value.toFixed(digits));
}

/** In the unit of `values`. A quantile of few values is the largest one: `count` tells how far to trust it. */
export function spreadOf(values: Float64Array | readonly number[], digits = 3): Spread {
  const sorted = Float64Array.from(values).sort();
  const at = (ratio: number): number => rounded(sorted[Math.ceil(ratio * sorted.length) - 1] ?? 0, digits);
  return { count: sorted.length, p50: at(0.5), p99: at(0.99), p999: at(0.999), max: at(1) };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

/** `value` in units of `limit`; 1 is the limit itself. */
export function ratio(value: number, limit: number): number {
  return limit === 0 ? 0 : rounded(value / limit);
}

/** The one line a bench prints, with how busy the machine was: figures of a busy one say little but their ratios. */
export function report(bench: string, figures: object): void {
  const [load1 = 0] = loadavg();
  console.log(JSON.stringify({ bench, cpus: availableParallelism(), load1: rounded(load1), ...figures }));
}
