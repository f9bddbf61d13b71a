/** How long each reason held in a window of time, how often it changed, and the longest stretches of each kind. */
import { reasonName } from '../../core/bot/reasons.ts';
import { RecordKind } from '../../core/events/record.ts';
import { replayJournal } from '../../journal/machine-replay.ts';
import { CommandFailure, EXIT } from '../exit-codes.ts';
import { requireInstant, type BotJournal } from './journals.ts';
import { SILENCE_MS } from './tick.ts';
import { verdictOf, type Verdict } from './verdict.ts';
import { stamp } from './words.ts';

/** No process was there to decide, or it stood still, or what it heard is lost. */
export const NOT_RUNNING = 'not_running';
const LONGEST_MAX = 8;

export interface Stretch {
  readonly reason: string;
  readonly fromMs: number;
  readonly toMs: number;
}

export interface ReasonShare {
  readonly reason: string;
  readonly ms: number;
  /** Of the window. */
  readonly ratio: number;
  /** How often it began. */
  readonly times: number;
  readonly longest: Stretch;
}

export interface WindowAnswer {
  readonly bot: string;
  readonly symbol: string;
  readonly fromMs: number;
  readonly toMs: number;
  /** The journal begins later than was asked for. */
  readonly isCut: boolean;
  readonly ticks: number;
  readonly changes: number;
  /** Largest share first. */
  readonly shares: readonly ReasonShare[];
  /** Longest first. */
  readonly longest: readonly Stretch[];
  readonly verdict: Verdict;
}

/** A window that begins before the journal does is cut there. */
export async function whyWindow(
  journal: BotJournal,
  askedFromMs: number,
  toMs: number,
  codeVersion: string,
): Promise<WindowAnswer> {
  const { bot, dir, index } = journal;
  const fromMs = Math.max(askedFromMs, Math.min(index.first?.atMs ?? 0, toMs - 1));
  if (askedFromMs >= toMs)
    throw new CommandFailure(
      EXIT.usage,
      `--from: expected a time before --to (${stamp(toMs)}), was ${stamp(askedFromMs)}`,
    );
  requireInstant(journal, fromMs, '--from');
  requireInstant(journal, toMs, '--to');
  const stretches = new Stretches(fromMs, toMs);
  const last = index.inputAt(toMs);
  let ticks = 0;
  const replay = await replayJournal(dir, {
    index,
    from: index.inputAt(fromMs)?.sequence ?? 1,
    until: last?.sequence ?? 1,
    onStep({ input: { atMs, kind }, reason }) {
      if (kind === RecordKind.startInput) stretches.silence();
      stretches.hear(atMs, reasonName(reason));
      if (atMs >= fromMs) ticks += 1;
    },
  });
  stretches.end();
  const symbol = replay.run?.config.symbol;
  if (symbol === undefined)
    throw new CommandFailure(EXIT.failure, `${bot}: what it knew between ${stamp(fromMs)} and ${stamp(toMs)} is not in its journal`); // prettier-ignore
  const { all } = stretches;
  return {
    bot,
    symbol,
    fromMs,
    toMs,
    isCut: fromMs > askedFromMs,
    ticks,
    changes: Math.max(0, all.length - 1),
    shares: sharesOf(all, toMs - fromMs),
    longest: all.toSorted((a, b) => lengthOf(b) - lengthOf(a)).slice(0, LONGEST_MAX),
    verdict: verdictOf(replay, codeVersion),
  };
}

export function lengthOf({ fromMs, toMs }: Stretch): number {
  return toMs - fromMs;
}

/** A reason holds from its tick to the next one; a silence that is longer than a living bot's begins with its last tick. */
class Stretches {
  readonly all: Stretch[] = [];
  private readonly fromMs: number;
  private readonly toMs: number;
  private reason = NOT_RUNNING;
  private sinceMs: number;
  private heardAtMs = -Infinity;

  constructor(fromMs: number, toMs: number) {
    this.fromMs = fromMs;
    this.toMs = toMs;
    this.sinceMs = fromMs;
  }

  hear(atMs: number, reason: string): void {
    if (atMs - this.heardAtMs > SILENCE_MS) this.silence();
    this.heardAtMs = atMs;
    this.turn(atMs, reason);
  }

  /** Since the last tick. */
  silence(): void {
    this.turn(this.heardAtMs, NOT_RUNNING);
  }

  end(): void {
    if (this.toMs - this.heardAtMs > SILENCE_MS) this.silence();
    this.turn(this.toMs, '');
  }

  private turn(atMs: number, reason: string): void {
    if (reason === this.reason) return;
    const fromMs = Math.max(this.fromMs, this.sinceMs);
    const toMs = Math.min(this.toMs, atMs);
    if (toMs > fromMs) this.all.push({ reason: this.reason, fromMs, toMs });
    this.reason = reason;
    this.sinceMs = Math.max(atMs, this.fromMs);
  }
}

function sharesOf(stretches: readonly Stretch[], windowMs: number): ReasonShare[] {
  return [...new Set(stretches.map(({ reason }) => reason))]
    .map((reason) => {
      const own = stretches.filter((stretch) => stretch.reason === reason);
      const ms = own.reduce((sum, stretch) => sum + lengthOf(stretch), 0);
      const longest = own.reduce((a, b) => (lengthOf(b) > lengthOf(a) ? b : a));
      return { reason, ms, ratio: ms / windowMs, times: own.length, longest };
    })
    .sort((a, b) => b.ms - a.ms);
}
