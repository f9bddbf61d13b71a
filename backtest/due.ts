/**
 * When each part of a replay has something to do next, ms since the epoch; Infinity while it has nothing. Numbers that lie
 * in an array are read and compared for every frame without one of them becoming an object.
 */
export const Due = { request: 0, reply: 1, push: 2, book: 3, timer: 4, mark: 5 } as const;

export type DueTimes = Float64Array;

export function nothingDue(): DueTimes {
  return new Float64Array(Object.keys(Due).length).fill(Infinity);
}
