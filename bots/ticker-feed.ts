/**
 * Which of the venue's prices the machine is told. They come ten times a second: a mark that moved is told once a second, the
 * funding rate and its settlement at once, and what has not changed every 15 s, so that silence and sameness stay apart.
 *
 * A stream may not say how long a funding interval is. It changes with a settlement if at all, so that it is to be read once
 * for each.
 */
import type { TickerInput } from '../core/bot/input.ts';
import type { Instrument } from '../core/market/instrument.ts';
import type { VenueFunding, VenueTicker } from '../gateway/venue.ts';
import { plainTicks } from './inputs.ts';

export type Told = Pick<TickerInput, 'markTicks' | 'fundingRate' | 'fundingIntervalMs' | 'fundingAtMs'>;

const MOVED_MS = 1_000;
const SAME_MS = 15_000;
/** Between two tries to read the interval. */
const READ_AGAIN_MS = 10_000;
const HOUR_MS = 3_600_000;

export class TickerFeed {
  private readonly instrument: Instrument;
  private latest: Told = { markTicks: null, fundingRate: null, fundingIntervalMs: null, fundingAtMs: null };
  private told: Told = this.latest;
  private toldAtMs = 0;
  /** The settlement that the interval is known for, and when it was last asked. */
  private intervalFor: number | null = null;
  private askedAtMs = -Infinity;

  constructor(instrument: Instrument) {
    this.instrument = instrument;
  }

  /** What the machine is to hear now, null when it is nothing; so below. */
  onTicker({ markPrice }: VenueTicker, atMs: number): Told | null {
    // A venue that sends no mark with this one has not taken back the last.
    if (markPrice !== null) this.latest = { ...this.latest, markTicks: plainTicks(markPrice, this.instrument) };
    return this.tell(atMs);
  }

  /** Whether the funding is to be read now, with its interval: asked once, the answer counts as the try. */
  wantsFunding(atMs: number): boolean {
    if (this.latest.fundingAtMs === null || this.latest.fundingAtMs === this.intervalFor) return false;
    if (atMs - this.askedAtMs < READ_AGAIN_MS) return false;
    this.askedAtMs = atMs;
    return true;
  }

  onFunding({ rate, intervalHours, nextAtMs }: VenueFunding, atMs: number): Told | null {
    this.latest = {
      markTicks: this.latest.markTicks,
      fundingRate: Number(rate),
      fundingIntervalMs: intervalHours === null ? this.latest.fundingIntervalMs : intervalHours * HOUR_MS,
      fundingAtMs: nextAtMs ?? this.latest.fundingAtMs,
    };
    if (intervalHours !== null) this.intervalFor = this.latest.fundingAtMs;
    return this.tell(atMs);
  }

  private tell(atMs: number): Told | null {
    const { latest, told } = this;
    const ageMs = atMs - this.toldAtMs;
    const isNews =
      latest.fundingRate !== told.fundingRate ||
      latest.fundingAtMs !== told.fundingAtMs ||
      latest.fundingIntervalMs !== told.fundingIntervalMs ||
      (latest.markTicks !== told.markTicks && ageMs >= MOVED_MS);
    if (!isNews && ageMs < SAME_MS) return null;
    this.told = latest;
    this.toldAtMs = atMs;
    return latest;
  }
}
