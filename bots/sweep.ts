/** Clears the book of a bot that cannot go on. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../core/log.ts';
import type { Venue } from '../gateway/venue.ts';

const SWEEP_MS = 8_000;
const RETRY_MS = 500;

/**
 * Cancels until the venue says that nothing is left: an order may still be on its way. True when it said so in time. A protective
 * stop stays: what is held is still to be protected.
 */
export async function sweepBook(venue: Pick<Venue, 'cancelAll'>, symbol: string, log: Log): Promise<boolean> {
  const until = performance.now() + SWEEP_MS;
  for (;;) {
    const leftMs = until - performance.now();
    if (leftMs <= 0) return false;
    const swept = await Promise.race([
      venue.cancelAll({ symbol, families: ['normal', 'plan'] }),
      sleep(leftMs, null, { ref: false }),
    ]);
    log.warn('book swept', { symbol, answer: swept?.answer ?? 'no answer' });
    if (swept?.answer === 'gone') return true;
    await sleep(RETRY_MS);
  }
}
