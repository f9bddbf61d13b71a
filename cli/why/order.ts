/** The life of one order: what led to it, what risk said, and everything that was recorded of it, with the same decided again. */
import type {
  BotEvent,
  BotFillEvent,
  ExecutionIntentEvent,
  FillEvent,
  OrderEvent,
  RiskDenialEvent,
  SignalEvent,
  StopEvent,
} from '../../core/bot/events.ts';
import type { BotInput } from '../../core/bot/input.ts';
import { reasonName } from '../../core/bot/reasons.ts';
import { isEvent, RecordKind } from '../../core/events/record.ts';
import { assertNever } from '../../core/invariant.ts';
import { formatScaled, parseScaled } from '../../core/money/decimal.ts';
import { frameBytes, frameEpoch, frameKind, frameSequence, HEADER_BYTES } from '../../journal/frame.ts';
import { replayJournal, type ReplayedStep } from '../../journal/machine-replay.ts';
import { CommandFailure, EXIT } from '../exit-codes.ts';
import { approvalOf, factsOf, wantedQuotes, type Approval, type Facts, type WantedQuote } from './facts.ts';
import type { BotJournal, OrderName } from './journals.ts';
import { verdictOf, type Verdict } from './verdict.ts';

/** After its end nothing comes any more but the last markout, a minute after its last fill. */
const QUIET_MS = 65_000;

type PlaceEvent = Extract<ExecutionIntentEvent, { type: 'place' }>;
type PlaceStopEvent = Extract<ExecutionIntentEvent, { type: 'place_stop' }>;

/** A moment at which the machine formed this intent. */
export interface Decision {
  readonly sequence: number;
  readonly atMs: number;
  /** What it had just heard. */
  readonly input: string;
  readonly reason: string;
  readonly facts: Facts;
  readonly wanted: readonly WantedQuote[];
  readonly outcome:
    | { readonly outcome: 'approved'; readonly intent: PlaceEvent; readonly approval: Approval | null }
    | { readonly outcome: 'denied'; readonly denial: RiskDenialEvent }
    | { readonly outcome: 'stop'; readonly intent: PlaceStopEvent };
}

export interface LifeEvent {
  readonly sequence: number;
  readonly atMs: number;
  /** What the machine heard that led to it. */
  readonly cause: string;
  readonly event: BotEvent;
}

export interface OrderSummary {
  /** As last recorded; null when only denials are. */
  readonly state: string | null;
  readonly closeReason: string | null;
  readonly code: string | null;
  readonly qty: string;
  readonly averagePrice: number | null;
  /** USDT, positive is paid. */
  readonly fee: string;
  readonly liquidity: readonly string[];
  /** Bps of the price; of several fills the mean by quantity. */
  readonly captureBps: number | null;
  readonly expectedEdgeBps: number | null;
  readonly markoutBps: Readonly<Record<'s1' | 's5' | 's30' | 's60', number | null>> | null;
}

export interface OrderAnswer {
  readonly bot: string;
  readonly symbol: string;
  readonly clientOrderId: string;
  readonly epoch: number;
  readonly decisions: readonly Decision[];
  readonly events: readonly LifeEvent[];
  readonly summary: OrderSummary;
  readonly verdict: Verdict;
}

