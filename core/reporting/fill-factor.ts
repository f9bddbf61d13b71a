/**
 * Whether paper is right about fills: what a bot's venue filled of its orders, over what each grade of the fill model would
 * have filled of the same orders (`shadow_fills`). A factor of 0.8 means that a fifth of what paper fills does not fill.
 *
 * The strategy believes `strategy.spread.fillFactor`. It is held against the grade `queue`, which is how paper fills, by
 * quantity. A belief above the interval is critical: the bot counts on closes by makers that do not come.
 */
import type { FillCounts, ShadowFillCounts } from '../bot/events.ts';
import { TUNABLES } from '../bot/tunables.ts';
import { COMPARED_GRADES, type ComparedGrade } from '../fill-model/graded-fills.ts';
import { formatScaled, parseScaled } from '../money/decimal.ts';
import { MinuteRatio, MINUTE_MS, MINUTES_MIN, RESAMPLES, SEED, type Estimate } from './interval.ts';
import type { Material, ShadowMinute } from './material.ts';
import type { ReportHead, ReportTerms } from './report-head.ts';

export const JUDGED_GRADE: ComparedGrade = 'queue';
/** Predicted orders below which no factor is judged: with 50, one at 0.9 is known to 0.08 at best. */
export const ORDERS_MIN = 50;
export const PARAMETER = 'strategy.spread.fillFactor';

/** Actual over predicted, of one measure. */
export interface Factor {
  /** Base coin for quantities, a whole number else. */
  readonly actual: string;
  readonly predicted: string;
  /** Its `n` is the number of orders that were predicted to fill. */
  readonly factor: Estimate;
}

export interface GradeFactors {
  readonly grade: ComparedGrade;
  readonly byQty: Factor;
  /** Orders with a fill, however small. */
  readonly byOrders: Factor;
}

export type FactorVerdict =
  | { readonly verdict: 'within' }
  /** Filled less than believed. `command` puts it right; `isEnough` is false where what may be set is still too much. */
  | { readonly verdict: 'too_hopeful'; readonly severity: 'CRITICAL'; readonly suggested: number; readonly isEnough: boolean; readonly command: string } // prettier-ignore
  | { readonly verdict: 'too_cautious'; readonly suggested: number; readonly command: string }
  | { readonly verdict: 'not_enough_data'; readonly needs: readonly Need[] }
  /** The fills are the model's own: they say nothing of a venue. */
  | { readonly verdict: 'own_model' }
  | { readonly verdict: 'no_such_parameter' };

export interface Need {
  readonly of: 'minutes' | 'orders';
  readonly have: number;
  readonly atLeast: number;
}

export interface CalibrationReport extends ReportHead {
  readonly v: 1;
  readonly kind: 'calibration';
  readonly terms: ReportTerms;
  readonly method: {
    readonly judgedGrade: ComparedGrade;
    readonly judgedBy: 'qty';
    readonly blockMs: number;
    readonly minutesMin: number;
    readonly ordersMin: number;
    readonly resamples: number;
    readonly seed: number;
  };
  readonly coverage: {
    /** Time that the comparison ran. */
    readonly spanMs: number;
    readonly ordersCompared: number;
    /** Makers' fills of these at the venue. */
    readonly fills: number;
    /** Orders that rested unseen, took, or met an interrupted feed. */
    readonly ordersNotCompared: number;
    /** Fills that never reached the bot's books, and so are missing from what was actually filled. */
    readonly droppedRelays: number;
  };
  readonly grades: readonly GradeFactors[];
  readonly verdict: FactorVerdict;
}

export function calibrationReport(head: ReportHead, terms: ReportTerms, material: Material): CalibrationReport {
  const { shadowMinutes } = material;
  const grades = COMPARED_GRADES.map((grade) => factorsOf(grade, shadowMinutes));
  return {
    v: 1,
    kind: 'calibration',
    ...head,
    terms,
    method: {
      judgedGrade: JUDGED_GRADE,
      judgedBy: 'qty',
      blockMs: MINUTE_MS,
      minutesMin: MINUTES_MIN,
      ordersMin: ORDERS_MIN,
      resamples: RESAMPLES,
      seed: SEED,
    },
    coverage: coverageOf(head, shadowMinutes),
    grades,
    verdict: judgeFactor(
      head,
      terms.fillFactor,
      grades.find(({ grade }) => grade === JUDGED_GRADE)!,
    ),
  };
}

