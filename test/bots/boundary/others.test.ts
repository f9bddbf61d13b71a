/** What happens on the account without the bot: noticed within 5 s, taken over, counted and told. */
import { expect, test } from '@jest/globals';
import { until } from '../../support/desk.ts';
import { tellProof, trials } from '../../support/trials.ts';
import { agree, RESTING, withWorld } from './world.ts';

const NOTICED_MS = 5_000;
const TRIALS = trials({ ci: 4, long: 200 });

test(`${TRIALS} orders of somebody else, and their fills: each adopted as external and alerted within 5 s`, async () => {
  await withWorld({ config: RESTING }, async ({ admin, bot }) => {
    await bot.quoting();
    let worstMs = 0;
    const noticed = async (what: string, isSo: () => boolean): Promise<void> => {
      const since = performance.now();
      await until(what, isSo, NOTICED_MS, 20);
      worstMs = Math.max(worstMs, performance.now() - since);
    };
    for (let trial = 0; trial < TRIALS; trial += 1) {
      const clientOid = `somebody-${trial}`;
      const [side, price] = trial % 2 === 0 ? ['buy', '50000'] : ['sell', '75000'];
      const order = { account: bot.account, symbol: 'BTCUSDT', side, price, qty: '0.002', clientOid };
      await admin.call('POST', '/orders', order);
      await noticed('the order to be adopted', () =>
        bot.state.orders.some(({ clientOrderId, foreign }) => clientOrderId === clientOid && foreign),
      );
      const { fills } = bot.state;
      await admin.call('POST', '/fills', { account: bot.account, clientOid });
      await noticed('its fill to be booked', () => bot.state.fills === fills + 1);
      await agree(bot);
    }
    const alerts = await bot.alerts();
    expect(alerts.filter((code) => code === 'external_order')).toHaveLength(TRIALS);
    expect(alerts.filter((code) => code === 'external_fill')).toHaveLength(TRIALS);
    const events = await bot.events();
    const ofOthers = events.filter((event) => event.type === 'fill' && event.external);
    expect(ofOthers).toHaveLength(TRIALS);
    // Somebody else's order is nobody's to cancel.
    expect(events.filter((event) => event.type === 'cancel' && event.clientOrderId.startsWith('somebody'))).toEqual([]);
    const found = { worstMs: Math.ceil(worstMs) };
    tellProof({ promise: 'P9', proof: 'order and fill of another client', trials: TRIALS, failures: 0, found });
  });
}, 600_000);

test('a market order of somebody else shows as a fill, and the bot holds what the venue holds', async () => {
  await withWorld({ config: RESTING }, async ({ admin, bot }) => {
    await bot.quoting();
    await admin.call('POST', '/orders', { account: bot.account, symbol: 'BTCUSDT', side: 'buy', qty: '0.003' });
    await until('the fill', () => bot.position() === '0.003', NOTICED_MS);
    expect(await bot.alerts()).toContain('external_fill');
  });
}, 60_000);

test('the venue tells of a position that is not ours: frozen and alerted within 5 s, adopted when it is told again and again', async () => {
  await withWorld({ config: RESTING }, async ({ admin, bot }) => {
    await bot.quoting();
    await admin.faults({ kind: 'wrong_position', qty: '0.15', where: { symbol: 'BTCUSDT' } });
    // The venue pushes positions when something happens on the account.
    await admin.call('POST', '/orders', { account: bot.account, symbol: 'BTCUSDT', side: 'buy', qty: '0.001' });
    await until('the freeze', () => bot.runtime.status().reason === 'reconciling', NOTICED_MS, 10);
    await until('the adoption', () => bot.position() === '0.15');
    const events = await bot.events();
    expect(await bot.alerts()).toContain('position_differs');
    const adopted = events.find(({ type }) => type === 'position_adopted');
    expect(adopted).toMatchObject({ detail: { leg: 'net', after: '0.15' } });
    await admin.clear();
    // Nothing is traded to put it right, and the truth comes back the same way.
    await admin.call('POST', '/orders', { account: bot.account, symbol: 'BTCUSDT', side: 'buy', qty: '0.001' });
    await until('the true position', () => bot.position() === '0.002');
    const { orders } = await bot.truth();
    const own = new Set(events.flatMap((event) => (event.type === 'place' ? [event.clientOrderId] : [])));
    expect(orders.filter(({ clientOid, filled }) => own.has(clientOid) && Number(filled) > 0)).toEqual([]);
  });
}, 90_000);

test('a fill whose frames are lost while others arrive is found in 5 s by what the venue says is held', async () => {
  await withWorld({ config: RESTING }, async ({ admin, bot }) => {
    await bot.quoting();
    await admin.faults([
      { kind: 'gap', where: { channel: 'orders' } },
      { kind: 'gap', where: { channel: 'fill' } },
    ]);
    const clientOid = bot.state.orders.find(({ side }) => side === 'buy')!.clientOrderId;
    await admin.call('POST', '/fills', { account: bot.account, clientOid });
    await until('the fill', () => bot.state.fills === 1, NOTICED_MS);
    await agree(bot);
  });
}, 60_000);
