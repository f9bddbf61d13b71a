import { expect, test } from '@jest/globals';
import { planSchedules, schedulePrefix } from '../../../core/schedules/plan.ts';

const prefix = schedulePrefix('local');
const mark = (name: string, hash: string | null) => ({ scheduleId: `desk/local/${name}`, hash });

test.each([
  ['what is not there is created', [mark('a', '1')], [], ['create a']],
  ['the same hash is left alone', [mark('a', '1')], [mark('a', '1')], ['unchanged a']],
  ['another hash is an update', [mark('a', '1')], [mark('a', '2')], ['update a']],
  ['one that somebody made by hand is taken over', [mark('a', '1')], [mark('a', null)], ['update a']],
  ['what is not wanted any more goes', [mark('a', '1')], [mark('b', '1'), mark('a', '1')], ['unchanged a', 'delete b']],
  ['without any wanted all of them go', [], [mark('a', '1')], ['delete a']],
] as const)('%s', (_name, wanted, found, steps) => {
  const told = planSchedules(prefix, wanted, found).map(({ deed, scheduleId }) => `${deed} ${scheduleId.slice(11)}`);
  expect(told).toEqual(steps);
});

test.each(['desk/other/a', 'desk/local-2/a', 'local/a', 'desk/locala', 'nightly'])(
  "another's %s is left alone",
  (scheduleId) => expect(planSchedules(prefix, [], [{ scheduleId, hash: '1' }])).toEqual([]),
);
