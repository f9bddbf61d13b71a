/**
 * What a recording traded before a place in it. Laps go on before its beginning as they do after its end (`laps.ts`), so
 * that prices lead up to any place without a jump, and the same place always has the same past.
 */
import { LapTrades, type TradedStretch } from './lap-trades.ts';
import type { LapPlan } from './laps.ts';
import type { ReplayPosition } from './market-replay.ts';
import { BARS_KEPT, joinBar, MINUTE_MS, type GrowingBar, type TradeBar } from './minute-bars.ts';
import type { Recording } from './recording.ts';

export interface PlayedUntil {
  readonly position: ReplayPosition;
  /** Time of that place. */
  readonly atMs: number;
  /** Recorded milliseconds a millisecond. */
  readonly speed: number;
}

/** Frames lie on whole milliseconds: what was played at a place is all before this much after it. */
const JUST_AFTER_MS = 1e-3;

/** The last `BARS_KEPT` minutes and the one that `atMs` lies in, as far as it has come; those without a trade left out. */
export function minutesBefore(recording: Recording, plan: LapPlan, until: PlayedUntil): TradeBar[] {
  const { position, atMs, speed } = until;
  const { lapMs, mirrorTicks } = plan;
  const trades = new LapTrades(recording, plan);
  const placeMs = position.lap * lapMs + position.lapAtMs;
  const endMs = placeMs + JUST_AFTER_MS;
  const minutes: TradeBar[] = [];
  const lastAtMs = Math.floor(atMs / MINUTE_MS) * MINUTE_MS;
  for (let openAtMs = lastAtMs - BARS_KEPT * MINUTE_MS; openAtMs <= lastAtMs; openAtMs += MINUTE_MS) {
    const fromMs = placeMs - (atMs - openAtMs) * speed;
    const toMs = Math.min(fromMs + MINUTE_MS * speed, endMs);
    let minute: GrowingBar | null = null;
    for (let lap = Math.floor(fromMs / lapMs); lap * lapMs < toMs; lap += 1) {
      const told = trades.stretch(fromMs - lap * lapMs, toMs - lap * lapMs);
      if (told === null) continue;
      const shown = lap % 2 === 0 ? told : mirrored(told, mirrorTicks);
      if (minute === null) minute = { openAtMs, ...shown };
      else joinBar(minute, shown);
    }
    if (minute !== null) minutes.push(minute);
  }
  return minutes;
}

function mirrored({ open, high, low, close, lots, tickLots }: TradedStretch, mirrorTicks: number): TradedStretch {
  return {
    open: mirrorTicks - open,
    high: mirrorTicks - low,
    low: mirrorTicks - high,
    close: mirrorTicks - close,
    lots,
    tickLots: mirrorTicks * lots - tickLots,
  };
}
