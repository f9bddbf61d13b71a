/** What a step asks the edge to do, in order. The list is reused: read it before the next step. */
import type { ApprovedIntent } from '../risk/decision.ts';
import type { RecordKind } from '../events/record.ts';
import type { ProtectiveStop } from '../orders/stop.ts';
import type { BotEvent } from './events.ts';

export type Effect =
  /** Leaves only after the record that precedes it is durable. */
  | { effect: 'place'; intent: ApprovedIntent }
  | { effect: 'cancel'; clientOrderId: string }
  | { effect: 'cancelAll' }
  | { effect: 'lookup'; clientOrderId: string }
  /** As with `place`, after its record is durable. `replaces` names the stop whose place it takes. */
  | { effect: 'placeStop'; stop: ProtectiveStop; replaces: string | null }
  | { effect: 'cancelStop'; clientOrderId: string }
  /** Compare the venue's clock with ours and answer with a `ClockInput`. */
  | { effect: 'measureClock' }
  /** Read open orders, fills, position and balance and answer with a `SyncInput`. */
  | { effect: 'sync' }
  | { effect: 'record'; kind: RecordKind; event: BotEvent }
  /** Nothing is open any more: the process may leave. */
  | { effect: 'leave' };

export class Effects {
  readonly list: Effect[] = [];

  clear(): void {
    if (this.list.length > 0) this.list.length = 0;
  }

  push(effect: Effect): void {
    this.list.push(effect);
  }
}
