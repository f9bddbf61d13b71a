/**
 * A recorded exchange feed in a compact form. A file holds one "receive time, space, message" a line, gzipped: a REST
 * depth snapshot once, `depthUpdate` and `trade` messages as the exchange sent them. The book starts at the snapshot.
 */
import type { Instrument } from '../market/instrument.ts';
import { DecimalError, parseScaled } from '../money/decimal.ts';

/** What one change of a frame is. */
export const OpKind = { bid: 0, ask: 1, buyTrade: 2, sellTrade: 3 } as const;

/** Frames are messages in the order they were received; the first is the snapshot. Ops of frame i are [firstOp[i], firstOp[i+1]). */
export interface Recording {
  readonly sources: readonly { file: string; sha256: string; venue: string }[];
  readonly frameCount: number;
  /** Venue time of each frame, ms after `startedAtMs`, never decreasing. */
  readonly frameAtMs: Float64Array;
  readonly firstOp: Uint32Array;
  readonly opKind: Uint8Array;
  readonly opTicks: Int32Array;
  readonly opLots: Float64Array;
  /** Venue time of the snapshot, ms since the epoch. */
  readonly startedAtMs: number;
  /** Empty where none were recorded. */
  readonly marks: Marks;
}

/** What the venue stated about once a second, oldest first; whole numbers, so that decimals stay exact. */
export interface Marks {
  /** Venue time, ms after `startedAtMs`, never decreasing. */
  readonly atMs: Float64Array;
  /** Mark price, 1e-8 quote. */
  readonly priceE8: Float64Array;
  /** Rate of the next settlement, 1e-8 of notional; positive: longs pay. */
  readonly rateE8: Float64Array;
  /** When that is, ms since the epoch. */
  readonly fundingAtMs: Float64Array;
}

const NONE = new Float64Array(0);
export const NO_MARKS: Marks = { atMs: NONE, priceE8: NONE, rateE8: NONE, fundingAtMs: NONE };

/** A recording that cannot be played. Names the file and the rule. */
export class RecordingError extends Error {
  override readonly name = 'RecordingError';
}

interface FeedMessage {
  e?: string;
  E?: number;
  U?: number;
  u?: number;
  lastUpdateId?: number;
  b?: [string, string][];
  a?: [string, string][];
  bids?: [string, string][];
  asks?: [string, string][];
  p?: string;
  q?: string;
  m?: boolean;
  r?: string;
  T?: number;
}

/** A later file of a market must go on where the one before it ended. */
const FILE_GAP_MS_MAX = 60_000;

/** One unzipped file of a market, in order. */
export interface RecordedFile {
  /** Its name, relative to the data folder. */
  readonly file: string;
  readonly sha256: string;
  readonly bytes: Uint8Array;
}

/** Throws `RecordingError` naming the file and the rule. */
export function readRecording(files: readonly RecordedFile[], instrument: Instrument): Recording {
  const builder = new RecordingBuilder(instrument);
  const sources = files.map(({ file, sha256, bytes }) => {
    builder.file = file;
    readLines(bytes, (line) => builder.add(line));
    return { file, sha256, venue: venueLabel(file) };
  });
  return builder.finish(sources);
}

/** Recordings lie in a folder named for their venue; the label is shown wherever the data is. */
function venueLabel(file: string): string {
  if (file.startsWith('binance-usdm/')) return 'Binance USD-M perpetual, recorded';
  if (file.startsWith('binance-spot/')) return 'Binance spot, recorded';
  return 'unknown venue, recorded';
}

const decoder = new TextDecoder('latin1');

function readLines(text: Uint8Array, onLine: (line: string) => void): void {
  let start = 0;
  while (start < text.length) {
    const newline = text.indexOf(10, start);
    const end = newline < 0 ? text.length : newline;
    onLine(decoder.decode(text.subarray(start, end)));
    start = end + 1;
  }
}

class RecordingBuilder {
  file = '';
  private readonly instrument: Instrument;
  private readonly tickPerUnit: number;
  private readonly lotPerUnit: number;
  private readonly frameAtMs: number[] = [];
  private readonly marks = { atMs: [] as number[], priceE8: [] as number[], rateE8: [] as number[], fundingAtMs: [] as number[] }; // prettier-ignore
  private readonly firstOp: number[] = [];
  private opKind = new Uint8Array(1 << 16);
  private opTicks = new Int32Array(1 << 16);
  private opLots = new Float64Array(1 << 16);
  private opCount = 0;
  private startedAtMs = 0;
  private snapshotId: number | null = null;

  constructor(instrument: Instrument) {
    this.instrument = instrument;
    this.tickPerUnit = 1 / instrument.tickSize;
    this.lotPerUnit = 1 / instrument.lotSize;
  }

  add(line: string): void {
    // Best bid and offer messages are two thirds of the lines and say nothing that depth does not say within 50 ms.
    if (line === '' || line.includes('"bookTicker"')) return;
    const space = line.indexOf(' ');
    const parsed = JSON.parse(line.slice(space + 1)) as { data?: FeedMessage } & FeedMessage;
    const message = parsed.data ?? parsed;
    if (message.lastUpdateId !== undefined) return this.addSnapshot(message, receivedMs(line.slice(0, space)));
    if (this.snapshotId === null) return;
    if (message.e === 'trade') return this.addTrade(message);
    if (message.e === 'markPriceUpdate') return this.addMark(message);
    if (message.e === 'depthUpdate' && (message.u ?? 0) >= this.snapshotId) this.addDepth(message);
  }

