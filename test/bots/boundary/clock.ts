/**
 * The wall clock of this test process, which a test may let go faster. Imported before everything else: the library that
 * signs requests keeps `Date.now` as it finds it when it is loaded.
 */
const wallMs = Date.now.bind(Date);
let nowMs: () => number = wallMs;
Date.now = () => nowMs();

/** From now on `speed` times as fast; 1 is the wall's time again. */
export function setClockSpeed(speed: number): void {
  const startedAtMs = wallMs();
  const startedAt = performance.now();
  nowMs = speed === 1 ? wallMs : () => Math.floor(startedAtMs + (performance.now() - startedAt) * speed);
}
