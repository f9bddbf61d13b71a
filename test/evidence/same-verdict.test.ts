/** P28: the same evidence gives the same verdict, byte for byte, however it comes and wherever it is judged. */
import { afterAll, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tellProof, trials } from '../support/trials.ts';
import { runCommand } from '../support/desk-command.ts';
import { verdictText } from './judging.ts';
import { bundleProgram } from '../support/bundle-program.ts';

const TRIALS = trials({ ci: 100, long: 500 });
const root = mkdtempSync(join(tmpdir(), 'same-verdict-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const PLACES = [
  { TZ: 'UTC', LC_ALL: 'C' },
  { TZ: 'Pacific/Kiritimati', LC_ALL: 'tr_TR.UTF-8' },
  { TZ: 'America/St_Johns', LC_ALL: 'sv_SE.UTF-8' },
  { TZ: 'Asia/Kathmandu', LC_ALL: 'ar_EG.UTF-8' },
] as const;

test(`P28: ${TRIALS} sets of evidence, shuffled, twice, and in ${PLACES.length} places`, async () => {
  const program = join(root, 'program.mjs');
  await bundleProgram('evidence/judging-program.ts', program);
  const here = Array.from({ length: TRIALS }, (_, trial) => verdictText(trial, 1 + trial));
  const again = here.map((_, trial) => verdictText(trial, 900_000 + trial));
  const said = [again];
  const places = new Set<string>();
  for (const [n, place] of PLACES.entries()) {
    const { code, out } = await runCommand(process.execPath, [program, String(TRIALS), String(1_000 * n)], { ...process.env, ...place, LANG: place.LC_ALL }); // prettier-ignore
    expect(code).toBe(0);
    const [where = '', ...verdicts] = out.trimEnd().split('\n');
    places.add(where);
    said.push(verdicts);
  }
  // Otherwise the places are one place, and this test says less than it seems to.
  expect(places.size).toBe(PLACES.length);
  expect([...places].some((where) => where.includes('"tr'))).toBe(true);
  const different = here.flatMap((verdict, trial) =>
    said.every((verdicts) => verdicts[trial] === verdict) ? [] : [`set ${trial}: ${verdict.slice(0, 200)}`],
  );
  const passes = here.filter((verdict) => verdict.startsWith('{"verdict":"pass"')).length;
  tellProof({ promise: 'P28', proof: `verdicts on sets of evidence, ${said.length + 1} times each: shuffled, and under ${PLACES.length} locales and time zones`, trials: TRIALS, failures: different.length, found: { pass: passes, fail: TRIALS - passes, 'distinct verdicts': new Set(here).size }, examples: different.slice(0, 5) }); // prettier-ignore
  expect(different).toEqual([]);
  expect(passes).toBeGreaterThan(0);
  expect(new Set(here).size).toBeGreaterThan(TRIALS / 2);
});