  finish(sources: Recording['sources']): Recording {
    if (this.frameAtMs.length < 2)
      throw new RecordingError(`${this.file}: expected a depth snapshot and changes after it`);
    return {
      sources,
      frameCount: this.frameAtMs.length,
      frameAtMs: Float64Array.from(this.frameAtMs),
      firstOp: Uint32Array.from([...this.firstOp, this.opCount]),
      opKind: this.opKind.slice(0, this.opCount),
      opTicks: this.opTicks.slice(0, this.opCount),
      opLots: this.opLots.slice(0, this.opCount),
      startedAtMs: this.startedAtMs,
      marks: {
        atMs: Float64Array.from(this.marks.atMs),
        priceE8: Float64Array.from(this.marks.priceE8),
        rateE8: Float64Array.from(this.marks.rateE8),
        fundingAtMs: Float64Array.from(this.marks.fundingAtMs),
      },
    };
  }

  private addSnapshot(message: FeedMessage, receivedAtMs: number): void {
    if (this.snapshotId !== null) {
      throw new RecordingError(
        `${this.file}: a second depth snapshot would tear the book; only the first file may have one`,
      );
    }
    this.snapshotId = message.lastUpdateId ?? 0;
    this.startedAtMs = message.E ?? receivedAtMs;
    this.openFrame(this.startedAtMs);
    this.addLevels(OpKind.bid, message.bids);
    this.addLevels(OpKind.ask, message.asks);
  }

  private addDepth(message: FeedMessage): void {
    this.openFrame(message.E ?? 0);
    this.addLevels(OpKind.bid, message.b);
    this.addLevels(OpKind.ask, message.a);
  }

  private addTrade(message: FeedMessage): void {
    if (Number(message.p) === 0) return;
    this.openFrame(message.E ?? 0);
    // `m`: the buyer was the maker, so the seller took.
    this.addOp(message.m === true ? OpKind.sellTrade : OpKind.buyTrade, message.p ?? '', message.q ?? '');
  }

  private addMark({ E: venueAtMs = 0, p: price = '', r: rate = '', T: fundingAtMs = 0 }: FeedMessage): void {
    const { marks } = this;
    marks.atMs.push(Math.max(marks.atMs.at(-1) ?? 0, venueAtMs - this.startedAtMs));
    marks.priceE8.push(this.scaled(price, 'mark price'));
    marks.rateE8.push(this.scaled(rate, 'funding rate'));
    marks.fundingAtMs.push(fundingAtMs);
  }

  private scaled(text: string, what: string): number {
    try {
      return Number(parseScaled(text, 8));
    } catch (error) {
      if (!(error instanceof DecimalError)) throw error;
      throw new RecordingError(`${this.file}: ${what}: ${error.message}`);
    }
  }

  private openFrame(venueAtMs: number): void {
    const last = this.frameAtMs.at(-1) ?? 0;
    const atMs = venueAtMs - this.startedAtMs;
    if (atMs - last > FILE_GAP_MS_MAX) {
      throw new RecordingError(
        `${this.file}: ${atMs - last} ms without a message, at most ${FILE_GAP_MS_MAX} are played`,
      );
    }
    // Event times of different streams may step back by a few ms; the order of receipt is the truth.
    this.frameAtMs.push(Math.max(last, atMs));
    this.firstOp.push(this.opCount);
  }

  private addLevels(kind: number, levels: readonly [string, string][] | undefined): void {
    for (const [price, qty] of levels ?? []) this.addOp(kind, price, qty);
  }

  private addOp(kind: number, price: string, qty: string): void {
    if (this.opCount === this.opKind.length) this.grow();
    this.opKind[this.opCount] = kind;
    this.opTicks[this.opCount] = this.whole(Number(price) * this.tickPerUnit, 'price', price);
    this.opLots[this.opCount] = this.whole(Number(qty) * this.lotPerUnit, 'size', qty);
    this.opCount += 1;
  }

  private whole(steps: number, what: string, text: string): number {
    const whole = Math.round(steps);
    if (!(Math.abs(steps - whole) < 1e-4)) {
      throw new RecordingError(`${this.file}: ${what} "${text}" is not on the grid of ${this.instrument.symbol}`);
    }
    return whole;
  }

  private grow(): void {
    const kinds = new Uint8Array(this.opKind.length * 2);
    const ticks = new Int32Array(this.opKind.length * 2);
    const lots = new Float64Array(this.opKind.length * 2);
    kinds.set(this.opKind);
    ticks.set(this.opTicks);
    lots.set(this.opLots);
    this.opKind = kinds;
    this.opTicks = ticks;
    this.opLots = lots;
  }
}

/** Receive times are in ns (19 digits) or us (16 digits). */
function receivedMs(text: string): number {
  return Number(text.slice(0, 13));
}
