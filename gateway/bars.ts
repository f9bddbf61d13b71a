/** What every venue's bars have in common once they are read. */
import { VenueMalformed, VenueRefused, type VenueBar } from './venue.ts';

/** Throws `VenueMalformed` for prices that are none of a bar. */
export function requireBar(bar: VenueBar, what: string): VenueBar {
  const { openAtMs, open, high, low, close, volume } = bar;
  const isBar =
    Number(low) > 0 &&
    Number(volume) >= 0 &&
    [open, close].every((price) => Number(low) <= Number(price) && Number(price) <= Number(high));
  if (isBar) return bar;
  throw new VenueMalformed(`${what} at ${openAtMs}: ${JSON.stringify({ open, high, low, close, volume })}`);
}

/** The newest `count` that were closed at `atMs`, each once, oldest first. */
export function closedBars(bars: Iterable<VenueBar>, barMs: number, count: number, atMs: number): VenueBar[] {
  const closed = new Map<number, VenueBar>();
  for (const bar of bars) if (bar.openAtMs + barMs <= atMs) closed.set(bar.openAtMs, bar);
  return [...closed.values()].sort((a, b) => a.openAtMs - b.openAtMs).slice(-count);
}

export function intervalNotOffered(venue: string, barMs: number, offered: Iterable<string>): VenueRefused {
  return new VenueRefused(
    'interval_not_offered',
    `${venue} has no bars of ${barMs} ms, only ${[...offered].join(', ')}`,
  );
}