export async function whyOrder(
  { bot, dir, index }: BotJournal,
  clientOrderId: string,
  name: OrderName,
  codeVersion: string,
): Promise<OrderAnswer> {
  const first = firstMention({ bot, dir, index }, clientOrderId, name);
  const needle = mention(clientOrderId);
  const decisions: Decision[] = [];
  const events: LifeEvent[] = [];
  let cause = '';
  let quietFromMs = Infinity;
  const replay = await replayJournal(dir, {
    index,
    from: first,
    onStep(step) {
      const { sequence, atMs } = step.record;
      if (sequence > first && atMs - quietFromMs > QUIET_MS) return 'stop';
      cause = inputText(step.input, clientOrderId);
      const decision = decisionOf(step, clientOrderId, cause);
      if (decision !== null) decisions.push(decision);
      return undefined;
    },
    onEvent(record) {
      if (!record.payload.includes(needle)) return;
      const event = JSON.parse(record.payload.toString('utf8')) as BotEvent;
      events.push({
        sequence: record.sequence,
        atMs: record.atMs,
        cause: record.causeSequence === 0 ? '' : cause,
        event,
      });
      quietFromMs = isOver(event) ? record.atMs : quietFromMs === Infinity ? Infinity : record.atMs;
    },
  });
  const symbol = replay.run?.config.symbol;
  if (symbol === undefined || replay.inputs === 0)
    throw new CommandFailure(EXIT.failure, `${clientOrderId}: what ${bot} knew then is not in its journal`);
  return {
    bot,
    symbol,
    clientOrderId,
    epoch: name.epoch,
    decisions,
    events,
    summary: summaryOf(events),
    verdict: verdictOf(replay, codeVersion),
  };
}

function mention(clientOrderId: string): Buffer {
  return Buffer.from(`"${clientOrderId}"`);
}

/** The input that led to the first record of the order. */
function firstMention({ bot, dir, index }: BotJournal, clientOrderId: string, { epoch }: OrderName): number {
  const start = index.startOf(epoch);
  const needle = mention(clientOrderId);
  let lastInput = 0;
  let found = 0;
  if (start !== null)
    index.walk(start.sequence, (bytes, at) => {
      const kind = frameKind(bytes, at);
      if (!isEvent(kind)) {
        lastInput = frameSequence(bytes, at);
        return frameEpoch(bytes, at) > epoch ? 'stop' : undefined;
      }
      if (!bytes.subarray(at + HEADER_BYTES, at + frameBytes(bytes, at)).includes(needle)) return undefined;
      found = lastInput;
      return 'stop';
    });
  if (found !== 0) return found;
  const why = start === null ? `it has no run ${epoch.toString(36)}` : `run ${epoch.toString(36)} made no such order`;
  throw new CommandFailure(EXIT.failure, `${clientOrderId}: not in the journal of ${bot} (${dir}): ${why}`);
}

function decisionOf(step: ReplayedStep, clientOrderId: string, cause: string): Decision | null {
  for (const effect of step.effects.list) {
    if (effect.effect !== 'record') continue;
    const { event } = effect;
    if (!('clientOrderId' in event) || event.clientOrderId !== clientOrderId) continue;
    const outcome = outcomeOf(event, step, clientOrderId);
    if (outcome === null) continue;
    return {
      sequence: step.record.sequence,
      atMs: step.record.atMs,
      input: cause,
      reason: reasonName(step.reason),
      facts: factsOf(step),
      wanted: wantedQuotes(step.machine.desired, step.run.instrument),
      outcome,
    };
  }
  return null;
}

function outcomeOf(event: BotEvent, step: ReplayedStep, clientOrderId: string): Decision['outcome'] | null {
  switch (event.type) {
    case 'place':
      return { outcome: 'approved', intent: event, approval: approvalOf(step, clientOrderId) };
    case 'denied':
      return { outcome: 'denied', denial: event };
    case 'place_stop':
      return { outcome: 'stop', intent: event };
    default:
      return null;
  }
}

function isOver(event: BotEvent): boolean {
  if (event.type === 'order') return event.state === 'closed';
  return event.type === 'stop' && ['refused', 'gone', 'replaced'].includes(event.state);
}

