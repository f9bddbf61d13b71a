/** Who holds a bot and what ends that, the strictest first; what a resume does not end. */
import { describe, expect, test } from '@jest/globals';
import { holdLines, holdsOf, stricterThanPause, type Held } from '../../../core/supervision/holds.ts';

const AT = Date.parse('2026-11-22T03:12:05.678Z');
const by = { operator: 'ada', reason: 'the news', atMs: AT };
const FREE: Held = { gaveUp: null, hardStoppedBy: null, frozenBy: null, pausedBy: null, risk: null };
const risk = (level: 'allow' | 'soft_pause' | 'hard_stop', code: string | null) => ({ level, code, sinceMs: AT });
const SINCE = 'since 2026-11-22 03:12:05 UTC';

describe('what holds it', () => {
  test.each<[string, Partial<Held>, string[]]>([
    ['nothing', {}, []],
    ['nothing, by its own word', { risk: risk('allow', null) }, []],
    ['a person', { pausedBy: by }, [`resume: paused by ada ${SINCE}: the news`]],
    [
      'a freeze over a pause',
      { pausedBy: by, frozenBy: by },
      [`thaw: frozen by ada ${SINCE}: the news`, `resume: paused by ada ${SINCE}: the news`],
    ],
    [
      'a stop by a person, told once',
      { hardStoppedBy: by, risk: risk('hard_stop', null) },
      [`approve: hard-stopped by ada ${SINCE}: the news`],
    ],
    [
      'a stop by a person and one of its own',
      { hardStoppedBy: by, risk: risk('hard_stop', 'daily_loss_reached') },
      [
        `approve: hard-stopped by ada ${SINCE}: the news`,
        `approve: hard-stopped by its own limit daily_loss_reached ${SINCE}`,
      ],
    ],
    [
      'a stop that only its process knows of',
      { risk: risk('hard_stop', null) },
      [`approve: hard-stopped by a word at its own socket ${SINCE}`],
    ],
    [
      'a pause of its own',
      { risk: risk('soft_pause', 'drawdown_reached') },
      [`approve: paused by its own limit drawdown_reached ${SINCE}`],
    ],
    [
      'too many short runs, by the first line of why',
      { gaveUp: { reason: 'exit code 3: damaged\nmore', atMs: AT } },
      [`approve: not restarted ${SINCE}: exit code 3: damaged`],
    ],
  ])('%s', (_name, held, expected) =>
    expect(holdsOf({ ...FREE, ...held }).map(({ lift, text }) => `${lift}: ${text}`)).toEqual(expected),
  );
});

test.each<[string, Partial<Held>, number]>([
  ['a pause', { pausedBy: by }, 0],
  ['a pause of its own', { pausedBy: by, risk: risk('soft_pause', 'drawdown_reached') }, 0],
  ['a freeze', { frozenBy: by }, 1],
  ['a stop of its own', { risk: risk('hard_stop', 'order_rejects') }, 1],
  ['having been given up', { gaveUp: { reason: 'x', atMs: AT } }, 1],
])('%s is held against a resume or not', (_name, held, count) =>
  expect(stricterThanPause({ ...FREE, ...held })).toHaveLength(count),
);

test('what to type names the bot, and the update for the plain command', () =>
  expect(holdLines('bot4', { text: 'stopped', lift: 'approve' })).toEqual([
    'stopped',
    '  → ./desk bot approve bot4 --reason "..."  (update approveRestart)',
  ]));
