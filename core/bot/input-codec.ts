/**
 * Inputs as journal payloads and back. Books are by far the most frequent and are packed into varints (some 60 bytes at
 * depth 5); all others are JSON with exact amounts as decimal strings.
 */
import { createBookFrame, type BookFrame } from '../market/book.ts';
import { formatQuote, parseQuote } from '../money/decimal.ts';
import type { QuoteAmount } from '../money/money.ts';
import { RecordKind } from '../events/record.ts';
import { invariant } from '../invariant.ts';
import type { BotInput, FillFact } from './input.ts';

const EMPTY = new Uint8Array(0);
const CONTINUE = 0x80;
/** Bit operations are of 32 bits with a sign. */
const SHIFTABLE_MAX = 0x7fff_ffff;

/** Longest packed book: two counts, a time and 4 numbers a level pair, 8 bytes each at most. */
const BOOK_BYTES_MAX = 512;
const scratch = new Uint8Array(BOOK_BYTES_MAX);
/** Its beginnings by length. */
const views: Uint8Array[] = [];
const encoder = new TextEncoder();
const decoder = new TextDecoder();

function putVarint(offset: number, value: number): number {
  invariant(Number.isSafeInteger(value) && value >= 0, 'a varint is a safe unsigned integer');
  let at = offset;
  let large = value;
  while (large > SHIFTABLE_MAX) {
    scratch[at] = (large % CONTINUE) + CONTINUE;
    large = Math.floor(large / CONTINUE);
    at += 1;
  }
  // Most numbers of a book begin here, and shifts take half the time of divisions.
  let rest = large | 0;
  while (rest >= CONTINUE) {
    scratch[at] = (rest & (CONTINUE - 1)) | CONTINUE;
    rest >>= 7;
    at += 1;
  }
  scratch[at] = rest;
  return at + 1;
}

interface Cursor {
  bytes: Uint8Array;
  at: number;
}

function takeVarint(cursor: Cursor): number {
  let value = 0;
  let scale = 1;
  for (;;) {
    const byte = cursor.bytes[cursor.at];
    invariant(byte !== undefined, 'a packed book ends after its last level');
    cursor.at += 1;
    if (byte < CONTINUE) return value + byte * scale;
    value += (byte - CONTINUE) * scale;
    scale *= CONTINUE;
  }
}

function putSide(offset: number, count: number, ticks: Float64Array, lots: Float64Array): number {
  let at = putVarint(offset, count);
  let previous = 0;
  for (let i = 0; i < count; i += 1) {
    const price = ticks[i] as number;
    at = putVarint(at, i === 0 ? price : Math.abs(price - previous));
    at = putVarint(at, lots[i] as number);
    previous = price;
  }
  return at;
}

function takeSide(cursor: Cursor, ticks: Float64Array, lots: Float64Array, direction: 1 | -1): number {
  const count = takeVarint(cursor);
  let price = 0;
  for (let i = 0; i < count; i += 1) {
    price = i === 0 ? takeVarint(cursor) : price + direction * takeVarint(cursor);
    ticks[i] = price;
    lots[i] = takeVarint(cursor);
  }
  return count;
}

/** The packed book as a view on a buffer that the next call overwrites. */
export function packBook(book: BookFrame): Uint8Array {
  let at = putVarint(0, book.venueAtMs);
  at = putSide(at, book.bidCount, book.bidTicks, book.bidLots);
  at = putSide(at, book.askCount, book.askTicks, book.askLots);
  return (views[at] ??= scratch.subarray(0, at));
}

export function unpackBook(bytes: Uint8Array, into: BookFrame): void {
  const cursor = { bytes, at: 0 };
  into.venueAtMs = takeVarint(cursor);
  into.bidCount = takeSide(cursor, into.bidTicks, into.bidLots, -1);
  into.askCount = takeSide(cursor, into.askTicks, into.askLots, 1);
}

type FillOnDisk = Omit<FillFact, 'fee'> & { fee: string };
const fillOut = (fill: FillFact): FillOnDisk => ({ ...fill, fee: formatQuote(fill.fee) });
/** Journals from before legs say nothing of them: everything was net. */
const fillIn = (fill: FillOnDisk): FillFact => ({ ...fill, leg: fill.leg ?? 'net', fee: parseQuote(fill.fee) });

/** What a sync read of such a journal lacks. */
function beforeLegs({ position }: Record<string, unknown>): object {
  return position === undefined ? {} : { positions: [{ leg: 'net', ...(position as object) }], stops: [] };
}

type PaymentOnDisk = { paymentId: string; amount: string; atMs: number };
const BEFORE_MARGIN = { marginRatio: null, maintenanceRatio: null };

/** Journal payload of `input`, without its sequence and time: those stand in the record's header. */
export function encodeInput(input: BotInput): Uint8Array {
  switch (input.kind) {
    case RecordKind.bookInput:
      return packBook(input.book);
    case RecordKind.timerInput:
      return EMPTY;
    case RecordKind.fillInput:
      return encoder.encode(JSON.stringify({ fill: fillOut(input.fill) }));
    case RecordKind.positionInput: {
      const { kind: _kind, sequence: _sequence, atMs: _atMs, ...read } = input;
      const fundingPayments = read.fundingPayments.map((payment) => ({
        ...payment,
        amount: formatQuote(payment.amount),
      }));
      const exact = { fills: read.fills.map(fillOut), equity: formatQuote(read.equity), fundingPayments };
      return encoder.encode(JSON.stringify({ ...read, ...exact }));
    }
    default: {
      const { kind: _kind, sequence: _sequence, atMs: _atMs, ...rest } = input;
      return encoder.encode(JSON.stringify(rest));
    }
  }
}

/** The input that `encodeInput` packed. The journal's CRC vouches for the bytes; a wrong kind is a bug. */
export function decodeInput(kind: number, sequence: number, atMs: number, payload: Uint8Array): BotInput {
  if (kind === RecordKind.bookInput) {
    const book = createBookFrame();
    unpackBook(payload, book);
    return { kind, sequence, atMs, book };
  }
  if (kind === RecordKind.timerInput) return { kind, sequence, atMs };
  const rest = JSON.parse(decoder.decode(payload)) as Record<string, unknown>;
  if (kind === RecordKind.fillInput) {
    return { kind, sequence, atMs, fill: fillIn(rest['fill'] as FillOnDisk) };
  }
  if (kind === RecordKind.positionInput) {
    const fills = (rest['fills'] as FillOnDisk[]).map(fillIn);
    const equity: QuoteAmount = parseQuote(rest['equity'] as string);
    const payments = (rest['fundingPayments'] ?? []) as PaymentOnDisk[];
    const fundingPayments = payments.map((payment) => ({ ...payment, amount: parseQuote(payment.amount) }));
    const exact = { kind, sequence, atMs, fills, equity, fundingPayments };
    return { ...BEFORE_MARGIN, ...rest, ...beforeLegs(rest), ...exact } as BotInput;
  }
  // The spread comes last: keys added after one give each object a shape of its own, and every read of it is slow.
  return { kind, sequence, atMs, ...rest } as BotInput;
}
