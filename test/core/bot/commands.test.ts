/** What people and the venue tell a bot beside books and orders: what it makes of that, and what it puts on record. */
import { describe, expect, test } from '@jest/globals';
import { Reason } from '../../../core/bot/reasons.ts';
import { RecordKind } from '../../../core/events/record.ts';
import { Bench, book } from '../../support/bots.ts';
import { control, eventsOf, isLeft, isSwept, OPERATOR, PATIENT, ping, quoting, shutdown } from './talk.ts';

test('before its first start a bot does nothing, whatever it is told', () => {
  const bench = new Bench(PATIENT);
  const effects = [...bench.book(600_000, 600_001), ...bench.clock(), ...ping(bench)];
  for (let second = 0; second < 20; second += 1) effects.push(...bench.timer(), ...bench.book(600_000, 600_001));
  expect(effects).toEqual([]);
  expect(bench.reason()).toBe(Reason.startup_position_sync_pending);
});

test('told to go before it has started, it goes at once', () => {
  const bench = new Bench(PATIENT);
  expect(isLeft(shutdown(bench))).toBe(true);
});

test('a command of a person is on record with who gave it and why', () => {
  const { bench } = quoting();
  for (const [command, phase] of [
    ['pause', 'paused'],
    ['resume', 'running'],
    ['hardStop', 'hard_stopped'],
    ['approveRestart', 'running'],
  ] as const) {
    expect(eventsOf(control(bench, command))).toContainEqual({
      type: 'command',
      phase,
      ...OPERATOR,
      detail: { command },
    });
  }
  expect(eventsOf(shutdown(bench))).toContainEqual({
    type: 'command',
    phase: 'stopping',
    operator: null,
    reason: 'update',
    detail: { command: 'shutdown' },
  });
});

test('a command that is refused is on record with all that is wrong with it', () => {
  const { bench } = quoting();
  const changes = { 'strategy.skewBps': 1_000, 'strategy.halfSpreadBps': 0 };
  const effects = bench.tell({
    kind: RecordKind.controlInput,
    command: { command: 'setParameters', ...OPERATOR, changes },
  });
  const [event] = eventsOf(effects).filter(({ type }) => type === 'command');
  expect(event).toMatchObject({ ...OPERATOR, detail: { command: 'setParameters' } });
  const faults = event?.type === 'command' ? String(event.detail['refused']).split('; ') : [];
  expect(faults).toEqual([
    expect.stringMatching(/^strategy\.skewBps: .*1000$/),
    expect.stringMatching(/^strategy\.halfSpreadBps: .*0$/),
  ]);
});

test('a hard stop that is approved is swept for no longer', () => {
  const { bench } = quoting();
  control(bench, 'hardStop');
  control(bench, 'approveRestart');
  expect(isSwept(bench.timer(3_000))).toBe(false);
});

test('a hard stop is swept for every two seconds, not only once more', () => {
  const { bench } = quoting();
  control(bench, 'hardStop');
  const swept = [1, 2, 3, 4, 5, 6].filter(() => isSwept(bench.timer()));
  expect(swept).toEqual([2, 4, 6]);
});

describe('mark price and funding', () => {
  const told = {
    markTicks: 600_000.5,
    fundingRate: 0.0001,
    fundingIntervalMs: 14_400_000,
    fundingAtMs: 1_723_176_000_000,
  };
  const facts = ({ state }: Bench) => {
    const { markTicks, fundingRate, fundingIntervalMs, fundingAtMs } = state;
    return { markTicks, fundingRate, fundingIntervalMs, fundingAtMs };
  };
  const ticker = (bench: Bench, changes: Partial<Record<keyof typeof told, number | null>>): void => {
    bench.tell({ kind: RecordKind.tickerInput, ...told, ...changes });
  };

  test('are taken over as told', () => {
    const { bench } = quoting();
    ticker(bench, {});
    expect(facts(bench)).toEqual(told);
    ticker(bench, { fundingRate: -0.0002 });
    expect(facts(bench)).toEqual({ ...told, fundingRate: -0.0002 });
    ticker(bench, { fundingRate: 0 });
    expect(facts(bench).fundingRate).toBe(0);
  });

  test.each([
    { markTicks: null },
    { markTicks: 0 },
    { markTicks: -1 },
    { fundingRate: null },
    { fundingIntervalMs: null },
    { fundingIntervalMs: 0 },
    { fundingIntervalMs: -1 },
    { fundingAtMs: null },
  ])('%j says nothing, and the word before it stands', (nothing) => {
    const { bench } = quoting();
    ticker(bench, {});
    ticker(bench, nothing);
    expect(facts(bench)).toEqual(told);
  });

  test.each([{ markTicks: NaN }, { markTicks: Infinity }, { fundingRate: NaN }, { fundingRate: Infinity }])(
    '%j is no number to go by',
    (nonsense) => {
      const { bench } = quoting();
      ticker(bench, {});
      bench.machine.step(
        { kind: RecordKind.tickerInput, sequence: 99, atMs: bench.nowMs, ...told, ...nonsense },
        bench.effects,
      );
      expect(facts(bench)).toEqual(told);
    },
  );
});

describe('why, for a person who asks', () => {
  test('is of the market and position of now', () => {
    const { bench } = quoting();
    expect(bench.machine.explain()).toMatchObject({ mid: 60_000.05, fullness: 0, isReducing: false });
    const [bid] = bench.state.orders;
    bench.book(601_000, 601_002);
    bench.fill(bid!.clientOrderId, 'buy', bid!.price, 4, 't1');
    expect(bench.machine.explain()['mid']).toBeCloseTo(60_100.1, 6);
    expect(bench.machine.explain()['fullness']).toBeCloseTo(0.2404, 4);
  });

  test.each([
    ['one-sided', { bidCount: 0 }, 600_001],
    ['one-sided', { askCount: 0 }, 600_001],
    ['crossed', {}, 599_999],
    ['locked', {}, 600_000],
  ])('has no mid while the book is %s', (_name, counts, ask) => {
    const { bench } = quoting();
    bench.tell({ kind: RecordKind.bookInput, book: { ...book(600_000, ask), ...counts } });
    expect(bench.machine.explain()).toMatchObject({ mid: 0 });
  });
});
