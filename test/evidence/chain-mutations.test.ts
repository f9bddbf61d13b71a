/** P3: any change to the exported chain is detected, and the first bad record is named. */
import { expect, test } from '@jest/globals';
import { headOf } from '../../core/evidence/record.ts';
import { exportOf, verifyExport } from '../../ledger/evidence/export.ts';
import { tellProof, trials } from '../support/trials.ts';
import { chain } from '../core/evidence/builders.ts';
import { mutate, MUTATIONS } from './mutations.ts';

const TRIALS = trials({ ci: 230, long: 2_001 });
const records = chain(40);
const head = headOf(records.at(-1)!);
const original = { records, files: exportOf(records, null), head };
/** The head as it was printed when the export was made. */
const keptHeads = [head];

test(`P3: ${TRIALS} mutations of an export, none missed`, () => {
  expect(verifyExport(original.files, { keptHeads })).toEqual({ ok: true, records: 40, after: null, head });
  const missed: string[] = [];
  const misplaced: string[] = [];
  const rules: Record<string, number> = {};
  for (let trial = 0; trial < TRIALS; trial += 1) {
    const { kind, files, number } = mutate(original, trial);
    const verdict = verifyExport(files, { keptHeads });
    if (verdict.ok) {
      missed.push(`trial ${trial}: ${kind}`);
      continue;
    }
    rules[verdict.fault.rule] = (rules[verdict.fault.rule] ?? 0) + 1;
    // What was written anew with head and index is whole in itself: only the kept head at its end tells.
    const at = kind.includes('anew') ? records.length : number;
    if (at !== null && verdict.fault.number !== at)
      misplaced.push(`trial ${trial}: ${kind}: expected ${at}, was ${verdict.fault.number} (${verdict.fault.rule})`);
  }
  tellProof({
    promise: 'P3',
    proof: `${Object.keys(MUTATIONS).length} kinds of mutations of an export of 40 records`,
    trials: TRIALS,
    failures: missed.length + misplaced.length,
    found: { missed: missed.length, 'not located': misplaced.length, ...rules },
    examples: [...missed, ...misplaced].slice(0, 5),
  });
  expect(missed).toEqual([]);
  expect(misplaced).toEqual([]);
});

test('control: without a kept head a chain that was written anew, or cut with its head, passes', () => {
  const kinds = Object.keys(MUTATIONS);
  for (const kind of ['everything written anew from a record on', 'the tail cut, and head and index with it'])
    expect(verifyExport(mutate(original, kinds.indexOf(kind)).files).ok).toBe(true);
});

test('control: every kind of mutation changes something', () => {
  for (let trial = 0; trial < TRIALS; trial += 1) {
    const { kind, files } = mutate(original, trial);
    const same = (['records', 'head', 'index'] as const).every((name) => Buffer.compare(files[name]!, original.files[name]!) === 0); // prettier-ignore
    expect([kind, same]).toEqual([kind, false]);
  }
});
