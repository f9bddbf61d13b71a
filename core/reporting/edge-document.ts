/** The edge report in words, tables and plots. */
import {
  amount,
  counted,
  heading,
  NOTHING,
  percent,
  plain,
  provenance,
  sentence,
  signed,
  withInterval,
  type Part,
  type ReportDocument,
} from './document.ts';
import { edgePlots } from './edge-plots.ts';
import type { EdgeGroup, EdgeReport, LiquidityTruth, ModelVerdict } from './edge-report.ts';
import { MINUTES_MIN } from './interval.ts';

export function edgeDocument(report: EdgeReport): ReportDocument {
  const { bot, quotes } = report;
  const plots = quotes.measured === 0 ? [] : edgePlots(report);
  return {
    title: `Edge of ${bot}`,
    parts: [
      ...provenance(report),
      ...sums(report),
      heading('What a fill earned'),
      ...decomposition(report),
      groupTable('', [quotes, ...report.by.side, ...report.by.liquidity]),
      groupTable('regime', report.by.regime),
      groupTable('regime and side', report.by.regimeSide),
      groupTable('UTC hour', report.by.hour),
      ...plots,
      ...notAveraged(report),
      heading('After the fill'),
      curveTable(report),
      heading('Maker and taker'),
      ...liquidity(report),
      heading('Expected and realised'),
      ...model(report),
      ...market(report),
      ...days(report),
      heading('How to read it'),
      ...reading(report),
    ],
  };
}

function sums({ all, others }: EdgeReport): Part[] {
  const netBps = all.fills === 0 ? null : (Number(all.net) / Number(all.notional)) * 1e4;
  const text =
    `${counted(all.fills, 'fill')} of ${amount(all.notional)} USDT: ` +
    `realised ${amount(all.realised)}, fees ${amount(all.fees)}, together ${amount(all.net)} USDT (${signed(netBps)} bps).`;
  if (others.fills === 0) return [sentence(text)];
  const rest =
    `${counted(others.fills, 'of these is no quote', 'of these are no quotes')} (executed stops, orders that the bot did not make): ` +
    `${amount(others.notional)} USDT, realised ${amount(others.realised)}, fees ${amount(others.fees)}. They are no part of what follows.`;
  return [sentence(text), sentence(rest)];
}

function decomposition({ quotes, terms }: EdgeReport): Part[] {
  if (quotes.measured === 0) return [sentence('No fill has all that an edge is made of: nothing is averaged.')];
  const { captureBps, impactBps, feeBps, netBps } = quotes;
  const minus = (value: number | null): string => signed(value === null ? null : 0 - value);
  return [
    sentence(
      `Of a fill, in bps of its notional, ${terms.horizonS} s after it: capture ${signed(captureBps.mean)}, ` +
        `impact ${minus(impactBps.mean)}, fee ${minus(feeBps.mean)}: net edge ${withInterval(netBps)}.`,
    ),
  ];
}

function groupTable(name: string, groups: readonly EdgeGroup[]): Part {
  return {
    part: 'table',
    head: [name, 'fills', 'measured', 'USDT', 'capture', 'impact', 'fee', 'net edge, bps (95 %)'],
    rows: groups.map(({ key, fills, measured, notional, captureBps, impactBps, feeBps, netBps }) => [
      key,
      String(fills),
      String(measured),
      amount(notional, 0),
      signed(captureBps.mean),
      plain(impactBps.mean),
      plain(feeBps.mean),
      withInterval(netBps),
    ]),
  };
}

function notAveraged({ unmeasured, terms }: EdgeReport): Part[] {
  const { withoutMarkout, withoutMid, heardLate, otherMode } = unmeasured;
  const reasons = [
    [withoutMarkout, `without a markout at ${terms.horizonS} s (takers have none)`],
    [withoutMid, 'without a mid'],
    [heardLate, 'heard of too late'],
    [otherMode, 'in another mode than now, left out altogether'],
  ] as const;
  const told = reasons.filter(([count]) => count > 0).map(([count, why]) => `${count} ${why}`);
  return told.length === 0 ? [] : [sentence(`Counted and not averaged: ${told.join('; ')}.`)];
}

