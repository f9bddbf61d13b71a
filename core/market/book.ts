/** The top of an order book at a fixed small depth, in ticks and lots; one frame is reused for every update of a symbol. */
export const BOOK_DEPTH = 5;

export interface BookFrame {
  /** Venue's time of this state, ms since the epoch. */
  venueAtMs: number;
  /** How many of the first levels of each side are filled. */
  bidCount: number;
  askCount: number;
  /** Best first. */
  readonly bidTicks: Float64Array;
  readonly bidLots: Float64Array;
  readonly askTicks: Float64Array;
  readonly askLots: Float64Array;
}

export function createBookFrame(): BookFrame {
  return {
    venueAtMs: 0,
    bidCount: 0,
    askCount: 0,
    bidTicks: new Float64Array(BOOK_DEPTH),
    bidLots: new Float64Array(BOOK_DEPTH),
    askTicks: new Float64Array(BOOK_DEPTH),
    askLots: new Float64Array(BOOK_DEPTH),
  };
}

export function copyBookFrame(to: BookFrame, from: BookFrame): void {
  to.venueAtMs = from.venueAtMs;
  to.bidCount = from.bidCount;
  to.askCount = from.askCount;
  for (let index = 0; index < BOOK_DEPTH; index++) {
    to.bidTicks[index] = from.bidTicks[index]!;
    to.bidLots[index] = from.bidLots[index]!;
    to.askTicks[index] = from.askTicks[index]!;
    to.askLots[index] = from.askLots[index]!;
  }
}
