/**
 * What a bot's fills earned, lost and paid, by regime, side, hour and liquidity; whether the fees are those that are listed;
 * and whether the edge that the strategy expected is the one that came. Means are weighted by notional, in bps of it.
 */
import { formatQuote } from '../money/decimal.ts';
import type { QuoteAmount } from '../money/money.ts';
import { MinuteRatio, MINUTE_MS, MINUTES_MIN, RESAMPLES, SEED, type Estimate } from './interval.ts';
import type { Material } from './material.ts';
import { captureBps, edgeOf, HORIZONS, markoutBps, type HorizonS, type ReportFill } from './report-fill.ts';
import type { ReportHead, ReportTerms } from './report-head.ts';

/** Exact sums, decimal USDT. */
export interface FillSums {
  readonly fills: number;
  readonly notional: string;
  readonly fees: string;
  /** Before fees. */
  readonly realised: string;
  /** Realised less fees. */
  readonly net: string;
}

export interface EdgeGroup extends FillSums {
  readonly key: string;
  /** Of the fills: those whose every part is known. */
  readonly measured: number;
  /** Over the measured fills: capture - impact - fee = net. */
  readonly captureBps: Estimate;
  readonly impactBps: Estimate;
  readonly feeBps: Estimate;
  readonly netBps: Estimate;
}

export interface LiquidityTruth extends FillSums {
  readonly liquidity: 'maker' | 'taker';
  /** Of all that quotes traded. */
  readonly notionalRatio: number | null;
  readonly paidBps: number | null;
  readonly listedBps: number;
  /** The last difference that the bot itself noticed. */
  readonly toldBps: number | null;
}

export type ModelVerdict = 'agrees' | 'too_hopeful' | 'too_cautious' | 'not_enough_data' | 'no_expectation';

export interface EdgeReport extends ReportHead {
  readonly v: 1;
  readonly kind: 'edge';
  readonly terms: ReportTerms;
  readonly method: {
    readonly weightedBy: 'notional';
    readonly blockMs: number;
    readonly minutesMin: number;
    readonly resamples: number;
    readonly seed: number;
  };
  /** Every fill of the bot in this mode. */
  readonly all: FillSums;
  /** Of these, fills of no quote: executed stops, orders that the bot did not make. No part of any edge. */
  readonly others: FillSums;
  /** All quotes. */
  readonly quotes: EdgeGroup;
  readonly by: {
    readonly regime: readonly EdgeGroup[];
    readonly side: readonly EdgeGroup[];
    readonly regimeSide: readonly EdgeGroup[];
    /** UTC hour of the day. */
    readonly hour: readonly EdgeGroup[];
    readonly liquidity: readonly EdgeGroup[];
  };
  /** Capture, and markout by seconds, of makers' fills; each over all fills that have it. */
  readonly curve: { readonly captureBps: Estimate; readonly markoutBps: readonly { s: HorizonS; bps: Estimate }[] };
  readonly unmeasured: {
    readonly withoutMarkout: number;
    readonly withoutMid: number;
    /** Heard so long after the execution that neither mid nor markouts are those of the fill. */
    readonly heardLate: number;
    readonly otherMode: number;
  };
  readonly liquidity: {
    readonly maker: LiquidityTruth;
    /** Every quote is sent post-only: these crossed all the same. */
    readonly taker: LiquidityTruth;
    /** Makers' fills that the mid had passed already when the bot heard of them. */
    readonly behindMid: number;
  };
  readonly model: {
    readonly expectedBps: Estimate;
    /** Net edge of the same fills. */
    readonly realisedBps: Estimate;
    /** Realised less expected. */
    readonly differenceBps: Estimate;
    readonly verdict: ModelVerdict;
  };
  readonly spread: {
    readonly calculations: number;
    readonly asideRatio: number | null;
    readonly floorBps: number | null;
    readonly marketBps: number | null;
  };
  /** How often quotes of a side began to be withheld, by code. */
  readonly withheld: readonly { readonly side: string; readonly code: string; readonly times: number }[];
  readonly days: Material['days'];
}

