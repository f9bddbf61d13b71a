/** The edge report's three plots. */
import { chartSubtitle, type Part } from './document.ts';
import type { EdgeGroup, EdgeReport } from './edge-report.ts';
import { drawIntervals, type IntervalChart } from './interval-chart.ts';
import type { Estimate } from './interval.ts';

const HOURS = Array.from({ length: 24 }, (_, hour) => String(hour).padStart(2, '0'));
const NET_TITLE = 'net edge, bps of notional';
/** Long names would run into each other. */
const SHORT_REGIMES: Readonly<Record<string, string>> = { high_volatility_shock: 'shock' };

export function edgePlots(report: EdgeReport): Part[] {
  return [markouts(report), byHour(report), byRegimeAndSide(report)];
}

function markouts(report: EdgeReport): Part {
  const { curve, liquidity } = report;
  const { paidBps, listedBps } = liquidity.maker;
  const feeBps = paidBps ?? listedBps;
  const estimates = [curve.captureBps, ...curve.markoutBps.map(({ bps }) => bps)];
  const svg = drawIntervals({
    title: "What a maker's fill is worth afterwards",
    subtitle: chartSubtitle(report, curve.captureBps.n),
    xTitle: 'seconds after the fill (not to scale; 0: capture)',
    yTitle: 'markout, bps of price',
    base: 0,
    places: ['0', ...curve.markoutBps.map(({ s }) => String(s))],
    series: [{ name: 'markout', estimates, isJoined: true }],
    marks: [{ value: feeBps, label: `fee ${feeBps.toFixed(2)} bps: earns above it` }],
  });
  return { part: 'plot', name: 'markout', alt: 'Markout by seconds after the fill, with intervals and the fee', svg };
}

function byHour(report: EdgeReport): Part {
  const estimates = HOURS.map((hour) => netOf(report.by.hour, hour));
  const svg = drawIntervals(netChart(report, 'by hour', 'UTC hour of the day', HOURS, [{ name: 'all', estimates }]));
  return { part: 'plot', name: 'hour', alt: 'Net edge by UTC hour, with intervals', svg };
}

function byRegimeAndSide(report: EdgeReport): Part {
  const { regime, regimeSide } = report.by;
  const regimes = regime.map(({ key }) => key);
  const series = ['buy', 'sell'].map((side) => ({
    name: side,
    estimates: regimes.map((each) => netOf(regimeSide, `${each} ${side}`)),
  }));
  const places = regimes.map((each) => SHORT_REGIMES[each] ?? each);
  const svg = drawIntervals(netChart(report, 'by regime and side', 'regime at the fill', places, series));
  return { part: 'plot', name: 'regime-side', alt: 'Net edge by regime and side, with intervals', svg };
}

function netChart(
  report: EdgeReport,
  what: string,
  xTitle: string,
  places: readonly string[],
  series: IntervalChart['series'],
): IntervalChart {
  const { quotes, terms } = report;
  return {
    title: `Net edge ${terms.horizonS} s after a fill, ${what}`,
    subtitle: chartSubtitle(report, quotes.measured),
    xTitle,
    yTitle: NET_TITLE,
    base: 0,
    places,
    series,
    marks: [],
  };
}

function netOf(groups: readonly EdgeGroup[], key: string): Estimate | null {
  return groups.find((group) => group.key === key)?.netBps ?? null;
}
