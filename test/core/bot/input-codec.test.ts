/** Inputs as the journal keeps them: what went in comes out, of this version's journals and of those from before. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decodeInput, encodeInput, packBook, unpackBook } from '../../../core/bot/input-codec.ts';
import type { BotInput, FillFact } from '../../../core/bot/input.ts';
import { RecordKind } from '../../../core/events/record.ts';
import { BOOK_DEPTH, createBookFrame, type BookFrame } from '../../../core/market/book.ts';
import type { PriceTicks, QtyLots, QuoteAmount, SignedLots } from '../../../core/money/money.ts';
import { book, T0 } from '../../support/bots.ts';

const ARRIVAL = { sequence: 41, atMs: T0 };

const FILL: FillFact = {
  tradeId: '1190001',
  clientOrderId: 'bot1_7-3',
  side: 'sell',
  leg: 'long',
  price: 600_000 as PriceTicks,
  qty: 4 as QtyLots,
  // More digits than a double holds.
  fee: 12_345_678_901_234_567n as QuoteAmount,
  liquidity: 'taker',
  venueAtMs: T0 - 40,
};

function frameOf(bids: readonly [number, number][], asks: readonly [number, number][], venueAtMs: number): BookFrame {
  const frame = createBookFrame();
  frame.venueAtMs = venueAtMs;
  frame.bidCount = bids.length;
  frame.askCount = asks.length;
  bids.forEach(([ticks, lots], i) => ([frame.bidTicks[i], frame.bidLots[i]] = [ticks, lots]));
  asks.forEach(([ticks, lots], i) => ([frame.askTicks[i], frame.askLots[i]] = [ticks, lots]));
  return frame;
}

function throughJournal(input: BotInput): BotInput {
  return decodeInput(input.kind, input.sequence, input.atMs, encodeInput(input).slice());
}

const payloadOf = (input: BotInput): unknown => JSON.parse(new TextDecoder().decode(encodeInput(input)));
const fromPayload = (kind: number, payload: object): BotInput =>
  decodeInput(kind, ARRIVAL.sequence, ARRIVAL.atMs, new TextEncoder().encode(JSON.stringify(payload)));

describe('a book', () => {
  /** Prices from the best outwards, as far apart as they like. */
  const side = (direction: 1 | -1) =>
    fc
      .record({
        best: fc.integer({ min: 2 ** 33, max: 2 ** 34 }),
        levels: fc.array(fc.tuple(fc.integer({ min: 1, max: 2 ** 30 }), fc.maxSafeNat()), { maxLength: BOOK_DEPTH }),
      })
      .map(({ best, levels }) => {
        let ticks = best - direction;
        return levels.map(([apart, lots], index): [number, number] => {
          ticks += direction * (index === 0 ? 1 : apart);
          return [ticks, lots];
        });
      });

  test('of any prices and sizes comes back as it was', () => {
    fc.assert(
      fc.property(side(-1), side(1), fc.maxSafeNat(), (bids, asks, venueAtMs) => {
        const frame = frameOf(bids, asks, venueAtMs);
        const input: BotInput = { kind: RecordKind.bookInput, ...ARRIVAL, book: frame };
        expect(throughJournal(input)).toEqual(input);
      }),
    );
  });

  test('takes about sixty bytes', () => {
    const frame = book(600_000, 600_001);
    frame.venueAtMs = T0;
    const { length } = packBook(frame);
    expect(length).toBeGreaterThan(30);
    expect(length).toBeLessThanOrEqual(60);
  });

  test('of the largest numbers there are still fits', () => {
    const wide = (direction: number): [number, number][] =>
      Array.from({ length: BOOK_DEPTH }, (_, i) => [
        direction < 0 ? Number.MAX_SAFE_INTEGER - i : Number.MAX_SAFE_INTEGER - BOOK_DEPTH + i,
        Number.MAX_SAFE_INTEGER,
      ]);
    const frame = frameOf(wide(-1), wide(1), Number.MAX_SAFE_INTEGER);
    const input: BotInput = { kind: RecordKind.bookInput, ...ARRIVAL, book: frame };
    expect(throughJournal(input)).toEqual(input);
  });

  test.each([127, 128, 2 ** 14, 2 ** 31 - 1, 2 ** 31, 2 ** 31 + 127, 2 ** 32 - 1, 2 ** 32, 2 ** 38 - 1])(
    'with the size %p comes back with it',
    (lots) => {
      const frame = createBookFrame();
      unpackBook(packBook(frameOf([[600_000, lots]], [], T0)), frame);
      expect(frame.bidLots[0]).toBe(lots);
    },
  );

  test.each([-1, 0.5, Number.NaN, 2 ** 53])('with the size %p is refused: nobody could read it back', (lots) => {
    expect(() => packBook(frameOf([[600_000, lots]], [], T0))).toThrow('a varint is a safe unsigned integer');
  });

  test('with a price below nothing is refused', () => {
    expect(() => packBook(frameOf([[-1, 5]], [], T0))).toThrow('a varint is a safe unsigned integer');
  });

  test('that ends too soon is refused at every byte', () => {
    const whole = packBook(book(600_000, 600_001)).slice();
    for (let length = 0; length < whole.length; length += 1) {
      expect(() => unpackBook(whole.subarray(0, length), createBookFrame())).toThrow(
        'a packed book ends after its last',
      );
    }
    const frame = createBookFrame();
    unpackBook(whole, frame);
    expect(frame).toEqual(book(600_000, 600_001));
  });
});

