import { describe, expect, test } from '@jest/globals';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatQuote, parseQuote } from '../../core/money/decimal.ts';
import type { QuoteAmount, SignedLots } from '../../core/money/money.ts';
import { checkExchange } from '../../simulator/exchange/check-exchange.ts';
import { figuresOf, liquidationPrice, openPositions } from '../../simulator/exchange/margin.ts';
import { StateStore } from '../../simulator/exchange/store.ts';
import { tempDir } from './harness.ts';
import { ScriptedExchange, SYMBOL, withScript } from './scripted-exchange.ts';

function cash({ account }: ScriptedExchange): string {
  return formatQuote(account.row.cash);
}

function statedLiquidation(world: ScriptedExchange): number {
  const [open] = openPositions(world.account, world.exchange.markets);
  return Number(liquidationPrice(world.account, open!, figuresOf(world.account, world.exchange.markets)));
}

describe('hedge mode', () => {
  test('keeps the legs apart: opposite orders open the other leg, and each closes only its own', () =>
    withScript([50_000], (world) => {
      world.exchange.setPositionMode(world.account, 'hedge');
      world.order({ side: 'buy', leg: 'long' }, 0.03);
      world.order({ side: 'sell', leg: 'short' }, 0.02);
      expect([world.held('long'), world.held('short')]).toEqual([0.03, -0.02]);
      world.order({ side: 'sell', leg: 'long' }, 0.01);
      expect([world.held('long'), world.held('short')]).toEqual([0.02, -0.02]);
      expect(() => world.order({ side: 'buy' })).toThrow('unilateral position type');
    }));

  test('a limit close cannot take what another one occupies; a market close pushes it aside, oldest first', () =>
    withScript([50_000], (world) => {
      world.exchange.setPositionMode(world.account, 'hedge');
      world.order({ side: 'buy', leg: 'long' }, 0.03);
      const price = world.price(51_000);
      const closer = (size: number) => world.order({ side: 'sell', leg: 'long', orderType: 'limit', price }, size);
      const [older, newer] = [closer(0.02), closer(0.01)];
      expect(() => closer(0.001)).toThrow('Not enough position is available');
      world.order({ side: 'sell', leg: 'long' }, 0.02);
      expect([older.status, newer.status, world.held('long')]).toEqual(['canceled', 'live', 0.01]);
    }));

  test('a switch of the mode is refused while an order, a trigger or a position is there', () =>
    withScript([50_000], (world) => {
      const toHedge = () => world.exchange.setPositionMode(world.account, 'hedge');
      const order = world.order({ side: 'buy', orderType: 'limit', price: world.price(49_000) });
      expect(toHedge).toThrow('position mode cannot be switched');
      world.exchange.cancel(world.account, order);
      world.order({ side: 'buy' });
      expect(toHedge).toThrow('position mode cannot be switched');
      world.exchange.closePositions(world.account, null, null);
      toHedge();
      expect(world.account.row.positionMode).toBe('hedge');
    }));
});

test('a new reduce-only order cancels older ones in sequence until they fit, and says that it made room', () =>
  withScript([50_000], (world) => {
    world.order({ side: 'buy' }, 0.03);
    const closer = (size: number) =>
      world.order({ side: 'sell', orderType: 'limit', price: world.price(51_000), reduceOnly: true }, size);
    const [first, second, third] = [closer(0.01), closer(0.01), closer(0.01)];
    expect(third.madeRoom).toBe(false);
    const fourth = closer(0.015);
    expect(fourth.madeRoom).toBe(true);
    expect([first, second, third, fourth].map(({ status }) => status)).toEqual([
      'canceled',
      'canceled',
      'live',
      'live',
    ]);
  }));

