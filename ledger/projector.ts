/**
 * Keeps the projections up to what is stored, about twice a second. Nobody waits for it; with Postgres away it tries again
 * with growing pauses.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../core/log.ts';
import { createBackground, type Background } from './background.ts';
import { isUnavailable } from './errors.ts';
import type { Ledger } from './ledger.ts';

const POLL_MS = 500;
const BATCH_EVENTS = 20_000;
const BACKOFF_MS_MAX = 5_000;

/** Its `stop` waits for the batch on its way. */
export function createProjector(ledger: Pick<Ledger, 'project'>, log: Log): Background {
  return createBackground(async (signal) => {
    let pauseMs = POLL_MS;
    let told = '';
    while (!signal.aborted) {
      try {
        const events = await ledger.project(BATCH_EVENTS);
        // A batch costs as much for one event as for a hundred: they are let gather, unless there is a backlog.
        pauseMs = events >= BATCH_EVENTS ? 0 : POLL_MS;
        told = '';
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        if (message !== told) log[isUnavailable(error) ? 'warn' : 'error']('events not projected', { error: message });
        told = message;
        pauseMs = Math.min(BACKOFF_MS_MAX, Math.max(POLL_MS, 2 * pauseMs));
      }
      await sleep(pauseMs, undefined, { signal }).catch(() => {});
    }
  });
}
