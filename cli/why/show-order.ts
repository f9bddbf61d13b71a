/** An order's life as a person reads it: what it is, what led to it, what happened, how it ended. */
import pc from 'picocolors';
import type { BotEvent, FillEvent, OrderEvent } from '../../core/bot/events.ts';
import type { CloseReason, OrderState } from '../../core/orders/order.ts';
import { DENIAL_TEXTS, REASON_TEXTS } from '../../core/bot/reason-texts.ts';
import type { Side } from '../../core/orders/order-intent.ts';
import type { Approval, Use, WantedQuote } from './facts.ts';
import type { Decision, LifeEvent, OrderAnswer, OrderSummary } from './order.ts';
import { sharedExplained, sideText } from './sides.ts';
import { denialText, marketParts, positionParts } from './show-tick.ts';
import { verdictLines } from './verdict.ts';
import { clock, duration, explainedParts, figure, labelled, plural, signed, spelled, stamp } from './words.ts';

const TIME_WIDTH = 12;
const WHAT_WIDTH = 10;

export function showOrder(answer: OrderAnswer): string[] {
  const { bot, clientOrderId, symbol, decisions, events, summary, verdict } = answer;
  const beganMs = decisions[0]?.atMs ?? events[0]?.atMs ?? 0;
  const decided = new Set(decisions.map(({ sequence }) => sequence));
  const steps = [
    ...decisions.map((decision) => ({ at: decision.sequence, lines: decisionLines(decision, beganMs) })),
    ...events
      .filter(({ event }) => !isTold(event) || decided.size === 0)
      .map((life) => ({ at: life.sequence, lines: lifeLines(life, beganMs) })),
  ].sort((a, b) => a.at - b.at);
  return [
    `${pc.bold(clientOrderId)}  ${titleOf(answer)}`,
    pc.dim(`${bot} ${symbol}, ${stamp(beganMs)}`),
    '',
    ...steps.flatMap(({ lines }) => lines),
    '',
    ...summaryLines(summary),
    ...verdictLines(verdict, beganMs).map((line) => (verdict.agrees ? pc.dim(line) : pc.red(line))),
  ];
}

/** Part of a decision's own lines, or of the summary. */
function isTold({ type }: BotEvent): boolean {
  return type === 'place' || type === 'place_stop' || type === 'denied' || type === 'BotFill' || type === 'markout';
}

function titleOf({ decisions, summary, symbol, events }: OrderAnswer): string {
  const { outcome } = decisions.at(-1) ?? {};
  const ended = endText(summary);
  if (outcome?.outcome === 'denied') return pc.yellow('denied');
  if (outcome?.outcome === 'stop')
    return `protective stop at ${outcome.intent.triggerPrice} for what is held (${outcome.intent.leg})  ${ended}`;
  if (outcome?.outcome === 'approved')
    return `${outcome.intent.side} ${outcome.intent.qty} ${symbol} at ${outcome.intent.price}  ${ended}`;
  const order = events.find(({ event }) => event.type === 'order')?.event as OrderEvent | undefined;
  return order === undefined ? '' : `${order.side} ${order.qty} ${symbol} at ${order.price}  ${ended}`;
}

function endText({ state, closeReason, code }: OrderSummary): string {
  if (state === null) return '';
  const text = closeReason === null ? spelled(state) : spelled(closeReason);
  const withCode = code === null ? text : `${text} (${code})`;
  if (closeReason === 'filled') return pc.green(withCode);
  return closeReason === 'rejected' || closeReason === 'never_arrived' || state === 'refused' ? pc.red(withCode) : pc.yellow(withCode); // prettier-ignore
}

/** `12:00:01.123 what  parts`, with the parts wrapped under each other. */
function row(time: string, what: string, parts: readonly string[]): string[] {
  return labelled(`${time.padStart(TIME_WIDTH)}  ${what}`, parts, TIME_WIDTH + WHAT_WIDTH + 4);
}

function decisionLines(decision: Decision, beganMs: number): string[] {
  const { sequence, atMs, input, reason, facts, wanted, outcome } = decision;
  const time = atMs === beganMs ? clock(atMs) : `+${duration(atMs - beganMs)}`;
  return [
    ...row(time, 'decided', [`when it heard: ${input} (record ${sequence})`, `the bot then: ${reason}`]),
    ...row('', 'market', marketParts(facts.market)),
    ...row('', 'position', positionParts(facts.position)),
    ...row('', 'strategy', [facts.strategy, ...explainedParts(sharedExplained(facts.explain))]),
    ...(outcome.outcome === 'stop'
      ? []
      : row('', 'wanted', [...wantedParts(wanted), sideText(facts.sides[sideOf(outcome)])])),
    ...outcomeLines(outcome, atMs),
  ];
}

function sideOf(outcome: Exclude<Decision['outcome'], { outcome: 'stop' }>): Side {
  return outcome.outcome === 'approved' ? outcome.intent.side : outcome.denial.side;
}

function wantedParts(wanted: readonly WantedQuote[]): string[] {
  if (wanted.length === 0) return ['nothing'];
  return wanted.map(({ side, level, qty, price }) => `${side === 'buy' ? 'bid' : 'ask'}${level === 0 ? '' : ` level ${level}`} ${qty} at ${price}`); // prettier-ignore
}

