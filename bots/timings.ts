/** How long a bot's work takes, told every 15 s. */
import type { TickTimingsEvent } from '../core/bot/events.ts';
import type { StreamHealth } from '../gateway/venue.ts';
import { LatencyHistogram } from '../monitoring/latency.ts';

const TOLD_MS = 15_000;

export class Timings {
  readonly tick = new LatencyHistogram();
  readonly evaluate = new LatencyHistogram();
  readonly durable = new LatencyHistogram();
  readonly placeAnswer = new LatencyHistogram();
  readonly cancelAnswer = new LatencyHistogram();
  readonly syncRead = new LatencyHistogram();
  private toldAtMs: number;

  constructor(atMs: number) {
    this.toldAtMs = atMs;
  }

  isDue(atMs: number): boolean {
    return atMs - this.toldAtMs >= TOLD_MS;
  }

  take(atMs: number, health: StreamHealth | null, droppedRelayCount: number): TickTimingsEvent {
    this.toldAtMs = atMs;
    const { reconnects = 0, bookGaps = 0, bookChecksumFailures = 0, malformed = 0 } = health ?? {};
    return {
      type: 'TickTimings',
      tick: this.tick.take(),
      evaluate: this.evaluate.take(),
      durable: this.durable.take(),
      placeAnswer: this.placeAnswer.take(),
      cancelAnswer: this.cancelAnswer.take(),
      syncRead: this.syncRead.take(),
      memoryRssBytes: process.memoryUsage.rss(),
      droppedRelayCount,
      connector: { reconnects, bookGaps, bookChecksumFailures, malformed },
    };
  }
}
