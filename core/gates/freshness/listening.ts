/** What a bot told of its streams over a range of time, added up: a gate is told figures and no list of reports. Pure. */
import type { MarketStreamsEvent, StreamReport } from '../../market/stream-report.ts';
import { STREAMS, type StreamName } from '../../market/streams.ts';

/** `left` in order; `lost` without a word: killed, or crashed; `untold`: nothing is known of it; `unreadable`: its journal is damaged. */
export type Ended = 'left' | 'lost' | 'untold' | 'unreadable';

export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/** The check before this one. */
export interface ToldBefore {
  readonly bot: string;
  readonly symbol: string;
  readonly toldToMs: number;
  readonly state: 'listening' | Ended;
}

export interface BotListening {
  readonly bot: string;
  readonly symbol: string;
  /** False where the configuration disables it: nobody waits for it. */
  readonly isEnabled: boolean;
  readonly before: ToldBefore | null;
  /** False where its journal is damaged: what it heard, nobody can tell. */
  readonly isReadable: boolean;
  /** When it listened, in order and apart: by its reports, so that a process which died ends with its last one. */
  readonly spans: readonly Span[];
  /** Its last report says that the process left in order. */
  readonly isFinal: boolean;
  readonly clockOffsetMs: number | null;
  readonly reconnects: number;
  /** In the order of `STREAMS`; none where nothing was told. */
  readonly streams: readonly StreamReport[];
}

/** All that is to be judged of one host, each bot once. */
export interface FreshnessFacts {
  /** The range is (fromMs, atMs]. */
  readonly fromMs: number;
  readonly atMs: number;
  readonly bots: readonly BotListening[];
}

/** `told` in the order of the journal, null where that is damaged; what was said of another symbol is not counted. */
export function listeningOf(
  bot: Pick<BotListening, 'bot' | 'symbol' | 'isEnabled'>,
  before: ToldBefore | null,
  told: readonly MarketStreamsEvent[] | null,
): BotListening {
  const own = (told ?? []).filter(({ symbol }) => symbol === bot.symbol);
  const last = own.at(-1);
  return {
    ...bot,
    before: before?.symbol === bot.symbol ? before : null,
    isReadable: told !== null,
    spans: spansOf(own),
    isFinal: last?.isFinal ?? false,
    clockOffsetMs: last?.clockOffsetMs ?? null,
    reconnects: own.reduce((sum, { reconnects }) => sum + reconnects, 0),
    streams: STREAMS.flatMap((stream) => addedUp(stream, own) ?? []),
  };
}

/** In order and apart, whatever the order they come in. */
export function union(spans: readonly Span[]): Span[] {
  const joined: { fromMs: number; toMs: number }[] = [];
  for (const { fromMs, toMs } of [...spans].sort((a, b) => a.fromMs - b.fromMs)) {
    const last = joined.at(-1);
    if (last === undefined || fromMs > last.toMs) joined.push({ fromMs, toMs });
    else last.toMs = Math.max(last.toMs, toMs);
  }
  return joined;
}

export function lengthOf(spans: readonly Span[]): number {
  return spans.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0);
}

function spansOf(told: readonly MarketStreamsEvent[]): Span[] {
  return union(told.map(({ fromMs, toMs }) => ({ fromMs, toMs })));
}

function addedUp(stream: StreamName, told: readonly MarketStreamsEvent[]): StreamReport | null {
  const own = told.flatMap(({ streams }) => streams.filter((one) => one.stream === stream));
  return own.length === 0 ? null : own.reduce(added);
}

/** The longer of two silences; of equal ones the later report's. */
function added(sum: StreamReport, next: StreamReport): StreamReport {
  const isSilent = next.silentMs >= sum.silentMs;
  const isDark = next.darkMs >= sum.darkMs;
  return {
    stream: sum.stream,
    messages: sum.messages + next.messages,
    newestAtMs: next.newestAtMs ?? sum.newestAtMs,
    newestVenueAtMs: next.newestAtMs === null ? sum.newestVenueAtMs : next.newestVenueAtMs,
    aliveAtMs: next.aliveAtMs,
    lagMsMax: sum.lagMsMax === null ? next.lagMsMax : Math.max(sum.lagMsMax, next.lagMsMax ?? -Infinity),
    silentMs: isSilent ? next.silentMs : sum.silentMs,
    silentFromMs: isSilent ? next.silentFromMs : sum.silentFromMs,
    darkMs: isDark ? next.darkMs : sum.darkMs,
    darkFromMs: isDark ? next.darkFromMs : sum.darkFromMs,
    freshMs: sum.freshMs + next.freshMs,
    downs: sum.downs + next.downs,
  };
}
