/**
 * What a report takes from a bot's journal, gathered while its events pass by once, in order:
 *
 *   const gathering = new Gathering({ tag, fromMs, toMs });
 *   gathering.run(...);  gathering.event(event, atMs, epoch);   // and on to a while after `toMs`: markouts come late
 *   const material = gathering.finish();
 *
 * Fills belong to the time of their execution, everything else to the time that it was journaled. Only what the bot did in
 * the mode of its last run counts: fills of a paper account and of a venue are never mixed.
 */
import type { BotFillEvent, ControlEvent, ExecutionIntentEvent, ShadowFillsEvent, SignalEvent } from '../bot/events.ts';
import { assertNever } from '../invariant.ts';
import { byTime, fillKey, reportFill, type MarkoutEvent, type ReportFill } from './report-fill.ts';

type Signal<T extends SignalEvent['type']> = Extract<SignalEvent, { type: T }>;
export type DayClosed = ControlEvent & { type: 'day_closed' };
export type WantedEvent =
  | BotFillEvent
  | ShadowFillsEvent
  | Signal<'markout' | 'spread' | 'quote_withheld' | 'fee_differs'>
  | Extract<ExecutionIntentEvent, { type: 'place_stop' }>
  | DayClosed;

const WANTED: ReadonlySet<string> = new Set<WantedEvent['type']>([
  'BotFill',
  'shadow_fills',
  'markout',
  'spread',
  'quote_withheld',
  'fee_differs',
  'place_stop',
  'day_closed',
]);

/** Events of other types need not be decoded. */
export function isWanted(type: string): boolean {
  return WANTED.has(type);
}

/** The last markout of a fill comes with the first book after a minute; a bot that was down meanwhile tells it later. */
export const MARKOUT_LATE_MS = 5 * 60_000;

/** One start of the bot. */
export interface ReportRun {
  readonly epoch: number;
  readonly startedAtMs: number;
  readonly codeVersion: string;
  readonly configHash: string;
  /** Null where an older version did not write it down. */
  readonly mode: string | null;
}

/** What the fill models and the venue made of the same orders, in about a minute. */
export interface ShadowMinute {
  readonly atMs: number;
  readonly epoch: number;
  readonly event: ShadowFillsEvent;
}

export interface Material {
  readonly runs: readonly ReportRun[];
  /** In order of time, each once. */
  readonly fills: readonly ReportFill[];
  /** Fills in another mode than that of the last run. */
  readonly fillsOfOtherMode: number;
  readonly shadowMinutes: readonly ShadowMinute[];
  readonly spreads: readonly Signal<'spread'>[];
  readonly withheld: readonly Signal<'quote_withheld'>[];
  readonly feeDiffers: readonly Signal<'fee_differs'>[];
  /** What the bot said of each UTC day that ended. */
  readonly days: readonly DayClosed['detail'][];
}

export interface GatheringOptions {
  /** What every client order id of the bot begins with. */
  readonly tag: string;
  readonly fromMs: number;
  /** Exclusive. */
  readonly toMs: number;
}

interface Told<T> {
  readonly event: T;
  readonly atMs: number;
  readonly epoch: number;
}

export class Gathering {
  private readonly options: GatheringOptions;
  private readonly runs: ReportRun[] = [];
  private readonly fills = new Map<string, Told<BotFillEvent>>();
  private readonly markouts = new Map<string, MarkoutEvent['bps']>();
  private readonly stopIds = new Set<string>();
  private readonly shadowMinutes: ShadowMinute[] = [];
  private readonly spreads: Told<Signal<'spread'>>[] = [];
  private readonly withheld: Told<Signal<'quote_withheld'>>[] = [];
  private readonly feeDiffers: Told<Signal<'fee_differs'>>[] = [];
  private readonly days: Told<DayClosed>[] = [];

  constructor(options: GatheringOptions) {
    this.options = options;
  }

  /** The run under way at `fromMs`, then each that starts. */
  run(run: ReportRun): void {
    if (run.startedAtMs < this.options.toMs) this.runs.push(run);
  }

  event(event: WantedEvent, atMs: number, epoch: number): void {
    const isInside = this.isInside(event.type === 'BotFill' ? event.atMs : atMs);
    switch (event.type) {
      case 'markout':
        this.markouts.set(fillKey(event), event.bps);
        return;
      case 'place_stop':
        this.stopIds.add(event.clientOrderId);
        return;
      case 'BotFill':
        if (isInside && !this.fills.has(fillKey(event))) this.fills.set(fillKey(event), { event, atMs, epoch });
        return;
      case 'shadow_fills':
        if (isInside) this.shadowMinutes.push({ event, atMs, epoch });
        return;
      case 'spread':
        if (isInside) this.spreads.push({ event, atMs, epoch });
        return;
      case 'quote_withheld':
        if (isInside) this.withheld.push({ event, atMs, epoch });
        return;
      case 'fee_differs':
        if (isInside) this.feeDiffers.push({ event, atMs, epoch });
        return;
      case 'day_closed':
        if (isInside) this.days.push({ event, atMs, epoch });
        return;
      default:
        assertNever(event);
    }
  }

  finish(): Material {
    const otherModes = epochsOfOtherModes(this.runs);
    const ofMode = <T extends { readonly epoch: number }>(told: readonly T[]): T[] =>
      told.filter(({ epoch }) => !otherModes.has(epoch));
    const eventsOf = <T>(told: readonly Told<T>[]): T[] => ofMode(told).map(({ event }) => event);
    const fills = ofMode([...this.fills.values()]).map(({ event, atMs }) => {
      const markout = this.markouts.get(fillKey(event)) ?? null;
      return reportFill(event, { heardAtMs: atMs, isQuote: this.isQuote(event.clientOrderId), markout });
    });
    return {
      runs: this.runs,
      fills: fills.sort(byTime),
      fillsOfOtherMode: this.fills.size - fills.length,
      shadowMinutes: ofMode(this.shadowMinutes),
      spreads: eventsOf(this.spreads),
      withheld: eventsOf(this.withheld),
      feeDiffers: eventsOf(this.feeDiffers),
      days: eventsOf(this.days).map(({ detail }) => detail),
    };
  }

  private isInside(atMs: number): boolean {
    return atMs >= this.options.fromMs && atMs < this.options.toMs;
  }

  /** Stops have ids of the same kind, where a venue keeps them for what they execute. */
  private isQuote(clientOrderId: string): boolean {
    return clientOrderId.startsWith(this.options.tag) && !this.stopIds.has(clientOrderId);
  }
}

/** A mode that is not known is that of the last run. */
function epochsOfOtherModes(runs: readonly ReportRun[]): ReadonlySet<number> {
  const last = runs.at(-1)?.mode ?? null;
  const others = runs.filter(({ mode }) => mode !== null && last !== null && mode !== last);
  return new Set(others.map(({ epoch }) => epoch));
}
