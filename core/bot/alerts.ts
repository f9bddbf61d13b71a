/** What a person must hear of, whatever the bot does about it: one event each, in the journal and from there in the store. */
import { RecordKind } from '../events/record.ts';
import type { Effects } from './effects.ts';
import type { ControlEvent } from './events.ts';
import type { BotState } from './state.ts';
import { phaseOf } from './telemetry.ts';

export type AlertCode =
  /** An order, stop or fill on this account and symbol that this bot did not make. */
  | 'external_order'
  | 'external_stop'
  | 'external_fill'
  /** Executed worse than the order's limit, or far from the market. */
  | 'fill_price_deviation'
  /** The venue holds something else than our fills add up to. */
  | 'position_differs'
  | 'position_mode_differs'
  /** The venue holds something where we held nothing: it is ours now. */
  | 'orphan_position'
  /** The process ends and leaves something held. */
  | 'open_position_at_shutdown'
  /** The venue could not be read at the start, however often it was tried: a person has to look. */
  | 'startup_position_sync_failed'
  | 'clock_offset'
  | 'stop_refused'
  /** Something has been held for too long without a stop that is known to rest. */
  | 'unprotected'
  /** See `VenueTrouble`. */
  | 'venue_trouble'
  /** Events have waited for the event store for longer than they may. */
  | 'events_not_stored';

/** Puts one fact about the bot itself on record. */
export function tell(
  state: BotState,
  type: ControlEvent['type'],
  reason: string,
  detail: ControlEvent['detail'],
  effects: Effects,
  operator: string | null = null,
): void {
  const event: ControlEvent = { type, phase: phaseOf(state), reason, operator, detail };
  effects.push({ effect: 'record', kind: RecordKind.controlEvent, event });
}

export function raiseAlert(state: BotState, code: AlertCode, detail: ControlEvent['detail'], effects: Effects): void {
  state.alerts += 1;
  tell(state, 'alert', code, detail, effects);
}
