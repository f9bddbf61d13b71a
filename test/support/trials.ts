/**
 * How often a proof tries. `./desk test` takes what fits in seconds; `./desk prove` sets `DESK_PROVE` and gets the
 * long run, or as many as `DESK_PROVE_TRIALS` says. Each suite writes what it tried and found beside its verdict.
 */
import { appendFileSync } from 'node:fs';

export const IS_LONG_RUN = process.env['DESK_PROVE'] === 'long';

export function trials({ ci, long }: { ci: number; long: number }): number {
  const asked = Number(process.env['DESK_PROVE_TRIALS'] ?? 0);
  return IS_LONG_RUN ? (asked > 0 ? Math.min(asked, long) : long) : ci;
}

/** One row of the proof page. `failures` is what was found, not what was hoped for. */
export interface ProofRow {
  readonly promise: string;
  readonly proof: string;
  readonly trials: number;
  readonly failures: number;
  readonly found: Readonly<Record<string, number>>;
  /** What the first failures were. */
  readonly examples?: readonly string[];
}

/** Nothing outside a long run: `DESK_PROVE_ROWS` names the file that collects the rows, one JSON object a line. */
export function tellProof(row: ProofRow): void {
  const file = process.env['DESK_PROVE_ROWS'];
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(row)}\n`);
}
