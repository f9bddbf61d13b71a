/**
 * How long this bot's events have been waiting to be stored. Its journal records them meanwhile, on one disk and for this
 * host alone: who ships them says with each ping how old the wait is, and beyond a limit the bot stands aside.
 */
import { raiseAlert, tell } from './alerts.ts';
import type { Effects } from './effects.ts';
import type { BotState } from './state.ts';

/** Plain JSON values, part of the bot's state. */
export interface StoreMemory {
  /** Everything journaled until then is in the event store, as last told. */
  storedAtMs: number;
  isBehind: boolean;
}

/**
 * Takes over the word of a ping: `ageMs` ago everything was stored. Null is a shipper that does not know yet: the wait then
 * goes on from what was known, or begins. Left out, nobody ships this journal, and nothing is watched.
 */
export function noteStored(state: BotState, ageMs: number | null | undefined, atMs: number): void {
  if (ageMs === undefined) return;
  state.eventStore ??= { storedAtMs: atMs, isBehind: false };
  if (ageMs !== null) state.eventStore.storedAtMs = atMs - ageMs;
}

/** At every input: tells once when the wait gets too long, and once when it is over. */
export function watchStore(state: BotState, atMs: number, ageMsMax: number, effects: Effects): void {
  const { eventStore } = state;
  if (eventStore === undefined) return;
  const ageMs = atMs - eventStore.storedAtMs;
  const isBehind = ageMs > ageMsMax;
  if (isBehind === eventStore.isBehind) return;
  eventStore.isBehind = isBehind;
  if (isBehind) raiseAlert(state, 'events_not_stored', { ageMs }, effects);
  else tell(state, 'phase', 'events are stored again', { ageMs }, effects);
}

/** Nothing was journaled while this process stood still or was not there: that time is no wait. */
export function passStandstill(state: BotState, ms: number): void {
  if (state.eventStore !== undefined) state.eventStore.storedAtMs += ms;
}
