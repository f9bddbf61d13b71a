import { describe, expect, test } from '@jest/globals';
import { refuseRealMoney, type RealMoneyConditions } from '../../../core/accounts/real-money.ts';

const ALL: RealMoneyConditions = { isConfigured: true, environment: 'yes', isArmed: true };
const reasons = (change: Partial<RealMoneyConditions>): readonly string[] =>
  refuseRealMoney({ ...ALL, ...change }, 'arming/mm-btc.json');

const NOT_OPEN = 'nothing can verify an arming record yet: real money is not open, whatever else holds';
const UNASKED = 'the configuration does not ask for it (venue.endpoint: live and mode: live)';
const UNARMED = 'arming/mm-btc.json: expected an arming record, was missing';

describe('real money is refused', () => {
  test('whatever holds', () => expect(reasons({})).toEqual([NOT_OPEN]));

  test.each([
    ['not asked for', { isConfigured: false }, UNASKED],
    ['not said in the environment', { environment: undefined }, 'DESK_LIVE: expected yes, was missing'],
    ['said in another word', { environment: 'YES' }, 'DESK_LIVE: expected yes, was "YES"'],
    ['said with nothing', { environment: '' }, 'DESK_LIVE: expected yes, was ""'],
    ['without an arming record', { isArmed: false }, UNARMED],
  ])('and told why: %s', (_name, change, reason) => expect(reasons(change)).toEqual([reason, NOT_OPEN]));

  test('with all that is missing at once', () => {
    expect(reasons({ isConfigured: false, environment: 'no', isArmed: false })).toEqual([
      UNASKED,
      'DESK_LIVE: expected yes, was "no"',
      UNARMED,
      NOT_OPEN,
    ]);
  });
});
