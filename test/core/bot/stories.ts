/** Random stories of a bot and its venue, for laws that hold in all of them. */
import fc from 'fast-check';
import { LEGS } from '../../../core/accounting/holdings.ts';
import type { BotConfig } from '../../../core/bot/bot-config.ts';
import type { Effect } from '../../../core/bot/effects.ts';
import { RecordKind } from '../../../core/events/record.ts';
import { openLots } from '../../../core/orders/order.ts';
import { Bench, cancelled, placed, stopsPlaced } from '../../support/bots.ts';

export type Action =
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

export const action: fc.Arbitrary<Action> = fc.oneof(
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

/** A bench that somebody listens to. */
class Heard extends Bench {
  hear: (effects: readonly Effect[]) => void = () => {};

  override tell(untimed: Parameters<Bench['tell']>[0], afterMs = 0): Effect[] {
    const effects = super.tell(untimed, afterMs);
    this.hear(effects);
    return effects;
  }
}

/**
 * Plays what a venue might say to the machine; orders answer in any sequence, fills come when they like. `hear` gets what
 * came of each input.
 */
export function play(
  config: BotConfig,
  actions: readonly Action[],
  check: (bench: Bench) => void,
  hear: (effects: readonly Effect[], bench: Bench) => void = () => {},
): { bench: Bench; ids: string[] } {
  const bench = new Heard(config);
  bench.hear = (effects) => hear(effects, bench);
  bench.run();
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