/** What the machine heard, in a few words; `clientOrderId` is "it". */
function inputText(input: BotInput, clientOrderId: string): string {
  switch (input.kind) {
    case RecordKind.bookInput:
      return 'a book';
    case RecordKind.timerInput:
      return 'the second';
    case RecordKind.startInput:
      return 'its start';
    case RecordKind.orderInput:
      return orderNewsText(input.news, input.clientOrderId === clientOrderId ? 'it' : input.clientOrderId);
    case RecordKind.stopInput:
      return `the venue's answer to the stop: ${input.news.answer}`;
    case RecordKind.fillInput:
      return 'a fill from the venue';
    case RecordKind.positionInput:
      return 'a read of the venue';
    case RecordKind.connectorInput:
      return `${input.channel} ${input.status}`;
    case RecordKind.controlInput:
      return `command ${input.command.command}`;
    case RecordKind.clockInput:
      return "the venue's clock";
    case RecordKind.toldPositionInput:
      return "the venue's word on the position";
    case RecordKind.tickerInput:
      return 'a ticker';
    case RecordKind.barsInput:
      return 'price bars';
    default:
      return assertNever(input);
  }
}

type OrderNews = Extract<BotInput, { kind: typeof RecordKind.orderInput }>['news'];

function orderNewsText(news: OrderNews, order: string): string {
  switch (news.news) {
    case 'placeAnswered':
      return `the venue's answer to ${order}: ${news.answer}${news.code === null ? '' : ` (${news.code})`}`;
    case 'cancelAnswered':
      return `the venue's answer to the cancel of ${order}: ${news.answer}`;
    case 'allCancelAnswered':
      return `the venue's answer to the cancel of all: ${news.answer}`;
    case 'notFound':
      return `the venue does not know ${order}`;
    case 'lookupFailed':
      return `a look-up of ${order} failed`;
    case 'seen':
      return `the venue tells that ${order} is ${news.status}`;
    default:
      return assertNever(news);
  }
}

const ofType = <T extends BotEvent>(events: readonly LifeEvent[], type: T['type']): T[] =>
  events.flatMap(({ event }) => (event.type === type ? [event as T] : []));

function summaryOf(events: readonly LifeEvent[]): OrderSummary {
  const last = events.findLast(({ event }) => event.type === 'order' || event.type === 'stop')?.event as
    OrderEvent | StopEvent | undefined;
  const fills = ofType<FillEvent>(events, 'fill');
  const told = ofType<BotFillEvent>(events, 'BotFill');
  const markouts = ofType<Extract<SignalEvent, { type: 'markout' }>>(events, 'markout');
  const qtyOf = new Map(fills.map(({ tradeId, qty }) => [tradeId, Number(qty)]));
  const weightOf = ({ tradeId }: { tradeId: string }): number => qtyOf.get(tradeId) ?? 0;
  const total = (texts: readonly string[]): string =>
    formatScaled(texts.reduce((sum, text) => sum + parseScaled(text, 12), 0n), 12); // prettier-ignore
  return {
    state: last?.state ?? null,
    closeReason: last?.type === 'order' ? last.closeReason : null,
    code: last?.code ?? null,
    qty: total(fills.map(({ qty }) => qty)),
    averagePrice: mean(fills, ({ price }) => Number(price), weightOf),
    fee: total(fills.map(({ fee }) => fee)),
    liquidity: [...new Set(fills.map(({ liquidity }) => liquidity))],
    captureBps: mean(told, ({ captureBps }) => captureBps, weightOf),
    expectedEdgeBps: mean(told, ({ expectedEdgeBps }) => expectedEdgeBps, weightOf),
    markoutBps:
      markouts.length === 0
        ? null
        : {
            s1: mean(markouts, ({ bps }) => bps.s1, weightOf),
            s5: mean(markouts, ({ bps }) => bps.s5, weightOf),
            s30: mean(markouts, ({ bps }) => bps.s30, weightOf),
            s60: mean(markouts, ({ bps }) => bps.s60, weightOf),
          },
  };
}

/** Weighted; what is not known counts nothing. Null when nothing is known. */
function mean<T>(
  items: readonly T[],
  valueOf: (item: T) => number | null,
  weightOf: (item: T) => number,
): number | null {
  let sum = 0;
  let weights = 0;
  for (const item of items) {
    const value = valueOf(item);
    if (value === null) continue;
    sum += value * weightOf(item);
    weights += weightOf(item);
  }
  return weights === 0 ? null : sum / weights;
}
