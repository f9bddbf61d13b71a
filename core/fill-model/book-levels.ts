/**
 * One side of a recorded order book at full depth, in ticks and lots. Levels near the touch lie in a window with a place
 * for each tick, so that a change is one store, and a bit for each place finds the next level. Levels further away than the
 * window reaches change seldom and are kept sorted. The window follows the touch. Nothing is allocated unless it moves.
 */
import type { PriceTicks, QtyLots } from '../money/money.ts';
import type { Side } from '../orders/order-intent.ts';
import { SortedLevels } from './sorted-levels.ts';

const PLACES_AT_START = 1_024;
/** 256 KiB of sizes a side: what a core keeps at hand. */
const PLACES_MAX = 32_768;
/** Where the best level stands after the window was moved, as a share of it: most levels are behind it. */
const BEST_AT = 0.75;
/** Below this the window follows it back. */
const BEST_AT_MIN = 0.25;
/** A new level behind the window makes it follow from here on: sooner it would move again and again. */
const BEST_AT_MOVED = 0.625;

export class BookLevels {
  readonly side: Side;
  private readonly sign: 1 | -1;
  /** Lots of the level whose key (price times `sign`: the best is the largest) is `base + place`; 0 where there is none. */
  private sizes = new Float64Array(PLACES_AT_START);
  /** A bit for each place of `sizes` that is not 0. */
  private words = new Int32Array(PLACES_AT_START / 32);
  private base = 0;
  private windowCount = 0;
  /** Place of the best level, -1 while the window is empty; then nothing is far either. */
  private bestPlace = -1;
  /** A depth and its place, so that a walk in either direction goes on from there; -1 while the window is empty. */
  private walkedDepth = 0;
  private walkedPlace = -1;
  /** Levels behind the window. */
  private readonly far = new SortedLevels();
  /** Levels whose key is below this are not shown by the feed. */
  private horizonKey = -Infinity;

  constructor(side: Side) {
    this.side = side;
    this.sign = side === 'buy' ? 1 : -1;
  }

  /** How many levels there are. */
  get count(): number {
    return this.windowCount + this.far.count;
  }

  /** Sets the size of a level, 0 removes it. Answers the size it had. */
  set(price: number, lots: number): number {
    const place = price * this.sign - this.base;
    if (!(place >= 0 && place < this.sizes.length)) return this.setOutside(price * this.sign, lots);
    const before = this.sizes[place]!;
    if (before === lots) return before;
    this.sizes[place] = lots;
    if (before === 0) this.enter(place);
    else if (lots === 0) this.leave(place);
    return before;
  }

  /** Size at `price`, 0 when there is no such level. */
  sizeOf(price: number): number {
    const key = price * this.sign;
    const place = key - this.base;
    return place >= 0 && place < this.sizes.length ? this.sizes[place]! : this.far.sizeOf(key);
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
    const { windowCount } = this;
    const key = depth < windowCount ? this.base + this.placeAt(depth) : this.far.keyAt(depth - windowCount);
    return (key * this.sign) as PriceTicks;
  }

  /** Size of the level `depth` levels behind the best; the caller keeps `depth` below `count`. */
  sizeAt(depth: number): QtyLots {
    const { windowCount } = this;
    return (depth < windowCount ? this.sizes[this.placeAt(depth)]! : this.far.sizeAt(depth - windowCount)) as QtyLots;
  }

  /** Best price, 0 when the side is empty. */
  best(): PriceTicks {
    return (this.bestPlace < 0 ? 0 : (this.base + this.bestPlace) * this.sign) as PriceTicks;
  }

  clear(): void {
    this.sizes.fill(0);
    this.words.fill(0);
    this.windowCount = 0;
    this.bestPlace = -1;
    this.walkedPlace = -1;
    this.far.clear();
  }

  private enter(place: number): void {
    this.windowCount += 1;
    this.words[place >>> 5] = this.words[place >>> 5]! | (1 << (place & 31));
    if (this.walkedPlace < 0) {
      this.walkedPlace = place;
      this.walkedDepth = 0;
    } else if (place > this.walkedPlace) this.walkedDepth += 1;
    if (place > this.bestPlace) this.bestPlace = place;
  }