test('an amended order is a new one with the new price and size; a refused amendment leaves the old one', () =>
  withScript([50_000, 49_990], (world) => {
    const old = world.order({ side: 'buy', orderType: 'limit', price: world.price(49_900), clientOid: 'old' });
    const amend = (price: number, size: number, clientOid = 'new') =>
      world.exchange.amend(world.account, old, { clientOid, price: world.price(price), qty: world.qty(size) });
    expect(() => amend(49_900, 0.01)).toThrow('have not changed');
    expect(() => amend(49_950, 50)).toThrow('exceeds the balance');
    expect(() => amend(49_950, 0.02, 'old')).toThrow('Duplicate');
    expect(old.status).toBe('live');
    const changed = amend(49_950, 0.02);
    expect([old.status, changed.status, changed.clientOid, changed.qty]).toEqual(['canceled', 'live', 'new', 20]);
    expect(() => amend(49_960, 0.02, 'newer')).toThrow('Order does not exist');
    // Partly filled is no new order any more.
    const resting = world.order({ side: 'buy', orderType: 'limit', price: world.price(49_990) }, 2);
    world.step();
    expect(resting.status).toBe('partially_filled');
    const late = { clientOid: 'late', price: world.price(49_000), qty: world.qty(1) };
    expect(() => world.exchange.amend(world.account, resting, late)).toThrow('Only work order modifications');
  }));

describe('margin', () => {
  test('modes and leverage of a symbol change only while it is idle', () =>
    withScript([50_000], (world) => {
      const { exchange, account } = world;
      exchange.setMarginMode(account, SYMBOL, 'isolated');
      exchange.setLeverage(account, SYMBOL, 10);
      world.order({ side: 'buy' });
      expect(() => exchange.setMarginMode(account, SYMBOL, 'crossed')).toThrow('Currently holding');
      expect(() => exchange.setLeverage(account, SYMBOL, 5)).toThrow('Currently holding');
      // What is so already may be asked for.
      exchange.setMarginMode(account, SYMBOL, 'isolated');
      exchange.setLeverage(account, SYMBOL, 10);
      expect(account.position(SYMBOL, 'net')!.margin).toBe(parseQuote('50.0001'));
    }));

  test('an isolated position sets its margin aside and gives it back in parts', () =>
    withScript([50_000], (world) => {
      world.exchange.setMarginMode(world.account, SYMBOL, 'isolated');
      world.order({ side: 'buy' }, 0.04);
      const figures = () => figuresOf(world.account, world.exchange.markets);
      // 0.04 x 50000.1 at 20 x.
      expect(formatQuote(figures().isolatedMargin)).toBe('100.0002');
      world.order({ side: 'sell', reduceOnly: true }, 0.01);
      expect(formatQuote(figures().isolatedMargin)).toBe('75.00015');
      world.exchange.closePositions(world.account, null, null);
      expect(formatQuote(figures().isolatedMargin)).toBe('0');
      expect(formatQuote(figures().available)).toBe(cash(world));
    }));

  test('the leverage caps the position by tier', () =>
    withScript([50_000], (world) => {
      world.exchange.setLeverage(world.account, SYMBOL, 125);
      // 150000 USDT at 125 x: 2.9 BTC fit, 3.1 do not.
      const limit = { side: 'buy', orderType: 'limit', price: world.price(49_900) } as const;
      world.order(limit, 2.9);
      expect(() => world.order(limit, 3.1)).toThrow('positionLevel');
    }));

  test.each(['crossed', 'isolated'] as const)(
    '%s: closed by the exchange exactly when the mark passes the stated price',
    (mode) =>
      withScript([50_000, 48_000, 47_900, 47_800, 47_700, 47_600, 47_500], (world) => {
        const { account } = world;
        world.exchange.setMarginMode(account, SYMBOL, mode);
        if (mode === 'crossed') world.exchange.setLeverage(account, SYMBOL, 50);
        // Crossed: 10000 USDT behind 4 BTC. Isolated: 5% behind 3.
        const order = world.order({ side: 'buy' }, mode === 'crossed' ? 4 : 3);
        expect(order.status).toBe('filled');
        world.step();
        const resting = world.order(
          { side: 'sell', orderType: 'limit', price: world.price(51_000), reduceOnly: true },
          1,
        );
        let stated = 0;
        while (world.held() > 0) {
          stated = statedLiquidation(world);
          world.step();
          expect(world.held() === 0).toBe(world.market.midDoubled / 20 <= stated);
        }
        expect(stated).toBeGreaterThan(47_500);
        expect(resting).toMatchObject({ status: 'canceled', cancelReason: 'liquidation' });
        const forced = [...account.orders].at(-1)!;
        expect(forced).toMatchObject({ cause: 'liquidation', side: 'sell', status: 'filled' });
        expect(account.bills.at(-1)!.businessType).toBe('burst_sell');
        expect(account.row.cash > 0n).toBe(true);
      }),
  );

  test('a forced reduction closes a part at market in the name of the exchange', () =>
    withScript([50_000], (world) => {
      world.order({ side: 'sell' }, 0.05);
      const order = world.exchange.forceReduce(world.account, SYMBOL, 'net', world.qty(0.02))!;
      expect([order.cause, world.held()]).toEqual(['forced_reduce', -0.03]);
      expect(world.account.bills.at(-1)!.businessType).toBe('force_buy');
      world.exchange.closePositions(world.account, null, null);
      expect(world.exchange.forceReduce(world.account, SYMBOL, 'net', world.qty(0.02))).toBeNull();
    }));
});

