/**
 * Requests on their way to a paper account. What is sent is carried out when its time has come and not before: against the
 * book as the account then has it, stamped with that time. There is no clock here; whoever has one delivers before each
 * input of the market, and at `nextAtMs`.
 *
 * A live feed is as late here as it is for the bot: the account sees at a given moment what the venue looked like `feedMs`
 * before. A request therefore meets the right market when it is held back by its own way and the feed's, and its answer,
 * given at once, comes when a venue's would.
 */
import { DelayLine, Latency, type LatencyParams, type RequestKind } from '../fill-model/latency.ts';

export class RequestLine {
  private readonly latency: Latency;
  private readonly line = new DelayLine<(atMs: number) => void>();

  constructor(params: LatencyParams) {
    this.latency = new Latency(params);
  }

  /** When the next request arrives, Infinity while none is under way. */
  get nextAtMs(): number {
    return this.line.nextAtMs;
  }

  /** `carryOut` is told when it arrived. */
  send(kind: RequestKind, sentAtMs: number, carryOut: (atMs: number) => void): void {
    this.line.send(carryOut, this.latency.arrivalOf(kind, sentAtMs) + this.latency.params.feedMs);
  }

  /** Carries out what has arrived by `atMs`, in the order of sending. */
  deliver(atMs: number): void {
    for (let due = this.line.take(atMs); due !== null; due = this.line.take(atMs)) due.message(due.arrivedAtMs);
  }
}
