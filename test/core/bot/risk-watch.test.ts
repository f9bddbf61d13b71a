import { describe, expect, test } from '@jest/globals';
import { Effects } from '../../../core/bot/effects.ts';
import { BotMachine } from '../../../core/bot/machine.ts';
import { Reason } from '../../../core/bot/reasons.ts';
import { isCancelBudgetUsed, noteCancelBudget, riskLevelOf } from '../../../core/bot/risk-watch.ts';
import { blankState, stateHash } from '../../../core/bot/state.ts';
import { RecordKind } from '../../../core/events/record.ts';
import { createRiskPolicy } from '../../../core/risk/policy.ts';
import { botConfig, BTC, cancelled, copyOf, placed, T0 } from '../../support/bots.ts';
import { LivingBench } from './living-bench.ts';

/** Limits out of the way of what a test is about. */
const NO_LOSS_LIMITS = { dailyLossQuoteMax: '100000', drawdownSoftPct: 100, drawdownHardPct: 100 };

function tellFunding(bench: LivingBench, fundingRate: number | null): void {
  const unknown = { markTicks: null, fundingIntervalMs: null, fundingAtMs: null };
  bench.tell({ kind: RecordKind.tickerInput, fundingRate, ...unknown });
}

describe('a hard stop', () => {
  /** 0.1 BTC bought at 60,000 with 10,000 USDT: 10,100 below, more than a tenth of the equity is lost. */
  const stopped = (): LivingBench => LivingBench.holding(100).live(1, 499_000);

  test('cancels everything at the venue and asks for the kill switch, once', () => {
    const bench = stopped();
    const [intent] = bench.eventsOf('kill_switch');
    expect(intent).toMatchObject({ scope: 'bot/bot1', code: 'drawdown_reached', limit: 10 });
    expect(intent?.measured).toBeCloseTo(10.1, 2);
    expect(intent?.expiresAtMs).toBe(bench.nowMs + 60_000);
    expect(bench.done.filter(({ effect }) => effect === 'cancelAll')).toHaveLength(1);
    expect(bench.steps()).toEqual(['allow hard_stop drawdown_reached']);
    expect(bench.reason()).toBe(Reason.hard_stopped);

    bench.live(5, 480_000);
    expect(bench.done.filter(({ effect }) => effect === 'cancelAll').length).toBeGreaterThan(1);
    bench.live(200, 600_000);
    expect(bench.eventsOf('kill_switch')).toHaveLength(1);
    expect(bench.steps()).toHaveLength(1);
    expect(bench.reason()).toBe(Reason.hard_stopped);
  });

  test('outlives the process, which asks for no second kill switch', () => {
    const bench = stopped().restartProcess().live(10, 499_000);
    expect(bench.eventsOf('kill_switch')).toHaveLength(1);
    expect(bench.reason()).toBe(Reason.hard_stopped);
    expect(riskLevelOf(bench.state)).toBe('hard_stop');
  });

  test('replays to the same single intent and the same state', () => {
    const bench = stopped().live(20, 505_000);
    const again = new BotMachine(bench.config, BTC);
    const effects = new Effects();
    let intents = 0;
    for (const input of bench.told) {
      again.step(input, effects);
      for (const effect of effects.list)
        if (effect.effect === 'record' && effect.event.type === 'kill_switch') intents += 1;
    }
    expect(intents).toBe(1);
    expect(stateHash(again.state)).toBe(stateHash(bench.state));
    expect(stateHash(copyOf(bench.state))).toBe(stateHash(bench.state));
  });

  test('is lifted by an approval, which accepts the drawdown; a further fall stops again and asks again', () => {
    const bench = stopped();
    bench.operator('approveRestart');
    expect(bench.steps().slice(1)).toEqual(['hard_stop allow drawdown_reached', 'allow soft_pause daily_loss_reached']);
    expect(riskLevelOf(bench.state)).toBe('soft_pause');
    bench.live(5, 499_000);
    expect(bench.reason()).toBe(Reason.daily_loss_reached);
    bench.live(1, 400_000);
    expect(bench.eventsOf('kill_switch')).toHaveLength(2);
  });

  test("of a person is lifted by an approval that followed it, though the bot's own ladder took a lesser step since", () => {
    const bench = LivingBench.holding(100, NO_LOSS_LIMITS, { leverageMax: 1 });
    bench.operator('hardStop');
    const givenAtMs = bench.nowMs + 1_000;
    // Half of the account is taken out: 6,000 held beside 5,000.
    bench.live(3).read({ moved: -5_000_000_000_000_000n }).live(2);
    expect(bench.steps()).toEqual(['allow reduce_exposure leverage_high']);
    const command = { command: 'approveRestart', operator: 'ana', reason: 'looked at it', givenAtMs } as const;
    bench.tell({ kind: RecordKind.controlInput, command });
    expect(bench.state.hardStopped).toBe(false);
  });

  test('of a person cancels everything and asks for no kill switch', () => {
    const bench = LivingBench.holding(0);
    bench.operator('hardStop');
    bench.live(10);
    expect(bench.eventsOf('kill_switch')).toHaveLength(0);
    expect(bench.steps()).toEqual([]);
    expect(bench.reason()).toBe(Reason.hard_stopped);
    bench.operator('approveRestart');
    bench.live(2);
    expect(bench.reason()).toBe(Reason.quoted);
  });
});

