/** Records whose content follows from their sequence, so that any of them can be checked. */
import { RecordKind } from '../../core/events/record.ts';

/** What record `sequence` of a written journal says. */
export function payloadOf(sequence: number): string {
  return JSON.stringify({
    sequence,
    clientOrderId: `order-${sequence % 11}`,
    state: 'open',
    text: 'ü'.repeat(sequence % 7),
  });
}

/** Every third one is an input. */
export function kindOf(sequence: number): number {
  return sequence % 3 === 0 ? RecordKind.bookInput : RecordKind.orderEvent;
}
