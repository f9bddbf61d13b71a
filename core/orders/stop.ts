/**
 * A protective stop on the venue: it closes a whole leg at market when the price runs away, also when nothing of the desk
 * lives any more. One leg has at most one that counts; a new trigger takes the place of the old one at the venue.
 *
 *   placing --yes--> open --replaced/cancelled/position closed--> (forgotten)
 *   placing --no---> (forgotten; tried again later)     placing/cancelling --unknown--> unknown --read back--> open | (forgotten)
 */
import type { Leg } from '../accounting/legs.ts';
import type { PriceTicks, SignedLots } from '../money/money.ts';

/** Closes the whole `leg` at market once the source reaches `triggerPrice`. */
export interface ProtectiveStop {
  readonly clientOrderId: string;
  readonly symbol: string;
  readonly leg: Leg;
  /** What is held, signed: its sign is the direction that the stop protects. */
  readonly positionLots: SignedLots;
  readonly triggerPrice: PriceTicks;
  readonly triggerSource: 'mark' | 'last';
}

export type StopState = 'placing' | 'open' | 'cancelling' | 'unknown';

export interface Stop {
  readonly clientOrderId: string;
  readonly leg: Leg;
  /** 1 protects what is long, -1 what is short. */
  direction: 1 | -1;
  triggerPrice: PriceTicks;
  /** The stop whose place it takes; null for a first one. */
  readonly replaces: string | null;
  state: StopState;
  /** When the running call was sent. */
  sentAtMs: number;
  /** When the last answer came or was given up: a read that was asked for before says nothing of this stop. */
  settledAtMs: number;
  /** What it protected has been closed since, and the venue ends a stop with its position: it is only cleaned up. */
  isOver: boolean;
}

/**
 * Where the loss of `lossRatio` of the entry is reached, on the tick that loses less: never further away than asked.
 * Null when there is no such price above zero.
 */
export function stopTrigger(entryTicks: number, direction: 1 | -1, lossRatio: number): PriceTicks | null {
  const exact = entryTicks * (1 - direction * lossRatio);
  // A thousandth of a tick is rounding of the entry price, not another tick.
  const ticks = direction === 1 ? Math.ceil(exact - 1e-3) : Math.floor(exact + 1e-3);
  return ticks > 0 ? (ticks as PriceTicks) : null;
}
