/**
 * What one look at the streams of a host's bots found. Each bot decides on what it hears itself, so each is judged by itself;
 * whether anybody listened is a question of the symbol. Pure.
 *
 * A bot without a process is no stale stream: nobody listened. What was not heard is no evidence, and no evidence is no pass:
 * a symbol that nobody listened to fails with `not_listened`, one that another bot heard does not. A bot that is paused
 * listens on, and its streams are judged like any other's.
 */
import type { StreamReport } from '../../market/stream-report.ts';
import { STREAM_RULES, STREAMS, type StreamName } from '../../market/streams.ts';
import { lengthOf, union, type BotListening, type Ended, type FreshnessFacts, type Span } from './listening.ts';

/**
 * What a symbol may be without a listener: a restart takes seconds, a kill leaves a quarter of a minute untold, and the
 * supervisor waits half a minute at most before it starts a bot anew. Of a longer range a fifth, which five minutes make a minute.
 */
const UNHEARD_MS_MAX = 60_000;
const UNHEARD_RATIO_MAX = 0.2;
/** Of the time that a bot listened, a stream may be without fresh data: many short silences are as bad as a long one. */
const UNFRESH_RATIO_MAX = 0.1;

export type FreshnessCode =
  'no_streams' | 'not_listened' | 'never' | 'stale' | 'silent_too_long' | 'venue_time_lags' | 'covered_too_little';

export interface FreshnessFinding {
  readonly code: FreshnessCode;
  readonly symbol: string | null;
  /** Null where it is about all of them; so below. */
  readonly stream: StreamName | null;
  readonly bot: string | null;
  /** All in milliseconds, but for `no_streams`. */
  readonly measured: number;
  readonly limit: number;
}

export interface BotRow {
  readonly bot: string;
  readonly symbol: string;
  readonly state: 'listening' | 'disabled' | Ended;
  /** To where its reports reach, in this range or before; null where nothing is known. */
  readonly toldToMs: number | null;
  /** Of the range, from where it had told before. */
  readonly listenedMs: number;
  readonly reconnects: number;
  readonly clockOffsetMs: number | null;
}

export interface ListenerRow {
  readonly bot: string;
  readonly messages: number;
  /** Of the newest message when its bot last told, or at the end of the range where it no longer listens; null before one. */
  readonly ageMs: number | null;
  /** The same by the venue's clock; null where message or clock does not say. */
  readonly venueAgeMs: number | null;
  readonly lagMsMax: number | null;
  readonly silentMs: number;
  readonly silentFromMs: number;
  readonly darkMs: number;
  readonly darkFromMs: number;
  /** Fresh time over the time that is looked at. */
  readonly coveredRatio: number;
  readonly downs: number;
}

export interface StreamRow {
  readonly symbol: string;
  readonly stream: StreamName;
  /** Of all listeners together; the newest of any, the worst of each. Null where nobody heard anything. */
  readonly messages: number;
  readonly ageMs: number | null;
  readonly venueAgeMs: number | null;
  readonly silentMs: number | null;
  readonly coveredRatio: number | null;
  readonly listeners: readonly ListenerRow[];
}

export interface FreshnessReport {
  readonly kind: 'market_data_freshness';
  readonly version: 1;
  readonly pass: boolean;
  readonly fromMs: number;
  readonly atMs: number;
  readonly findings: readonly FreshnessFinding[];
  readonly bots: readonly BotRow[];
  readonly streams: readonly StreamRow[];
}

/** One bot in the range. */
interface Looked {
  readonly listening: BotListening;
  readonly row: BotRow;
  /** Its reports reach to the end of the range. */
  readonly isHeardNow: boolean;
  /** And it goes on. */
  readonly isListening: boolean;
  /** When ages are of. */
  readonly asOfMs: number;
  readonly lookedMs: number;
}

export function freshnessOf(facts: FreshnessFacts): FreshnessReport {
  const looked = facts.bots.map((listening) => lookAt(listening, facts));
  const wanted = looked.filter(({ listening }) => listening.isEnabled);
  const symbols = [...new Set(wanted.map(({ row }) => row.symbol))].sort();
  const findings: FreshnessFinding[] = [];
  const streams: StreamRow[] = [];
  if (wanted.length === 0)
    findings.push({ code: 'no_streams', symbol: null, stream: null, bot: null, measured: 0, limit: 1 });
  for (const symbol of symbols) {
    const listeners = wanted.filter(({ row }) => row.symbol === symbol);
    findings.push(...unheard(symbol, listeners, facts));
    for (const stream of STREAMS) {
      const heard = listeners.flatMap((one) => {
        const report = one.listening.streams.find((told) => told.stream === stream);
        return report === undefined ? [] : [{ one, report }];
      });
      for (const { one, report } of heard) findings.push(...faultsOf(one, report));
      streams.push(
        streamRow(
          symbol,
          stream,
          heard.map(({ one, report }) => listenerRow(one, report)),
        ),
      );
    }
  }
  const bots = looked.map(({ row }) => row);
  const { fromMs, atMs } = facts;
  return {
    kind: 'market_data_freshness',
    version: 1,
    pass: findings.length === 0,
    fromMs,
    atMs,
    findings,
    bots,
    streams,
  };
}

