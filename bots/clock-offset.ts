/** How far the venue's clock is ahead of ours, measured by asking it. */
import type { Venue } from '../gateway/venue.ts';

export interface ClockOffset {
  /** Venue's clock less ours. */
  readonly offsetMs: number;
  /** The true offset lies within this of it: half of the round trip that the answer took. */
  readonly uncertaintyMs: number;
}

const SAMPLES = 3;

/** The sharpest of a few answers: the one with the shortest round trip. Throws as `serverTimeMs` does. */
export async function measureClockOffset(venue: Pick<Venue, 'serverTimeMs'>, now: () => number): Promise<ClockOffset> {
  let best: ClockOffset | null = null;
  for (let sample = 0; sample < SAMPLES; sample += 1) {
    const sentAt = performance.now();
    const venueAtMs = await venue.serverTimeMs();
    // The wall clock is read once and the round trip by the monotonic one: a step of the clock between is no distance.
    const uncertaintyMs = (performance.now() - sentAt) / 2;
    const offsetMs = venueAtMs - (now() - uncertaintyMs);
    if (best === null || uncertaintyMs < best.uncertaintyMs) best = { offsetMs, uncertaintyMs };
  }
  return { offsetMs: Math.round(best?.offsetMs ?? 0), uncertaintyMs: Math.ceil(best?.uncertaintyMs ?? 0) };
}
