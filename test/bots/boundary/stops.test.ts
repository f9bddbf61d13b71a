/** The protective stop at the venue itself: there whenever something is held, and at no moment of a move is there none. */
import { expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { LEGS } from '../../../core/accounting/holdings.ts';
import { createBitgetVenue } from '../../../gateway/bitget/venue.ts';
import { SILENT } from '../../../core/log.ts';
import { until } from '../../support/desk.ts';
import { agree, BUSY, RESTING, withWorld, type BoundaryBot, type BoundaryWorld } from './world.ts';

const PROTECTED = { ...BUSY.risk, protectiveStopEnabled: true, protectiveStopLossPct: 2 };

const fillOne = async (
  { admin }: BoundaryWorld,
  bot: BoundaryBot,
  side: 'buy' | 'sell',
  qty: string,
): Promise<void> => {
  await until(`an open ${side} order`, async () => {
    const order = bot.state.orders.find((each) => each.side === side && each.state === 'open');
    if (order === undefined) return false;
    await admin.call('POST', '/fills', { account: bot.account, clientOid: order.clientOrderId, qty });
    return true;
  });
};

test('it appears with the position, moves with every fill without a gap, and goes with the position', async () => {
  // Quotes near the market, so that each fill has another price and moves the stop.
  const strategy = { ...BUSY.strategy, halfSpreadBps: 20, requoteBps: 2, requoteMsMin: 200, skewBps: 0 };
  await withWorld({ config: { strategy, risk: PROTECTED } }, async (world) => {
    const { bot, admin } = world;
    const watch = await world.watchStops(bot);
    try {
      await bot.quoting();
      expect(await watch.list()).toEqual([]);
      await fillOne(world, bot, 'buy', '0.001');
      await until('the first stop', async () => (await watch.list()).length === 1);
      expect((await watch.list())[0]).toMatchObject({ planType: 'pos_loss', side: 'sell' });
      const triggers = new Set<number>();
      let gaps = 0;
      let looks = 0;
      let isOver = false;
      const looking = (async () => {
        while (!isOver) {
          const listed = await watch.list();
          looks += 1;
          if (listed.length === 0) gaps += 1;
          listed.forEach(({ triggerPrice }) => triggers.add(triggerPrice));
        }
      })();
      for (const ticks of [-3_000, -3_000, -3_000]) {
        await admin.call('POST', '/price', { symbol: 'BTCUSDT', ticks });
        await sleep(1_500);
        await fillOne(world, bot, 'buy', '0.001');
        await until('the stop to follow', () => bot.state.stops.some(({ state }) => state === 'open'));
        await sleep(1_500);
      }
      isOver = true;
      await looking;
      expect(gaps).toBe(0);
      expect(looks).toBeGreaterThan(10);
      expect(triggers.size).toBeGreaterThanOrEqual(3);
      await admin.call('POST', '/reductions', { account: bot.account, symbol: 'BTCUSDT' });
      await until('flat', () => bot.position() === '0');
      await until('the stop to go', async () => (await watch.list()).length === 0);
      await agree(bot);
    } finally {
      await watch.close();
    }
  });
}, 120_000);

test('the price runs through it: the venue closes the position, the bot books the fill and is flat', async () => {
  await withWorld({ config: { ...RESTING, risk: PROTECTED } }, async (world) => {
    const { bot, admin } = world;
    await bot.quoting();
    await fillOne(world, bot, 'buy', '0.004');
    await until('the stop', () => bot.state.stops.some(({ state }) => state === 'open'));
    await admin.call('POST', '/price', { symbol: 'BTCUSDT', ticks: -40_000 });
    await until('flat', () => bot.position() === '0');
    await until('no stop left', () => bot.state.stops.length === 0);
    const truth = await agree(bot);
    expect(truth.positions).toEqual([]);
    const booked = (await bot.events()).filter((event) => event.type === 'fill' && event.external);
    expect(booked).toHaveLength(1);
    expect(await bot.alerts()).toContain('external_fill');
  });
}, 60_000);

test('in hedge mode both legs are held, each under its own stop, and reconciled leg by leg', async () => {
  const config = { ...RESTING, risk: PROTECTED, positionMode: 'hedge', hedgeInventoryRatio: 1 };
  const before = async (world: BoundaryWorld): Promise<void> => {
    const venue = await createBitgetVenue({ endpoint: world.endpoint, keys: world.keysOf('bot1'), log: SILENT });
    expect(await venue.setPositionMode('hedge')).toEqual({ answer: 'yes' });
    await venue.close();
  };
  await withWorld({ config, before }, async (world) => {
    const { bot, admin } = world;
    const watch = await world.watchStops(bot);
    try {
      await bot.quoting();
      await fillOne(world, bot, 'buy', '0.003');
      await until('the long leg', () => bot.state.holdings.long.qty === 3);
      await fillOne(world, bot, 'sell', '0.002');
      await until('the short leg', () => bot.state.holdings.short.qty === -2);
      await until('both stops', async () => (await watch.list()).length === 2);
      expect((await watch.list()).map(({ leg }) => leg).sort()).toEqual(['long', 'short']);
      const held = () => LEGS.map((leg) => bot.state.holdings[leg].qty);
      const { positions } = await bot.truth();
      expect(positions.map(({ leg, qty }) => [leg, qty]).sort()).toEqual([
        ['long', '0.003'],
        ['short', '-0.002'],
      ]);
      // A new process reads both legs and both stops back.
      const before = held();
      await bot.crash();
      await bot.start();
      await until('it to be in sync', () => bot.state.synced);
      expect(held()).toEqual(before);
      await until('both stops known', () => bot.state.stops.filter(({ state }) => state === 'open').length === 2);
      await admin.call('POST', '/reductions', { account: bot.account, symbol: 'BTCUSDT', leg: 'short' });
      await until('the short leg flat', () => bot.state.holdings.short.qty === 0);
      await until('its stop to go', async () => (await watch.list()).map(({ leg }) => leg).join() === 'long');
      expect(bot.state.holdings.long.qty).toBe(3);
    } finally {
      await watch.close();
    }
  });
}, 90_000);