export function edgeReport(head: ReportHead, terms: ReportTerms, material: Material): EdgeReport {
  const { fills } = material;
  const quotes = fills.filter(({ isQuote }) => isQuote);
  const { horizonS } = terms;
  const groupedBy = (key: (fill: ReportFill) => string): EdgeGroup[] => groups(quotes, key, horizonS);
  const regimeOf = ({ regime }: ReportFill): string => regime ?? 'none';
  return {
    v: 1,
    kind: 'edge',
    ...head,
    terms,
    method: { weightedBy: 'notional', blockMs: MINUTE_MS, minutesMin: MINUTES_MIN, resamples: RESAMPLES, seed: SEED },
    all: sumsOf(fills),
    others: sumsOf(fills.filter(({ isQuote }) => !isQuote)),
    quotes: groupOf('all', quotes, horizonS),
    by: {
      regime: groupedBy(regimeOf),
      side: groupedBy(({ side }) => side),
      regimeSide: groupedBy((fill) => `${regimeOf(fill)} ${fill.side}`),
      hour: groupedBy(({ atMs }) => new Date(atMs).toISOString().slice(11, 13)),
      liquidity: groupedBy(({ liquidity }) => liquidity),
    },
    curve: curveOf(quotes.filter(({ liquidity }) => liquidity === 'maker')),
    unmeasured: {
      withoutMarkout: quotes.filter((fill) => !fill.isHeardLate && markoutBps(fill, horizonS) === null).length,
      withoutMid: quotes.filter((fill) => !fill.isHeardLate && fill.captureBps === null).length,
      heardLate: quotes.filter((fill) => fill.isHeardLate).length,
      otherMode: material.fillsOfOtherMode,
    },
    liquidity: liquidityOf(quotes, terms, material),
    model: modelOf(quotes, horizonS),
    spread: spreadOf(material),
    withheld: withheldOf(material),
    days: material.days,
  };
}

export function sumsOf(fills: readonly ReportFill[]): FillSums {
  const total = (of: (fill: ReportFill) => bigint): string =>
    formatQuote(fills.reduce((sum, fill) => sum + of(fill), 0n) as QuoteAmount);
  return {
    fills: fills.length,
    notional: total(({ notional }) => notional),
    fees: total(({ fee }) => fee),
    realised: total(({ realised }) => realised),
    net: total(({ realised, fee }) => realised - fee),
  };
}

/** Sorted by key. */
function groups(fills: readonly ReportFill[], keyOf: (fill: ReportFill) => string, horizonS: HorizonS): EdgeGroup[] {
  const byKey = new Map<string, ReportFill[]>();
  for (const fill of fills) {
    const key = keyOf(fill);
    const group = byKey.get(key);
    if (group === undefined) byKey.set(key, [fill]);
    else group.push(fill);
  }
  return [...byKey].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, group]) => groupOf(key, group, horizonS));
}

function groupOf(key: string, fills: readonly ReportFill[], horizonS: HorizonS): EdgeGroup {
  const [capture, impact, fee, net] = [new MinuteRatio(), new MinuteRatio(), new MinuteRatio(), new MinuteRatio()];
  let measured = 0;
  for (const fill of fills) {
    const edge = edgeOf(fill, horizonS);
    if (edge === null) continue;
    const { atMs, quote } = fill;
    measured += 1;
    capture.add(atMs, edge.captureBps * quote, quote);
    impact.add(atMs, edge.impactBps * quote, quote);
    fee.add(atMs, edge.feeBps * quote, quote);
    net.add(atMs, edge.netBps * quote, quote);
  }
  return {
    key,
    ...sumsOf(fills),
    measured,
    captureBps: capture.estimate(),
    impactBps: impact.estimate(),
    feeBps: fee.estimate(),
    netBps: net.estimate(),
  };
}