describe('margin', () => {
  const told = (marginRatio: number | null, maintenanceRatio: number | null = null) => ({
    marginRatio,
    maintenanceRatio,
  });

  test('pauses, stands until it is clearly better, and is left one step at a time', () => {
    const bench = LivingBench.holding(0);
    bench.live(3);
    bench.read(told(0.5)).live(2);
    expect(bench.reason()).toBe(Reason.margin_ratio_high);
    expect(bench.state.orders.filter(({ cancelSentAtMs }) => cancelSentAtMs === 0)).toEqual([]);
    bench.read(told(0.46)).live(100);
    expect(bench.reason()).toBe(Reason.margin_ratio_high);
    bench.read(told(0.44)).live(59);
    expect(riskLevelOf(bench.state)).toBe('soft_pause');
    bench.live(2);
    expect(riskLevelOf(bench.state)).toBe('reduce_exposure');
    bench.live(60);
    expect(bench.steps()).toEqual([
      'allow soft_pause margin_ratio_high',
      'soft_pause reduce_exposure margin_ratio_high',
      'reduce_exposure allow margin_ratio_high',
    ]);
    expect(bench.reason()).toBe(Reason.quoted);
  });

  test('is carried on between two reads as equity is lost', () => {
    const bench = LivingBench.holding(100, NO_LOSS_LIMITS);
    bench.read(told(0.5, 0.004)).live(1);
    expect(riskLevelOf(bench.state)).toBe('soft_pause');
    // 4,200 of 10,000 lost: what was half of the equity is more than 80 % of it.
    bench.live(1, 180_000);
    expect(bench.eventsOf('kill_switch')).toMatchObject([{ code: 'margin_ratio_high', limit: 0.8 }]);
  });

  test('that is still too thin stops again at the approval, before anything is placed', () => {
    const bench = LivingBench.holding(0);
    bench.read(told(0.9)).live(1);
    const effects = bench.operator('approveRestart');
    expect(placed(effects)).toEqual([]);
    expect(bench.state.hardStopped).toBe(true);
    expect(bench.eventsOf('kill_switch')).toHaveLength(2);
    bench.read(told(0.1));
    bench.operator('approveRestart');
    bench.live(2);
    expect(bench.reason()).toBe(Reason.quoted);
  });

  test('counts as told while nothing has a price', () => {
    const bench = LivingBench.holding(100);
    bench.state.book.bidCount = 0;
    bench.read(told(0.81));
    bench.timer();
    expect(bench.eventsOf('kill_switch')).toHaveLength(1);
  });

  test('that the venue stops to tell stays what it was', () => {
    const bench = LivingBench.holding(0);
    bench.read(told(0.6)).live(1).read(told(null)).live(200);
    expect(bench.reason()).toBe(Reason.margin_ratio_high);
  });

  test('that the venue stops to tell is carried on from what it told last', () => {
    const bench = LivingBench.holding(100, NO_LOSS_LIMITS);
    bench.read(told(0.4, 0.004)).live(1).read(told(null)).live(1);
    expect(bench.steps()).toEqual([]);
    bench.live(1, 250_000);
    expect(bench.steps()).toEqual(['allow soft_pause margin_ratio_high']);
  });

  test('is judged by the maintenance ratio alone where the venue tells no other', () => {
    const bench = LivingBench.holding(100);
    bench.read(told(null, 0.8)).live(1);
    expect(bench.steps()).toEqual([]);
    // 85 % of 6,000 beside 10,000.
    bench.read(told(null, 0.85)).live(1);
    expect(bench.steps()).toEqual(['allow soft_pause margin_ratio_high']);
  });

  test('of a bot that holds nothing needs no market to be known', () => {
    const bench = LivingBench.holding(0);
    bench.read(told(0.3));
    bench.state.book.bidCount = 0;
    bench.timer();
    expect(bench.state.risk).toMatchObject({ marginTold: null, marginRead: { ratio: 0.3, grossQuote: 0 } });
  });

  test("between the two marks of a pause is a person's to accept", () => {
    const bench = LivingBench.holding(0);
    bench.read(told(0.5)).live(1).read(told(0.46)).live(1);
    bench.operator('approveRestart');
    bench.live(2);
    expect(bench.reason()).toBe(Reason.quoted);
  });
});

