/** Bars of before the start, so that a strategy which measures on them need not wait for new ones. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { BotConfig } from '../core/bot/bot-config.ts';
import type { Log } from '../core/log.ts';
import { barsToWarmUp } from '../core/market-maker/regime-indicators.ts';
import { VenueRefused, type Venue, type VenueBar } from '../gateway/venue.ts';
import { messageOf } from './venue-read.ts';

export interface BarsWanted {
  readonly barMs: number;
  readonly count: number;
}

/** Averages remember how they began: after three times their length a twentieth of it is left. */
const WARM_UPS = 3;
/** What venues tell in a few answers. */
const COUNT_MAX = 990;
const TRIES = 5;
const RETRY_MS = 1_000;

/** Null for a strategy that looks at no bars. */
export function barsWanted({ strategy }: BotConfig): BarsWanted | null {
  if (strategy.name !== 'epp_v2_4') return null;
  const { regime } = strategy;
  return { barMs: regime.barS * 1_000, count: Math.min(COUNT_MAX, WARM_UPS * barsToWarmUp(regime)) };
}

/** Null when they could not be had: the strategy then builds its own. */
export async function readBarHistory(
  venue: Venue,
  symbol: string,
  { barMs, count }: BarsWanted,
  log: Log,
  signal: AbortSignal,
): Promise<VenueBar[] | null> {
  for (let attempt = 1; attempt <= TRIES && !signal.aborted; attempt += 1) {
    try {
      return await venue.recentBars(symbol, barMs, count);
    } catch (error) {
      log.warn('bars of before the start not read', { attempt, barMs, count, error: messageOf(error) });
      // What was understood and refused is refused again.
      if (error instanceof VenueRefused) return null;
    }
    if (attempt < TRIES) await sleep(RETRY_MS * 2 ** (attempt - 1), undefined, { signal, ref: false }).catch(() => {});
  }
  return null;
}
