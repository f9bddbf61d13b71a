/** The venue's own clock, asked without keys: what a bot measures of it is not what a gate should rest on. */
import { setTimeout as sleep } from 'node:timers/promises';
import { httpOrigin, type BitgetEndpoint } from './session.ts';
import { parseServerTime } from './wire.ts';

const TRIES = 4;
const PAUSE_MS = 1_000;
const ANSWER_MS = 3_000;
/** The answer's age is known to half of the way there and back: a longer one says too little. */
const WAY_MS_MAX = 2_000;

/** The venue's time at this moment, whole milliseconds; null when it does not answer in four tries, or too slowly to tell. */
export async function readVenueTime(endpoint: BitgetEndpoint): Promise<number | null> {
  for (let tries = 1; ; tries += 1) {
    const venueMs = await readOnce(`${httpOrigin(endpoint)}/api/v2/public/time`);
    if (venueMs !== null || tries === TRIES) return venueMs;
    await sleep(PAUSE_MS);
  }
}

async function readOnce(url: string): Promise<number | null> {
  const askedAt = performance.now();
  try {
    const answer = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(ANSWER_MS) });
    const { data } = (await answer.json()) as { data?: unknown };
    const wayMs = performance.now() - askedAt;
    return wayMs > WAY_MS_MAX ? null : Math.round(parseServerTime(data) + wayMs / 2);
  } catch {
    return null;
  }
}
