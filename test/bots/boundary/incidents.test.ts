/**
 * Four incidents that other desks had, replayed against the real parts. In each of them an order was alive at the exchange
 * while its owner had written it off; here it counts in full until the venue has proved what became of it.
 */
import { describe, expect, test } from '@jest/globals';
import { SILENT } from '../../../core/log.ts';
import { openLots } from '../../../core/orders/order.ts';
import { createBitgetVenue } from '../../../gateway/bitget/venue.ts';
import { VenueUnavailable } from '../../../gateway/venue.ts';
import { BOT1 } from '../../simulator/harness.ts';
import { until } from '../../support/desk.ts';
import { agree, RESTING, withWorld, type BoundaryBot } from './world.ts';
import { Wire } from './wire.ts';

/** Frames of the private stream are lost: what happened shows in reads alone. */
const DEAF = (['orders', 'fill', 'positions'] as const).map((channel) => ({
  kind: 'gap' as const,
  where: { channel },
}));

const WRITTEN_OFF = ['rejected', 'never_arrived'];

async function expectNothingWrittenOff(bot: BoundaryBot): Promise<void> {
  const { orders, acceptedMoreThanOnce } = await bot.truth();
  expect(acceptedMoreThanOnce).toEqual({});
  for (const { clientOid } of orders) {
    const life = await bot.lifeOf(clientOid);
    expect(life.filter((step) => WRITTEN_OFF.includes(step))).toEqual([]);
  }
}

function openLotsOf({ state }: BoundaryBot, side: 'buy' | 'sell'): number {
  return state.orders.filter((order) => order.side === side).reduce((sum, order) => sum + openLots(order), 0);
}

