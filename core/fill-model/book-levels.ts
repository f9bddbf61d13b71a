/**
 * One side of a recorded order book at full depth, in ticks and lots. Levels are kept sorted with the best one last, so a
 * change near the touch moves few elements; nothing is allocated except when the arrays grow.
 */
import type { PriceTicks, QtyLots } from '../money/money.ts';
import type { Side } from '../orders/order-intent.ts';

const LEVELS_AT_START = 4_096;

export class BookLevels {
  readonly side: Side;
  /** Price times `sign`, ascending: the best level is the last. */
  private keys = new Float64Array(LEVELS_AT_START);
  private sizes = new Float64Array(LEVELS_AT_START);
  private readonly sign: 1 | -1;
  /** Levels whose key is below this are not shown by the feed. */
  private horizonKey = -Infinity;
  /** How many levels there are. */
  count = 0;

  constructor(side: Side) {
    this.side = side;
    this.sign = side === 'buy' ? 1 : -1;
  }

  /** Sets the size of a level, 0 removes it. Answers the size it had. */
  set(price: number, lots: number): number {
    const key = price * this.sign;
    const at = this.indexOf(key);
    if (at < this.count && this.keys[at] === key) {
      const before = this.sizes[at]!;
      if (lots === 0) this.removeAt(at);
      else this.sizes[at] = lots;
      return before;
    }
    if (lots !== 0) this.insertAt(at, key, lots);
    return 0;
  }

  /** Size at `price`, 0 when there is no such level. */
  sizeOf(price: number): number {
    const key = price * this.sign;
    const at = this.indexOf(key);
    return at < this.count && this.keys[at] === key ? this.sizes[at]! : 0;
  }

  /** Lots that stand at `price`; Infinity where the feed does not reach, so that nothing unseen counts as nothing there. */
  queueAt(price: number): number {
    return price * this.sign < this.horizonKey ? Infinity : this.sizeOf(price);
  }

  /** The worst price that the feed shows from now on; null when it shows every level. */
  showTo(price: PriceTicks | null): void {
    this.horizonKey = price === null ? -Infinity : price * this.sign;
  }

  /** Price of the level `depth` levels behind the best; the caller keeps `depth` below `count`. */
  priceAt(depth: number): PriceTicks {
    return (this.keys[this.count - 1 - depth]! * this.sign) as PriceTicks;
  }

  /** Size of the level `depth` levels behind the best; the caller keeps `depth` below `count`. */
  sizeAt(depth: number): QtyLots {
    return this.sizes[this.count - 1 - depth]! as QtyLots;
  }

  /** Best price, 0 when the side is empty. */
  best(): PriceTicks {
    return (this.count === 0 ? 0 : this.keys[this.count - 1]! * this.sign) as PriceTicks;
  }

  clear(): void {
    this.count = 0;
  }

  /** First index whose key is not below `key`. */
  private indexOf(key: number): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.keys[middle]! < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private removeAt(at: number): void {
    this.keys.copyWithin(at, at + 1, this.count);
    this.sizes.copyWithin(at, at + 1, this.count);
    this.count -= 1;
  }

  private insertAt(at: number, key: number, lots: number): void {
    if (this.count === this.keys.length) this.grow();
    this.keys.copyWithin(at + 1, at, this.count);
    this.sizes.copyWithin(at + 1, at, this.count);
    this.keys[at] = key;
    this.sizes[at] = lots;
    this.count += 1;
  }

  private grow(): void {
    const keys = new Float64Array(this.keys.length * 2);
    const sizes = new Float64Array(this.sizes.length * 2);
    keys.set(this.keys);
    sizes.set(this.sizes);
    this.keys = keys;
    this.sizes = sizes;
  }
}

/** The recorded book of one symbol: what others wanted to trade, without our own orders. */
export class RecordedBook {
  readonly bids = new BookLevels('buy');
  readonly asks = new BookLevels('sell');

  levels(side: Side): BookLevels {
    return side === 'buy' ? this.bids : this.asks;
  }

  /** Twice the mid price in ticks, so that it stays whole; 0 while a side is empty. */
  midDoubled(): number {
    return this.bids.count === 0 || this.asks.count === 0 ? 0 : this.bids.best() + this.asks.best();
  }

  clear(): void {
    this.bids.clear();
    this.asks.clear();
  }
}
