/** Why a bot quoted or did not at an instant: its tick, since when it has been so, and what that rested on. */
import type { ExecutionIntentEvent, RiskDenialEvent, SignalEvent } from '../../core/bot/events.ts';
import { isTrouble, Reason, reasonName, type ReasonCode } from '../../core/bot/reasons.ts';
import { REASON_TEXTS } from '../../core/bot/reason-texts.ts';
import { RecordKind } from '../../core/events/record.ts';
import type { Side } from '../../core/orders/order-intent.ts';
import type { Deed, ParameterChange } from '../../core/reporting/report-head.ts';
import { frameAtMs, frameBytes, frameKind, frameSequence, HEADER_BYTES } from '../../journal/frame.ts';
import type { JournalIndex, RecordMark } from '../../journal/journal-index.ts';
import { replayJournal, ReplayImpossible, type ReplayedStep } from '../../journal/machine-replay.ts';
import { CommandFailure, EXIT } from '../exit-codes.ts';
import { parameterChanges, readDeeds, type Deeds } from './deeds.ts';
import { factsOf, type Facts } from './facts.ts';
import { requireInstant, type BotJournal } from './journals.ts';
import { verdictOf, type Verdict } from './verdict.ts';
import { stamp } from './words.ts';

/** A bot hears something at least once a second: longer silence is a process that is not there, or stands still. */
export const SILENCE_MS = 5_000;
/** How far back the beginning of a spell and the last words on a side are looked for. */
const BACK_MS = 86_400_000;

export interface Spell {
  readonly reason: string;
  readonly sinceMs: number;
  readonly ticks: number;
}

export interface LastWords {
  readonly intent: LastEvent<Extract<ExecutionIntentEvent, { type: 'place' }>> | null;
  readonly denial: LastEvent<RiskDenialEvent> | null;
  readonly withheld: LastEvent<Extract<SignalEvent, { type: 'quote_withheld' }>> | null;
}

export interface LastEvent<T> {
  readonly sequence: number;
  readonly atMs: number;
  readonly event: T;
}

export interface TickAnswer {
  readonly bot: string;
  readonly symbol: string;
  readonly account: string;
  readonly askedAtMs: number;
  /** The last tick at or before it. */
  readonly tick: RecordMark;
  /** The bot was not running, or stood still, at that instant; and when it was heard of again. */
  readonly silence: { readonly untilMs: number | null } | null;
  readonly reason: string;
  readonly isTrouble: boolean;
  readonly means: string;
  readonly action: string;
  readonly since: Spell & {
    /** It may have begun earlier: that was not looked for, or is not known. */
    readonly isAtLeast: boolean;
    /** What was before it. */
    readonly before: Spell | null;
  };
  readonly facts: Facts;
  readonly last: Readonly<Record<Side, LastWords>>;
  /** Who told it what holds it, by its journal; null where nobody did. */
  readonly heldBy: Deed | null;
  /** What of its parameters people changed while it ran. */
  readonly changed: readonly ParameterChange[];
  readonly verdict: Verdict;
}

/** `atMs` null asks for the last tick there is. */
export async function whyTick(
  journal: BotJournal,
  atMs: number | null,
  nowMs: number,
  codeVersion: string,
): Promise<TickAnswer> {
  const { bot, dir, index } = journal;
  if (atMs !== null) requireInstant(journal, atMs, '--at');
  const tick = atMs === null ? index.lastInput : index.inputAt(atMs);
  if (tick === null)
    throw new CommandFailure(EXIT.failure, `${bot}: no tick is recorded${atMs === null ? '' : ` by ${stamp(atMs)}`}`);
  const askedAtMs = atMs ?? nowMs;
  const seen = { step: null as ReplayedStep | null };
  const spells = new SpellTrack();
  const replay = await replayJournal(dir, {
    index,
    from: tick.sequence,
    until: tick.sequence,
    onStep(step) {
      seen.step = step;
      spells.hear(step.input.atMs, step.reason);
    },
  });
  const { step } = seen;
  if (step === null || step.record.sequence !== tick.sequence || spells.current === null)
    throw new CommandFailure(EXIT.failure, `${bot}: what it knew at ${stamp(tick.atMs)} is not in its journal`);
  const reason = reasonName(step.reason);
  const overridden = Object.keys(step.machine.state.parameters);
  const back = index.inputAt(tick.atMs - BACK_MS)?.sequence ?? 1;
  // What was changed once stays so: it may be as old as the journal.
  const deeds = readDeeds(index, overridden.length > 0 ? 1 : back, tick.sequence);
  const { means, action } = REASON_TEXTS[reason];
  const { account, symbol } = step.run.config;
  return {
    bot,
    symbol,
    account,
    askedAtMs,
    tick,
    silence: silenceAt(index, tick, askedAtMs),
    reason,
    isTrouble: isTrouble(reason),
    means,
    action: action.replaceAll('<bot>', bot).replaceAll('<account>', account),
    facts: factsOf(step),
    since: await beginningOf(spells, journal, replay.begin?.sequence ?? 1, tick.atMs - BACK_MS),
    last: lastWords(index, tick, back),
    heldBy: heldBy(step, deeds),
    changed: parameterChanges(step.run.config, step.machine.tunedConfig(), overridden, deeds),
    verdict: verdictOf(replay, codeVersion),
  };
}

