/** What is said to a bot that quotes, and what can be heard in its effects. */
import type { BotConfig } from '../../../core/bot/bot-config.ts';
import type { Effect } from '../../../core/bot/effects.ts';
import type { BotEvent } from '../../../core/bot/events.ts';
import type { ConnectorInput } from '../../../core/bot/input.ts';
import { RecordKind } from '../../../core/events/record.ts';
import { Bench, botConfig, copyOf, placed } from '../../support/bots.ts';

/** Never stopped by a supervisor that is not there. */
export const PATIENT = botConfig({ deadmanS: 600 });
export const PROTECTED = botConfig({ deadmanS: 600, risk: { ...botConfig().risk, protectiveStopEnabled: true } });
export const OPERATOR = { operator: 'ada', reason: 'test' };

interface Quoting {
  readonly bench: Bench;
  readonly bid: string;
  readonly ask: string;
}

/** A bot whose two quotes are on their way to the venue. */
export function sending(config: BotConfig = PATIENT): Quoting {
  const bench = new Bench(config).run();
  const [bid, ask] = placed(bench.book(600_000, 600_001)).map(({ clientOrderId }) => clientOrderId);
  if (bid === undefined || ask === undefined) throw new Error('expected two quotes');
  return { bench, bid, ask };
}

/** A bot whose two quotes rest at the venue. */
export function quoting(config: BotConfig = PATIENT): Quoting {
  const quotes = sending(config);
  for (const id of [quotes.bid, quotes.ask]) quotes.bench.answer(id, 'yes');
  return quotes;
}

export function ping(bench: Bench): Effect[] {
  return bench.tell({ kind: RecordKind.controlInput, command: { command: 'ping' } });
}

export function control(bench: Bench, command: 'pause' | 'resume' | 'hardStop' | 'approveRestart'): Effect[] {
  return bench.tell({ kind: RecordKind.controlInput, command: { command, ...OPERATOR } });
}

export function shutdown(bench: Bench): Effect[] {
  return bench.tell({ kind: RecordKind.controlInput, command: { command: 'shutdown', reason: 'update' } });
}

export function connect(bench: Bench, channel: ConnectorInput['channel'], status: 'up' | 'down' = 'up'): Effect[] {
  return bench.tell({ kind: RecordKind.connectorInput, channel, status, reason: 'because' });
}

/** The next process, `laterMs` after the earlier one by a clock that may have been set back; nothing of it is up yet. */
export function started(before: Bench, laterMs = 1_000): { bench: Bench; effects: Effect[] } {
  const bench = new Bench(before.config, copyOf(before.state));
  bench.nowMs = before.nowMs + laterMs;
  const epoch = before.state.epoch + 1;
  return { bench, effects: bench.tell({ kind: RecordKind.startInput, epoch, configHash: 'c', codeVersion: 'v' }) };
}

/** All that the new process waits for, the venue's truth being `position` and no order. */
export function up(bench: Bench, position = 0): Effect[] {
  for (const channel of ['book', 'orders'] as const) connect(bench, channel);
  bench.clock();
  ping(bench);
  return bench.sync({ position, entryPrice: position === 0 ? null : '60000' });
}

export function eventsOf(effects: readonly Effect[]): BotEvent[] {
  return effects.flatMap((effect) => (effect.effect === 'record' ? [effect.event] : []));
}

export function looked(effects: readonly Effect[]): string[] {
  return effects.flatMap((effect) => (effect.effect === 'lookup' ? [effect.clientOrderId] : []));
}

/** A read of the venue is asked for. */
export function isRead(effects: readonly Effect[]): boolean {
  return effects.some(({ effect }) => effect === 'sync');
}

/** The whole symbol is to be cancelled. */
export function isSwept(effects: readonly Effect[]): boolean {
  return effects.some(({ effect }) => effect === 'cancelAll');
}

export function isLeft(effects: readonly Effect[]): boolean {
  return effects.some(({ effect }) => effect === 'leave');
}
