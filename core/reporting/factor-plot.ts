/** The calibration report's plot: factors by grade, and what is configured. */
import { chartSubtitle, type Part } from './document.ts';
import type { CalibrationReport } from './fill-factor.ts';
import { drawIntervals } from './interval-chart.ts';

export function factorPlot(report: CalibrationReport): Part {
  const { grades, terms, coverage } = report;
  const svg = drawIntervals({
    title: 'What filled over what was predicted',
    subtitle: chartSubtitle(report, coverage.fills),
    xTitle: 'grade of the fill model',
    yTitle: 'fill factor, a ratio',
    base: 1,
    places: grades.map(({ grade }) => grade),
    series: [
      { name: 'by quantity', estimates: grades.map(({ byQty }) => byQty.factor) },
      { name: 'by orders', estimates: grades.map(({ byOrders }) => byOrders.factor) },
    ],
    marks: terms.fillFactor === null ? [] : [{ value: terms.fillFactor, label: `configured ${terms.fillFactor}` }],
  });
  return { part: 'plot', name: 'factor', alt: 'Fill factor by grade, with intervals and what is configured', svg };
}
