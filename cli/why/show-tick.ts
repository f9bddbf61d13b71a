/** The tick's answer as a person reads it at night: the reason first, what to do, then the numbers. */
import pc from 'picocolors';
import { DENIAL_TEXTS } from '../../core/bot/reason-texts.ts';
import type { DenialCode } from '../../core/risk/decision.ts';
import type { Side } from '../../core/orders/order-intent.ts';
import { holdLines, type Hold } from '../../core/supervision/holds.ts';
import { FREEZE } from '../../workflows/bot/contract.ts';
import type { Facts, MarketFacts, OrderFacts, PositionFacts, RiskFacts, Use } from './facts.ts';
import { sharedExplained, sideText } from './sides.ts';
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

/** Longer ago, a journal is history: a replay's, say. What was then is told by its date. */
const LIVE_MS = 300_000;

/** `holds`: what its supervisor knows to hold it now; null where that was not asked. */
export function showTick(answer: TickAnswer, holds: readonly Hold[] | null = null): string[] {
  const { bot, symbol, tick, reason, means, facts, askedAtMs, verdict } = answer;
  const isGood = reason === 'quoted';
  const paint = answer.isTrouble ? pc.red : isGood ? pc.green : pc.yellow;
  return [
    `${pc.bold(bot)} ${symbol} ${facts.strategy}  ${paint(pc.bold(reason))}  ${pc.dim(stamp(tick.atMs))}`,
    '',
    ...silenceLines(answer),
    ...sentence(`${bot} ${means}.`),
    ...sentence(sinceText(answer)),
    ...actionLines(answer, holds),
    '',
    ...labelled('market', marketParts(facts.market)),
    ...positionLines(facts),
    ...labelled('stop', protectionParts(facts)),
    ...riskLines(facts.risk),
    ...changedLines(answer),
    '',
    ...explainedTable('strategy', sharedExplained(facts.explain)),
    '',
    ...sideLines('bid', 'buy', answer),
    ...sideLines('ask', 'sell', answer),
    ...foreignLines(facts.orders),
    '',
    ...verdictLines(verdict, askedAtMs).map((line) => (verdict.agrees ? pc.dim(line) : pc.red(line))),
  ];
}

/** Who holds it and what ends that, or else what can be done about the reason. */
function actionLines({ bot, heldBy, action, tick }: TickAnswer, holds: readonly Hold[] | null): string[] {
  if (holds !== null && holds.length > 0) {
    return holds.flatMap((hold) => {
      const [text = '', lift = ''] = holdLines(bot, hold);
      return [...sentence(`It is ${text}.`), lift];
    });
  }
  if (heldBy === null) return sentence(`→ ${action}`, '  ', '    ');
  const { operator, reason, atMs } = heldBy;
  const isFreeze = reason.startsWith(FREEZE);
  const when = `${clock(atMs, tick.atMs)}, ${duration(tick.atMs - atMs)} before`;
  const what = isFreeze ? `a freeze: ${reason.slice(FREEZE.length)}` : reason;
  return [
    ...sentence(`By ${operator ?? 'somebody'} at ${when}: ${what}.`),
    ...sentence(isFreeze ? `→ ./desk bot thaw ${bot} --reason "..."` : `→ ${action}`, '  ', '    '),
  ];
}

function silenceLines({ silence, tick, askedAtMs }: TickAnswer): string[] {
  if (silence === null) return [];
  const silentMs = askedAtMs - tick.atMs;
  const before = duration(silentMs);
  const isLive = silentMs < LIVE_MS;
  const text =
    silence.untilMs === null
      ? `It is not running: its last tick was ${isLive ? `${before} before this question` : `at ${stamp(tick.atMs)}`}. That tick:`
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

function positionLines({ position, equity, equityAgeMs }: Facts): string[] {
  const age = equityAgeMs === null ? '' : ` (balance read ${duration(equityAgeMs)} before)`;
  const account = equity === null ? [] : [`equity ${figure(equity)} USDT${age}`];
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

/** What closes the position at the venue when nothing of the desk lives any more. */
function protectionParts({ position, protection: { isEnabled, stops, unprotectedMs } }: Facts): string[] {
  if (stops.length > 0) {
    return stops.map(({ closes, triggerPrice, state, clientOrderId }) => `closes the ${closes} at ${triggerPrice}, ${spelled(state)} (${clientOrderId})`); // prettier-ignore
  }
  if (!isEnabled) return ['none at the venue: risk.protectiveStopEnabled is false'];
  const isFlat = Number(position.qty) === 0 && position.legs.length === 0;
  if (isFlat) return ['none: nothing is held'];
  return [pc.red(`none rests${unprotectedMs === null ? '' : `, for ${duration(unprotectedMs)}`}`)];
}

function changedLines({ changed, tick }: TickAnswer): string[] {
  const lines = changed.map(({ path, configured, now, by }) => {
    const who = by === null ? 'before this journal begins' : `by ${by.operator ?? 'somebody'} at ${clock(by.atMs, tick.atMs)}: ${by.reason}`; // prettier-ignore
    return [`${path} ${configured} → ${now}`, who];
  });
  return lines.flatMap((parts, index) => labelled(index === 0 ? 'changed' : '', parts));
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
  const rows = [
    [sideText(facts.sides[side])],
    ...(resting.length === 0 ? [['nothing rests']] : resting),
    ...lastParts(last[side], tick.atMs),
  ];
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
    const quote = code === 'spread_floor_above_market' ? "a quote at the market's spread had " : '';
    const edge = `${quote}edge ${figure(edgeBps, 3)} bps, at least ${figure(edgeBpsMin, 3)} wanted`;
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
