/**
 * Requests to a paper account, from the call to its answer: under way for as long as the latency says, decided by the
 * account at that moment, answered when the decision is on the disk. A request that is under way when this process dies
 * never arrived; one that was decided is in the account's file, whether its answer was heard or not.
 */
import type { LatencyParams, RequestKind } from '../../core/fill-model/latency.ts';
import { RequestLine } from '../../core/paper/request-line.ts';
import type { Unknown } from '../venue.ts';

export interface RequestsOptions {
  readonly latency: LatencyParams;
  readonly now: () => number;
  /** What to answer instead of deciding, null while the account can be used. */
  readonly unusable: () => Unknown | null;
  /** Writes down what was decided, has it answered by `answerDecided`, and tells everyone. */
  readonly commit: () => void;
  /** Resolves when all that was written is on the disk, or with what to answer as it is not. */
  readonly durable: () => Promise<Unknown | null>;
}

export class PaperRequests {
  private readonly options: RequestsOptions;
  private readonly line: RequestLine;
  private readonly decided: ((failure: Unknown | null) => void)[] = [];
  private timer: NodeJS.Timeout | null = null;

  constructor(options: RequestsOptions) {
    this.options = options;
    this.line = new RequestLine(options.latency);
  }

  /** `change` is told when the request arrives, and what it answers is the answer. */
  send<Answer>(kind: RequestKind, change: (atMs: number) => Answer): Promise<Answer | Unknown> {
    const { now, unusable } = this.options;
    const reason = unusable();
    if (reason !== null) return Promise.resolve(reason);
    return new Promise((resolve) => {
      this.line.send(kind, now(), (atMs) => {
        const answer = unusable() ?? change(atMs);
        this.decided.push((failure) => resolve(failure ?? answer));
      });
      this.arrive();
    });
  }

  /** Before an input of the market: requests that arrived sooner meet the account as it is, and are told of before it. */
  deliver(): void {
    const atMs = this.options.now();
    if (this.line.nextAtMs > atMs) return;
    this.line.deliver(atMs);
    this.options.commit();
  }

  answerDecided(): void {
    const decided = this.decided.splice(0);
    if (decided.length === 0) return;
    void this.options.durable().then((failure) => decided.forEach((answer) => answer(failure)));
  }

  /** What is under way is decided by `unusable` now. */
  close(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.line.deliver(Infinity);
    this.answerDecided();
  }

  private arrive(): void {
    this.deliver();
    if (this.timer !== null) clearTimeout(this.timer);
    const { nextAtMs } = this.line;
    this.timer = nextAtMs === Infinity ? null : setTimeout(() => this.arrive(), nextAtMs - this.options.now());
  }
}