describe('funding', () => {
  const market = { fundingIntervalMs: 10_000, fundingRate: '0.0001' };

  test('is paid by who holds at the instant, on the mark, to the last decimal; and a bill says so', () =>
    withScript(
      [50_000],
      (world) => {
        world.order({ side: 'buy' }, 0.01);
        const before = world.account.row.cash;
        world.step(9);
        expect(world.account.row.cash).toBe(before);
        world.step();
        // 0.01 x 50000.05 x 0.0001, paid by the long.
        const paid = parseQuote('-0.05000005');
        expect(world.account.row.cash - before).toBe(paid);
        expect(world.account.bills.at(-1)).toMatchObject({
          businessType: 'contract_settle_fee',
          amount: paid,
          symbol: SYMBOL,
        });
        expect(world.account.position(SYMBOL, 'net')!.funding).toBe(paid);
        expect(world.exchange.settlementsOf(SYMBOL)).toMatchObject([{ rate: '0.0001', atMs: world.nowMs }]);
      },
      { market },
    ));

  test.each([
    ['0.0001', 'sell', 1],
    ['-0.0001', 'sell', -1],
    ['-0.0001', 'buy', 1],
  ] as const)('at %s whoever went %s has the sign %i', (rate, side, sign) =>
    withScript(
      [50_000],
      (world) => {
        world.order({ side });
        world.exchange.setFundingRate(SYMBOL, rate);
        world.step(10);
        expect(Math.sign(Number(world.account.row.totals.funding))).toBe(sign);
      },
      { market },
    ),
  );

  test('closed a second before the instant pays nothing; instants while the exchange was down are not settled', () =>
    withScript(
      [50_000],
      (world) => {
        world.order({ side: 'buy' });
        world.step(9);
        world.exchange.closePositions(world.account, null, null);
        world.step();
        expect(world.account.row.totals.funding).toBe(0n);
        world.order({ side: 'buy' });
        world.nowMs += 1_000_000;
        world.restart();
        world.step();
        expect(world.exchange.settlementsOf(SYMBOL)).toHaveLength(1);
      },
      { market },
    ));
});

test('fees in BGB leave the USDT alone and say how much of the coin they took', () =>
  withScript(
    [50_000],
    (world) => {
      world.order({ side: 'buy' });
      expect(cash(world)).toBe('10000');
      const [fill] = world.account.fills;
      // 0.01 x 50000.1 x 0.0006 = 0.3000006 USDT at 4 USDT a BGB.
      expect(formatQuote(fill!.deducted!)).toBe('0.07500015');
      expect(formatQuote(world.account.row.totals.deducted)).toBe('0.07500015');
    },
    { account: { deductionPrice: '4' } },
  ));

