import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { LEGS, netLots } from '../../../core/accounting/holdings.ts';
import type { BotConfig } from '../../../core/bot/bot-config.ts';
import { Effects } from '../../../core/bot/effects.ts';
import { BotMachine } from '../../../core/bot/machine.ts';
import { stateHash } from '../../../core/bot/state.ts';
import { openLots } from '../../../core/orders/order.ts';
import { botConfig, BTC, copyOf } from '../../support/bots.ts';
import { action, play } from './stories.ts';

const RISK = { ...botConfig().risk, protectiveStopEnabled: true };
const CONFIGS: readonly (readonly [string, BotConfig])[] = [
  ['one way', botConfig()],
  ['one way with a stop', botConfig({ risk: RISK })],
  ['hedge, closing first', botConfig({ positionMode: 'hedge' })],
  ['hedge with a stop, legs kept at half', botConfig({ positionMode: 'hedge', hedgeInventoryRatio: 0.5, risk: RISK })],
];

test.each(CONFIGS)('%s: whatever the venue says, exposure stays under its cap and no id is used twice', (_, config) => {
  fc.assert(
    fc.property(fc.array(action, { minLength: 20, maxLength: 200 }), (actions) => {
      const { ids } = play(config, actions, ({ state }) => {
        let buys = 0;
        let sells = 0;
        for (const order of state.orders) {
          if (order.side === 'buy') buys += openLots(order);
          else sells += openLots(order);
        }
        const quotePerLot = 600_000 * BTC.quotePerTickLot;
        // The cap is checked at the price of the moment, which moves by 2 percent in these runs.
        expect((netLots(state.holdings) + buys) * quotePerLot).toBeLessThanOrEqual(1_500 * 1.04);
        expect((sells - netLots(state.holdings)) * quotePerLot).toBeLessThanOrEqual(1_500 * 1.04);
        expect(state.orders.length).toBeLessThanOrEqual(4);
        const { long, short } = state.holdings;
        expect(long.qty).toBeGreaterThanOrEqual(0);
        expect(short.qty).toBeLessThanOrEqual(0);
        expect(Math.max(long.qty, 0 - short.qty) * quotePerLot).toBeLessThanOrEqual(1_500 * 1.04);
        for (const leg of LEGS) {
          expect(
            state.stops.filter((stop) => stop.leg === leg && stop.state === 'placing' && !stop.isOver).length,
          ).toBeLessThan(2);
        }
      });
      const places = ids.filter((id) => !id.startsWith('cancel '));
      expect(new Set(places).size).toBe(places.length);
    }),
    { numRuns: 100 },
  );
});

test.each(CONFIGS)('%s: same inputs, same effects and state, replayed from any record', (_, config) => {
  fc.assert(
    fc.property(
      fc.array(action, { minLength: 10, maxLength: 80 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (actions, cut) => {
        const { bench } = play(config, actions, () => {});
        const effects = new Effects();
        const twin = new BotMachine(config, BTC);
        let restarted: BotMachine | null = null;
        const cutAt = Math.floor(bench.told.length * cut);
        bench.told.forEach((input, index) => {
          if (index === cutAt) restarted = new BotMachine(config, BTC, copyOf(twin.state));
          twin.step(input, effects);
          if (restarted === null) return;
          const expected = JSON.stringify(effects.list);
          restarted.step(input, effects);
          expect(JSON.stringify(effects.list)).toBe(expected);
        });
        expect(stateHash(twin.state)).toBe(stateHash(bench.state));
        expect(stateHash((restarted ?? twin).state)).toBe(stateHash(bench.state));
      },
    ),
    { numRuns: 100 },
  );
});
