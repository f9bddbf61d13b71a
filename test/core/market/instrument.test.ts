import { describe, expect, test } from '@jest/globals';
import {
  createInstrument,
  formatPrice,
  formatQty,
  InstrumentSpec,
  toLots,
  toTicks,
} from '../../../core/market/instrument.ts';
import { DecimalError } from '../../../core/money/decimal.ts';
import type { PriceTicks, QtyLots, SignedLots } from '../../../core/money/money.ts';
import { BTC } from '../../support/bots.ts';
import { changed, takes } from '../schemas.ts';

describe('the rules of a contract', () => {
  test('become whole numbers: what a tick, a lot and a lot at a tick are worth, what is the least', () => {
    const { spec, ...rules } = createInstrument({ ...BTC.spec, qtyMin: '0.0025', makerFeeRate: '-0.000015' });
    expect(spec.qtyMin).toBe('0.0025');
    expect(rules).toEqual({
      symbol: 'BTCUSDT',
      tickE12: 100_000_000_000n,
      lotE12: 1_000_000_000n,
      quotePerTickLotE12: 100_000_000n,
      quotePerTickLot: 0.0001,
      // A minimum between two lots is the upper one.
      qtyMinLots: 3,
      notionalMinE12: 5_000_000_000_000n,
      makerFeeE6: -15n,
      takerFeeE6: 600n,
      tickSize: 0.1,
      lotSize: 0.001,
      priceGrid: { stepE12: 100_000_000_000n, decimals: 1, unit: 1 },
      qtyGrid: { stepE12: 1_000_000_000n, decimals: 3, unit: 1 },
    });
    expect(createInstrument({ ...BTC.spec, qtyMin: '0.002' }).qtyMinLots).toBe(2);
  });

  test('that would cut an amount are refused', () => {
    const fine = { ...BTC.spec, tick: '0.000001', lot: '0.000001', qtyMin: '1' };
    expect(createInstrument(fine).quotePerTickLotE12).toBe(1n);
    expect(() => createInstrument({ ...fine, lot: '0.0000001' })).toThrow(DecimalError);
    expect(() => createInstrument({ ...fine, lot: '0.0000001' })).toThrow('BTCUSDT: tick 0.000001 times lot 0.0000001');
    expect(() => createInstrument({ ...BTC.spec, takerFeeRate: '0.0000001' })).toThrow(DecimalError);
    expect(() => createInstrument({ ...BTC.spec, makerFeeRate: '2 bps' })).toThrow(DecimalError);
  });

  test.each([
    ['symbol', ['BT', '1000PEPEUSDT', 'A'.repeat(32)], ['B', 'btcusdt', 'A'.repeat(33), 'BTC-USDT', 'x BTC', 'BTC x', '']],
    ['tick', ['1', '0.000000000001', '999999999999999'], ['0', '0.0', '-1', '.1', '1e-3', '1.', ' 1', '1 ', '1000000000000000', '0.0000000000001', 0.1]],
    ['lot', ['0.001'], ['0']],
    ['qtyMin', ['0.001'], ['0']],
    ['notionalMin', ['5'], ['0']],
    ['makerFeeRate', ['-0.0001', '0'], [undefined, 0]],
    ['takerFeeRate', ['0.0006'], [undefined]],
    ['leverageMax', [undefined], [125]],
  ])('are stated as text: %s may be %j and not %j', (field, sound, unsound) => {
    for (const value of sound) expect([value, takes(InstrumentSpec, changed(BTC.spec, { [field]: value }))]).toEqual([value, true]);
    for (const value of unsound) expect([value, takes(InstrumentSpec, changed(BTC.spec, { [field]: value }))]).toEqual([value, false]);
  }); // prettier-ignore

  test('a refused one is told what it should be', () => {
    const rules = ['0', '1e3'].map((tick) => InstrumentSpec.safeParse({ ...BTC.spec, tick }).error?.issues[0]?.message);
    expect(rules).toEqual(['expected more than 0', 'expected a plain decimal']);
  });
});

describe('what the wire tells', () => {
  test.each([
    ['60000.1', 600_001],
    [60_000.1, 600_001],
    ['0.3', 3],
    [0.1 + 0.2, 3],
    ['0', 0],
    ['-0.1', -1],
    // Double rounding, no offset of its own: at a ten-thousandth of a tick it begins to be one.
    ['60000.100009', 600_001],
  ])('the price %s is %d ticks', (price, ticks) => expect(Object.is(toTicks(price, BTC), ticks)).toBe(true));

  test('no price is below zero by a sign alone', () => expect(Object.is(toTicks('-0', BTC), 0)).toBe(true));

  test.each(['60000.15', '60000.10002', 'NaN', 'Infinity', 'x', '1e300'])('the price %s is on no grid', (price) => {
    expect(() => toTicks(price, BTC)).toThrow(DecimalError);
    expect(() => toTicks(price, BTC)).toThrow('is not on its grid of 0.1');
  });

  test('a quantity is unsigned and on the grid of lots', () => {
    expect([toLots('0.015', BTC), toLots(0, BTC), toLots('-0.0', BTC)]).toEqual([15, 0, 0]);
    expect(() => toLots('0.0155', BTC)).toThrow('BTCUSDT: quantity 0.0155 is not on its grid of 0.001');
    expect(() => toLots('-0.015', BTC)).toThrow('BTCUSDT: quantity -0.015 is negative');
  });

  test('and what it is told: ticks and lots as plain decimals', () => {
    expect(formatPrice(600_001 as PriceTicks, BTC)).toBe('60000.1');
    expect([formatQty(15 as QtyLots, BTC), formatQty(-15 as SignedLots, BTC), formatQty(0 as QtyLots, BTC)]).toEqual(['0.015', '-0.015', '0']); // prettier-ignore
  });
});
