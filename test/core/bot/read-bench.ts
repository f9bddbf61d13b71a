/** A quoting bot whose reads of the venue the test answers. */
import { expect } from '@jest/globals';
import type { BotConfig } from '../../../core/bot/bot-config.ts';
import type { SyncInput } from '../../../core/bot/input.ts';
import { botConfig, placed } from '../../support/bots.ts';
import { LivingBench } from './living-bench.ts';

/** Never blocked by a supervisor that is not there. */
export const PATIENT = { deadmanS: 600 };

/** Quoting, with both orders acknowledged. */
export function quoting(config: BotConfig = botConfig(PATIENT)) {
  const bench = new LivingBench(config).run();
  if (config.positionMode === 'hedge') bench.sync({ legs: [] });
  const [bid, ask] = placed(bench.book(600_000, 600_010));
  for (const order of [bid!, ask!]) bench.answer(order.clientOrderId, 'yes');
  bench.events.length = 0;
  return { bench, bid: bid!.clientOrderId, ask: ask!.clientOrderId };
}

/** Every order of ours as the venue would list it. */
export const ours = ({ state }: LivingBench): SyncInput['openOrders'] =>
  state.orders.map((order) => ({ clientOrderId: order.clientOrderId, filled: order.venueFilled, order }));

/** The machine asks for a read now; the answer is the caller's. */
export function ask(bench: LivingBench, afterMs = 500): void {
  bench.state.syncDueAtMs = bench.nowMs;
  expect(bench.timer(afterMs)).toContainEqual({ effect: 'sync' });
}

export const alarms = ({ events }: LivingBench) =>
  events.flatMap((event) => (event.type === 'alert' ? [{ reason: event.reason, ...event.detail }] : []));