function curveTable({ curve }: EdgeReport): Part {
  const rows = [
    ['0 (capture)', curve.captureBps] as const,
    ...curve.markoutBps.map(({ s, bps }) => [`${s} s`, bps] as const),
  ];
  return {
    part: 'table',
    head: ['makers', 'fills', 'minutes', 'markout, bps (95 %)'],
    rows: rows.map(([key, bps]) => [key, String(bps.n), String(bps.minutes), withInterval(bps)]),
  };
}

function liquidity({ liquidity: { maker, taker, behindMid } }: EdgeReport): Part[] {
  const row = (truth: LiquidityTruth): string[] => [
    truth.liquidity,
    String(truth.fills),
    percent(truth.notionalRatio),
    amount(truth.notional, 0),
    amount(truth.fees),
    plain(truth.paidBps),
    plain(truth.listedBps),
    plain(truth.toldBps),
  ];
  const parts: Part[] = [
    {
      part: 'table',
      head: ['', 'fills', 'share', 'USDT', 'fees', 'paid, bps', 'listed, bps', 'noticed, bps'],
      rows: [row(maker), row(taker)],
    },
  ];
  if (taker.fills > 0)
    parts.push({ part: 'sentence', tone: 'bad', text: `${counted(taker.fills, 'fill')} of post-only quotes crossed: the venue called the bot a taker.` }); // prettier-ignore
  if (behindMid > 0)
    parts.push(sentence(`${counted(behindMid, "maker's fill was", "makers' fills were")} behind the mid already when the bot heard of it.`)); // prettier-ignore
  return parts;
}

const MODEL_TEXTS: Readonly<Record<ModelVerdict, string>> = {
  agrees: 'The expectation lies within what came.',
  too_hopeful: 'The strategy expects more than comes.',
  too_cautious: 'The strategy expects less than comes.',
  not_enough_data: `Not enough data to judge: it takes fills in ${MINUTES_MIN} minutes.`,
  no_expectation: 'The strategy expects nothing of a quote.',
};

function model({ model: { expectedBps, realisedBps, differenceBps, verdict } }: EdgeReport): Part[] {
  const judgement: Part = { part: 'sentence', text: MODEL_TEXTS[verdict], ...(verdict === 'too_hopeful' && { tone: 'bad' }) }; // prettier-ignore
  if (verdict === 'no_expectation') return [judgement];
  const figures =
    `${counted(differenceBps.n, 'fill')}: expected ${signed(expectedBps.mean)} bps, realised ${withInterval(realisedBps)}, ` +
    `difference ${withInterval(differenceBps)}.`;
  return [sentence(figures), judgement];
}

function market({ spread, withheld }: EdgeReport): Part[] {
  const { calculations, asideRatio, floorBps, marketBps } = spread;
  if (calculations === 0) return [];
  const codes = withheld.map(({ side, code, times }) => `${side} ${code} ${times}`);
  return [
    heading('When it quoted'),
    sentence(
      `${counted(calculations, 'calculation')} of the spread: floor ${plain(floorBps)} bps, market ${plain(marketBps)} bps, ` +
        `standing aside ${percent(asideRatio)} of them.`,
    ),
    ...(codes.length === 0 ? [] : [sentence(`Began to be withheld, times: ${codes.join(', ')}.`)]),
  ];
}

const DAY_AMOUNTS = ['volumeQuote', 'realised', 'fees', 'funding', 'drawdownPctMax'] as const;

function days({ days: closed }: EdgeReport): Part[] {
  if (closed.length === 0) return [];
  return [
    heading('Days, as the bot closed them'),
    {
      part: 'table',
      head: ['UTC day', 'fills', 'volume, USDT', 'realised', 'fees', 'funding', 'drawdown, %', 'position'],
      rows: closed.map((detail) => {
        const told = (name: string): string => String(detail[name] ?? NOTHING);
        return [told('day'), told('fills'), ...DAY_AMOUNTS.map((name) => amount(told(name))), told('position')];
      }),
    },
  ];
}

function reading({ terms, method }: EdgeReport): Part[] {
  return [
    sentence(
      'Capture is what the quote stood away from the mid that the bot saw when it heard of the fill; impact is how far the mid ' +
        `went against it in the ${terms.horizonS} s after; fee is what was paid; net edge = capture - impact - fee. Means are weighted by notional.`,
    ),
    sentence(
      `In brackets: where the mean lies 95 times of 100. Fills cluster, so it is drawn from whole minutes ` +
        `(${method.resamples} resamples, seed ${method.seed}); with fills in fewer than ${method.minutesMin} minutes there is none.`,
    ),
  ];
}
