import { describe, expect, test } from '@jest/globals';
import { crc32 } from 'node:zlib';
import { BookFault, ReplicatedBook, type BookRow } from '../../../gateway/bitget/stream/book.ts';
import { instrument } from './samples.ts';

const BTC = instrument('BTCUSDT', '0.1', '0.001');

const snapshot = (change: BookRow = {}): BookRow => ({
  bids: [['50000.0', '1.5'], ['49999.9', '2']],
  asks: [['50000.1', '0.5'], ['50000.2', '3']],
  ts: '1700000000000',
  seq: 10,
  pseq: 0,
  ...change,
}); // prettier-ignore
const update = (change: BookRow = {}): BookRow => ({
  bids: [], asks: [['50000.1', '0.7']], ts: '1700000000100', seq: 12, pseq: 10, ...change,
}); // prettier-ignore

function bookAt(row: BookRow = snapshot()): ReplicatedBook {
  const book = new ReplicatedBook(BTC);
  expect(book.apply('snapshot', row, JSON.stringify({ data: [row] }))).toBe(true);
  return book;
}
const feed = (book: ReplicatedBook, row: BookRow): boolean =>
  book.apply('update', row, JSON.stringify({ data: [row] }));
const best = ({ frame, isGood }: ReplicatedBook) =>
  isGood ? { bid: [frame.bidTicks[0], frame.bidLots[0]], ask: [frame.askTicks[0], frame.askLots[0]] } : 'lost';

function faultOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof BookFault) return `${error.kind}: ${error.message}`;
    throw error;
  }
  return 'none';
}

describe('a good book', () => {
  test('takes an update that follows it', () => {
    const book = bookAt();
    expect(feed(book, update())).toBe(true);
    expect(best(book)).toEqual({ bid: [500_000, 1_500], ask: [500_001, 700] });
    expect(book.frame.venueAtMs).toBe(1_700_000_000_100);
  });

  test.each<[string, BookRow, unknown]>([
    ['a new best', { asks: [['50000.05', '1']], bids: [] }, 'malformed'],
    ['a level that goes', { asks: [['50000.1', '0']] }, { bid: [500_000, 1_500], ask: [500_002, 3_000] }],
    ['a level that was never there', { asks: [['50007', '0']] }, { bid: [500_000, 1_500], ask: [500_001, 500] }],
    ['a side that empties', { asks: [['50000.1', '0'], ['50000.2', '0']] }, { bid: [500_000, 1_500], ask: [0, 0] }],
    ['zeros that say nothing', { asks: [['050000.100', '0.5000']] }, { bid: [500_000, 1_500], ask: [500_001, 500] }],
  ])('%s', (_name, change, expected) => {
    const book = bookAt();
    const fault = faultOf(() => feed(book, update(change)));
    if (typeof expected === 'string') expect(fault).toMatch(expected);
    else if (book.frame.askCount === 0) expect(book.frame).toMatchObject({ bidCount: 2, askCount: 0 });
    else expect(best(book)).toEqual(expected);
  }); // prettier-ignore

  test('ignores an update told twice, and one from before its snapshot', () => {
    const book = bookAt();
    feed(book, update());
    expect(feed(book, update())).toBe(false);
    expect(feed(book, update({ seq: 9, pseq: 8, ts: '1699999999900', asks: [['50000.1', '9']] }))).toBe(false);
    expect(best(book)).toEqual({ bid: [500_000, 1_500], ask: [500_001, 700] });
    expect(feed(book, update({ seq: 13, pseq: 12 }))).toBe(true);
  });
});

