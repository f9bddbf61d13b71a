import { expect, describe, test } from '@jest/globals';
import { judgeKeyRights, rightText, type KeyRights } from '../../../core/accounts/key-rights.ts';

const TRADES: KeyRights = { rights: ['coor', 'coow', 'cpor', 'cpow'], ips: ['203.0.113.7'] };
const codes = (change: Partial<KeyRights>): string[] =>
  judgeKeyRights({ ...TRADES, ...change }).map(({ code }) => code);
const having = (...more: string[]): Partial<KeyRights> => ({ rights: [...TRADES.rights, ...more] });

test('a key that trades and reads from a known address is taken', () => {
  expect(judgeKeyRights(TRADES)).toEqual([]);
  expect(codes(having('stor', 'wtor', 'taxr', 'chor', 'p2pr', 'taxr'))).toEqual([]);
  expect(codes({ rights: ['uta_mgt', 'uta_trade'] })).toEqual([]);
});

test.each([
  'coor', 'coow', 'cpor', 'cpow', 'stor', 'stow', 'smor', 'smow', 'ttor', 'ttow', 'wtor', 'taxr', 'taxw', 'chor', 'p2pr', 'pllr',
  'uta_trade', 'uta_mgt', 'copy_futures_position', 'copy_futures_order',
])('the right %s does no harm', (right) => expect(codes(having(right))).toEqual([])); // prettier-ignore

test.each([
  ['wwow', 'withdraw'],
  ['withdraw', 'withdraw'],
  ['wtow', 'transfer'],
  ['chow', 'manage sub-accounts'],
  ['p2p', 'trade P2P'],
  ['p2pw', 'trade P2P'],
  ['pllw', 'pledge coins for loans'],
])('the right %s is refused and told in words: it may %s', (right, may) => {
  expect(judgeKeyRights({ ...TRADES, ...having(right, right) })).toEqual([
    { code: 'right_refused', message: `the key may ${may} (${right})` },
  ]);
});

test('what is wrong is told in words', () => {
  expect(judgeKeyRights({ rights: ['xxow'], ips: [] }).map(({ message }) => message)).toEqual([
    'the key has the right "xxow", which nobody has judged',
    'the key may not trade futures',
    'the key works from any address: bind it to a list of IPs',
  ]);
});

test.each([['203.0.113.7'], ['10.0.0.0/8'], ['2001:db8::/32'], ['10.0.0.0'], ['100.0.0.0/0'], ['1::/0'], ['::1']])(
  'an IP list of %s is one',
  (ip) => expect(codes({ ips: [ip] })).toEqual([]),
);

describe('every set of the dangerous rights', () => {
  const dangerous = ['wwow', 'wtow', 'chow', 'p2p'];
  const subsets = Array.from({ length: 16 }, (_, mask) => dangerous.filter((_right, bit) => (mask & (1 << bit)) !== 0));
  test.each(subsets.map((subset) => [subset.join(' ') || 'none', subset] as const))('%s', (_name, subset) => {
    const refusals = judgeKeyRights({ ...TRADES, ...having(...subset) });
    expect(refusals.map(({ code }) => code)).toEqual(subset.map(() => 'right_refused'));
    for (const right of subset) expect(refusals.some(({ message }) => message.includes(`(${right})`))).toBe(true);
  });
});

describe('a right that nobody judged is refused', () => {
  const unknown = [
    'wwor', 'xxow', 'trade', 'readonly', 'COOW', 'WWOW', ' coow', 'coow ', '', '*', 'all', 'admin', 'withdrawal',
    'uta_withdraw', 'p2p_', 'wtow2', 'constructor', '__proto__', 'toString', 'hasOwnProperty',
  ]; // prettier-ignore
  test('twenty of them', () => expect(unknown).toHaveLength(20));
  test.each(unknown)('"%s"', (right) => expect(codes(having(right))).toEqual(['right_unknown']));
});

test.each([
  ['no list', []],
  ['everything', ['*']],
  ['any IPv4', ['0.0.0.0/0']],
  ['any IPv4, in short', ['0.0.0.0']],
  ['any IPv6, in short', ['::']],
  ['any IPv6 beside one', ['203.0.113.7', '::/0']],
])('an IP list that is %s', (_name, ips) => expect(codes({ ips })).toEqual(['no_ip_list']));

test.each([
  ['no right at all', []],
  ['reading only', ['coor', 'cpor']],
  ['spot only', ['stow']],
])(
  'a key with %s cannot do the work',
  (_name, rights) => expect(codes({ rights })).toEqual(['may_not_trade']), // prettier-ignore
);

test('all that is wrong is told at once', () => {
  expect(codes({ rights: ['withdraw', 'new'], ips: [] }).sort()).toEqual(['may_not_trade', 'no_ip_list', 'right_refused', 'right_unknown']); // prettier-ignore
});

test.each([
  ['coow', 'place futures orders (coow)'],
  ['wwow', 'withdraw (wwow)'],
  ['constructor', 'do what nobody has judged (constructor)'],
])('the right %s in words', (right, words) => expect(rightText(right)).toBe(words));