test('hummingbot#493, a time-out taken for a failure and the order sent again: it stays one order, unknown in full until found', async () => {
  await withWorld({ config: RESTING, callDeadlineMs: 500, simulator: {} }, async ({ admin, bot }) => {
    // Set before the first quote: a bot quotes once it is in sync and a supervisor has spoken.
    await admin.faults([
      { kind: 'delay', ms: 1_500, at: 'after', where: { call: 'place' } },
      { kind: 'delay', ms: 1_500, where: { path: '/api/v2/mix/order/detail' } },
      ...DEAF,
    ]);
    await until('both quotes unknown', () => bot.state.orders.filter(({ state }) => state === 'unknown').length === 2);
    const { orders } = await bot.truth();
    expect(orders.map(({ side, status }) => [side, status]).sort()).toEqual([
      ['buy', 'live'],
      ['sell', 'live'],
    ]);
    const ids = bot.state.orders.map(({ clientOrderId }) => clientOrderId).sort();
    expect(orders.map(({ clientOid }) => clientOid).sort()).toEqual(ids);
    // For as long as nobody knows, each counts in full and nothing else is sent.
    for (let look = 0; look < 20; look += 1) {
      for (const order of bot.state.orders) expect([order.state, openLots(order)]).toEqual(['unknown', order.qty]);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect((await bot.truth()).accepted).toBe(2);
    await admin.clear();
    await bot.quoting();
    expect(bot.state.orders.map(({ clientOrderId }) => clientOrderId).sort()).toEqual(ids);
    await admin.call('POST', '/fills', { account: bot.account, clientOid: ids[0] });
    await agree(bot);
    await expectNothingWrittenOff(bot);
    expect((await bot.lifeOf(ids[0]!)).slice(0, 2)).toEqual(['unknown', 'open']);
  });
}, 60_000);

test('hummingbot#3374, six cycles without a cancel that arrived, and six dead orders filled: no new order beside one that may live', async () => {
  await withWorld({ config: RESTING, callDeadlineMs: 500 }, async ({ admin, bot }) => {
    await bot.quoting();
    const ids = bot.state.orders.map(({ clientOrderId }) => clientOrderId).sort();
    await admin.faults([
      { kind: 'drop_request', where: { call: 'cancel' } },
      { kind: 'drop_request', where: { call: 'read' } },
      ...DEAF,
    ]);
    // Six times the market leaves the quotes behind, and the cancel does not get through.
    for (let cycle = 0; cycle < 6; cycle += 1) {
      await admin.call('POST', '/price', { symbol: 'BTCUSDT', ticks: cycle % 2 === 0 ? 12_000 : -12_000 });
      await new Promise((resolve) => setTimeout(resolve, 1_200));
      const truth = await bot.truth();
      expect(truth.accepted).toBe(2);
      expect(openLotsOf(bot, 'buy') + openLotsOf(bot, 'sell')).toBe(
        bot.state.orders.reduce((sum, { qty }) => sum + qty, 0),
      );
    }
    const cancels = (await bot.events()).filter(({ type }) => type === 'cancel').length;
    expect(cancels).toBeGreaterThanOrEqual(2);
    // The orders that nobody could cancel are filled, and nobody tells.
    for (const clientOid of ids) await admin.call('POST', '/fills', { account: bot.account, clientOid });
    expect(bot.state.fills).toBe(0);
    await admin.clear();
    // The first cancel that gets through is answered "gone": that is no end yet, it is looked up, and its fills are read.
    await admin.call('POST', '/price', { symbol: 'BTCUSDT', ticks: 12_000 });
    await agree(bot);
    for (const id of ids) expect((await bot.lifeOf(id)).at(-1)).toBe('filled');
    await expectNothingWrittenOff(bot);
  });
}, 60_000);

test('hummingbot#6901, the socket lost and the place call timed out, the order placed all the same: found, with what it had filled', async () => {
  await withWorld({ config: RESTING }, async ({ admin, bot }) => {
    const lost = {
      kind: 'partial_fill_then_disconnect',
      ratio: 0.4,
      where: { call: 'place' },
      when: { next: 1 },
    } as const;
    await admin.faults([lost, ...DEAF]);
    await until('the fault to have struck', async () => (await admin.report())[0]!.struck === 1);
    const truth = await agree(bot);
    const [struck] = truth.orders;
    expect(Number(struck!.filled)).toBeGreaterThan(0);
    expect(await bot.lifeOf(struck!.clientOid)).toContain('unknown');
    await expectNothingWrittenOff(bot);
    await until('it quotes again', () => bot.runtime.status().reason === 'quoted');
    expect(truth.positions).toHaveLength(1);
  });
}, 60_000);

test('hummingbot#8457, six accepted orders and a network that is away: tracked in full through every failed read, and their fills booked after it', async () => {
  const wire = new Wire();
  await withWorld({ config: RESTING, bots: 3, callDeadlineMs: 1_000, wire }, async ({ admin, bots }) => {
    await Promise.all(bots.map((bot) => bot.quoting()));
    const ids = bots.map(({ state }) => state.orders.map(({ clientOrderId }) => clientOrderId).sort());
    expect(ids.flat()).toHaveLength(6);
    await wire.cut();
    const { length: loggedBefore } = bots.flatMap(({ logged }) => logged);
    // Half of them fill while nobody can be asked.
    for (const [index, bot] of bots.entries()) {
      await admin.call('POST', '/fills', { account: bot.account, clientOid: ids[index]![0] });
    }
    for (let look = 0; look < 60; look += 1) {
      for (const [index, { state }] of bots.entries()) {
        expect(state.orders.map(({ clientOrderId }) => clientOrderId).sort()).toEqual(ids[index]);
        for (const order of state.orders)
          expect([order.state === 'closed', openLots(order)]).toEqual([false, order.qty]);
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(bots.flatMap(({ logged }) => logged).length).toBeGreaterThan(loggedBefore);
    await wire.open();
    for (const [index, bot] of bots.entries()) {
      const truth = await agree(bot);
      expect(truth.fills).toHaveLength(1);
      expect((await bot.lifeOf(ids[index]![0]!)).at(-1)).toBe('filled');
      await expectNothingWrittenOff(bot);
    }
  });
}, 90_000);

describe('a name that does not resolve', () => {
  test('proves nothing: a cancel is unknown and a look-up fails, which is not "no such order"', async () => {
    const venue = await createBitgetVenue({
      endpoint: { kind: 'simulator', httpUrl: 'http://venue.invalid', wsUrl: 'ws://venue.invalid' },
      keys: BOT1,
      log: SILENT,
      accountKind: 'classic',
    });
    try {
      expect((await venue.cancel('BTCUSDT', 'bot1_1-1')).answer).toBe('unknown');
      await expect(venue.orderByClientId('BTCUSDT', 'bot1_1-1')).rejects.toBeInstanceOf(VenueUnavailable);
      await expect(venue.openOrders('BTCUSDT')).rejects.toBeInstanceOf(VenueUnavailable);
    } finally {
      await venue.close();
    }
  });
});
