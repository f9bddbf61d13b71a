/** What a read of the venue becomes. */
import { expect, test } from '@jest/globals';
import { OrderIds, syncInput } from '../../bots/inputs.ts';
import type { VenueRead } from '../../bots/venue-read.ts';
import type { QuoteAmount, SignedLots } from '../../core/money/money.ts';
import type { VenuePosition } from '../../gateway/venue.ts';

const held = (change: Partial<VenuePosition>): VenuePosition => ({
  symbol: 'BTCUSDT',
  leg: 'net',
  qty: 10 as SignedLots,
  entryPrice: '60000',
  markPrice: '60000',
  liquidationPrice: null,
  unrealised: '0',
  leverage: '20',
  marginMode: 'crossed',
  maintenanceRatio: '0.004',
  marginRatio: '0.05',
  ...change,
});

function read(marginRatio: string | null, positions: readonly VenuePosition[]): VenueRead {
  const balance = { equity: '1000.000000000001', available: '900', marginRatio };
  return { openOrders: [], fills: [], triggers: [], positions, fundingPayments: [], balance };
}

test.each<[string, string | null, VenuePosition[], number | null, number | null]>([
  ['nothing is held', '0', [], 0, null],
  ['the venue does not say', null, [], null, null],
  ['a crossed position shares what the account has', '0.3', [held({ marginRatio: '0.9' })], 0.3, 0.004],
  ['an isolated one has its own margin', '0', [held({ marginMode: 'isolated', marginRatio: '0.4' })], 0.4, 0.004],
  [
    'of two legs the one nearer to its end counts',
    '0.1',
    [
      held({ leg: 'long', marginMode: 'isolated', marginRatio: '0.2' }),
      held({ leg: 'short', marginMode: 'isolated', marginRatio: '0.6', maintenanceRatio: '0.005' }),
    ],
    0.6,
    0.005,
  ],
  ['a position of which nothing is said', null, [held({ maintenanceRatio: null, marginRatio: null })], null, null],
])('margin: %s', (_name, account, positions, marginRatio, maintenanceRatio) => {
  expect(syncInput(read(account, positions), new OrderIds())).toMatchObject({ marginRatio, maintenanceRatio });
});

test('equity and payments stay exact', () => {
  const payment = { paymentId: '7', symbol: 'BTCUSDT', amount: -1_234_567_890_123n as QuoteAmount, atMs: 5 };
  const { equity, fundingPayments } = syncInput({ ...read('0', []), fundingPayments: [payment] }, new OrderIds());
  expect(equity).toBe(1_000_000_000_000_001n);
  expect(fundingPayments).toEqual([{ paymentId: '7', amount: -1_234_567_890_123n, atMs: 5 }]);
});
