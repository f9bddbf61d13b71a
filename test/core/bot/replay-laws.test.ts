import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { LEGS, netLots } from '../../../core/accounting/holdings.ts';
import type { BotConfig } from '../../../core/bot/bot-config.ts';
import { Effects } from '../../../core/bot/effects.ts';
import { BotMachine } from '../../../core/bot/machine.ts';
import { stateHash } from '../../../core/bot/state.ts';
import { RecordKind } from '../../../core/events/record.ts';
import { openLots } from '../../../core/orders/order.ts';
import { Bench, botConfig, BTC, cancelled, copyOf, placed, stopsPlaced } from '../../support/bots.ts';

type Action =
  | { do: 'book'; bid: number; spread: number; afterMs: number }
  | { do: 'timer' }
  | { do: 'answer'; answer: 'yes' | 'duplicate' | 'no' | 'unknown' }
  | { do: 'cancelNews'; news: 'cancelled' | 'open' | 'gone' | 'lost' }
  | { do: 'fill'; part: number }
  | { do: 'sync'; stops: 'all' | 'none' }
  | { do: 'stopAnswer'; answer: 'yes' | 'duplicate' | 'no' | 'unknown' }
  | { do: 'clock'; offsetMs: number }
  | { do: 'connector'; channel: 'book' | 'orders'; status: 'up' | 'down' }
  | { do: 'control'; command: 'ping' | 'pause' | 'resume' | 'hardStop' | 'approveRestart' }
  | { do: 'restart' };

const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('book' as const),
      bid: fc.integer({ min: 590_000, max: 610_000 }),
      spread: fc.integer({ min: -1, max: 20 }),
      afterMs: fc.integer({ min: 0, max: 4_000 }),
    }),
  },
  { weight: 3, arbitrary: fc.constant({ do: 'timer' as const }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('answer' as const),
      answer: fc.constantFrom('yes' as const, 'yes' as const, 'duplicate' as const, 'no' as const, 'unknown' as const),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('cancelNews' as const),
      news: fc.constantFrom('cancelled' as const, 'open' as const, 'gone' as const, 'lost' as const),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('fill' as const), part: fc.double({ min: 0.01, max: 1, noNaN: true }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('sync' as const), stops: fc.constantFrom('all' as const, 'none' as const) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('stopAnswer' as const),
      answer: fc.constantFrom('yes' as const, 'yes' as const, 'duplicate' as const, 'no' as const, 'unknown' as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('clock' as const), offsetMs: fc.integer({ min: -7_000, max: 7_000 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('connector' as const),
      channel: fc.constantFrom('book' as const, 'orders' as const),
      status: fc.constantFrom('up' as const, 'up' as const, 'down' as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('control' as const),
      command: fc.constantFrom(
        'ping' as const,
        'ping' as const,
        'pause' as const,
        'resume' as const,
        'hardStop' as const,
        'approveRestart' as const,
      ),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ do: 'restart' as const }) },
);

const RISK = { ...botConfig().risk, protectiveStopEnabled: true };
const CONFIGS: readonly (readonly [string, BotConfig])[] = [
  ['one way', botConfig()],
  ['one way with a stop', botConfig({ risk: RISK })],
  ['hedge, closing first', botConfig({ positionMode: 'hedge' })],
  ['hedge with a stop, legs kept at half', botConfig({ positionMode: 'hedge', hedgeInventoryRatio: 0.5, risk: RISK })],
];

function held({ state }: Bench) {
  return LEGS.map((leg) => ({ leg, qty: state.holdings[leg].qty, entryPrice: '60000' }));
}

function resting({ state }: Bench) {
  return state.stops.map(({ clientOrderId, leg, direction, triggerPrice }) => ({
    clientOrderId,
    leg,
    direction,
    triggerPrice,
  }));
}

/** Plays what a venue might say to the machine; orders answer in any sequence, fills come when they like. */
function play(
  config: BotConfig,
  actions: readonly Action[],
  check: (bench: Bench) => void,
): { bench: Bench; ids: string[] } {
  const bench = new Bench(config).run();
  const ids: string[] = [];
  const by = { operator: 'law', reason: 'law' };
  let trade = 0;
  for (const next of actions) {
    const { orders } = bench.state;
    const inFlight = orders.find(({ state }) => state === 'in_flight');
    const cancelling = orders.find(({ cancelSentAtMs }) => cancelSentAtMs !== 0);
    const fillable = orders.find((order) => openLots(order) > 0);
    let effects = bench.effects.list.slice(0, 0);
    switch (next.do) {
      case 'book':
        effects = bench.book(next.bid, next.bid + next.spread, next.afterMs);
        break;
      case 'timer':
        effects = bench.timer();
        break;
      case 'answer':
        if (inFlight !== undefined) effects = bench.answer(inFlight.clientOrderId, next.answer);
        break;
      case 'cancelNews':
        if (cancelling === undefined) break;
        if (next.news === 'cancelled' || next.news === 'open')
          effects = bench.seen(cancelling.clientOrderId, next.news, cancelling.fillsSeen);
        else
          effects = bench.tell({
            kind: RecordKind.orderInput,
            clientOrderId: cancelling.clientOrderId,
            news: { news: 'cancelAnswered', answer: next.news === 'gone' ? 'gone' : 'unknown' },
          });
        break;
      case 'fill': {
        if (fillable === undefined) break;
        const lots = Math.max(1, Math.floor(openLots(fillable) * next.part));
        trade += 1;
        effects = bench.fill(fillable.clientOrderId, fillable.side, fillable.price, lots, `t${trade}`, fillable.leg);
        break;
      }
      case 'sync':
        effects = bench.sync({ legs: held(bench), stops: next.stops === 'all' ? resting(bench) : [] });
        break;
      case 'stopAnswer': {
        const asked = bench.state.stops.find(({ state }) => state !== 'open');
        if (asked !== undefined) effects = bench.stopAnswer(asked.clientOrderId, next.answer);
        break;
      }
      case 'clock':
        effects = bench.clock(next.offsetMs);
        break;
      case 'connector':
        effects = bench.tell({
          kind: RecordKind.connectorInput,
          channel: next.channel,
          status: next.status,
          reason: '',
        });
        break;
      case 'control':
        effects = bench.tell({
          kind: RecordKind.controlInput,
          command: next.command === 'ping' ? { command: 'ping' } : { command: next.command, ...by },
        });
        break;
      case 'restart':
        bench.nowMs += 1_000;
        bench.restart(held(bench), resting(bench));
        break;
    }
    ids.push(
      ...placed(effects).map(({ clientOrderId }) => clientOrderId),
      ...stopsPlaced(effects).map(({ stop }) => stop.clientOrderId),
      ...cancelled(effects).map((id) => `cancel ${id}`),
    );
    check(bench);
  }
  return { bench, ids };
}

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