describe('an input', () => {
  const SYNC: BotInput = {
    kind: RecordKind.positionInput,
    ...ARRIVAL,
    openOrders: [
      {
        clientOrderId: 'bot1_7-3',
        filled: 1 as QtyLots,
        order: { side: 'buy', price: 600_000 as PriceTicks, qty: 4 as QtyLots, reduceOnly: true, leg: 'short' },
      },
    ],
    fills: [FILL, { ...FILL, tradeId: '1190002', fee: -1n as QuoteAmount }],
    positions: [{ leg: 'short', qty: -4 as SignedLots, entryPrice: '60000.05' }],
    stops: [{ clientOrderId: 'bot1_7-4', leg: 'short', direction: -1, triggerPrice: 612_000 as PriceTicks }],
    equity: 10_000_000_000_000_001n as QuoteAmount,
    marginRatio: 0.25,
    maintenanceRatio: 0.004,
    fundingPayments: [{ paymentId: 'f1', amount: -123_456_789_012_345_678n as QuoteAmount, atMs: T0 - 7 }],
  };

  test.each<[string, BotInput]>([
    ['of a timer', { kind: RecordKind.timerInput, ...ARRIVAL }],
    ['of a start', { kind: RecordKind.startInput, ...ARRIVAL, epoch: 8, configHash: 'c', codeVersion: 'v' }],
    ['of a fill, exact to the last digit', { kind: RecordKind.fillInput, ...ARRIVAL, fill: FILL }],
    ['of a read of the venue, exact to the last digit', SYNC],
    ['of a clock', { kind: RecordKind.clockInput, ...ARRIVAL, offsetMs: -12, uncertaintyMs: 5 }],
    [
      'of a stop that was refused',
      {
        kind: RecordKind.stopInput,
        ...ARRIVAL,
        clientOrderId: 'bot1_7-4',
        news: { news: 'placeAnswered', answer: 'no', code: '40917', trouble: null },
      },
    ],
    [
      'of an operator',
      {
        kind: RecordKind.controlInput,
        ...ARRIVAL,
        command: { command: 'pause', operator: 'ana', reason: 'Wartung – “später”' },
      },
    ],
  ])('%s comes back as it was', (_name, input) => {
    expect(throughJournal(input)).toEqual(input);
  });

  test('does not repeat what the header of its record says', () => {
    const payloads = [
      payloadOf({ kind: RecordKind.fillInput, ...ARRIVAL, fill: FILL }),
      payloadOf(SYNC),
      payloadOf({ kind: RecordKind.clockInput, ...ARRIVAL, offsetMs: -12, uncertaintyMs: 5 }),
    ];
    for (const payload of payloads)
      for (const field of ['kind', 'sequence', 'atMs']) expect(payload).not.toHaveProperty(field);
    expect(encodeInput({ kind: RecordKind.timerInput, ...ARRIVAL })).toHaveLength(0);
  });

  test('carries amounts as decimal texts', () => {
    expect(payloadOf(SYNC)).toMatchObject({
      equity: '10000.000000000001',
      fills: [{ fee: '12345.678901234567' }, { fee: '-0.000000000001' }],
      fundingPayments: [{ paymentId: 'f1', amount: '-123456.789012345678' }],
    });
  });
});

describe('a journal from before positions had legs', () => {
  const { leg: _leg, ...legless } = FILL;

  test('tells fills of the net position', () => {
    const input = fromPayload(RecordKind.fillInput, { fill: { ...legless, fee: '0.5' } });
    expect(input).toEqual({
      kind: RecordKind.fillInput,
      ...ARRIVAL,
      fill: { ...FILL, leg: 'net', fee: 500_000_000_000n },
    });
  });

  test('tells reads with one position and no stops, margin or funding', () => {
    const position = { qty: 4, entryPrice: '60000' };
    const fills = [{ ...legless, fee: '0.5' }];
    const input = fromPayload(RecordKind.positionInput, { openOrders: [], fills, position, equity: '10000' });
    expect(input).toMatchObject({
      ...ARRIVAL,
      openOrders: [],
      fills: [{ tradeId: FILL.tradeId, leg: 'net', fee: 500_000_000_000n }],
      positions: [{ leg: 'net', ...position }],
      stops: [],
      equity: 10_000_000_000_000_000n,
      marginRatio: null,
      maintenanceRatio: null,
      fundingPayments: [],
    });
  });
});
