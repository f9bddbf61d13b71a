/** A bot that holds something with a protective stop, and what a venue may say about that stop. */
import { expect } from '@jest/globals';
import type { BotConfig } from '../../../core/bot/bot-config.ts';
import type { Effect } from '../../../core/bot/effects.ts';
import type { SeenStop } from '../../../core/bot/input.ts';
import { RecordKind } from '../../../core/events/record.ts';
import type { PriceTicks } from '../../../core/money/money.ts';
import { botConfig, stopsPlaced } from '../../support/bots.ts';
import { LivingBench } from './living-bench.ts';

export const PROTECTED = botConfig({
  risk: { ...botConfig().risk, protectiveStopEnabled: true, protectiveStopLossPct: 2 },
  deadmanS: 600,
});

/** Holds 4 lots bought at 60,000; the stop for them is on its way. */
export function holding(config: BotConfig = PROTECTED) {
  const bench = new LivingBench(config).run();
  bench.book(600_000, 600_010);
  bench.events.length = 0;
  const effects = bench.fill('bot1_7-z', 'buy', 600_000, 4, 't1');
  const id = stopsPlaced(effects)[0]!.stop.clientOrderId;
  return { bench, id, effects };
}

/** The same with the stop at the venue. */
export function protectedBench() {
  const { bench, id } = holding();
  bench.stopAnswer(id, 'yes');
  bench.events.length = 0;
  return { bench, id };
}

export const cancelAnswer = (
  bench: LivingBench,
  clientOrderId: string,
  answer: 'yes' | 'gone' | 'no' | 'unknown',
): Effect[] => bench.tell({ kind: RecordKind.stopInput, clientOrderId, news: { news: 'cancelAnswered', answer } });

export const refuse = (bench: LivingBench, clientOrderId: string, code = '40917'): Effect[] =>
  bench.tell({ kind: RecordKind.stopInput, clientOrderId, news: { news: 'placeAnswered', answer: 'no', code } });

export const stopEvents = (bench: LivingBench) =>
  bench.eventsOf('stop').map(({ clientOrderId, state, code }) => ({ clientOrderId, state, code }));

/** A read that was asked for now and finds what the bot holds, with these stops at the venue. */
export function read(bench: LivingBench, stops: readonly SeenStop[], afterMs = 500): Effect[] {
  bench.state.syncDueAtMs = bench.nowMs;
  bench.timer(afterMs);
  expect(bench.state.syncSentAtMs).toBe(bench.nowMs);
  return answer(bench, stops);
}

export function answer(bench: LivingBench, stops: readonly SeenStop[]): Effect[] {
  const { orders, holdings } = bench.state;
  return bench.sync({
    legs: (['net', 'long', 'short'] as const)
      .map((leg) => ({ leg, qty: holdings[leg].qty, entryPrice: '60000' }))
      .filter(({ qty }) => qty !== 0),
    openOrders: orders.map((own) => ({ clientOrderId: own.clientOrderId, filled: own.venueFilled, order: own })),
    stops: [...stops],
  });
}

export const seen = (
  clientOrderId: string,
  triggerPrice: number,
  direction: 1 | -1 = 1,
  leg: SeenStop['leg'] = 'net',
): SeenStop => ({
  clientOrderId,
  leg,
  direction,
  triggerPrice: triggerPrice as PriceTicks,
});
