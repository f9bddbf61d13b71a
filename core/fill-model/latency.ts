/**
 * How long things are on their way, in whichever time the caller keeps: wall clock on paper, recorded time in a replay.
 *
 *   market --feedMs--> bot --submitMs | cancelMs (+ jitter)--> market --feedMs--> bot
 *
 *   const latency = new Latency(LatencyParams.parse({ submitMs: 50 }));
 *   line.send(request, latency.arrivalOf('submit', sentAtMs));   // DelayLine: what is under way, in order of arrival
 *   for (let due = line.take(nowMs); due !== null; due = line.take(nowMs)) carryOut(due.message, due.arrivedAtMs);
 *
 * A request is decided against the book as it is when it arrives: only then is it maker or taker, or refused. A cancel that
 * arrives after the fill has lost. Requests share one ordered connection: none arrives before one that was sent earlier.
 * The same sends at the same times have the same arrivals; with a jitter they depend on its seed and nothing else.
 */
import { z } from 'zod';
import { createChance } from '../simulation/chance.ts';

/**
 * One way of a quarter of a second there and back: what orders took from Europe to an exchange in Tokyo, where this venue
 * answers fastest (github.com/mirkovicdev/HFTENGINE, 250 ms an order; arbitron.app/learn/crypto-exchange-server-locations,
 * 10 to 35 ms from beside the exchange, 200 to 500 ms from another continent). Nearer machines should measure their own:
 * half of the `placeAnswer` that the bot reports.
 */
const ONE_WAY_MS = 125;
/** An intent expires 2 s after its decision: a longer way would have every order refused. */
export const WAY_MS_MAX = 1_500;

const wayMs = z.int().min(0).max(WAY_MS_MAX);

/** All in whole ms. */
export const LatencyParams = z.strictObject({
  /** From the decision to the market, of orders and protective stops. */
  submitMs: wayMs.default(ONE_WAY_MS),
  cancelMs: wayMs.default(ONE_WAY_MS),
  /** From the market to the bot: how old what it sees is, and how much later it hears. */
  feedMs: wayMs.default(ONE_WAY_MS),
  /** Up to this much is added to each request, evenly spread. */
  jitterMs: wayMs.default(0),
  jitterSeed: z.int().min(0).max(0xffff_ffff).default(1),
});
export type LatencyParams = z.infer<typeof LatencyParams>;

/** Everything arrives as it is sent. */
export const NO_LATENCY: LatencyParams = { submitMs: 0, cancelMs: 0, feedMs: 0, jitterMs: 0, jitterSeed: 1 };

export type RequestKind = 'submit' | 'cancel';

export class Latency {
  readonly params: LatencyParams;
  private readonly chance: () => number;
  private lastArrivalMs = -Infinity;

  constructor(params: LatencyParams) {
    this.params = params;
    this.chance = createChance(params.jitterSeed);
  }

  /** When a request that leaves now is at the market. To be asked once for each request, in the order of sending. */
  arrivalOf(kind: RequestKind, sentAtMs: number): number {
    const { submitMs, cancelMs, jitterMs } = this.params;
    const jitter = jitterMs === 0 ? 0 : Math.floor(this.chance() * (jitterMs + 1));
    const arrivalMs = sentAtMs + (kind === 'submit' ? submitMs : cancelMs) + jitter;
    this.lastArrivalMs = Math.max(this.lastArrivalMs, arrivalMs);
    return this.lastArrivalMs;
  }
}

export interface Arrived<Message> {
  readonly message: Message;
  readonly arrivedAtMs: number;
}

/** What is under way in one direction; first in, first out. */
export class DelayLine<Message> {
  private readonly underWay: Arrived<Message>[] = [];

  /** When the next one arrives, Infinity while nothing is under way. */
  get nextAtMs(): number {
    return this.underWay[0]?.arrivedAtMs ?? Infinity;
  }

  get length(): number {
    return this.underWay.length;
  }

  /** Arrives no earlier than what was sent before it. */
  send(message: Message, arrivedAtMs: number): void {
    const before = this.underWay.at(-1)?.arrivedAtMs ?? -Infinity;
    this.underWay.push({ message, arrivedAtMs: Math.max(before, arrivedAtMs) });
  }

  /** The next one that has arrived by `atMs`, null when none has. */
  take(atMs: number): Arrived<Message> | null {
    return this.nextAtMs <= atMs ? (this.underWay.shift() ?? null) : null;
  }
}
