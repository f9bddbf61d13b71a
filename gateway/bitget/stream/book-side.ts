import { firstNotBelow, grown } from '../../../core/market/sorted-keys.ts';

/**
 * One side of a full-depth book, best level last: nearly every change happens near the top, so it moves few elements.
 * `key` is the price in ticks, negated on the ask side, so that both sides rise towards their best.
 */
export class BookSide {
  count = 0;
  keys = new Float64Array(64);
  lots = new Float64Array(64);
  /** `price:size` of each level as sent, for checksums; null while the venue sends none. */
  private texts: string[] | null = null;
  private readonly sign: 1 | -1;

  constructor(side: 'bids' | 'asks') {
    this.sign = side === 'bids' ? 1 : -1;
  }

  clear(withTexts: boolean): void {
    this.count = 0;
    this.texts = withTexts ? [] : null;
  }

  /** Best price in ticks; NaN while the side is empty. */
  bestTicks(): number {
    return this.count === 0 ? NaN : this.sign * this.keys[this.count - 1]!;
  }

  /** Price of the level `depth` steps below the best. */
  ticksAt(depth: number): number {
    return this.sign * this.keys[this.count - 1 - depth]!;
  }

  lotsAt(depth: number): number {
    return this.lots[this.count - 1 - depth]!;
  }

  /** `price:size` as sent of the level `depth` steps below the best; undefined where there is none or none is kept. */
  textAt(depth: number): string | undefined {
    return this.texts?.[this.count - 1 - depth];
  }

  get keepsTexts(): boolean {
    return this.texts !== null;
  }

  /** Sets the size of a level; 0 takes it out. */
  set(ticks: number, lots: number, price: string, size: string): void {
    const key = this.sign * ticks;
    const at = firstNotBelow(this.keys, this.count, key);
    const isKnown = at < this.count && this.keys[at] === key;
    if (lots === 0) {
      if (isKnown) this.remove(at);
      return;
    }
    if (!isKnown) this.insert(at, key);
    this.lots[at] = lots;
    if (this.texts !== null) this.texts[at] = `${price}:${size}`;
  }

  private insert(at: number, key: number): void {
    if (this.count === this.keys.length) {
      this.keys = grown(this.keys);
      this.lots = grown(this.lots);
    }
    this.keys.copyWithin(at + 1, at, this.count);
    this.lots.copyWithin(at + 1, at, this.count);
    this.keys[at] = key;
    this.texts?.splice(at, 0, '');
    this.count += 1;
  }

  private remove(at: number): void {
    this.keys.copyWithin(at, at + 1, this.count);
    this.lots.copyWithin(at, at + 1, this.count);
    this.texts?.splice(at, 1);
    this.count -= 1;
  }
}
