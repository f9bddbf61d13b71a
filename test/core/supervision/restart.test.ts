import { describe, expect, test } from '@jest/globals';
import { decideRestart, RestartPolicy, type BotExit } from '../../../core/supervision/restart.ts';

const POLICY = RestartPolicy.parse({ delayMsFirst: 500, delayMsMax: 4_000, stableMs: 60_000, shortRunsMax: 6 });

const exit = (change: Partial<BotExit> = {}): BotExit => ({
  cause: 'exited',
  code: 1,
  signal: null,
  ranMs: 1_000,
  detail: 'last words',
  ...change,
});

test.each([
  ['its host was not there: the bot is not to blame', { cause: 'host_missing', code: null }, 5, 500, 5],
  ['it left in order, because its host did', { code: 0 }, 5, 500, 5],
  ['a first crash', {}, 0, 500, 1],
  ['a second one waits twice as long', {}, 1, 1_000, 2],
  ['a third one four times as long', {}, 2, 2_000, 3],
  ['the wait has an end', {}, 5, 4_000, 6],
  ['killed by a signal', { code: null, signal: 'SIGKILL' }, 0, 500, 1],
  ['killed because it hung', { cause: 'hung', code: null, signal: 'SIGKILL' }, 1, 1_000, 2],
  ['it never answered', { cause: 'start_failed', code: null }, 1, 1_000, 2],
  ['a crash in order of a process that hung is still a crash', { cause: 'hung', code: 0 }, 1, 1_000, 2],
  ['a run just too short to forgive', { ranMs: 59_999 }, 3, 4_000, 4],
  ['a long run forgives the exits before it', { ranMs: 60_000 }, 6, 500, 1],
] as const)('%s: started again', (_name, change, shortRunsBefore, delayMs, shortRuns) => {
  expect(decideRestart(exit(change), shortRunsBefore, POLICY)).toEqual({ restart: true, delayMs, shortRuns });
});

test.each([
  ['the host may not run it', { cause: 'refused', code: null }, 0, 'last words', 0],
  ['wrong options: another start cannot help', { code: 2 }, 0, 'exit code 2: last words', 0],
  ['a damaged journal, after a long run too', { code: 3, ranMs: 9e6 }, 4, 'exit code 3: last words', 4],
  ['one short run more than is allowed', {}, 6, '6 short runs in a row: last words', 7],
] as const)('%s: a person has to look first', (_name, change, shortRunsBefore, reason, shortRuns) => {
  expect(decideRestart(exit(change), shortRunsBefore, POLICY)).toEqual({ restart: false, reason, shortRuns });
});

describe('a policy', () => {
  test('that says nothing gives up after eight short runs, with half a minute between them at most', () => {
    const policy = RestartPolicy.parse({});
    let shortRuns = 0;
    const delays: number[] = [];
    for (;;) {
      const decision = decideRestart(exit(), shortRuns, policy);
      if (!decision.restart) break;
      ({ shortRuns } = decision);
      delays.push(decision.delayMs);
    }
    expect(delays).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    expect(decideRestart(exit({ ranMs: 60_000 }), 8, policy)).toMatchObject({ restart: true, shortRuns: 1 });
    expect(decideRestart(exit({ ranMs: 59_999 }), 8, policy)).toMatchObject({ restart: false });
  });

  test.each([
    ['delayMsFirst', 100, 60_000],
    ['delayMsMax', 100, 3_600_000],
    ['stableMs', 1_000, 86_400_000],
    ['shortRunsMax', 1, 100],
  ])('%s is whole and lies from %d to %d', (field, least, most) => {
    const takes = (value: number): boolean => RestartPolicy.safeParse({ [field]: value }).success;
    expect([least - 1, least, least + 0.5, most, most + 1].map(takes)).toEqual([false, true, false, true, false]);
  });

  test('with a misspelt name is refused', () => {
    expect(RestartPolicy.safeParse({ shortRunMax: 3 }).success).toBe(false);
  });
});