function meanOf(fills: readonly ReportFill[], bpsOf: (fill: ReportFill) => number | null): Estimate {
  const ratio = new MinuteRatio();
  for (const fill of fills) {
    const bps = bpsOf(fill);
    if (bps !== null) ratio.add(fill.atMs, bps * fill.quote, fill.quote);
  }
  return ratio.estimate();
}

function curveOf(fills: readonly ReportFill[]): EdgeReport['curve'] {
  const markouts = HORIZONS.map((s) => ({ s, bps: meanOf(fills, (fill) => markoutBps(fill, s)) }));
  return { captureBps: meanOf(fills, captureBps), markoutBps: markouts };
}

function liquidityOf(
  quotes: readonly ReportFill[],
  terms: ReportTerms,
  { feeDiffers }: Material,
): EdgeReport['liquidity'] {
  const traded = quotes.reduce((sum, { quote }) => sum + quote, 0);
  const of = (liquidity: 'maker' | 'taker'): ReportFill[] => quotes.filter((fill) => fill.liquidity === liquidity);
  const truthOf = (liquidity: 'maker' | 'taker'): LiquidityTruth => {
    const sums = sumsOf(of(liquidity));
    const notional = Number(sums.notional);
    return {
      liquidity,
      ...sums,
      notionalRatio: traded > 0 ? notional / traded : null,
      paidBps: notional > 0 ? (Number(sums.fees) / notional) * 1e4 : null,
      listedBps: liquidity === 'maker' ? terms.makerBps : terms.takerBps,
      toldBps: feeDiffers.findLast((told) => told.liquidity === liquidity)?.seenBps ?? null,
    };
  };
  return {
    maker: truthOf('maker'),
    taker: truthOf('taker'),
    behindMid: of('maker').filter((fill) => (captureBps(fill) ?? 0) < 0).length,
  };
}

function modelOf(quotes: readonly ReportFill[], horizonS: HorizonS): EdgeReport['model'] {
  const isSilent = quotes.length > 0 && quotes.every(({ expectedEdgeBps }) => expectedEdgeBps === null);
  const judged = quotes.filter((fill) => fill.expectedEdgeBps !== null && edgeOf(fill, horizonS) !== null);
  const expected = ({ expectedEdgeBps }: ReportFill): number | null => expectedEdgeBps;
  const realised = (fill: ReportFill): number | null => edgeOf(fill, horizonS)?.netBps ?? null;
  const differenceBps = meanOf(judged, (fill) => (realised(fill) ?? NaN) - (expected(fill) ?? NaN));
  return {
    expectedBps: meanOf(judged, expected),
    realisedBps: meanOf(judged, realised),
    differenceBps,
    verdict: isSilent ? 'no_expectation' : judge(differenceBps),
  };
}

function judge({ low, high }: Estimate): ModelVerdict {
  if (low === null || high === null) return 'not_enough_data';
  return high < 0 ? 'too_hopeful' : low > 0 ? 'too_cautious' : 'agrees';
}

function spreadOf({ spreads }: Material): EdgeReport['spread'] {
  const mean = (values: readonly number[]): number | null => {
    const finite = values.filter((value) => Number.isFinite(value));
    return finite.length === 0 ? null : finite.reduce((sum, value) => sum + value, 0) / finite.length;
  };
  return {
    calculations: spreads.length,
    asideRatio: mean(spreads.map(({ isStandingAside }) => (isStandingAside ? 1 : 0))),
    floorBps: mean(spreads.map(({ floorBps }) => floorBps)),
    marketBps: mean(spreads.map(({ marketBps }) => marketBps)),
  };
}

function withheldOf({ withheld }: Material): EdgeReport['withheld'] {
  const times = new Map<string, number>();
  for (const { side, code } of withheld) times.set(`${side} ${code}`, (times.get(`${side} ${code}`) ?? 0) + 1);
  return [...times].sort().map(([key, count]) => {
    const [side = '', code = ''] = key.split(' ');
    return { side, code, times: count };
  });
}