  private leave(place: number): void {
    this.windowCount -= 1;
    this.words[place >>> 5] = this.words[place >>> 5]! & ~(1 << (place & 31));
    if (place === this.bestPlace) this.bestPlace = this.takenFrom(place);
    if (place > this.walkedPlace) this.walkedDepth -= 1;
    else if (place === this.walkedPlace) {
      // A walk goes on with the level before it, or begins anew where it was the best.
      this.walkedPlace = place > this.bestPlace ? this.bestPlace : this.takenUpFrom(place);
      this.walkedDepth = place > this.bestPlace ? 0 : this.walkedDepth - 1;
    }
    if (this.far.count > 0 && this.bestPlace < this.sizes.length * BEST_AT_MIN) this.follow();
  }

  /** The first place that is taken, at `place` or behind it; -1 when none is. */
  private takenFrom(place: number): number {
    const { words } = this;
    let at = place >>> 5;
    let word = words[at]! & (-1 >>> (31 - (place & 31)));
    while (word === 0) {
      at -= 1;
      if (at < 0) return -1;
      word = words[at]!;
    }
    return (at << 5) + 31 - Math.clz32(word);
  }

  /** The first place that is taken, at `place` or before it, towards the best; there is one. */
  private takenUpFrom(place: number): number {
    const { words } = this;
    let at = place >>> 5;
    let word = words[at]! & (-1 << (place & 31));
    while (word === 0) {
      at += 1;
      word = words[at]!;
    }
    return (at << 5) + 31 - Math.clz32(word & -word);
  }

  /** Place of the level `depth` levels behind the best, within the window. */
  private placeAt(depth: number): number {
    if (depth === 0) return this.bestPlace;
    let { walkedDepth: at, walkedPlace: place } = this;
    if (depth < at >> 1) {
      at = 0;
      place = this.bestPlace;
    }
    for (; at < depth; at++) place = this.takenFrom(place - 1);
    for (; at > depth; at--) place = this.takenUpFrom(place + 1);
    this.walkedDepth = at;
    this.walkedPlace = place;
    return place;
  }

  /** A key outside the window: the window moves or grows to hold it, or the level is far. */
  private setOutside(key: number, lots: number): number {
    const isNew = lots !== 0 && this.far.sizeOf(key) === 0;
    if (isNew && this.reachTo(key)) return this.set(key * this.sign, lots);
    return this.far.set(key, lots);
  }

  /** Whether the window was made to hold `key`, a new level, beside the best one. */
  private reachTo(key: number): boolean {
    const places = this.sizes.length;
    if (this.bestPlace < 0) {
      this.moveTo(key, places);
      return true;
    }
    const bestKey = this.base + this.bestPlace;
    const isBehind = key < bestKey;
    if (isBehind && bestKey - key >= PLACES_MAX * BEST_AT) return false;
    if (isBehind && places === PLACES_MAX && this.bestPlace > PLACES_MAX * BEST_AT_MOVED) return false;
    let wanted = places;
    while (wanted < PLACES_MAX && wanted * BEST_AT <= Math.abs(bestKey - key)) wanted *= 2;
    this.moveTo(isBehind ? bestKey : key, wanted);
    return true;
  }

  /** The touch has gone back: the window goes with it and takes in what was far. */
  private follow(): void {
    this.moveTo(this.bestPlace < 0 ? this.far.keyAt(0) : this.base + this.bestPlace, this.sizes.length);
  }

  /** Puts a window of `places` so that `bestKey` has its usual place; levels go from window to far ones and back. */
  private moveTo(bestKey: number, places: number): void {
    const keys: number[] = [];
    const lots: number[] = [];
    for (let depth = 0; depth < this.count; depth++) {
      keys.push(this.priceAt(depth) * this.sign);
      lots.push(this.sizeAt(depth));
    }
    this.sizes = new Float64Array(places);
    this.words = new Int32Array(places / 32);
    this.clear();
    this.base = bestKey - Math.floor(places * BEST_AT);
    for (let index = keys.length - 1; index >= 0; index--) {
      const place = keys[index]! - this.base;
      if (place < 0) this.far.set(keys[index]!, lots[index]!);
      else {
        this.sizes[place] = lots[index]!;
        this.enter(place);
      }
    }
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
