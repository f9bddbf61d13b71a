/** What a new process makes of the state that an earlier one left: nothing of the world is known any more. */
import { flatHoldings } from '../accounting/holdings.ts';
import { beginRiskRun } from './risk-watch.ts';
import type { BotState } from './state.ts';

/** What was in flight is unknown now, and nothing waits for an instant of the earlier run: the clock may have been set. */
export function beginRun(state: BotState, epoch: number, atMs: number): void {
  state.epoch = epoch;
  state.intentNumber = 0;
  state.syncSentAtMs = 0;
  state.ordersEndedInRead = undefined;
  state.syncDueAtMs = atMs;
  state.syncMismatches = 0;
  state.syncDifferences = [];
  state.stopping = false;
  state.left = false;
  // Until a supervisor speaks: what the desk wants held may have changed while no process was there to be told.
  state.pausedWithoutSupervisor = true;
  state.supervisorSeenAtMs = atMs;
  if (state.eventStore !== undefined) state.eventStore.storedAtMs = Math.min(state.eventStore.storedAtMs, atMs);
  state.bookUp = false;
  state.ordersUp = false;
  state.bookAtMs = 0;
  state.book.bidCount = 0;
  state.book.askCount = 0;
  // The clock may have been set back since: nothing waits for an instant of the earlier run.
  state.bidReplacedAtMs.fill(0);
  state.askReplacedAtMs.fill(0);
  state.telemetryAtMs = 0;
  state.cancelsAtMs = state.cancelsAtMs.filter((sentAtMs) => sentAtMs <= atMs);
  beginRiskRun(state.risk, atMs);
  // Whether the last one arrived is not known: the next timer sends it again.
  if (state.cancelAllSentAtMs !== 0) state.cancelAllSentAtMs = 1;
  if (!state.everSynced) state.holdings = flatHoldings();
  state.clockMeasuredAtMs = 0;
  state.clockRefusedAtMs = 0;
  state.isClockDoubted = false;
  state.provenAtMs = 0;
  state.syncTries = 0;
  state.isSyncGivenUp = false;
  state.syncFailedPart = null;
  state.fillsReadAtMs = Math.min(state.fillsReadAtMs, atMs);
  state.fillHeardAtMs = 0;
  state.syncWantedAtMs = 0;
  state.toldByLeg = { net: null, long: null, short: null };
  state.toldDiffersAtMs = 0;
  // What they became meanwhile, the start-up read says.
  for (const stop of state.stops) {
    stop.state = 'unknown';
    stop.sentAtMs = Math.min(stop.sentAtMs, atMs);
    stop.settledAtMs = Math.min(stop.settledAtMs, atMs);
  }
  state.stopRetryAtMs = 0;
  state.stopRefusalToldAtMs = Math.min(state.stopRefusalToldAtMs, atMs);
  state.unprotectedSinceMs = Math.min(state.unprotectedSinceMs, atMs);
  state.heldSinceMs = Math.min(state.heldSinceMs, atMs);
  if (state.venueTrouble === 'maintenance') state.venueTrouble = null;
  for (const order of state.orders) {
    if (order.state !== 'closed') order.state = 'unknown';
    order.sentAtMs = Math.min(order.sentAtMs, atMs);
    order.cancelSentAtMs = 0;
    order.cancelRetryAtMs = 0;
    order.lookupSentAtMs = 0;
    order.notFoundAtMs = 0;
    order.closedAtMs = Math.min(order.closedAtMs, atMs);
  }
}
