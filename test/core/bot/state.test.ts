/** The bot's memory as text: what is written is read back, equal memories are equal texts, and older texts still read. */
import { describe, expect, test } from '@jest/globals';
import { blankState, decodeState, encodeState, stateHash, wantSync, type BotState } from '../../../core/bot/state.ts';
import type { QuoteAmount } from '../../../core/money/money.ts';
import { Bench, botConfig, copyOf, placed, T0 } from '../../support/bots.ts';

/** A bot in the middle of its life: two orders, a position, money to the last digit. */
function busy(): Bench {
  const bench = new Bench(botConfig({ deadmanS: 600 })).run();
  for (const { clientOrderId } of placed(bench.book(600_000, 600_001))) bench.answer(clientOrderId, 'yes');
  const [bid] = bench.state.orders;
  bench.fill(bid!.clientOrderId, 'buy', bid!.price, 3, 't1');
  bench.state.wallet = 9_999_123_456_789_013n as QuoteAmount;
  bench.state.funding = -1_000_000_000_001n as QuoteAmount;
  return bench;
}

/** The text of a state as an older version would have written it. */
function older(state: BotState, change: (onDisk: Record<string, unknown>) => void): BotState {
  const onDisk = JSON.parse(encodeState(state)) as Record<string, unknown>;
  change(onDisk);
  return decodeState(JSON.stringify(onDisk));
}

describe('a text', () => {
  test('brings back all of the state, every digit of its money and every level of its book', () => {
    const { state } = busy();
    expect(copyOf(state)).toEqual(state);
    expect(copyOf(state).book.askTicks).toBeInstanceOf(Float64Array);
    expect(encodeState(copyOf(state))).toBe(encodeState(state));
    expect(copyOf(blankState())).toEqual(blankState());
  });

  test('keeps both legs of a hedge apart', () => {
    const bench = new Bench(botConfig({ positionMode: 'hedge' })).run();
    bench.fill('bot1_x', 'buy', 600_000, 3, 't1', 'long');
    bench.fill('bot1_y', 'sell', 601_000, 2, 't2', 'short');
    const { holdings } = copyOf(bench.state);
    expect(holdings).toEqual(bench.state.holdings);
    expect([holdings.long.qty, holdings.short.qty, holdings.net.qty]).toEqual([3, -2, 0]);
  });
});

describe('an older text', () => {
  test('without fields that are new since has them blank', () => {
    const { state } = busy();
    const read = older(state, (onDisk) => {
      for (const field of ['risk', 'stops', 'funding', 'fundingIds', 'bidDenials', 'parameters']) delete onDisk[field];
    });
    const { risk, stops, fundingIds, bidDenials, parameters } = blankState();
    expect(read).toEqual({ ...state, risk, stops, fundingIds, bidDenials, parameters, funding: 0n });
  });

  test('of one position has it as its net leg', () => {
    const { state } = busy();
    const read = older(state, (onDisk) => {
      onDisk['position'] = (onDisk['holdings'] as { net: unknown }).net;
      delete onDisk['holdings'];
    });
    expect(read).toEqual(state);
    expect('position' in read).toBe(false);
  });

  test('of one quote a side has its orders on the first level of the net position', () => {
    const { state } = busy();
    const read = older(state, (onDisk) => {
      for (const order of onDisk['orders'] as Record<string, unknown>[]) {
        delete order['leg'];
        delete order['level'];
      }
      Object.assign(onDisk, { bidReplacedAtMs: T0, askReplacedAtMs: T0 });
    });
    expect(read.orders).toEqual(state.orders);
    expect(read.bidReplacedAtMs).toEqual([0, 0, 0, 0, 0]);
    expect(read.askReplacedAtMs).toEqual([0, 0, 0, 0, 0]);
  });
});

test('the fingerprint is sixteen digits, the same for the same state; either half of it tells two states apart', () => {
  const seen = new Set<string>();
  const halves = new Set<string>();
  const state = blankState();
  for (let fills = 0; fills < 100; fills += 1) {
    state.fills = fills;
    const hash = stateHash(state);
    expect(hash).toMatch(/^[0-9a-f]{16}$/);
    expect(stateHash(copyOf(state))).toBe(hash);
    seen.add(hash);
    halves.add(hash.slice(0, 8)).add(hash.slice(8));
  }
  expect(seen.size).toBe(100);
  expect(halves.size).toBe(200);
});

test('what is wanted to be read is read no later than it was due anyhow', () => {
  const state = blankState();
  state.synced = true;
  state.syncDueAtMs = T0 + 1_000;
  wantSync(state, T0 + 2_000);
  expect(state).toMatchObject({ syncWantedAtMs: T0 + 2_000, syncDueAtMs: T0 + 1_000 });
  wantSync(state, T0 + 500);
  expect(state).toMatchObject({ syncWantedAtMs: T0 + 500, syncDueAtMs: T0 + 500 });
});

test('the first read of a run comes when it is due, whatever is wanted', () => {
  const state = blankState();
  state.syncDueAtMs = T0 + 1_000;
  wantSync(state, T0 + 500);
  expect(state).toMatchObject({ syncWantedAtMs: T0 + 500, syncDueAtMs: T0 + 1_000 });
});

test('a blank memory has seen nothing, holds nothing and is held by nothing', () => {
  const blank = blankState();
  const { bookUp, ordersUp, isClockDoubted, isWalletGross, isSyncGivenUp, isUnprotectedTold, synced, everSynced } =
    blank;
  expect([
    bookUp,
    ordersUp,
    isClockDoubted,
    isWalletGross,
    isSyncGivenUp,
    isUnprotectedTold,
    synced,
    everSynced,
  ]).toEqual(Array.from({ length: 8 }, () => false));
  const { pausedByOperator, pausedWithoutSupervisor, hardStopped, stopping, left } = blank;
  expect([pausedByOperator, pausedWithoutSupervisor, hardStopped, stopping, left]).not.toContain(true);
  const { stops, externalStops, orders, tradeIds, cancelsAtMs, fundingIds, syncDifferences } = blank;
  expect([stops, externalStops, orders, tradeIds, cancelsAtMs, fundingIds, syncDifferences].flat()).toEqual([]);
  // Bitget's most common interval, until it is told.
  expect(blank.fundingIntervalMs).toBe(8 * 3_600_000);
});