function silenceAt(index: JournalIndex, tick: RecordMark, askedAtMs: number): TickAnswer['silence'] {
  const next = index.inputAfter(tick.sequence);
  const isSilent = next === null ? askedAtMs - tick.atMs > SILENCE_MS : next.atMs - tick.atMs > SILENCE_MS;
  const hasEnded = next?.kind === RecordKind.startInput && askedAtMs > tick.atMs;
  return isSilent || hasEnded ? { untilMs: next?.atMs ?? null } : null;
}

/** The reason that holds, and the one before it. */
class SpellTrack {
  current: { reason: ReasonCode; sinceMs: number; ticks: number } | null = null;
  before: { reason: ReasonCode; sinceMs: number; ticks: number } | null = null;

  hear(atMs: number, reason: ReasonCode): void {
    if (this.current !== null && this.current.reason === reason) this.current.ticks += 1;
    else {
      this.before = this.current;
      this.current = { reason, sinceMs: atMs, ticks: 1 };
    }
  }
}

/** Goes back from snapshot to snapshot, as far as the reason is the same all along. */
async function beginningOf(
  spells: SpellTrack,
  { dir, index }: BotJournal,
  beginSequence: number,
  backToMs: number,
): Promise<TickAnswer['since']> {
  const current = spells.current as NonNullable<SpellTrack['current']>;
  let { before } = spells;
  let { sinceMs, ticks } = current;
  let begin = beginSequence;
  const first = index.first?.sequence ?? 1;
  while (before === null && begin > first && sinceMs > backToMs) {
    const earlier = new SpellTrack();
    const to = begin - 1;
    const replay = await replayJournal(dir, {
      index,
      from: to,
      until: to,
      onStep: ({ input, reason }) => earlier.hear(input.atMs, reason),
    }).catch((error: unknown) => {
      if (error instanceof ReplayImpossible) return null;
      throw error;
    });
    if (replay === null || replay.inputsPassed > 0 || replay.begin === null) break;
    begin = replay.begin.sequence;
    if (earlier.current === null) continue;
    if (earlier.current.reason === current.reason) {
      ({ sinceMs } = earlier.current);
      ticks += earlier.current.ticks;
      ({ before } = earlier);
    } else before = earlier.current;
  }
  return {
    reason: reasonName(current.reason),
    sinceMs,
    ticks,
    isAtLeast: before === null && begin > 1,
    before: before === null ? null : { ...before, reason: reasonName(before.reason) },
  };
}

const LAST_WORDS = /^\{"type":"(place|denied|quote_withheld)",.*?"side":"(buy|sell)"/;
const TOLD_KINDS: ReadonlySet<number> = new Set([
  RecordKind.signalEvent,
  RecordKind.riskDecisionEvent,
  RecordKind.executionIntentEvent,
]);

/** A stop by a limit of its own is told by its level of risk. */
function heldBy({ machine, reason }: ReplayedStep, { commands }: Deeds): Deed | null {
  if (reason === Reason.paused_by_operator) return commands.get('pause') ?? null;
  const isOwnStop = machine.state.risk.ladder.level === 'hard_stop';
  return reason === Reason.hard_stopped && !isOwnStop ? (commands.get('hardStop') ?? null) : null;
}

/** What was last said of each side at or before `tick`. */
function lastWords(index: JournalIndex, tick: RecordMark, from: number): Readonly<Record<Side, LastWords>> {
  const found = new Map<string, { sequence: number; atMs: number; text: string }>();
  index.walk(from, (bytes, at) => {
    const sequence = frameSequence(bytes, at);
    const atMs = frameAtMs(bytes, at);
    const kind = frameKind(bytes, at);
    if (kind < 100 && sequence > tick.sequence) return 'stop';
    if (!TOLD_KINDS.has(kind)) return undefined;
    const text = bytes.toString('utf8', at + HEADER_BYTES, at + frameBytes(bytes, at));
    const [, type, side] = LAST_WORDS.exec(text) ?? [];
    if (type !== undefined && side !== undefined) found.set(`${type} ${side}`, { sequence, atMs, text });
    return undefined;
  });
  const last = <T>(type: string, side: Side): LastEvent<T> | null => {
    const word = found.get(`${type} ${side}`);
    if (word === undefined) return null;
    return { sequence: word.sequence, atMs: word.atMs, event: JSON.parse(word.text) as T };
  };
  const of = (side: Side): LastWords => ({
    intent: last('place', side),
    denial: last('denied', side),
    withheld: last('quote_withheld', side),
  });
  return { buy: of('buy'), sell: of('sell') };
}
