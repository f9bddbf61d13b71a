/** Keys of a book's levels in one growing array, ascending. Hot: every change of a book looks for its place. */

/** First index of the `count` keys whose key is not below `key`; `count` where there is none. */
export function firstNotBelow(keys: Float64Array, count: number, key: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (keys[middle]! < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** A copy with twice the places. */
export function grown(array: Float64Array): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(array.length * 2);
  larger.set(array);
  return larger;
}
