/** The venue's clock, its maintenance and its refusals of a key: what the bot risks meanwhile, and how it comes back. */
import { describe, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../support/desk.ts';
import { IS_LONG_RUN, tellProof } from '../../support/trials.ts';
import { agree, BUSY, RESTING, withWorld, type BoundaryBot, type BoundaryWorld } from './world.ts';

const open = async (bot: BoundaryBot): Promise<number> =>
  (await bot.truth()).orders.filter(({ status }) => ['live', 'partially_filled'].includes(status)).length;

const calls = async (bot: BoundaryBot): Promise<number> =>
  Object.values((await bot.truth()).requests.routes).reduce((sum, route) => sum + route.calls, 0);

describe("the venue's clock", () => {
  test.each([1_500, -1_500])('%d ms off at the start: told, and quoted all the same', async (ms) => {
    const before = async ({ admin }: BoundaryWorld) => void (await admin.faults({ kind: 'clock_skew', ms }));
    await withWorld({ config: RESTING, before }, async ({ bot }) => {
      await bot.quoting();
      expect(await bot.alerts()).toEqual(['clock_offset']);
    });
  });

  test.each([6_000, -6_000])('%d ms off at the start: told, and no order leaves', async (ms) => {
    const before = async ({ admin }: BoundaryWorld) => void (await admin.faults({ kind: 'clock_skew', ms }));
    await withWorld({ config: RESTING, before }, async ({ bot }) => {
      await until('the measure', () => bot.runtime.status().reason === 'clock_offset');
      await sleep(2_000);
      expect((await bot.truth()).accepted).toBe(0);
      expect(await bot.alerts()).toEqual(['clock_offset']);
    });
  });

  // The clock is measured every 30 s: what needs the next measure runs in the long run.
  test.each([3_600_000, -3_600_000])(
    '%d ms off while it quotes, and back: no order is accepted meanwhile, and the quotes leave as soon as the venue lets them',
    async (ms) => {
      await withWorld({ config: BUSY }, async ({ admin, bot }) => {
        await bot.quoting();
        await admin.faults({ kind: 'clock_skew', ms });
        await until('it to stop', () =>
          ['clock_offset', 'venue_refuses_account'].includes(bot.runtime.status().reason),
        );
        const { accepted } = await bot.truth();
        await sleep(2_000);
        expect((await bot.truth()).accepted).toBe(accepted);
        await admin.clear();
        await until('the quotes to leave', async () => (await open(bot)) === 0);
        expect(await bot.alerts()).toContain('clock_offset');
        if (!IS_LONG_RUN) return;
        bot.resume();
        await until('it to quote again', () => bot.runtime.status().reason === 'quoted', 60_000);
        await agree(bot);
      });
    },
    120_000,
  );

  if (!IS_LONG_RUN) return;
  test.each([1_500, -1_500, 6_000, -6_000])(
    '%d ms off while it quotes, and back within two measures',
    async (ms) => {
      await withWorld({ config: RESTING }, async ({ admin, bot }) => {
        await bot.quoting();
        await admin.faults({ kind: 'clock_skew', ms });
        await until('the alert', async () => (await bot.alerts()).includes('clock_offset'), 45_000);
        const isTooFar = Math.abs(ms) > 5_000;
        if (isTooFar) await until('the quotes to leave', async () => (await open(bot)) === 0);
        else expect(await open(bot)).toBe(2);
        await admin.clear();
        await until('it to quote', () => bot.runtime.status().reason === 'quoted', 60_000);
        await bot.quoting();
        tellProof({ promise: 'P19', proof: `venue clock ${ms} ms off`, trials: 1, failures: 0, found: {} });
      });
    },
    180_000,
  );
});

test('maintenance: frozen, the stop of what is held stays at the venue, and back after a clean read', async () => {
  const config = { ...RESTING, risk: { ...BUSY.risk, protectiveStopEnabled: true } };
  // Four times as fast, so that the 10 s between two looks pass in less.
  await withWorld({ config, clockSpeed: 4 }, async (world) => {
    const { admin, bot } = world;
    await bot.quoting();
    const watch = await world.watchStops(bot);
    const [buy] = bot.state.orders.filter(({ side }) => side === 'buy');
    await admin.call('POST', '/fills', { account: bot.account, clientOid: buy!.clientOrderId });
    await until('the stop', () => bot.state.stops.some(({ state }) => state === 'open'));
    const [stop] = await watch.list();
    await admin.faults({ kind: 'maintenance', where: { account: bot.account } });
    // Something to do: the market leaves the quotes behind.
    await admin.call('POST', '/price', { symbol: 'BTCUSDT', ticks: 12_000 });
    await until('the freeze', () => bot.runtime.status().reason === 'venue_maintenance');
    const { accepted } = await bot.truth();
    await sleep(3_000);
    expect((await bot.truth()).accepted).toBe(accepted);
    expect(bot.state.stops).toHaveLength(1);
    await admin.clear();
    // The very same, so nobody took it away meanwhile.
    expect(await watch.list()).toEqual([stop]);
    await watch.close();
    await until('it to quote again', () => bot.runtime.status().reason === 'quoted');
    expect(bot.state.stops.map(({ clientOrderId }) => clientOrderId)).toEqual([stop!.clientOrderId]);
    expect(await bot.alerts()).toContain('venue_trouble');
    await agree(bot);
  });
}, 90_000);

const AUTH_CODES = ['40009', '40012', '40014', '40018'] as const;

test('a refused signature, key, right or address: it stops and tells once, asks seldom, and says no secret', async () => {
  await withWorld({ config: BUSY, bots: AUTH_CODES.length }, async ({ admin, bots }) => {
    await Promise.all(bots.map((bot) => bot.quoting()));
    await admin.faults(
      AUTH_CODES.map((code, index) => ({ kind: 'code' as const, code, where: { account: bots[index]!.account } })),
    );
    await Promise.all(
      bots.map((bot) => until('the stop', () => bot.runtime.status().reason === 'venue_refuses_account')),
    );
    await sleep(1_000);
    const before = await Promise.all(bots.map(calls));
    await sleep(6_000);
    const after = await Promise.all(bots.map(calls));
    for (const [index, bot] of bots.entries()) {
      expect(after[index]! - before[index]!).toBeLessThanOrEqual(4);
      const alerts = await bot.alerts();
      expect(alerts.filter((code) => code === 'venue_trouble')).toHaveLength(1);
      const text = [...bot.logged, JSON.stringify(await bot.events())].join('\n');
      expect(bot.secrets.filter((secret) => text.includes(secret))).toEqual([]);
      expect(text).toContain(AUTH_CODES[index]);
    }
    // A person has put the keys right and says so; until then it stays out.
    await admin.clear();
    await sleep(1_000);
    for (const bot of bots) expect(bot.runtime.status().reason).toBe('venue_refuses_account');
    bots.forEach((bot) => bot.resume());
    await Promise.all(bots.map((bot) => until('it to quote', () => bot.runtime.status().reason === 'quoted')));
    await Promise.all(bots.map((bot) => agree(bot)));
  });
}, 120_000);
