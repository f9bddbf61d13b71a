import { expect, test } from '@jest/globals';
import { correlationId, isEvent, RecordKind, STREAM_BY_KIND } from '../../../core/events/record.ts';

/** What older journals and the event store hold: these numbers and names are on disk for good. */
const ON_DISK = {
  startInput: 1, bookInput: 2, tradeInput: 3, tickerInput: 4, timerInput: 5, orderInput: 6, fillInput: 7, positionInput: 8,
  balanceInput: 9, connectorInput: 10, controlInput: 11, stopInput: 12, clockInput: 13, toldPositionInput: 14, barsInput: 15,
  stateSnapshot: 20, marketDataEvent: 100, signalEvent: 101, riskDecisionEvent: 102, executionIntentEvent: 103,
  orderEvent: 104, fillEvent: 105, telemetryEvent: 106, controlEvent: 107,
}; // prettier-ignore

test('a kind keeps the number that older journals have', () => {
  expect(RecordKind).toMatchObject(ON_DISK);
  const numbers = Object.values(RecordKind);
  expect(new Set(numbers).size).toBe(numbers.length);
});

test('a stream keeps the name that its readers know', () => {
  expect(STREAM_BY_KIND).toMatchObject({
    100: 'hb.market_data.v1',
    101: 'hb.signal.v1',
    102: 'hb.risk_decision.v1',
    103: 'hb.execution_intent.v1',
    104: 'hb.order.v1',
    105: 'hb.fill.v1',
    106: 'hb.telemetry.v1',
    107: 'hb.control.v1',
  });
});

test('events are shipped to a stream each; inputs and snapshots stay in the journal', () => {
  for (const kind of Object.values(RecordKind)) expect(STREAM_BY_KIND[kind] !== undefined).toBe(isEvent(kind));
  expect([99, 100].map(isEvent)).toEqual([false, true]);
});

test('a correlation id says bot, start and cause, the numbers in base 36', () => {
  expect(correlationId('mm-btc', 35, 36 * 36)).toBe('mm-btc-z-100');
});
