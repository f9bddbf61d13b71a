/**
 * How far the price has gone within the last seconds. One mid is kept for each second, the last one that was seen in it: where
 * the price stood when the second ended. A second without any has the mid of the one before. A silence longer than the
 * window leaves nothing to compare with.
 */
export interface DriftWindow {
  readonly windowS: number;
  /** When the second of the newest sample began; 0 before the first. */
  secondAtMs: number;
  /** Where the newest sample stands. */
  slot: number;
  /** A ring in ticks, of the second that runs and all whose end lies in a window before it; 0 is none. */
  mids: number[];
}

export function blankDriftWindow(windowS: number): DriftWindow {
  return { windowS, secondAtMs: 0, slot: 0, mids: new Array<number>(windowS + 2).fill(0) };
}

/** Each mid of a book. Time that goes back by a second starts the window anew. */
export function sampleMid(window: DriftWindow, midTicks: number, atMs: number): void {
  if (atMs >= window.secondAtMs + 1_000 || atMs < window.secondAtMs) moveTo(window, Math.floor(atMs / 1_000) * 1_000);
  window.mids[window.slot] = midTicks;
}

function moveTo(window: DriftWindow, secondAtMs: number): void {
  const { mids, slot } = window;
  const size = mids.length;
  const passed = (secondAtMs - window.secondAtMs) / 1_000;
  window.secondAtMs = secondAtMs;
  if (passed < 0 || passed >= size) {
    mids.fill(0);
    return;
  }
  const held = mids[slot] as number;
  for (let skipped = 1; skipped < passed; skipped += 1) mids[(slot + skipped) % size] = held;
  window.slot = (slot + passed) % size;
}

/**
 * Signed way to `midTicks` from the sample of the last `windowS` seconds that lies farthest from it, from the lower one of
 * two that are as far; 0 without any.
 */
export function driftTo({ mids, secondAtMs, slot }: DriftWindow, midTicks: number, atMs: number): number {
  // With each second that passed since the newest sample, one of the oldest leaves the window.
  const passed = Math.max(0, Math.floor((atMs - secondAtMs) / 1_000));
  let lowest = midTicks;
  let highest = midTicks;
  for (let left = mids.length - passed; left > 0; left -= 1) {
    const past = mids[slot] as number;
    if (past > highest) highest = past;
    else if (past > 0 && past < lowest) lowest = past;
    slot = slot === 0 ? mids.length - 1 : slot - 1;
  }
  return midTicks - lowest >= highest - midTicks ? midTicks - lowest : midTicks - highest;
}
