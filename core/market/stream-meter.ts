/**
 * One stream's life as its listener sees it: how much came, how old it was, when it was silent, for how long it was fresh.
 * Numbers in and numbers kept: it counts on the path of every book, so nothing is allocated before `take`. Time never
 * runs back.
 */
import type { StreamReport } from './stream-report.ts';
import { STREAM_RULES, type StreamName, type StreamRules } from './streams.ts';

/** Trades that came before the subscription are sent with it, however old they are. */
const HISTORY_MS = 10_000;

export class StreamMeter {
  private readonly stream: StreamName;
  private readonly rules: StreamRules;
  private readonly beganAtMs: number;
  private isUp = false;
  private upAtMs = 0;
  /** 0 before the first. */
  private newestAtMs = 0;
  private newestVenueAtMs = 0;
  private aliveAtMs: number;
  private freshToMs = 0;
  /** Up to where `freshMs` was counted. */
  private countedToMs: number;
  // Since the last report.
  private messages = 0;
  private lagMsMax = -Infinity;
  private silentMs = 0;
  private silentFromMs: number;
  private darkMs = 0;
  private darkFromMs: number;
  private freshMs = 0;
  private downs = 0;

  constructor(stream: StreamName, beganAtMs: number) {
    this.stream = stream;
    this.rules = STREAM_RULES[stream];
    this.beganAtMs = beganAtMs;
    this.aliveAtMs = beganAtMs;
    this.silentFromMs = beganAtMs;
    this.darkFromMs = beganAtMs;
    this.countedToMs = beganAtMs;
  }

  /**
   * Whether it is a sign of life. `venueAtMs` is 0 where a message has no time of its own; `venueAheadMs` is NaN while nobody
   * knows how far the venue's clock is ahead of ours.
   */
  heard(atMs: number, venueAtMs: number, venueAheadMs: number): boolean {
    this.noteSilence(atMs);
    this.messages += 1;
    this.newestAtMs = atMs;
    this.newestVenueAtMs = venueAtMs;
    const isTimed = venueAtMs > 0 && !this.isHistory(atMs, venueAtMs - venueAheadMs);
    const lagMs = isTimed ? atMs + venueAheadMs - venueAtMs : NaN;
    if (lagMs > this.lagMsMax) this.lagMsMax = lagMs;
    if (lagMs > this.rules.darkMsMax) return false;
    if (this.rules.livesBy !== 'connection') this.alive(atMs);
    return true;
  }

  /** Something came over the same connection. */
  carried(atMs: number): void {
    if (this.isUp) this.alive(atMs);
  }

  connected(isUp: boolean, atMs: number): void {
    if (isUp === this.isUp) return;
    this.countFresh(atMs);
    this.isUp = isUp;
    if (isUp) this.upAtMs = atMs;
    else this.downs += 1;
    if (this.rules.livesBy === 'connection') {
      if (isUp) this.noteDark(atMs);
      this.aliveAtMs = atMs;
      this.freshToMs = isUp ? Infinity : atMs;
    } else if (!isUp) this.freshToMs = Math.min(this.freshToMs, atMs);
  }

  /** What there is to tell since the last call, and starts anew. */
  take(atMs: number): StreamReport {
    if (this.isUp && this.rules.livesBy === 'connection') this.aliveAtMs = atMs;
    this.countFresh(atMs);
    this.noteSilence(atMs);
    this.noteDark(atMs);
    const report: StreamReport = {
      stream: this.stream,
      messages: this.messages,
      newestAtMs: this.newestAtMs || null,
      newestVenueAtMs: Math.round(this.newestVenueAtMs) || null,
      aliveAtMs: this.aliveAtMs,
      lagMsMax: this.lagMsMax === -Infinity ? null : Math.round(this.lagMsMax),
      silentMs: this.silentMs,
      silentFromMs: this.silentFromMs,
      darkMs: this.darkMs,
      darkFromMs: this.darkFromMs,
      freshMs: this.freshMs,
      downs: this.downs,
    };
    this.messages = 0;
    this.lagMsMax = -Infinity;
    this.silentMs = 0;
    this.silentFromMs = this.newestAtMs || this.beganAtMs;
    this.darkMs = 0;
    this.darkFromMs = this.aliveAtMs;
    this.freshMs = 0;
    this.downs = 0;
    return report;
  }

  private isHistory(atMs: number, venueAtOurMs: number): boolean {
    return this.stream === 'trades' && atMs - this.upAtMs < HISTORY_MS && venueAtOurMs < this.upAtMs;
  }

  private alive(atMs: number): void {
    this.countFresh(atMs);
    this.noteDark(atMs);
    this.aliveAtMs = atMs;
    this.freshToMs = atMs + this.rules.freshMs;
  }

  private countFresh(atMs: number): void {
    const freshMs = Math.min(atMs, this.freshToMs) - this.countedToMs;
    if (freshMs > 0) this.freshMs += freshMs;
    this.countedToMs = atMs;
  }

  private noteSilence(atMs: number): void {
    const fromMs = this.newestAtMs === 0 ? this.beganAtMs : this.newestAtMs;
    if (atMs - fromMs <= this.silentMs) return;
    this.silentMs = atMs - fromMs;
    this.silentFromMs = fromMs;
  }

  private noteDark(atMs: number): void {
    if (atMs - this.aliveAtMs <= this.darkMs) return;
    this.darkMs = atMs - this.aliveAtMs;
    this.darkFromMs = this.aliveAtMs;
  }
}