function outcomeLines(outcome: Decision['outcome'], atMs: number): string[] {
  if (outcome.outcome === 'denied') {
    const { side, code, measured, limit } = outcome.denial;
    return row('', 'risk', [
      `${pc.yellow(`denied (${side})`)} ${denialText(code, measured, limit)}`,
      DENIAL_TEXTS[code].means,
    ]);
  }
  if (outcome.outcome === 'stop') {
    const { triggerPrice, replaces } = outcome.intent;
    return row('', 'intent', [
      `stop at ${triggerPrice}`,
      ...(replaces === null ? [] : [`takes the place of ${replaces}`]),
    ]);
  }
  const { kind, reduceOnly, expiresAtMs } = outcome.intent;
  return [
    ...row('', 'risk', ['approved', ...approvalParts(outcome.approval)]),
    ...row('', 'intent', [
      kind === 'post_only' ? 'post only: refused rather than taking from the book' : spelled(kind),
      ...(reduceOnly ? ['reduce only: it may not open anything'] : []),
      `not sent any more after ${duration(expiresAtMs - atMs)}`,
    ]),
  ];
}

function approvalParts(approval: Approval | null): string[] {
  if (approval === null) return [];
  const { orderQuote, exposureQuote, ordersActive } = approval;
  const usdt = ({ measured, limit }: Use): string => `${figure(measured, 1)} USDT, at most ${figure(limit, 1)}`;
  return [
    `it is worth ${usdt(orderQuote)}`,
    `exposure with it ${usdt(exposureQuote)}`,
    `${plural(ordersActive.measured, 'order')} before it, at most ${ordersActive.limit}`,
  ];
}

function lifeLines({ atMs, cause, event }: LifeEvent, beganMs: number): string[] {
  const [what, parts] = lifeText(event);
  const because = cause === '' ? [] : [pc.dim(`on ${cause}`)];
  return row(`+${duration(atMs - beganMs)}`, what, [...parts, ...because]);
}

function lifeText(event: BotEvent): [what: string, parts: string[]] {
  switch (event.type) {
    case 'order':
      return orderText(event);
    case 'cancel':
      return ['cancel', [cancelText(event.reason)]];
    case 'cancel_stop':
      return ['cancel', ['what it protected is held no more, or another stop protects it']];
    case 'fill':
      return ['fill', fillParts(event)];
    case 'stop':
      return ['stop', [spelled(event.state), `trigger ${event.triggerPrice}`, ...codeParts(event.code)]];
    default: {
      const reason = 'reason' in event && typeof event.reason === 'string' ? event.reason : '';
      return [spelled(event.type).slice(0, WHAT_WIDTH - 1), [reason === '' ? spelled(event.type) : spelled(reason)]];
    }
  }
}

function orderText({ state, closeReason, filled, qty, code, external }: OrderEvent): [string, string[]] {
  const part = Number(filled) > 0 ? [`${filled} of ${qty} filled`] : [];
  const now = state === 'closed' ? (closeReason ?? 'cancelled') : state;
  return [
    spelled(now).slice(0, WHAT_WIDTH - 1),
    [ORDER_TEXTS[now], ...part, ...codeParts(code), ...(external ? ['not placed by this bot'] : [])],
  ];
}

const ORDER_TEXTS: Readonly<Record<Exclude<OrderState, 'closed'> | CloseReason, string>> = {
  in_flight: 'it is on its way to the venue',
  open: 'it rests in the book',
  unknown: 'nobody knows whether the venue has it: it is looked up',
  filled: 'all of it is filled',
  cancelled: 'it is off the book',
  rejected: 'the venue refused it',
  never_arrived: 'the venue never had it',
};

const codeParts = (code: string | null): string[] => (code === null ? [] : [`code ${code}`]);

const CANCEL_TEXTS: Readonly<Record<string, string>> = {
  requote: 'requote: the market moved away from it, or too close to it',
  not_wanted: 'not wanted: nothing is wanted at its place any more',
  regime_flip: 'regime flip: it rested where an older view of the market put it',
  reducing_only: 'reducing only: it was larger than what may still be closed',
};

function cancelText(reason: string): string {
  if (reason in CANCEL_TEXTS) return CANCEL_TEXTS[reason] ?? reason;
  return reason in REASON_TEXTS ? `${reason}: the bot ${REASON_TEXTS[reason as keyof typeof REASON_TEXTS].means}` : spelled(reason); // prettier-ignore
}

function fillParts({ qty, price, liquidity, fee, realised, positionAfter }: FillEvent): string[] {
  const won = Number(realised) === 0 ? [] : [`realised ${realised} USDT`];
  return [`${qty} at ${price} as ${liquidity}`, `fee ${fee} USDT`, ...won, `the bot then holds ${positionAfter}`];
}

function summaryLines({
  qty,
  averagePrice,
  fee,
  liquidity,
  captureBps,
  expectedEdgeBps,
  markoutBps,
}: OrderSummary): string[] {
  if (averagePrice === null) return [];
  const bps = (name: string, value: number | null): string[] =>
    value === null ? [] : [`${name} ${signed(value)} bps`];
  const markout = (name: string, value: number | null): string => `${name} ${value === null ? '–' : signed(value)}`;
  return [
    ...labelled('filled', [
      `${qty} at ${figure(averagePrice, 6)}`,
      liquidity.join(' and '),
      `fee ${fee} USDT`,
      ...bps('capture', captureBps),
      ...bps('expected edge', expectedEdgeBps),
    ]),
    ...(markoutBps === null
      ? []
      : labelled('markout', [
          markout('1 s', markoutBps.s1),
          markout('5 s', markoutBps.s5),
          markout('30 s', markoutBps.s30),
          `${markout('60 s', markoutBps.s60)} bps`,
        ])),
    '',
  ];
}