describe('is lost, and says nothing until a new snapshot, after', () => {
  test.each<[string, BookRow, RegExp]>([
    ['a lost update', { seq: 14, pseq: 12 }, /^gap: .*follows 12, the book is at 10/],
    ['a chain that starts again', { seq: 5, pseq: 4, ts: '1700000000100' }, /^gap: .*comes after 10/],
    ['a pseq without a seq', { seq: undefined }, /^gap/],
    ['an update that proves nothing', { pseq: undefined }, /neither pseq nor checksum/],
    ['a checksum of 0 alone', { pseq: undefined, checksum: 0 }, /neither pseq nor checksum/],
    ['a seq that is no number', { seq: 'x' }, /no whole number/],
    ['a crossed book', { bids: [['50000.1', '1']] }, /crossed, bid 500001 and ask 500001/],
    ['a price off the grid', { asks: [['50000.15', '1']] }, /level 0 is/],
    ['a size off the grid', { asks: [['50000.1', '0.0001']] }, /level 0 is/],
    ['a price of 0', { asks: [['0', '1']] }, /level 0 is/],
    ['a number for a text', { asks: [[50000.1, '1']] }, /level 0 is/],
    ['levels that are none', { asks: 'none' }, /levels are no list/],
    ['no time', { ts: undefined }, /time is/],
    ['no level at all', { bids: [['50000', '0'], ['49999.9', '0']], asks: [['50000.1', '0'], ['50000.2', '0']] }, /no level/],
  ])('%s', (_name, change, expected) => {
    const book = bookAt();
    expect(faultOf(() => feed(book, update(change)))).toMatch(expected);
    expect(book.isGood).toBe(false);
    expect(feed(book, update())).toBe(false);
    const row = snapshot({ seq: 20 });
    expect(book.apply('snapshot', row, '')).toBe(true);
    expect(best(book)).toEqual({ bid: [500_000, 1_500], ask: [500_001, 500] });
  }); // prettier-ignore
});

test('an old snapshot is not taken for the state now, until the connection is a new one', () => {
  const book = bookAt();
  expect(faultOf(() => feed(book, update({ seq: 14, pseq: 12 })))).toMatch(/^gap/);
  expect(faultOf(() => book.apply('snapshot', snapshot({ seq: 13 }), ''))).toMatch(/older than 14/);
  book.lose(true);
  expect(book.apply('snapshot', snapshot({ seq: 3 }), '')).toBe(true);
});

describe('checksums', () => {
  const sum = (text: string): number => crc32(text) | 0;
  const after = '50000.0:1.5:50000.1:0.7:49999.9:2:50000.2:3';

  test('alone prove an update, over the texts as they were sent', () => {
    const book = bookAt(snapshot({ seq: undefined, checksum: 0 }));
    expect(feed(book, update({ seq: undefined, pseq: undefined, checksum: sum(after) }))).toBe(true);
    const wrong = update({ ts: '1700000000200', seq: undefined, pseq: undefined, checksum: sum(after) + 1 });
    expect(faultOf(() => feed(book, wrong))).toMatch(/^checksum: /);
    expect(book.isGood).toBe(false);
  });

  test('and a chain must both hold', () => {
    expect(faultOf(() => feed(bookAt(snapshot({ checksum: 0 })), update({ checksum: 7 })))).toMatch(/^checksum/);
    const gapped = update({ seq: 14, pseq: 12, checksum: sum(after) });
    expect(faultOf(() => feed(bookAt(snapshot({ checksum: 0 })), gapped))).toMatch(/^gap/);
  });

  test('that come unannounced cost one snapshot', () => {
    const book = bookAt();
    expect(faultOf(() => feed(book, update({ checksum: sum(after) })))).toMatch(/did not announce/);
    book.apply('snapshot', snapshot({ seq: 20 }), '');
    expect(feed(book, update({ seq: 21, pseq: 20, checksum: sum(after) }))).toBe(true);
  });
});

test('sequences beyond 2^53 are told apart by their last digit, as numbers and as texts', () => {
  const raw = (seq: string, pseq: string): string =>
    `{"data":[{"asks":[["50000.1","0.7"]],"bids":[],"pseq":${pseq},"seq":${seq},"ts":"1700000000100"}]}`;
  const apply = (book: ReplicatedBook, text: string): boolean =>
    book.apply('update', (JSON.parse(text) as { data: BookRow[] }).data[0]!, text);
  const start = (): ReplicatedBook => bookAt(snapshot({ seq: '1483653649371725838' }));
  expect(apply(start(), raw('1483653649791156272', '1483653649371725838'))).toBe(true);
  expect(faultOf(() => apply(start(), raw('1483653649791156272', '1483653649371725839')))).toMatch(/^gap/);
  expect(faultOf(() => apply(start(), raw('"1483653649791156272"', '"1483653649371725837"')))).toMatch(/^gap/);
  expect(apply(start(), raw('1483653649371725838', '1483653649371725830'))).toBe(false);
});
