/** An intent that was too long on its way to the disk is not sent any more: what it was decided on is old by then. */
import { expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { withDurable } from './boundary/disk.ts';
import { RESTING, withWorld } from './boundary/world.ts';
import { INTENT_LIFETIME_MS } from '../../core/bot/order-desk.ts';
import { until } from '../support/desk.ts';

test('an order whose record took longer than it may live is closed, the venue never sees it, and a new one follows', async () => {
  let isSlow = true;
  await withWorld(
    {
      config: RESTING,
      disk: (journal) =>
        withDurable(journal, async () => {
          await journal.durable();
          if (isSlow) await sleep(INTENT_LIFETIME_MS + 100);
        }),
    },
    async ({ bot }) => {
      const late = await until('an order decided', () => bot.state.orders[0]?.clientOrderId ?? false);
      await until('it is closed', () => bot.state.orders.every(({ clientOrderId }) => clientOrderId !== late));
      isSlow = false;
      await bot.quoting();
      const told = (await bot.events()).flatMap((event) =>
        event.type === 'order' && event.clientOrderId === late ? [event] : [],
      );
      expect(told.at(-1)).toMatchObject({ state: 'closed', closeReason: 'rejected', code: 'expired_before_sending' });
      const { orders } = await bot.truth();
      expect(orders.length).toBeGreaterThan(0);
      expect(orders.map(({ clientOid }) => clientOid)).not.toContain(late);
    },
  );
}, 60_000);
