/**
 * What one journal record is. Inputs are everything a bot machine was told, in order, so that a segment replays; events
 * are what it decided and what happened, and are shipped to the event store.
 */

/** Numbers are on disk for good: add, never renumber. Below 100 inputs, from 100 events. */
export const RecordKind = {
  startInput: 1,
  bookInput: 2,
  tradeInput: 3,
  tickerInput: 4,
  timerInput: 5,
  orderInput: 6,
  fillInput: 7,
  positionInput: 8,
  balanceInput: 9,
  connectorInput: 10,
  controlInput: 11,
  stopInput: 12,
  clockInput: 13,
  toldPositionInput: 14,
  barsInput: 15,
  /** The machine's whole state after the record before it: recovery starts here. */
  stateSnapshot: 20,
  marketDataEvent: 100,
  signalEvent: 101,
  riskDecisionEvent: 102,
  executionIntentEvent: 103,
  orderEvent: 104,
  fillEvent: 105,
  telemetryEvent: 106,
  controlEvent: 107,
} as const;
export type RecordKind = (typeof RecordKind)[keyof typeof RecordKind];

/** Event streams as stored; the names are fixed, consumers know them. */
export const STREAM_BY_KIND: Readonly<Record<number, string>> = {
  [RecordKind.marketDataEvent]: 'hb.market_data.v1',
  [RecordKind.signalEvent]: 'hb.signal.v1',
  [RecordKind.riskDecisionEvent]: 'hb.risk_decision.v1',
  [RecordKind.executionIntentEvent]: 'hb.execution_intent.v1',
  [RecordKind.orderEvent]: 'hb.order.v1',
  [RecordKind.fillEvent]: 'hb.fill.v1',
  [RecordKind.telemetryEvent]: 'hb.telemetry.v1',
  [RecordKind.controlEvent]: 'hb.control.v1',
};

/** Events are shipped and have a JSON payload; inputs stay in the journal. */
export function isEvent(kind: number): boolean {
  return kind >= 100;
}

/**
 * Spelled out only at the edges: where an event came from. `causeSequence` is the journal sequence of the input that led
 * to it, `epoch` the bot start it belongs to.
 */
export function correlationId(bot: string, epoch: number, causeSequence: number): string {
  return `${bot}-${epoch.toString(36)}-${causeSequence.toString(36)}`;
}