test.each([0.003, -0.003])('funding of %p pauses until it is lower', (rate) => {
  const bench = LivingBench.holding(0);
  tellFunding(bench, rate);
  const effects = bench.timer();
  expect(cancelled(effects)).toHaveLength(2);
  expect(bench.reason()).toBe(Reason.funding_rate_high);
  tellFunding(bench, rate / 2);
  bench.live(121);
  expect(bench.reason()).toBe(Reason.quoted);
});

describe('the cancel budget', () => {
  const BUDGET = { cancelsPerMinuteMax: 6 };

  /** The market runs away until the budget is used up, every order and cancel being confirmed. */
  function useUp(bench: LivingBench): void {
    const isOver = (): boolean =>
      bench.reason() === Reason.cancel_budget_used || bench.reason() === Reason.hard_stopped;
    for (let n = 0; n < 40 && !isOver(); n += 1) {
      bench.bid += 200;
      bench.pass(bench.book(bench.bid, bench.bid + 10, 600));
      bench.pass(bench.timer(100));
    }
    expect(isOver()).toBe(true);
  }

  test('counts once each time that it is used up, and the third time within an hour stops for good', () => {
    const bench = LivingBench.holding(0, BUDGET);
    for (let time = 1; time <= 3; time += 1) {
      useUp(bench);
      bench.live(20);
      expect(bench.state.risk.cancelBreachesAtMs).toHaveLength(time);
      expect(bench.state.hardStopped).toBe(time === 3);
      if (time < 3) bench.live(70);
    }
    expect(bench.eventsOf('kill_switch')).toMatchObject([{ code: 'cancel_budget_used', measured: 3, limit: 3 }]);
    bench.operator('approveRestart');
    expect(bench.state.risk.cancelBreachesAtMs).toEqual([]);
    bench.live(2);
    expect(bench.state.hardStopped).toBe(false);
  });

  test('used up has recovered when it is below nine tenths, and counts again only then', () => {
    const state = blankState();
    const desk = { instrument: BTC, bot: 'bot1', policy: createRiskPolicy({ ...botConfig().risk, cancelsPerMinuteMax: 20, leverageMax: 20 }) }; // prettier-ignore
    /** Once a second, with so many cancels in the last minute: the number of breaches, and whether the budget is used up. */
    const note = (cancels: number): [number, boolean] => {
      state.cancelsAtMs = Array<number>(cancels).fill(T0);
      noteCancelBudget(state, T0, desk);
      return [state.risk.cancelBreachesAtMs.length, isCancelBudgetUsed(state, 20)];
    };
    expect(note(19)).toEqual([0, false]);
    expect(note(20)).toEqual([1, true]);
    expect(note(21)).toEqual([1, true]);
    expect(note(18)).toEqual([1, true]);
    expect(note(20)).toEqual([1, true]);
    expect(note(17)).toEqual([1, false]);
    expect(note(20)).toEqual([2, true]);
  });

  test('used up long ago does not count', () => {
    const bench = LivingBench.holding(0, { ...BUDGET, cancelBudgetWindowS: 120 });
    for (let time = 1; time <= 4; time += 1) {
      useUp(bench);
      bench.live(90);
    }
    expect(bench.state.hardStopped).toBe(false);
    expect(bench.state.risk.cancelBreachesAtMs.length).toBeLessThanOrEqual(2);
  });

  test('used up between two timers, and not at either, counts', () => {
    const bench = LivingBench.holding(0, { cancelsPerMinuteMax: 4 });
    bench.pass(bench.book(600_200, 600_210));
    expect(bench.state.cancelsAtMs).toHaveLength(2);
    bench.live(59, 600_200);
    bench.book(600_400, 600_410, 950);
    expect(bench.state.cancelsAtMs).toHaveLength(4);
    bench.timer(50);
    expect(bench.state.cancelsAtMs).toHaveLength(2);
    expect(bench.state.risk.cancelBreachesAtMs).toHaveLength(1);
  });

  test('used up just before a restart with a clock set back still counts, and no longer than it would have', () => {
    const bench = LivingBench.holding(0, { ...BUDGET, cancelBudgetWindowS: 120 });
    useUp(bench);
    bench.live(70);
    bench.nowMs -= 1_800_000;
    bench.restartProcess().live(5);
    expect(bench.state.risk.cancelBreachesAtMs).toHaveLength(1);
    bench.live(120);
    expect(bench.state.risk.cancelBreachesAtMs).toHaveLength(0);
  });
});

