/**
 * Bars in front of a recording that is too short for indicators to warm up in it. They are what the exchange simulator
 * answers: the recording's own trades, mirrored lap by lap. They know how lively the recording is going to be, though not
 * where it goes: fit for comparing one run with another, not for judging what a strategy would have earned.
 */
import type { Bar } from '../core/market/bars.ts';
import { minutesBefore } from '../core/recording/history.ts';
import { planLaps } from '../core/recording/laps.ts';
import { foldBars, MINUTE_MS } from '../core/recording/minute-bars.ts';
import type { Recording } from '../core/recording/recording.ts';

/** Closed by `fromMs` of the recording, oldest first; none for bars that are no whole number of minutes. */
export function derivedBars(feed: Recording, fromMs: number, barMs: number): Bar[] {
  if (barMs % MINUTE_MS !== 0) return [];
  const atMs = feed.startedAtMs + fromMs;
  const until = { position: { lap: 0, lapAtMs: fromMs }, atMs, speed: 1 };
  return foldBars(minutesBefore(feed, planLaps(feed), until), barMs, atMs)
    .filter(({ openAtMs }) => openAtMs + barMs <= atMs)
    .map(({ openAtMs, open, high, low, close }) => ({ openAtMs, open, high, low, close }));
}
