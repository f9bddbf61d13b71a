/** The calibration report in words, tables and a plot. */
import {
  counted,
  heading,
  percent,
  plain,
  provenance,
  sentence,
  withInterval,
  type Part,
  type ReportDocument,
} from './document.ts';
import { factorPlot } from './factor-plot.ts';
import { JUDGED_GRADE, PARAMETER, type CalibrationReport, type Factor } from './fill-factor.ts';

export function calibrationDocument(report: CalibrationReport): ReportDocument {
  const { bot, method, grades } = report;
  const hasFactor = grades.some(({ byQty }) => byQty.factor.mean !== null);
  return {
    title: `Fill factor of ${bot}`,
    parts: [
      ...provenance(report),
      ...verdict(report),
      heading('Filled over predicted'),
      table(report),
      ...(hasFactor ? [factorPlot(report)] : []),
      ...coverage(report),
      heading('How to read it'),
      sentence(
        `Each grade of the fill model says what it would have filled of the very orders that the bot had in the book: touch as first in the queue, ` +
          `queue behind all that stood there, strict only when a price beyond passed. Paper fills by ${JUDGED_GRADE}, so ${PARAMETER} is held against that one, by quantity.`,
      ),
      sentence(
        `In brackets: where the factor lies 95 times of 100, drawn from whole minutes (${method.resamples} resamples, seed ${method.seed}). It takes ` +
          `${method.minutesMin} minutes with fills and ${method.ordersMin} orders that ${JUDGED_GRADE} predicts to fill.`,
      ),
    ],
  };
}

function verdict({ verdict: judged, terms, grades }: CalibrationReport): Part[] {
  const factor = grades.find(({ grade }) => grade === JUDGED_GRADE)!.byQty.factor;
  const measured = `measured ${withInterval(factor, plain)}, configured ${terms.fillFactor}`;
  switch (judged.verdict) {
    case 'within':
      return [sentence(`Within: ${measured}.`)];
    case 'too_hopeful': {
      const parts: Part[] = [
        { part: 'sentence', tone: 'bad', text: `CRITICAL: too hopeful: ${measured}. The bot counts on closes by makers that do not come.` }, // prettier-ignore
        { part: 'command', text: judged.command },
      ];
      const most = `${judged.suggested} is the least that may be set and still more than what fills: pause the bot until its file is changed.`;
      return judged.isEnough ? parts : [...parts, { part: 'sentence', tone: 'bad', text: most }];
    }
    case 'too_cautious':
      return [
        sentence(`Too cautious: ${measured}. More would be worth quoting:`),
        { part: 'command', text: judged.command },
      ];
    case 'not_enough_data': {
      const needs = judged.needs.map(({ of, have, atLeast }) => `${NEED_TEXTS[of]}: ${have} of ${atLeast}`);
      return [sentence(`Not enough data: ${needs.join('; ')}. Configured ${terms.fillFactor}.`)];
    }
    case 'own_model':
      return [sentence(`No verdict: on paper the model fills its own orders. Only fills of a venue can say whether ${terms.fillFactor} is right.`)]; // prettier-ignore
    case 'no_such_parameter':
      return [sentence(`No verdict: the strategy ${terms.strategy} has no ${PARAMETER}.`)];
  }
}

const NEED_TEXTS = {
  minutes: 'minutes in which something filled or should have',
  orders: `orders that ${JUDGED_GRADE} predicts to fill`,
} as const;

function table({ grades }: CalibrationReport): Part {
  const row = (grade: string, measure: string, { actual, predicted, factor }: Factor): string[] => [
    `${grade}, by ${measure}`,
    actual,
    predicted,
    String(factor.minutes),
    withInterval(factor, plain),
  ];
  return {
    part: 'table',
    head: ['grade', 'filled', 'predicted', 'minutes', 'factor (95 %)'],
    rows: grades.flatMap(({ grade, byQty, byOrders }) => [
      row(grade, 'quantity', byQty),
      row(grade, 'orders', byOrders),
    ]),
  };
}

function coverage({
  coverage: { spanMs, ordersCompared, ordersNotCompared, droppedRelays },
}: CalibrationReport): Part[] {
  const all = ordersCompared + ordersNotCompared;
  const parts: Part[] = [
    sentence(
      `Compared ${counted(ordersCompared, 'order')} of ${all.toLocaleString('en-US')} ` +
        `(${percent(all === 0 ? null : ordersCompared / all)}) in ${(spanMs / 3_600_000).toFixed(1)} h; ` +
        'the others took, rested unseen or met an interrupted feed.',
    ),
  ];
  if (droppedRelays > 0)
    parts.push({ part: 'sentence', tone: 'bad', text: `${counted(droppedRelays, 'fill')} never reached the bot's books: the factor is lower than what the venue filled.` }); // prettier-ignore
  return parts;
}