test('orders that the venue refuses pause the bot, and a minute later are forgotten', () => {
  const bench = LivingBench.holding(0, { orderRejectsPerMinuteMax: 4 });
  bench.placeAnswer = 'no';
  bench.live(5, 601_000);
  expect(bench.steps()).toEqual(['allow soft_pause order_rejects']);
  expect(bench.state.risk.rejectsAtMs.length).toBeGreaterThanOrEqual(4);
  bench.placeAnswer = 'yes';
  bench.live(60);
  expect(bench.state.risk.rejectsAtMs).toHaveLength(0);
  bench.live(120);
  expect(riskLevelOf(bench.state)).toBe('allow');
});

test('a refused order counts for a minute, to the millisecond', () => {
  const bench = LivingBench.holding(0);
  const [order] = bench.state.orders;
  bench.placeAnswer = 'no';
  bench.pass(bench.seen(order!.clientOrderId, 'cancelled'));
  bench.pass(bench.book(bench.bid, bench.bid + 10, 600));
  const refusedAtMs = bench.state.risk.rejectsAtMs.at(-1)!;
  expect(refusedAtMs).toBe(bench.nowMs);
  bench.placeAnswer = 'yes';
  bench.live(55);
  bench.timer(refusedAtMs + 59_999 - bench.nowMs);
  expect(bench.state.risk.rejectsAtMs).toEqual([refusedAtMs]);
  bench.timer(1);
  expect(bench.state.risk.rejectsAtMs).toEqual([]);
});

test('refusals of an earlier run are forgotten after a minute, though the clock was set back since', () => {
  const bench = LivingBench.holding(0, { orderRejectsPerMinuteMax: 4 });
  bench.placeAnswer = 'no';
  bench.live(5, 601_000);
  bench.placeAnswer = 'yes';
  bench.nowMs -= 1_800_000;
  bench.restartProcess().live(59);
  expect(bench.reason()).toBe(Reason.order_rejects);
  bench.live(125);
  expect(bench.reason()).toBe(Reason.quoted);
});

test('a position that differs in two reads in a row pauses; in one it is a race with a fill', () => {
  const bench = LivingBench.holding(100);
  const other = [{ leg: 'net' as const, qty: 90 as never, entryPrice: '60000' }];
  bench.read({ legs: other }).live(1).read().live(1);
  expect(bench.steps()).toEqual([]);
  bench.read({ legs: other }).live(1).read({ legs: other }).live(1);
  expect(bench.steps()).toEqual(['allow soft_pause position_drift']);
});

test('too much leverage lets the bot only make its position smaller', () => {
  const bench = LivingBench.holding(200, { exposureQuoteMax: '50000' }, { leverageMax: 1 });
  expect(bench.steps()).toEqual(['allow reduce_exposure leverage_high']);
  bench.live(5);
  expect(bench.reason()).toBe(Reason.reducing_only);
  const sides = placed(bench.done).map(({ side }) => side);
  expect(sides.at(-1)).toBe('sell');
  expect(bench.state.orders.every(({ side, cancelSentAtMs }) => side === 'sell' || cancelSentAtMs !== 0)).toBe(true);
});

test("a day's loss pauses until the next UTC day, through a restart and a recovery", () => {
  const bench = LivingBench.holding(100, { dailyLossQuoteMax: '200' }).live(1, 579_000);
  expect(bench.reason()).toBe(Reason.daily_loss_reached);
  bench.live(300, 600_000);
  bench.restartProcess().live(3, 600_000);
  expect(bench.reason()).toBe(Reason.daily_loss_reached);
  // To a minute before midnight in one stride: what was read before it is read again.
  bench.nowMs += 22 * 3_600_000;
  bench.restartProcess().live(3, 600_000);
  expect(bench.reason()).toBe(Reason.daily_loss_reached);
  bench.nowMs += 3_600_000;
  bench.restartProcess().live(3, 600_000);
  bench.live(130, 600_000);
  expect(bench.reason()).toBe(Reason.inventory_full);
  expect(bench.steps().map((step) => step.split(' ')[1])).toEqual(['soft_pause', 'reduce_exposure', 'allow']);
});
