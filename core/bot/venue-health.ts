/**
 * Whether the venue is fit to trade on: its connection, its clock against ours, and what it says of the account as a whole.
 * Maintenance passes by itself; what only a person can put right waits for one.
 */
import type { VenueTrouble } from '../venue-trouble.ts';
import { raiseAlert, tell } from './alerts.ts';
import type { Effects } from './effects.ts';
import type { ClockInput } from './input.ts';
import { Reason, type ReasonCode } from './reasons.ts';
import type { BotState } from './state.ts';

/** A clock offset beyond this is told, beyond the other nothing new is risked: a signature dies at 30 s. */
const CLOCK_WARN_MS = 1_000;
export const CLOCK_OFFSET_MS_MAX = 5_000;
/** A measure older than this says nothing any more. */
const CLOCK_AGE_MS_MAX = 180_000;
/** The venue finds our time wrong: once, the clock is measured anew; again within this time, a person has to look. */
const CLOCK_REFUSED_AGAIN_MS = 60_000;
/** After the venue spoke of maintenance it is read again this often. */
export const MAINTENANCE_RETRY_MS = 10_000;
/** Trading is tried again after that long, doubled with every spell that follows soon upon the last. */
const MAINTENANCE_HOLD_MS_MAX = 600_000;
const MAINTENANCE_OVER_MS = 900_000;

/** Why nothing new may be risked on this venue now; `none` when it is fit. */
export function blockedByVenue(state: BotState, atMs: number): ReasonCode {
  if (state.venueTrouble === 'maintenance') return Reason.venue_maintenance;
  if (state.venueTrouble !== null) return Reason.venue_refuses_account;
  if (!state.ordersUp || !state.bookUp) return Reason.venue_connection_down;
  // Never measured is measured long ago.
  if (atMs - state.clockMeasuredAtMs > CLOCK_AGE_MS_MAX || state.isClockDoubted) return Reason.clock_unknown;
  return clockErrorMs(state) > CLOCK_OFFSET_MS_MAX ? Reason.clock_offset : Reason.none;
}

/** The part of the offset that the measure cannot explain away. */
function clockErrorMs({ clockOffsetMs, clockUncertaintyMs }: BotState): number {
  return Math.max(0, Math.abs(clockOffsetMs) - clockUncertaintyMs);
}

/** Takes over a new measure of the clock. */
export function applyClock(state: BotState, { offsetMs, uncertaintyMs, atMs }: ClockInput, effects: Effects): void {
  const wasOff = state.clockMeasuredAtMs !== 0 && clockErrorMs(state) > CLOCK_WARN_MS;
  state.clockOffsetMs = offsetMs;
  state.clockUncertaintyMs = uncertaintyMs;
  state.clockMeasuredAtMs = atMs;
  state.isClockDoubted = false;
  const isOff = clockErrorMs(state) > CLOCK_WARN_MS;
  if (isOff && !wasOff) raiseAlert(state, 'clock_offset', { offsetMs, uncertaintyMs }, effects);
  else if (wasOff && !isOff) tell(state, 'phase', 'the clocks agree again', { offsetMs }, effects);
}

/** Trouble with the account or the venue as a whole: stop, tell once, and do not try for ever. */
export function noteTrouble(
  state: BotState,
  trouble: VenueTrouble | null | undefined,
  atMs: number,
  effects: Effects,
): void {
  if (trouble === undefined || trouble === null || trouble === 'rate') return;
  if (trouble === 'clock') {
    // Calls that left together are refused together: that is one finding. The next one is after a new measure.
    if (state.isClockDoubted) return;
    const isAgain = atMs - state.clockRefusedAtMs < CLOCK_REFUSED_AGAIN_MS;
    state.clockRefusedAtMs = atMs;
    state.isClockDoubted = true;
    effects.push({ effect: 'measureClock' });
    if (!isAgain) return;
  }
  if (trouble === 'maintenance') {
    state.venueTroubleAtMs = atMs;
    state.syncDueAtMs = atMs + MAINTENANCE_RETRY_MS;
    if (state.venueTrouble === null) {
      const isSoon = atMs - state.maintenanceEndedAtMs < MAINTENANCE_OVER_MS;
      state.maintenanceSpells = isSoon ? state.maintenanceSpells + 1 : 1;
    }
    // It never takes the place of something that only a person can put right.
    if (state.venueTrouble !== null) return;
  } else if (state.venueTrouble === trouble) return;
  state.venueTrouble = trouble;
  state.venueTroubleAtMs = atMs;
  raiseAlert(state, 'venue_trouble', { trouble }, effects);
}

/** In maintenance by a word of the venue that still counts: one so old that trading would be tried again says nothing any more. */
export function isInMaintenance({ venueTrouble, venueTroubleAtMs }: BotState, atMs: number): boolean {
  return venueTrouble === 'maintenance' && atMs - venueTroubleAtMs < MAINTENANCE_HOLD_MS_MAX;
}

/** After a read that agreed: trading is tried again, later with every spell that follows soon upon the last. */
export function endMaintenance(state: BotState, atMs: number, effects: Effects): void {
  const holdMs = Math.min(MAINTENANCE_HOLD_MS_MAX, MAINTENANCE_RETRY_MS * 2 ** (state.maintenanceSpells - 1));
  if (state.venueTrouble !== 'maintenance' || atMs - state.venueTroubleAtMs < holdMs) return;
  state.venueTrouble = null;
  state.maintenanceEndedAtMs = atMs;
  tell(state, 'phase', 'the venue works again', {}, effects);
}
