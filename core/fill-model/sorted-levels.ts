/** Levels of a book as sorted numbers: any distance apart, found by halving. The best is the last. */
import { firstNotBelow, grown } from '../market/sorted-keys.ts';

const PLACES_AT_START = 64;

export class SortedLevels {
  count = 0;
  /** Ascending; a larger key is a better price. */
  private keys = new Float64Array(PLACES_AT_START);
  private sizes = new Float64Array(PLACES_AT_START);

  /** Sets the size of a level, 0 removes it. Answers the size it had. */
  set(key: number, lots: number): number {
    const at = firstNotBelow(this.keys, this.count, key);
    if (at < this.count && this.keys[at] === key) {
      const before = this.sizes[at]!;
      if (lots === 0) this.removeAt(at);
      else this.sizes[at] = lots;
      return before;
    }
    if (lots !== 0) this.insertAt(at, key, lots);
    return 0;
  }

  sizeOf(key: number): number {
    const at = firstNotBelow(this.keys, this.count, key);
    return at < this.count && this.keys[at] === key ? this.sizes[at]! : 0;
  }

  /** Of the level `depth` levels behind the best; the caller keeps `depth` below `count`. */
  keyAt(depth: number): number {
    return this.keys[this.count - 1 - depth]!;
  }

  sizeAt(depth: number): number {
    return this.sizes[this.count - 1 - depth]!;
  }

  clear(): void {
    this.count = 0;
  }

  private removeAt(at: number): void {
    this.keys.copyWithin(at, at + 1, this.count);
    this.sizes.copyWithin(at, at + 1, this.count);
    this.count -= 1;
  }

  private insertAt(at: number, key: number, lots: number): void {
    if (this.count === this.keys.length) {
      this.keys = grown(this.keys);
      this.sizes = grown(this.sizes);
    }
    this.keys.copyWithin(at + 1, at, this.count);
    this.sizes.copyWithin(at + 1, at, this.count);
    this.keys[at] = key;
    this.sizes[at] = lots;
    this.count += 1;
  }
}
