/**
 * When the venue's truth is read, and what follows from it: at the start before anything is traded, then every five minutes,
 * and whenever something was heard that only a read explains.
 */
import { LEGS, netLots } from '../accounting/holdings.ts';
import { raiseAlert, tell } from './alerts.ts';
import type { Effects } from './effects.ts';
import type { SyncInput, SyncPart } from './input.ts';
import type { OrderDesk } from './order-desk.ts';
import { areStopsSettled } from './protection.ts';
import { Reason, type ReasonCode } from './reasons.ts';
import { applySync } from './reconcile.ts';
import { noteDrift, noteMargin } from './risk-watch.ts';
import { wantSync, type BotState } from './state.ts';
import type { VenueTrouble } from '../venue-trouble.ts';
import { endMaintenance, isInMaintenance, MAINTENANCE_RETRY_MS } from './venue-health.ts';

/** The venue's truth is compared with ours this often. */
const SYNC_MS = 300_000;
const SYNC_RETRY_MS = 1_000;
const SYNC_TIMEOUT_MS = 30_000;
/** Tries of the start-up read before a person has to look, and the longest pause between two of them. */
const STARTUP_SYNC_TRIES = 10;
const STARTUP_RETRY_MS_MAX = 30_000;
/** An adopted position is compared again this soon: a fill that it holds already may still be on its way to us. */
const SYNC_AFTER_ADOPTION_MS = 10_000;
/** A fill and the position that it led to come as two messages: a difference for longer than this is none of their order. */
const TOLD_DIFFERS_MS = 1_500;

/** Why a bot that has not taken over the venue's truth does not trade. */
export function whyNotSynced({ isSyncGivenUp, syncFailedPart }: BotState): ReasonCode {
  if (isSyncGivenUp) return Reason.startup_position_sync_failed;
  return syncFailedPart === 'balance' ? Reason.balance_read_failed : Reason.startup_position_sync_pending;
}

/** Once a second: is a read due, overdue or wanted? */
export function watchSync(state: BotState, isWanted: boolean, atMs: number, effects: Effects): void {
  if (state.syncSentAtMs !== 0 && atMs - state.syncSentAtMs > SYNC_TIMEOUT_MS) {
    state.syncSentAtMs = 0;
    if (!state.synced) countTry(state, null, atMs, effects);
  }
  compareTold(state, atMs);
  const isDue = atMs >= state.syncDueAtMs || (isWanted && state.synced);
  if (isDue && isStreamAwaited(state))
    noteSyncFailed(state, null, isInMaintenance(state, atMs) ? 'maintenance' : null, atMs, effects);
  else if (isDue) askSync(state, atMs, effects);
}

/** At the start nothing is read before the private stream is there, and a stream that never comes is a read that never comes. */
function isStreamAwaited({ synced, ordersUp, syncSentAtMs, isSyncGivenUp }: BotState): boolean {
  return !synced && !ordersUp && syncSentAtMs === 0 && !isSyncGivenUp;
}

export function askSync(state: BotState, atMs: number, effects: Effects): void {
  if (state.syncSentAtMs !== 0 || !state.ordersUp || state.isSyncGivenUp) return;
  state.syncSentAtMs = atMs;
  state.ordersEndedInRead = undefined;
  effects.push({ effect: 'sync' });
}

export function applySyncInput(state: BotState, input: SyncInput, desk: OrderDesk, effects: Effects): void {
  const readAtMs = state.syncSentAtMs;
  // It was given up: since then nobody kept account of what happened while it ran.
  if (input.askedAtMs !== undefined && input.askedAtMs !== readAtMs) return;
  const outcome = applySync(state, input, desk, effects);
  noteDrift(state.risk, outcome === 'adopted' ? 0 : state.positionDriftPct);
  noteMargin(state.risk, input.marginRatio, input.maintenanceRatio);
  if (outcome === 'differs') {
    state.syncDueAtMs = input.atMs + SYNC_RETRY_MS;
    return;
  }
  state.syncTries = 0;
  state.syncFailedPart = null;
  endMaintenance(state, input.atMs, effects);
  const isProven = state.provenAtMs >= state.doubtedAtMs;
  const isExplained = readAtMs > state.syncWantedAtMs && areStopsSettled(state);
  let againMs = isProven && isExplained ? SYNC_MS : SYNC_RETRY_MS;
  if (outcome === 'adopted') againMs = Math.min(againMs, SYNC_AFTER_ADOPTION_MS);
  if (state.venueTrouble !== null) againMs = MAINTENANCE_RETRY_MS;
  state.syncDueAtMs = input.atMs + againMs;
  tell(state, 'synced', '', { position: netLots(state.holdings), openOrders: input.openOrders.length }, effects);
}

export function noteSyncFailed(
  state: BotState,
  part: SyncPart | null,
  trouble: VenueTrouble | null,
  atMs: number,
  effects: Effects,
): void {
  state.syncSentAtMs = 0;
  state.syncDueAtMs = atMs + (state.venueTrouble === null ? SYNC_RETRY_MS : MAINTENANCE_RETRY_MS);
  // Of maintenance the venue says itself that it passes; for how long nobody knows.
  if (!state.synced && trouble !== 'maintenance') countTry(state, part, atMs, effects);
}

/** A person has looked: from the beginning. */
export function retrySync(state: BotState, atMs: number): void {
  if (!state.isSyncGivenUp) return;
  state.isSyncGivenUp = false;
  state.syncTries = 0;
  state.syncDueAtMs = atMs;
}

/** A start-up read failed, or could not begin: ever later again, and after the tenth time the bot stays out until a person resumes it. */
function countTry(state: BotState, part: SyncPart | null, atMs: number, effects: Effects): void {
  state.syncFailedPart = part;
  state.syncTries += 1;
  const waitMs = Math.min(STARTUP_RETRY_MS_MAX, SYNC_RETRY_MS * 2 ** (state.syncTries - 1));
  state.syncDueAtMs = Math.max(state.syncDueAtMs, atMs + waitMs);
  if (state.syncTries < STARTUP_SYNC_TRIES) return;
  state.isSyncGivenUp = true;
  const privateStream = state.ordersUp ? 'up' : 'down';
  raiseAlert(state, 'startup_position_sync_failed', { tries: state.syncTries, part, privateStream }, effects);
  const detail = { from: 'allow', to: 'soft_pause', measured: state.syncTries, limit: STARTUP_SYNC_TRIES };
  tell(state, 'escalation', 'startup_position_sync_failed', detail, effects);
}

/** The stream's word on the position is only held against ours: what differs for longer is read. */
function compareTold(state: BotState, atMs: number): void {
  const isOurs = LEGS.every((leg) => (state.toldByLeg[leg] ?? state.holdings[leg].qty) === state.holdings[leg].qty);
  if (isOurs) state.toldDiffersAtMs = 0;
  else if (state.toldDiffersAtMs === 0) state.toldDiffersAtMs = atMs;
  else if (atMs - state.toldDiffersAtMs >= TOLD_DIFFERS_MS) {
    state.toldDiffersAtMs = atMs;
    wantSync(state, atMs);
  }
}
