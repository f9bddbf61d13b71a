/**
 * A venue's sliding window as we must see it: calls that it may still count. A call that was let go, or lent to another
 * process, is known by the last moment at which it can arrive; until a window after that it takes a place.
 */
import { invariant } from '../invariant.ts';

/** The same object stands in the window of its group and in that of the whole. */
export interface Call {
  /** It reaches the venue by then or never. */
  readonly arrivesByMs: number;
}

export class CallWindow {
  readonly limit: number;
  readonly windowMs: number;
  /** The latest last. No more than outstanding ones and one full window of others are kept. */
  private readonly calls: Call[] = [];

  constructor(limit: number, windowMs: number) {
    invariant(Number.isSafeInteger(limit) && limit >= 1, 'a window lets at least one call through');
    this.limit = limit;
    this.windowMs = windowMs;
  }

  /**
   * Milliseconds until one more call keeps every window at `room` calls or fewer; 0 when now. At half `pace` half as many
   * calls fit; where that is less than one, the window gets longer instead.
   */
  waitMs(nowMs: number, room = this.limit, pace = 1): number {
    invariant(room >= 1 && pace > 0 && pace <= 1, 'a window has room for one call, at some pace');
    const slots = Math.max(1, Math.floor(room * pace));
    const blocking = this.calls[this.calls.length - slots];
    if (blocking === undefined) return 0;
    const spanMs = room * pace < 1 ? this.windowMs / (room * pace) : this.windowMs;
    return Math.max(0, Math.ceil(blocking.arrivesByMs + spanMs - nowMs));
  }

  add(call: Call): void {
    let at = this.calls.length;
    while (at > 0 && (this.calls[at - 1] as Call).arrivesByMs > call.arrivesByMs) at -= 1;
    this.calls.splice(at, 0, call);
    if (this.calls.length > 2 * this.limit) this.calls.shift();
  }

  /** The call will not be made. */
  remove(call: Call): void {
    const at = this.calls.indexOf(call);
    if (at >= 0) this.calls.splice(at, 1);
  }

  /** As though all that may ever be out were out until `arrivesByMs`. */
  fill(arrivesByMs: number): void {
    for (let n = 0; n < this.limit; n += 1) this.add({ arrivesByMs });
  }
}
