/** The venue's own clock, asked without keys: what a bot measures of it is not what a gate should rest on. */
import type { BitgetEndpoint } from './session.ts';
import { httpOrigin } from './session.ts';
import { parseServerTime } from './wire.ts';

const ANSWER_MS = 3_000;
/** The answer's age is known to half of the way there and back: a longer one says too little. */
const WAY_MS_MAX = 2_000;

/** The venue's time at this moment, whole milliseconds; null when it does not answer, or too slowly to tell. */
export async function readVenueTime(endpoint: BitgetEndpoint): Promise<number | null> {
  const askedAt = performance.now();
  try {
    const answer = await fetch(`${httpOrigin(endpoint)}/api/v2/public/time`, {
      redirect: 'error',
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    const { data } = (await answer.json()) as { data?: unknown };
    const wayMs = performance.now() - askedAt;
    return wayMs > WAY_MS_MAX ? null : Math.round(parseServerTime(data) + wayMs / 2);
  } catch {
    return null;
  }
}
