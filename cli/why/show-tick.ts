/** The tick's answer as a person reads it at night: the reason first, what to do, then the numbers. */
import pc from 'picocolors';
import { DENIAL_TEXTS } from '../../core/bot/reason-texts.ts';
import type { DenialCode } from '../../core/risk/decision.ts';
import type { Side } from '../../core/orders/order-intent.ts';
import type { Facts, MarketFacts, OrderFacts, PositionFacts, RiskFacts, Use } from './facts.ts';
import type { LastWords, TickAnswer } from './tick.ts';
import { verdictLines } from './verdict.ts';
import {
  clock,
  duration,
  explainedTable,
  figure,
  labelled,
  plural,
  sentence,
  signed,
  significant,
  spelled,
  stamp,
} from './words.ts';

export function showTick(answer: TickAnswer): string[] {
  const { bot, symbol, tick, reason, means, action, facts, askedAtMs, verdict } = answer;
  const isGood = reason === 'quoted';
  const paint = answer.isTrouble ? pc.red : isGood ? pc.green : pc.yellow;
  return [
    `${pc.bold(bot)} ${symbol} ${facts.strategy}  ${paint(pc.bold(reason))}  ${pc.dim(stamp(tick.atMs))}`,
    '',
    ...silenceLines(answer),
    ...sentence(`${bot} ${means}.`),
    ...sentence(sinceText(answer)),
    ...sentence(`→ ${action}`, '  ', '    '),
    '',
    ...labelled('market', marketParts(facts.market)),
    ...positionLines(facts),
    ...riskLines(facts.risk),
    '',
    ...explainedTable('strategy', facts.explain),
    '',
    ...sideLines('bid', 'buy', answer),
    ...sideLines('ask', 'sell', answer),
    ...foreignLines(facts.orders),
    '',
    ...verdictLines(verdict, askedAtMs).map((line) => (verdict.agrees ? pc.dim(line) : pc.red(line))),
  ];
}

function silenceLines({ silence, tick, askedAtMs }: TickAnswer): string[] {
  if (silence === null) return [];
  const before = duration(askedAtMs - tick.atMs);
  const text =
    silence.untilMs === null
      ? `It is not running: its last tick was ${before} before this question. That tick:`
      : `It was not running: its last tick was ${before} before, the next one came at ${clock(silence.untilMs, tick.atMs)}. The last:`;
  return [...sentence(text).map((line) => pc.red(line)), ''];
}

function sinceText({ since, tick }: TickAnswer): string {
  const atLeast = since.isAtLeast ? 'at least ' : '';
  const held = `Since ${atLeast}${clock(since.sinceMs, tick.atMs)}: ${duration(tick.atMs - since.sinceMs)}, ${plural(since.ticks, 'tick')}`;
  if (since.before === null) return `${held}.`;
  return `${held}; before that ${since.before.reason} for ${duration(since.sinceMs - since.before.sinceMs)}.`;
}

export function marketParts({ bid, ask, spreadBps, bookAgeMs }: MarketFacts): string[] {
  if (bookAgeMs === null) return ['no book yet'];
  const spread = spreadBps === null ? [] : [`spread ${figure(spreadBps, 3)} bps`];
  return [`${bid ?? 'none'} / ${ask ?? 'none'}`, ...spread, `book ${duration(bookAgeMs)} old`];
}

function positionLines({ position, equity }: Facts): string[] {
  const account = equity === null ? [] : [`equity ${figure(equity)} USDT`];
  return labelled('position', [...positionParts(position), ...account]);
}

export function positionParts({ qty, entryPrice, quote, unrealised, legs }: PositionFacts): string[] {
  if (Number(qty) === 0 && legs.length === 0) return ['flat'];
  const direction = Number(qty) > 0 ? 'long' : Number(qty) < 0 ? 'short' : 'net';
  const entry = entryPrice === null ? '' : ` at ${figure(Number(entryPrice), 6)}`;
  return [
    `${direction} ${qty.replace('-', '')}${entry}`,
    `${figure(quote)} USDT`,
    `unrealised ${signed(unrealised)}`,
    ...legs.map((leg) => `${leg.leg} leg ${leg.qty}${leg.entryPrice === null ? '' : ` at ${leg.entryPrice}`}`),
  ];
}

const of = ({ measured, limit }: Use, decimals = 0): string =>
  `${figure(measured, decimals)} of ${figure(limit, decimals)}`;

function riskLines({ level, code, measured, limit, ...uses }: RiskFacts): string[] {
  const { exposure, ordersActive, cancelsLastMinute, dayLoss, drawdownPct } = uses;
  const cause =
    code === null
      ? ''
      : ` by ${code} (${measured === null ? 'no number' : figure(measured, 4)}, limit ${limit === null ? '–' : figure(limit, 4)})`;
  return labelled('risk', [
    `${spelled(level)}${cause}`,
    `exposure ${of(exposure)} USDT`,
    `orders ${of(ordersActive)}`,
    `cancels ${of(cancelsLastMinute)} a minute`,
    ...(dayLoss === null ? [] : [`loss today ${of(dayLoss, 2)} USDT`]),
    ...(drawdownPct === null ? [] : [`drawdown ${of(drawdownPct, 2)} %`]),
  ]);
}

/** What rests on a side, and what was last said of it. */
function sideLines(label: string, side: Side, { facts, last, tick }: TickAnswer): string[] {
  const resting = facts.orders.filter((order) => order.side === side && !order.isForeign).map(orderParts);
  const rows = [...(resting.length === 0 ? [['nothing rests']] : resting), ...lastParts(last[side], tick.atMs)];
  return rows.flatMap((parts, index) => labelled(index === 0 ? label : '', parts));
}

function orderParts({ clientOrderId, price, qty, filled, state, isCancelling, ageMs }: OrderFacts): string[] {
  const part = Number(filled) > 0 ? [`${filled} filled`] : [];
  const how = isCancelling ? 'being cancelled' : spelled(state);
  return [`${qty} at ${price}`, `${how} for ${duration(ageMs)}`, ...part, clientOrderId];
}

function lastParts({ intent, denial, withheld }: LastWords, nowMs: number): string[][] {
  const when = (atMs: number): string => `${clock(atMs, nowMs)}, ${duration(nowMs - atMs)} before`;
  const rows: string[][] = [];
  if (intent !== null) {
    const { clientOrderId, qty, price } = intent.event;
    rows.push([`last intent   ${qty} at ${price}`, clientOrderId, when(intent.atMs)]);
  }
  if (denial !== null) {
    const { code, measured, limit } = denial.event;
    rows.push([`last denial   ${denialText(code, measured, limit)}`, when(denial.atMs)]);
  }
  if (withheld !== null) {
    const { code, edgeBps, edgeBpsMin } = withheld.event;
    const edge = `edge ${figure(edgeBps)} bps, needs ${figure(edgeBpsMin)}`;
    rows.push([`last withheld ${code}: ${edge}`, when(withheld.atMs)]);
  }
  return rows;
}

export function denialText(code: DenialCode, measured: number, limit: number): string {
  const { unit } = DENIAL_TEXTS[code];
  return `${code}: ${significant(measured)}, limit ${significant(limit)}${unit === '' ? '' : ` ${unit}`}`;
}

function foreignLines(orders: readonly OrderFacts[]): string[] {
  const foreign = orders.filter(({ isForeign }) => isForeign);
  return foreign.flatMap((order, index) => labelled(index === 0 ? 'not ours' : '', [order.side, ...orderParts(order)]));
}