function factorsOf(grade: ComparedGrade, minutes: readonly ShadowMinute[]): GradeFactors {
  const [byQty, byOrders] = [new MinuteRatio(), new MinuteRatio()];
  const sums = { actualE12: 0n, predictedE12: 0n, actualOrders: 0, predictedOrders: 0 };
  for (const { atMs, event } of minutes) {
    const { actual, [grade]: predicted } = event.minute;
    // A minute in which nothing filled or should have is no observation of what fills.
    if (isNothing(actual) && isNothing(predicted)) continue;
    const middleMs = atMs - event.spanMs / 2;
    byQty.add(middleMs, Number(actual.qty), Number(predicted.qty), predicted.orders);
    byOrders.add(middleMs, actual.orders, predicted.orders, predicted.orders);
    sums.actualE12 += parseScaled(actual.qty, 12);
    sums.predictedE12 += parseScaled(predicted.qty, 12);
    sums.actualOrders += actual.orders;
    sums.predictedOrders += predicted.orders;
  }
  return {
    grade,
    byQty: {
      actual: formatScaled(sums.actualE12, 12),
      predicted: formatScaled(sums.predictedE12, 12),
      factor: notBelowZero(byQty.estimate()),
    },
    byOrders: {
      actual: String(sums.actualOrders),
      predicted: String(sums.predictedOrders),
      factor: notBelowZero(byOrders.estimate()),
    },
  };
}

function isNothing({ fills }: FillCounts): boolean {
  return fills === 0;
}

function notBelowZero(estimate: Estimate): Estimate {
  return estimate.low === null ? estimate : { ...estimate, low: Math.max(0, estimate.low) };
}

function coverageOf(
  { runs, fromMs }: Pick<ReportHead, 'runs' | 'fromMs'>,
  minutes: readonly ShadowMinute[],
): CalibrationReport['coverage'] {
  const begunInside = new Set(runs.filter(({ startedAtMs }) => startedAtMs >= fromMs).map(({ epoch }) => epoch));
  const sum = (of: (counts: ShadowFillCounts) => number): number =>
    minutes.reduce((total, { event }) => total + of(event.minute), 0);
  return {
    spanMs: minutes.reduce((total, { event }) => total + event.spanMs, 0),
    ordersCompared: sum(({ orders }) => orders),
    fills: sum(({ actual }) => actual.fills),
    ordersNotCompared: grownOver(minutes, begunInside, ({ event }) => event.ordersNotCompared),
    droppedRelays: grownOver(minutes, begunInside, ({ event }) => event.droppedRelayCount),
  };
}

/** Of a count that begins at 0 with each run: by how much it grew. Of a run that began before, since its first minute here. */
function grownOver(
  minutes: readonly ShadowMinute[],
  begunInside: ReadonlySet<number>,
  of: (minute: ShadowMinute) => number,
): number {
  const countByEpoch = new Map<number, number>();
  let grown = 0;
  for (const minute of minutes) {
    const count = of(minute);
    const before = countByEpoch.get(minute.epoch) ?? (begunInside.has(minute.epoch) ? 0 : count);
    grown += count - before;
    countByEpoch.set(minute.epoch, count);
  }
  return grown;
}

/** `configured` lies in the interval, or it does not, or nothing can be said. */
export function judgeFactor(
  head: Pick<ReportHead, 'bot' | 'filledBy' | 'fromMs' | 'toMs'>,
  configured: number | null,
  { byQty, byOrders }: GradeFactors,
): FactorVerdict {
  if (configured === null) return { verdict: 'no_such_parameter' };
  if (head.filledBy === 'paper' || head.filledBy === 'replay') return { verdict: 'own_model' };
  const { mean, low, high, minutes } = byQty.factor;
  const needs: readonly Need[] = [
    { of: 'minutes', have: minutes, atLeast: MINUTES_MIN },
    { of: 'orders', have: Number(byOrders.predicted), atLeast: ORDERS_MIN },
  ];
  const missing = needs.filter(({ have, atLeast }) => have < atLeast);
  if (mean === null || low === null || high === null || missing.length > 0)
    return { verdict: 'not_enough_data', needs: missing };
  const { min, max } = TUNABLES[PARAMETER]!;
  // Down to a hundredth; a sum of doubles may lie a hair below one.
  const wanted = Math.floor(mean * 100 + 1e-6) / 100;
  const suggested = Math.min(max, Math.max(min, wanted));
  const command = commandFor(head, suggested, byQty.factor);
  if (configured > high)
    return { verdict: 'too_hopeful', severity: 'CRITICAL', suggested, isEnough: suggested <= high, command };
  if (configured < low && suggested > configured) return { verdict: 'too_cautious', suggested, command };
  return { verdict: 'within' };
}

function commandFor(
  { bot, fromMs, toMs }: Pick<ReportHead, 'bot' | 'fromMs' | 'toMs'>,
  suggested: number,
  { mean, low, high }: Estimate,
): string {
  const [of, from, to] = [mean, low, high].map((value) => (value ?? NaN).toFixed(2));
  const [first, last] = [fromMs, toMs].map((atMs) => new Date(atMs).toISOString().slice(0, 16));
  const reason = `fill factor ${of} (${from} to ${to}) measured ${first} to ${last}`;
  return `./desk bot set ${bot} ${PARAMETER}=${suggested} --reason "${reason}"`;
}
