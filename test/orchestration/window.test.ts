/** P27: the Day-2 window is elapsed time that nothing local can shorten: no GO that earns anything before its day has passed. */
import { expect, test } from '@jest/globals';
import { tellProof, trials } from '../support/trials.ts';
import { attempt, ATTEMPTS } from './window-attempts.ts';

const TRIALS = trials({ ci: 150, long: 5_000 });

test(`P27: ${TRIALS} attempts at a sooner GO, against the truth and the oracle`, () => {
  const tried = Array.from({ length: TRIALS }, (_, seed) => attempt(seed));
  const faults = tried.flatMap((one) => one.faults);
  const earned = tried.filter((one) => one.earned).length;
  const rehearsed = tried.filter((one) => one.rehearsed).length;
  const failed = tried.filter((one) => one.faults.length > 0).length;
  tellProof({ promise: 'P27', proof: `attempts at a sooner GO of ${Object.keys(ATTEMPTS).length} kinds, one to four at once: clocks, restarts, skips, holes, re-anchors, forged facts and inputs, against the truth and the oracle`, trials: TRIALS, failures: failed, found: { 'GO that earns, in its time': earned, 'GO as a rehearsal': rehearsed, 'no GO': TRIALS - tried.filter((one) => one.earned || one.rehearsed).length }, examples: faults.slice(0, 5) }); // prettier-ignore
  expect(faults.slice(0, 5)).toEqual([]);
  // Both ends were met, and nothing that was tried is left out.
  expect(tried[0]).toMatchObject({ earned: true, rehearsed: false });
  expect(rehearsed).toBeGreaterThan(0);
  expect(earned).toBeGreaterThan(TRIALS / 10);
  expect(new Set(tried.flatMap((one) => one.kinds)).size).toBe(Object.keys(ATTEMPTS).length);
});
