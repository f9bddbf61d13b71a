/** One bot program on every kind of account that the venue has: it trades, protects what it holds, and leaves in order. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from '@jest/globals';
import type { PositionMode } from '../../core/accounting/legs.ts';
import { SILENT } from '../../core/log.ts';
import { SimulatedAccount } from '../../core/simulation/options.ts';
import { createBitgetVenue } from '../../gateway/bitget/venue.ts';
import type { Venue } from '../../gateway/venue.ts';
import { BOT1 } from '../simulator/harness.ts';
import { connectAdmin } from '../simulator/admin.ts';
import { startBotWorld, type BotWorld } from '../support/bot-world.ts';
import { botConfig } from '../support/bots.ts';
import { until } from '../support/desk.ts';

let world: BotWorld | null = null;
let venue: Venue | null = null;
afterEach(async () => {
  await venue?.close();
  await world?.stop();
  [world, venue] = [null, null];
});

function openVenue(port: number): Promise<Venue> {
  const { apiKey, secret, passphrase } = BOT1;
  const endpoint = { kind: 'simulator', httpUrl: `http://127.0.0.1:${port}`, wsUrl: `ws://127.0.0.1:${port}` } as const;
  return createBitgetVenue({ endpoint, keys: { apiKey, secret, passphrase }, log: SILENT });
}

const KINDS: readonly (readonly ['classic' | 'unified', PositionMode])[] = [
  ['classic', 'one_way'],
  ['classic', 'hedge'],
  ['unified', 'one_way'],
  ['unified', 'hedge'],
];

test.each(KINDS)(
  'a %s account in %s mode',
  async (kind, positionMode) => {
    const { strategy, risk } = botConfig();
    world = await startBotWorld(
      {
        positionMode,
        hedgeInventoryRatio: 0.5,
        strategy: { ...strategy, halfSpreadBps: 0.2, requoteBps: 0.1, requoteMsMin: 100 },
        risk: { ...risk, protectiveStopEnabled: true, protectiveStopLossPct: 3, cancelsPerMinuteMax: 600 },
      },
      SILENT,
      {
        simulator: { adminPort: 0, accounts: [SimulatedAccount.parse({ ...BOT1, kind })] },
        async prepare({ port }) {
          venue = await openVenue(port);
          expect(await venue.setPositionMode(positionMode)).toEqual({ answer: 'yes' });
        },
      },
    );
    const admin = connectAdmin(world.simulator().adminPort);
    const { live } = await world.host.startOrAdopt('bot1');
    world.supervise(live);
    const held = async () => venue!.positions('BTCUSDT');
    await until('it holds something', async () => (await held()).length > 0);
    const legs = new Set((await held()).map(({ leg }) => leg));
    for (const leg of legs) expect(positionMode === 'hedge' ? ['long', 'short'] : ['net']).toContain(leg);
    await until('every leg has one stop', async () => {
      const [positions, stops] = await Promise.all([held(), venue!.triggerOrders('BTCUSDT')]);
      if (positions.length === 0) return false;
      return positions.every(
        ({ leg }) => stops.filter((stop) => stop.leg === leg && stop.isProtectiveStop).length === 1,
      );
    });
    await sleep(2_000);
    await world.host.stop('bot1', 'test');
    expect(await venue!.openOrders('BTCUSDT')).toEqual([]);
    const truth = await admin.truth();
    expect(truth.disagreements ?? []).toEqual([]);
    const sum = (await held()).reduce((lots, { qty }) => lots + qty, 0);
    const fills = await venue!.fillsSince('BTCUSDT', 0);
    // What is held is what was bought less what was sold, whatever the mode.
    expect(fills.reduce((lots, { side, qty }) => lots + (side === 'buy' ? qty : 0 - qty), 0)).toBe(sum);
  },
  90_000,
);