function lookAt(listening: BotListening, { fromMs, atMs }: FreshnessFacts): Looked {
  const { bot, symbol, isEnabled, before, spans, isFinal, reconnects, clockOffsetMs } = listening;
  const last = spans.at(-1);
  const isHeardNow = last !== undefined && last.toMs >= atMs;
  const isListening = isHeardNow && !isFinal;
  const ended = last === undefined ? endedBefore(listening) : isFinal ? 'left' : 'lost';
  const asOfMs = Math.max(atMs, last?.toMs ?? 0);
  const row: BotRow = {
    bot,
    symbol,
    state: !isEnabled ? 'disabled' : isListening ? 'listening' : ended,
    toldToMs: last?.toMs ?? before?.toldToMs ?? null,
    listenedMs: lengthOf(spans),
    reconnects,
    clockOffsetMs,
  };
  // What was told before this range began to be looked at belongs to the check before.
  const lookedFromMs = Math.min(Math.max(fromMs, before?.toldToMs ?? 0), asOfMs);
  return { listening, row, isHeardNow, isListening, asOfMs, lookedMs: asOfMs - lookedFromMs };
}

/** A bot that listened at the check before and said nothing since did not leave in order. */
function endedBefore({ before, isReadable }: BotListening): Ended {
  if (!isReadable) return 'unreadable';
  if (before === null) return 'untold';
  return before.state === 'left' || before.state === 'untold' ? before.state : 'lost';
}

function unheard(symbol: string, listeners: readonly Looked[], { fromMs, atMs }: FreshnessFacts): FreshnessFinding[] {
  const heard: Span[] = listeners.flatMap(({ listening: { before, spans } }) => [
    ...(before === null ? [] : [{ fromMs, toMs: before.toldToMs }]),
    ...spans,
  ]);
  const inRange = heard
    .map((span) => ({ fromMs: Math.max(span.fromMs, fromMs), toMs: Math.min(span.toMs, atMs) }))
    .filter((span) => span.fromMs <= span.toMs);
  const measured = atMs - fromMs - lengthOf(union(inRange));
  const isHeardNow = listeners.some((one) => one.isHeardNow);
  const limit = isHeardNow ? Math.max(UNHEARD_MS_MAX, (atMs - fromMs) * UNHEARD_RATIO_MAX) : 0;
  if (isHeardNow && measured <= limit) return [];
  return [{ code: 'not_listened', symbol, stream: null, bot: null, measured, limit }];
}

/** The first that holds is the cause of the others. */
function faultsOf({ row, isListening, asOfMs }: Looked, report: StreamReport): FreshnessFinding[] {
  const { stream, lagMsMax, aliveAtMs, newestAtMs, darkMs, freshMs } = report;
  const limit = STREAM_RULES[stream].darkMsMax;
  const { symbol, bot, listenedMs } = row;
  const fault = (code: FreshnessCode, measured: number, most = limit): FreshnessFinding[] => [
    { code, symbol, stream, bot, measured, limit: most },
  ];
  if (lagMsMax !== null && lagMsMax > limit) return fault('venue_time_lags', lagMsMax);
  const openMs = asOfMs - aliveAtMs;
  if (isListening && openMs > limit) {
    const isNever = newestAtMs === null && STREAM_RULES[stream].livesBy === 'messages';
    return fault(isNever ? 'never' : 'stale', openMs);
  }
  if (darkMs > limit) return fault('silent_too_long', darkMs);
  const most = Math.max(limit, Math.round(listenedMs * UNFRESH_RATIO_MAX));
  return listenedMs - freshMs > most ? fault('covered_too_little', listenedMs - freshMs, most) : [];
}

function listenerRow({ row, isListening, asOfMs, lookedMs, listening }: Looked, report: StreamReport): ListenerRow {
  const { messages, newestAtMs, newestVenueAtMs, lagMsMax, freshMs, downs } = report;
  const { silentMs, silentFromMs, darkMs, darkFromMs } = report;
  const atMs = isListening ? (row.toldToMs ?? asOfMs) : asOfMs;
  const aheadMs = listening.clockOffsetMs;
  return {
    bot: row.bot,
    messages,
    ageMs: newestAtMs === null ? null : atMs - newestAtMs,
    venueAgeMs: newestVenueAtMs === null || aheadMs === null ? null : atMs + aheadMs - newestVenueAtMs,
    lagMsMax,
    silentMs,
    silentFromMs,
    darkMs,
    darkFromMs,
    coveredRatio: lookedMs === 0 ? 0 : Math.min(1, freshMs / lookedMs),
    downs,
  };
}

function streamRow(symbol: string, stream: StreamName, listeners: readonly ListenerRow[]): StreamRow {
  const of = (pick: (row: ListenerRow) => number | null): number[] =>
    listeners.map(pick).filter((value) => value !== null);
  const least = (values: readonly number[]): number | null => (values.length === 0 ? null : Math.min(...values));
  const most = (values: readonly number[]): number | null => (values.length === 0 ? null : Math.max(...values));
  return {
    symbol,
    stream,
    messages: listeners.reduce((sum, { messages }) => sum + messages, 0),
    ageMs: least(of(({ ageMs }) => ageMs)),
    venueAgeMs: least(of(({ venueAgeMs }) => venueAgeMs)),
    silentMs: most(of(({ silentMs }) => silentMs)),
    coveredRatio: least(of(({ coveredRatio }) => coveredRatio)),
    listeners,
  };
}
