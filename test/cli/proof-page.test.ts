import { expect, test } from '@jest/globals';
import { proofTables, withRun, type Proven, type ProofRow, type ProofRun } from '../../cli/proof-page.ts';

const NOTHING: Proven = { tests: [], rows: [] };

function row(proof: string, failures = 0): ProofRow {
  return { promise: 'P6', proof, trials: 1_000, failures, found: { struck: 7 }, examples: [] };
}

function run(change: Partial<ProofRun> & { commit?: string } = {}): ProofRun {
  const { commit = 'aaa', ...rest } = change;
  return {
    file: 'one-order',
    isWhole: true,
    ran: { commit, date: '2026-03-01', machine: '2 CPUs' },
    tests: [
      { name: 'lost', passed: true, seconds: 61 },
      { name: 'late', passed: true, seconds: 10 },
    ],
    rows: [row('lost'), row('late')],
    ...rest,
  };
}

const said = ({ tests, rows }: Proven): string[] => [
  ...tests.map(({ file, name, passed, ran }) => `${file} ${name} ${passed} ${ran.commit}`),
  ...rows.map(({ file, proof, failures, ran }) => `${file} ${proof} ${failures} ${ran.commit}`),
];

test('a part that is run again replaces its own lines and no others', () => {
  const other = run({ file: 'kills', tests: [{ name: 'late', passed: true, seconds: 1 }], rows: [row('late')] });
  const known = withRun(withRun(NOTHING, run()), other);
  const again = run({
    isWhole: false,
    commit: 'bbb',
    tests: [{ name: 'late', passed: false, seconds: 3 }],
    rows: [row('late', 2)],
  });
  expect(said(withRun(known, again))).toEqual([
    'kills late true aaa',
    'one-order lost true aaa',
    'one-order late false bbb',
    'kills late 0 aaa',
    'one-order lost 0 aaa',
    'one-order late 2 bbb',
  ]);
});

test('a whole run forgets tests that are no more', () => {
  const again = run({ commit: 'bbb', tests: [{ name: 'late', passed: true, seconds: 3 }], rows: [row('late')] });
  expect(said(withRun(withRun(NOTHING, run()), again))).toEqual(['one-order late true bbb', 'one-order late 0 bbb']);
});

test('the page says what failed, when each row ran, and a bound only where nothing failed', () => {
  const again = run({
    isWhole: false,
    commit: 'bbb',
    tests: [{ name: 'late', passed: false, seconds: 3 }],
    rows: [row('late', 2)],
  });
  expect(proofTables(withRun(withRun(NOTHING, run()), again)).split('\n')).toEqual([
    '| file | when | took | on | tests passed | failed |',
    '|---|---|---|---|---|---|',
    '| `one-order` | 2026-03-01, aaa; 2026-03-01, bbb | 2 min | 2 CPUs | 1 | late |',
    '',
    '| promise | proof | trials | failures | bound (95%) | found | when |',
    '|---|---|---|---|---|---|---|',
    '| P6 | lost | 1000 | 0 | < 0.003 | struck 7 | 2026-03-01, aaa |',
    '| P6 | late | 1000 | 2 |  | struck 7 | 2026-03-01, bbb |',
  ]);
});
