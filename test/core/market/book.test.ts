import { expect, test } from '@jest/globals';
import { BOOK_DEPTH, copyBookFrame, createBookFrame } from '../../../core/market/book.ts';
import { book } from '../../support/bots.ts';

test('a new frame shows nothing, and has a place for each level', () => {
  const none = Array.from({ length: BOOK_DEPTH }, () => 0);
  const { bidTicks, bidLots, askTicks, askLots, ...rest } = createBookFrame();
  expect(rest).toEqual({ venueAtMs: 0, bidCount: 0, askCount: 0 });
  expect([bidTicks, bidLots, askTicks, askLots].map((column) => [...column])).toEqual([none, none, none, none]);
});

test('a copy is the whole book, and stays it when the original goes on', () => {
  const from = { ...book(600_000, 600_001, 7), venueAtMs: 5, bidCount: 4, askCount: 3 };
  from.askLots.set([1, 2, 3, 4, 5]);
  const to = createBookFrame();
  copyBookFrame(to, from);
  expect(to).toEqual(from);
  from.bidTicks[4] = 1;
  from.askLots[4] = 9;
  expect([to.bidTicks[4], to.askLots[4]]).toEqual([599_996, 5]);
});
