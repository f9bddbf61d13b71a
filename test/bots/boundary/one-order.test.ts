/** One intent, at most one order at the venue, whatever is lost, late, half or wrong between the two. */
import { expect, test } from '@jest/globals';
import type { AdminFault } from '../../simulator/admin.ts';
import { IS_LONG_RUN, tellProof, trials } from '../../support/trials.ts';
import { judge, runOrders, type OrderRun } from './order-run.ts';
import { RESTING, withWorld } from './world.ts';

const ORDERS = trials({ ci: 280, long: 10_000 });
const RUN_MS = IS_LONG_RUN ? 3_600_000 : 30_000;

/** Applied ones strike half of the calls. The others cost the bot the 40 s in which an order may still arrive: fewer, so that it gets on. */
const OFTEN = { every: 2 };
const SELDOM = { every: IS_LONG_RUN ? 15 : 5 };
const place = { call: 'place' } as const;

/** The call deadline is 1.5 s. */
const FAULTS: readonly [string, AdminFault][] = [
  ['the request is lost', { kind: 'drop_request', where: place, when: SELDOM }],
  ['the reply is lost', { kind: 'drop_reply', where: place, when: OFTEN }],
  ['a 5xx, applied', { kind: 'error_applied', where: place, when: OFTEN }],
  ['a 5xx, not applied', { kind: 'error_not_applied', where: place, when: SELDOM }],
  ['applied, then answered too late', { kind: 'delay', ms: 2_000, at: 'after', where: place, when: SELDOM }],
  [
    'held up, and applied after the caller gave up',
    { kind: 'delay', ms: 2_000, at: 'before', where: place, when: SELDOM },
  ],
  ['half a body', { kind: 'truncate_body', announced: true, where: place, when: OFTEN }],
  ['a body that ends early', { kind: 'truncate_body', where: place, when: OFTEN }],
  ["a proxy's page, applied", { kind: 'html_body', where: place, when: OFTEN }],
  ["a proxy's page, not applied", { kind: 'html_body', applied: false, where: place, when: SELDOM }],
  ['an empty body', { kind: 'empty_body', where: place, when: OFTEN }],
  ['a few bytes at a time', { kind: 'slow_trickle', bytes: 4, everyMs: 100, where: place, when: SELDOM }],
  ['too many requests', { kind: 'too_many_requests', where: place, when: { every: 8 } }],
  ['maintenance', { kind: 'maintenance', where: place, when: { every: IS_LONG_RUN ? 20 : 8 } }],
];

function expectOneOrderEach({ intents, struck, broken }: OrderRun): void {
  expect(broken).toEqual([]);
  expect(struck).not.toContain(0);
  expect(intents).toBeGreaterThanOrEqual(3);
}

if (IS_LONG_RUN) {
  test.each(FAULTS)(
    `%s: ${ORDERS} orders`,
    async (name, fault) => {
      const run = await runOrders([fault], { orders: ORDERS, untilMs: RUN_MS });
      const { intents, struck, accepted, fills, broken } = run;
      const found = { struck: struck[0]!, accepted, fills };
      const examples = broken.slice(0, 20);
      tellProof({ promise: 'P6', proof: name, trials: intents, failures: broken.length, found, examples });
      expectOneOrderEach(run);
    },
    RUN_MS + 120_000,
  );
} else {
  test(
    `${FAULTS.length} faults, each on the calls of a bot of its own, ${ORDERS} orders in all`,
    async () => {
      const faults = FAULTS.map(([, fault], index) => {
        return { ...fault, where: { ...place, account: `bot${index + 1}` } } as AdminFault;
      });
      expectOneOrderEach(await runOrders(faults, { orders: ORDERS, untilMs: RUN_MS, bots: FAULTS.length }));
    },
    RUN_MS + 120_000,
  );
}

test('the judge sees a venue order that no intent explains', async () => {
  await withWorld({ config: RESTING }, async ({ admin, bot }) => {
    await bot.quoting();
    // Somebody else uses the bot's own way of naming orders: no record of the bot explains it.
    const order = { account: bot.account, symbol: 'BTCUSDT', side: 'buy', qty: '0.001', price: '50000' };
    await admin.call('POST', '/orders', { ...order, clientOid: 'bot1_zz-1' });
    const { broken } = await judge(bot);
    expect(broken.join()).toContain('orders of no intent');
  });
});
