/** Milliseconds of a clock that every process of this machine reads alike and nobody sets: leases and turns are told in it. */
export function hostMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
