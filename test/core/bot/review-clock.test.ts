/** A clock that was set back while the bot was away: nothing of the new run is proved by an instant of the old one. */
import { expect, test } from '@jest/globals';
import { Reason } from '../../../core/bot/reasons.ts';
import { RecordKind } from '../../../core/events/record.ts';
import { Bench, botConfig, copyOf, placed } from '../../support/bots.ts';

test('after the private stream was away the venue is read before the next quote, also under a clock set back', () => {
  const config = botConfig({ deadmanS: 600 });
  const bench = new Bench(config).run();
  bench.book(600_000, 600_001);
  const again = new Bench(config, copyOf(bench.state));
  again.nowMs = bench.nowMs - 3_600_000;
  again.run();
  for (const { clientOrderId } of placed(again.book(600_000, 600_001))) again.answer(clientOrderId, 'yes');
  const connector = { kind: RecordKind.connectorInput, channel: 'orders', reason: '' } as const;
  again.tell({ ...connector, status: 'down' }, 1_000);
  again.tell({ ...connector, status: 'up' }, 1_000);
  again.book(600_000, 600_002);
  expect(again.reason()).toBe(Reason.reconciling);
});
