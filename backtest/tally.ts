/** What a replay came to: counted while it runs, exact where it is money. */
import { netLots } from '../core/accounting/holdings.ts';
import type { BotEvent } from '../core/bot/events.ts';
import type { BotMachine } from '../core/bot/machine.ts';
import { Reason, reasonName, type ReasonCode } from '../core/bot/reasons.ts';
import { stateHash } from '../core/bot/state.ts';
import { RecordKind } from '../core/events/record.ts';
import type { FillGrade } from '../core/fill-model/fill-model.ts';
import type { LatencyParams } from '../core/fill-model/latency.ts';
import { invariant } from '../core/invariant.ts';
import { formatQty } from '../core/market/instrument.ts';
import { formatQuote, parseQuote } from '../core/money/decimal.ts';
import { notional, ZERO_QUOTE, type QuoteAmount } from '../core/money/money.ts';
import type { PaperFill } from '../core/paper/rows.ts';
import type { ReplayOptions } from './replay.ts';
import type { ReplayVenue, Request } from './replay-venue.ts';

/** Amounts are decimal USDT. All but `speed` is the same for the same recording, configuration and options. */
/** Of a replay that is not told another; decimal USDT. */
export const OPENING_BALANCE = '10000';

export interface ReplayResult {
  readonly bot: string;
  readonly strategy: string;
  readonly symbol: string;
  readonly grade: FillGrade;
  readonly latency: LatencyParams;
  /** Recorded time, ms since the epoch. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly stateHash: string;
  /** equity = opening + realised - fees + funding + unrealised; the last at the middle of the book. */
  readonly pnl: Readonly<Record<'opening' | 'realised' | 'fees' | 'funding' | 'unrealised' | 'equity' | 'net', string>>;
  readonly fills: { readonly count: number; readonly maker: number; readonly bought: string; readonly sold: string; readonly volumeQuote: string }; // prettier-ignore
  /** Signed, in base coin. */
  readonly position: string;
  /** Requests to the venue, by what they asked for. */
  readonly requests: Readonly<Record<string, number>>;
  /** What the machine recorded, by type. */
  readonly events: Readonly<Record<string, number>>;
  /** Ticks that ended with each reason, and recorded time until the next tick. */
  readonly reasons: Readonly<Record<string, { readonly ticks: number; readonly ms: number }>>;
  readonly steps: number;
  readonly books: number;
  readonly frames: number;
  /** Changes of levels and trades. */
  readonly marketEvents: number;
  readonly speed: { readonly wallMs: number; readonly stepsPerSecond: number; readonly marketEventsPerSecond: number };
}

const REASONS = Math.max(...Object.values(Reason)) + 1;

export class Tally {
  frames = 0;
  marketEvents = 0;
  private readonly options: ReplayOptions;
  private readonly grade: FillGrade;
  private readonly latency: LatencyParams;
  private readonly beganAt = performance.now();
  private steps = 0;
  private books = 0;
  private readonly ticksByReason = new Float64Array(REASONS);
  private readonly msByReason = new Float64Array(REASONS);
  private reason: ReasonCode = Reason.none;
  private reasonAtMs = 0;
  private fills = 0;
  private makerFills = 0;
  private boughtLots = 0;
  private soldLots = 0;
  private volume = ZERO_QUOTE;
  private readonly requests = new Map<string, number>();
  private readonly events = new Map<string, number>();

  constructor(options: ReplayOptions, grade: FillGrade, latency: LatencyParams) {
    this.options = options;
    this.grade = grade;
    this.latency = latency;
  }

  step(reason: ReasonCode, kind: RecordKind, atMs: number): void {
    this.steps += 1;
    if (kind === RecordKind.bookInput) this.books += 1;
    if (this.reasonAtMs > 0) this.msByReason[this.reason] = this.msByReason[this.reason]! + atMs - this.reasonAtMs;
    this.ticksByReason[reason] = this.ticksByReason[reason]! + 1;
    this.reason = reason;
    this.reasonAtMs = atMs;
  }

  request({ effect }: Request): void {
    this.requests.set(effect, (this.requests.get(effect) ?? 0) + 1);
  }

  event({ type }: BotEvent): void {
    this.events.set(type, (this.events.get(type) ?? 0) + 1);
  }

  fill({ side, price, qty, liquidity }: PaperFill): void {
    this.fills += 1;
    if (liquidity === 'maker') this.makerFills += 1;
    if (side === 'buy') this.boughtLots += qty;
    else this.soldLots += qty;
    this.volume = (this.volume + notional(price, qty, this.options.instrument)) as QuoteAmount;
  }

  /** Throws `InvariantError` when account, fills and machine do not agree. */
  result({ state }: BotMachine, venue: ReplayVenue, fromMs: number, toMs: number): ReplayResult {
    const { instrument, config, openingBalance = OPENING_BALANCE } = this.options;
    const wallMs = performance.now() - this.beganAt;
    const held = netLots(venue.row.holdings);
    invariant(held === this.boughtLots - this.soldLots, 'the fills of a replay add up to its position');
    invariant(held === netLots(state.holdings), 'a machine that has heard of every fill holds what its account does');
    const opening = parseQuote(openingBalance);
    const { realised, fees, cash } = venue;
    const equity = venue.equity();
    const quote = (amount: bigint): string => formatQuote(amount as QuoteAmount);
    return {
      bot: config.bot,
      strategy: config.strategy.name,
      symbol: instrument.symbol,
      grade: this.grade,
      latency: this.latency,
      fromMs,
      toMs,
      stateHash: stateHash(state),
      pnl: {
        opening: quote(opening),
        realised: quote(realised),
        fees: quote(fees),
        funding: quote(cash - opening - realised + fees),
        unrealised: quote(equity - cash),
        equity: quote(equity),
        net: quote(equity - opening),
      },
      fills: {
        count: this.fills,
        maker: this.makerFills,
        bought: formatQty(this.boughtLots as typeof held, instrument),
        sold: formatQty(this.soldLots as typeof held, instrument),
        volumeQuote: quote(this.volume),
      },
      position: formatQty(held, instrument),
      requests: sorted(this.requests),
      events: sorted(this.events),
      reasons: this.reasons(),
      steps: this.steps,
      books: this.books,
      frames: this.frames,
      marketEvents: this.marketEvents,
      speed: {
        wallMs,
        stepsPerSecond: Math.round((this.steps * 1_000) / wallMs),
        marketEventsPerSecond: Math.round((this.marketEvents * 1_000) / wallMs),
      },
    };
  }

  private reasons(): ReplayResult['reasons'] {
    const found: Record<string, { ticks: number; ms: number }> = {};
    for (const code of Object.values(Reason)) {
      const ticks = this.ticksByReason[code]!;
      if (ticks > 0) found[reasonName(code)] = { ticks, ms: this.msByReason[code]! };
    }
    return found;
  }
}

function sorted(counts: ReadonlyMap<string, number>): Record<string, number> {
  return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
}
