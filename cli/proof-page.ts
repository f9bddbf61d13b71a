/**
 * What the long proofs tried and found, kept piece by piece: each test and each row says at which commit and when it ran, so
 * a part that is run again replaces its own lines and no others.
 */
import { z } from 'zod';

/** As `test/support/trials.ts` writes it. */
export const ProofRow = z.strictObject({
  promise: z.string(),
  proof: z.string(),
  trials: z.int().nonnegative(),
  failures: z.int().nonnegative(),
  found: z.record(z.string(), z.number()),
  examples: z.array(z.string()).default([]),
});
export type ProofRow = z.infer<typeof ProofRow>;

const Ran = z.strictObject({ commit: z.string(), date: z.iso.date(), machine: z.string() });
/** Where and when: the commit, the UTC date, and the machine with its load at the end. */
export type Ran = z.infer<typeof Ran>;

const ProvenTest = z.strictObject({
  file: z.string(),
  name: z.string(),
  passed: z.boolean(),
  seconds: z.number(),
  ran: Ran,
});
export type ProvenTest = z.infer<typeof ProvenTest>;

const ProvenRow = ProofRow.extend({ file: z.string(), ran: Ran });

export const Proven = z.strictObject({ tests: z.array(ProvenTest), rows: z.array(ProvenRow) });
export type Proven = z.infer<typeof Proven>;

/** One run of one file. `isWhole`: no test of it was left out. */
export interface ProofRun {
  readonly file: string;
  readonly isWhole: boolean;
  readonly ran: Ran;
  readonly tests: readonly { readonly name: string; readonly passed: boolean; readonly seconds: number }[];
  readonly rows: readonly ProofRow[];
}

/** A whole run forgets what the file said before; a part replaces what it ran. */
export function withRun(known: Proven, { file, isWhole, ran, tests, rows }: ProofRun): Proven {
  const names = new Set(tests.map(({ name }) => name));
  const proofs = new Set(rows.map(proofOf));
  const kept = {
    tests: known.tests.filter((test) => test.file !== file || (!isWhole && !names.has(test.name))),
    rows: known.rows.filter((row) => row.file !== file || (!isWhole && !proofs.has(proofOf(row)))),
  };
  const byFile = (a: { file: string }, b: { file: string }): number => (a.file < b.file ? -1 : a.file > b.file ? 1 : 0);
  return {
    tests: [...kept.tests, ...tests.map((test) => ({ file, ...test, ran }))].sort(byFile),
    rows: [...kept.rows, ...rows.map((row) => ({ file, ...row, ran }))].sort(byFile),
  };
}

function proofOf({ promise, proof }: ProofRow): string {
  return `${promise}: ${proof}`;
}

/** The two tables of the page, as Markdown. */
export function proofTables({ tests, rows }: Proven): string {
  const files = [...new Set(tests.map(({ file }) => file))];
  return [
    '| file | when | took | on | tests passed | failed |',
    '|---|---|---|---|---|---|',
    ...files.map((file) => fileLine(tests.filter((test) => test.file === file))),
    '',
    '| promise | proof | trials | failures | bound (95%) | found | when |',
    '|---|---|---|---|---|---|---|',
    ...rows.map(({ promise, proof, trials, failures, found, ran }) => {
      const bound = failures === 0 && trials > 0 ? `< ${(3 / trials).toPrecision(1)}` : '';
      const counts = Object.entries(found).map(([what, count]) => `${what} ${count}`);
      return `| ${[promise, proof, trials, failures, bound, counts.join(', '), when(ran)].join(' | ')} |`;
    }),
  ].join('\n');
}

function fileLine(tests: readonly ProvenTest[]): string {
  const minutes = Math.ceil(tests.reduce((sum, { seconds }) => sum + seconds, 0) / 60);
  const failed = tests.filter(({ passed }) => !passed).map(({ name }) => name);
  const said = (texts: readonly string[], between: string): string => [...new Set(texts)].join(between);
  const runs = tests.map(({ ran }) => ran);
  return `| ${[
    `\`${tests[0]!.file}\``,
    said(runs.map(when), '; '),
    `${minutes} min`,
    said(
      runs.map(({ machine }) => machine),
      '; ',
    ),
    tests.length - failed.length,
    failed.length === 0 ? '0' : failed.join('; '),
  ].join(' | ')} |`;
}

function when({ date, commit }: Ran): string {
  return `${date}, ${commit}`;
}
