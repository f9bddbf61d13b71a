/**
 * Everything that the bot wants done goes on record here, before it is done, and so does everything that risk denies.
 *
 * An **active** intent can open or enlarge what is held, or acts on what others hold by then: done late it does harm, so it
 * carries its expiry, and after that it is not done any more. A **standing** one only takes exposure or orders away, or
 * protects what is held: late is better than never, so it has no expiry and stands until it is done. A change of an order at
 * the venue would be active; this bot makes none, it cancels and places anew.
 *
 * Two invariants, by the names under which they are known (docs/invariants.md). A break of either is a bug: it stops the
 * bot, before anything leaves.
 */
import { RecordKind } from '../events/record.ts';
import { invariant } from '../invariant.ts';
import type { Effects } from './effects.ts';
import type { ExecutionIntentEvent, RiskDenialEvent } from './events.ts';
import { DENIAL_TEXTS } from './reason-texts.ts';

/** As the events have it: exactly the active ones have an expiry, or this does not compile. */
export const INTENT_KINDS = {
  place: 'active',
  kill_switch: 'active',
  cancel: 'standing',
  place_stop: 'standing',
  cancel_stop: 'standing',
} as const satisfies {
  [Event in ExecutionIntentEvent as Event['type']]: Event extends { expiresAtMs: number } ? 'active' : 'standing';
};

export function recordIntent(event: ExecutionIntentEvent, atMs: number, effects: Effects): void {
  const expiresAtMs = 'expiresAtMs' in event ? event.expiresAtMs : null;
  const isActive = INTENT_KINDS[event.type] === 'active';
  const isSound = isActive ? Number.isFinite(expiresAtMs) && (expiresAtMs as number) > atMs : expiresAtMs === null;
  invariant(isSound, 'intent_expiry_present_for_active_actions');
  effects.push({ effect: 'record', kind: RecordKind.executionIntentEvent, event });
}

export function recordDenial(event: RiskDenialEvent, effects: Effects): void {
  invariant(Object.hasOwn(DENIAL_TEXTS, event.code), 'risk_denied_reason_present');
  effects.push({ effect: 'record', kind: RecordKind.riskDecisionEvent, event });
}