test('positions, settings, bills and closed positions are there after a kill, to the last digit', () =>
  withScript([50_000, 49_000], (world) => {
    world.exchange.setPositionMode(world.account, 'hedge');
    world.exchange.setMarginMode(world.account, SYMBOL, 'isolated');
    world.exchange.setLeverage(world.account, SYMBOL, 7, 'short');
    world.order({ side: 'buy', leg: 'long' }, 0.03);
    world.step();
    world.order({ side: 'sell', leg: 'long' }, 0.03);
    world.order({ side: 'sell', leg: 'short' }, 0.02);
    const { row, bills, closedPositions } = world.account;
    world.restart();
    expect(world.account.row).toEqual(row);
    expect(world.account.bills).toEqual(bills);
    expect(world.account.closedPositions).toEqual(closedPositions);
    expect(closedPositions).toMatchObject([{ direction: 'long', openedQty: 30, closedQty: 30 }]);
    expect(world.account.settings(SYMBOL).leverage).toEqual({ crossed: 20, long: 20, short: 7 });
  }));

test('a state folder of the first version is read: nothing lost, and books that agree from there on', () => {
  const dir = tempDir();
  const position = { qty: 5, cost: '250', realised: '1.5', fees: '0.15', openedAtMs: 1, updatedAtMs: 2 };
  const account = { name: 'bot1', cash: '9999.25', positions: { BTCUSDT: position }, leverage: { BTCUSDT: 7 } };
  const order = {
    id: 3,
    account: 'bot1',
    clientOid: 'x',
    symbol: 'BTCUSDT',
    side: 'buy',
    status: 'live',
    qty: 1,
    filled: 0,
  };
  mkdirSync(dir, { recursive: true });
  const state = { nextId: 9, replay: {}, accounts: [account], orders: [order], fills: [], logNumber: 0 };
  writeFileSync(join(dir, 'state.json'), JSON.stringify(state));
  const saved = new StateStore(dir).load();
  expect(saved.orders.get(3)).toMatchObject({ leg: 'net', marginMode: 'crossed', cause: 'request', takeProfit: null });
  const row = saved.accounts.get('bot1')!;
  expect(row.settings.BTCUSDT).toEqual({ marginMode: 'crossed', leverage: { crossed: 7, long: 7, short: 7 } });
  expect(row.positions.BTCUSDT).toMatchObject({
    qty: 5,
    cost: parseQuote('250'),
    openedQty: 5,
    funding: 0n,
    margin: 0n,
  });
  expect(row.totals).toMatchObject({ start: parseQuote('9999.25'), isWhole: false });
});

describe('the check of the books sees', () => {
  const spoil: Record<string, (world: ScriptedExchange) => void> = {
    'cash that came from nowhere': ({ account }) => (account.row.cash = (account.row.cash + 1n) as QuoteAmount),
    'a position that no fill made': ({ account }) => (account.position(SYMBOL, 'net')!.qty = 11 as SignedLots),
    'a fill that is missing': ({ account }) => void account.fills.pop(),
    'a bill that is missing': ({ account }) => void account.bills.pop(),
    'an order that says filled': ({ account }) => ([...account.open.values()][0]!.status = 'filled'),
    'a stop without its position': (world) => (world.account.position(SYMBOL, 'net')!.qty = 0 as SignedLots),
    'an order that nothing can fill': ({ market }) => void market.models.clear(),
  };
  test.each(Object.keys(spoil))('%s', (name) => {
    const world = new ScriptedExchange([50_000, 50_000]);
    world.order({ side: 'buy' });
    world.stop(49_000);
    world.order({ side: 'buy', orderType: 'limit', price: world.price(49_500) });
    world.end();
    spoil[name]!(world);
    expect(checkExchange(world.exchange)).not.toEqual([]);
  });
});
