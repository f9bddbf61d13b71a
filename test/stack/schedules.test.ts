/** Schedules on a real server: no worker runs, for a schedule only starts what it is told to. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { Client, type ScheduleDescription } from '@temporalio/client';
import { z } from 'zod';
import { schedulesFile, type ScheduleDeclarations } from '../../core/schedules/declaration.ts';
import { applySchedules, describeSchedule, hashOf, previewSchedules, scheduleIds } from '../../stack/schedules.ts';
import { until } from '../support/desk.ts';
import { startTestTemporal, type TestTemporal } from '../support/temporal.ts';

const OWNER = { desk: 'local', host: 'here' };
const GOOD = { workflow: 'bot', every: '1h', overlap: 'skip', catchupWindow: '1m', note: 'a test' };
const { every: _every, ...WITHOUT_TIME } = GOOD;

function declared(schedules: Record<string, object>): ScheduleDeclarations {
  return schedulesFile({ bot: z.unknown() }).parse({ version: 1, schedules }).schedules;
}

let temporal: TestTemporal;
let client: Client;
beforeAll(async () => {
  temporal = await startTestTemporal();
  ({ client } = temporal);
}, 60_000);
afterAll(() => temporal.stop());
afterEach(async () => {
  const ids = await scheduleIds(client, '');
  await Promise.all(ids.map((id) => client.schedule.getHandle(id).delete()));
  await until('an empty list', async () => (await scheduleIds(client, '')).length === 0);
});

const apply = (schedules: Record<string, object>) => applySchedules(client, OWNER, declared(schedules));
const deeds = async (schedules: Record<string, object>) => (await apply(schedules)).map(({ deed }) => deed);

async function found(name: string): Promise<ScheduleDescription> {
  const description = await describeSchedule(client, `desk/local/${name}`);
  if (description === null) throw new Error(`no schedule ${name}`);
  return description;
}
/** The server counts every change of a schedule in it. */
const tokenOf = ({ raw }: ScheduleDescription) => Buffer.from(raw.conflictToken ?? []).toString('hex');

describe('an apply', () => {
  test('creates what is missing, and says so', async () => {
    expect(await apply({ a: GOOD, b: { ...GOOD, input: { bot: 'bot1' } } })).toEqual([
      { scheduleId: 'desk/local/a', deed: 'create' },
      { scheduleId: 'desk/local/b', deed: 'create' },
    ]);
    const { action, policies, state, typedSearchAttributes } = await found('b');
    expect(action).toMatchObject({
      workflowType: 'bot',
      workflowId: 'b/local',
      taskQueue: 'desk',
      args: [{ desk: 'local', host: 'here', bot: 'bot1' }],
      memo: { configHash: expect.stringMatching(/^[0-9a-f]{16}$/) },
      searchAttributes: { DeskId: ['local'], DeskKind: ['bot'] },
      staticSummary: 'a test',
    });
    expect(policies).toEqual({ overlap: 'SKIP', catchupWindow: 60_000, pauseOnFailure: false });
    expect(state).toMatchObject({ paused: false, note: 'a test' });
    expect(typedSearchAttributes.getAll()).toHaveLength(2);
  });

  test('changes nothing the second time, and nothing at all in a preview', async () => {
    const schedules = { a: GOOD, b: { ...WITHOUT_TIME, cron: '0 3 * * *' } };
    const preview = await previewSchedules(client, OWNER, declared(schedules));
    expect(preview.map(({ deed }) => deed)).toEqual(['create', 'create']);
    expect(await describeSchedule(client, 'desk/local/a')).toBeNull();
    await apply(schedules);
    const before = await Promise.all(['a', 'b'].map(found));
    expect(await deeds(schedules)).toEqual(['unchanged', 'unchanged']);
    const after = await Promise.all(['a', 'b'].map(found));
    expect(after.map(tokenOf)).toEqual(before.map(tokenOf));
    expect(after.map(({ info }) => info.lastUpdatedAt?.getTime())).toEqual(before.map(({ info }) => info.lastUpdatedAt?.getTime())); // prettier-ignore
    expect((await previewSchedules(client, OWNER, declared({ b: GOOD }))).map(({ deed }) => deed)).toEqual(['update', 'delete']); // prettier-ignore
    expect((await Promise.all(['a', 'b'].map(found))).map(tokenOf)).toEqual(before.map(tokenOf));
  });

  test("updates what changed and keeps an operator's pause with its note", async () => {
    await apply({ a: GOOD, b: GOOD });
    await client.schedule.getHandle('desk/local/a').pause('ada: odd figures');
    expect(await deeds({ a: { ...GOOD, every: '2h', note: 'new' }, b: { ...GOOD, note: 'new' } })).toEqual([
      'update',
      'update',
    ]);
    const { spec, state, action } = await found('a');
    expect(spec.intervals?.[0]?.every).toBe(7_200_000);
    expect(action.staticSummary).toBe('new');
    expect(state).toMatchObject({ paused: true, note: 'ada: odd figures' });
    expect((await found('b')).state).toMatchObject({ paused: false, note: 'new' });
    expect(await deeds({ a: { ...GOOD, every: '2h', note: 'new' }, b: { ...GOOD, note: 'new' } })).toEqual([
      'unchanged',
      'unchanged',
    ]);
  });

  test('does not lose a pause that comes between its read and its write', async () => {
    await apply({ a: GOOD });
    let writes = 0;
    const { workflowService } = client.connection;
    const late = Object.create(client.connection, {
      workflowService: {
        value: Object.create(workflowService, {
          updateSchedule: {
            async value(request: Parameters<typeof workflowService.updateSchedule>[0]) {
              writes += 1;
              if (writes === 1) await client.schedule.getHandle('desk/local/a').pause('ada: just now');
              return workflowService.updateSchedule(request);
            },
          },
        }) as unknown,
      },
    }) as typeof client.connection;
    const slow = new Client({ connection: late });
    const steps = await applySchedules(slow, OWNER, declared({ a: { ...GOOD, every: '3h' } }));
    expect(steps).toEqual([{ scheduleId: 'desk/local/a', deed: 'update' }]);
    const { spec, state } = await found('a');
    expect([spec.intervals?.[0]?.every, state.paused, state.note]).toEqual([10_800_000, true, 'ada: just now']);
    expect(writes).toBe(2);
  });

  test("deletes what the file names no more, and leaves others' alone", async () => {
    const foreign = ['nightly', 'desk/other/a', 'desk/local-2/a'];
    const action = { type: 'startWorkflow' as const, workflowType: 'bot', taskQueue: 'other', args: [] };
    const spec = { intervals: [{ every: '1h' as const }] };
    for (const scheduleId of foreign) await client.schedule.create({ scheduleId, spec, action });
    await apply({ a: GOOD, b: GOOD });
    await until('all in the list', async () => (await scheduleIds(client, '')).length === 5);
    expect(await apply({ b: GOOD })).toEqual([
      { scheduleId: 'desk/local/b', deed: 'unchanged' },
      { scheduleId: 'desk/local/a', deed: 'delete' },
    ]);
    await until('four left', async () => (await scheduleIds(client, '')).length === 4);
    expect(await scheduleIds(client, '')).toEqual([...foreign, 'desk/local/b'].sort());
    // One that comes back is a new one.
    expect(await deeds({ a: GOOD, b: GOOD })).toEqual(['create', 'unchanged']);
  });

  test('takes over one of the same id that somebody made by hand', async () => {
    const action = { type: 'startWorkflow' as const, workflowType: 'other', taskQueue: 'other', args: [] };
    await client.schedule.create({
      scheduleId: 'desk/local/a',
      spec: {},
      action,
      state: { paused: true, note: 'bob: mine' },
    });
    expect(await deeds({ a: GOOD })).toEqual(['update']);
    expect(await found('a')).toMatchObject({
      action: { workflowType: 'bot' },
      state: { paused: true, note: 'bob: mine' },
    });
  });
});

describe('two at once end the same', () => {
  const names = [...'abcdefgh'];
  const all = (changes: object) => Object.fromEntries(names.map((name) => [name, { ...GOOD, ...changes }]));
  const doneBy = (steps: readonly { deed: string }[][], deed: string) => steps.flat().filter((step) => step.deed === deed).length; // prettier-ignore

  test('each schedule is created, changed and deleted once', async () => {
    const race = (changes: object) => Promise.all([apply(all(changes)), apply(all(changes)), apply(all(changes))]);
    expect(doneBy(await race({}), 'create')).toBe(names.length);
    const before = await Promise.all(names.map(found));
    await race({ every: '2h' });
    const after = await Promise.all(names.map(found));
    expect(new Set(after.map(hashOf)).size).toBe(names.length);
    expect(after.map(({ spec }) => spec.intervals?.[0]?.every)).toEqual(names.map(() => 7_200_000));
    const updates = (each: ScheduleDescription) => Number(Buffer.from(each.raw.conflictToken ?? []).readBigInt64BE());
    expect(after.map((each, at) => updates(each) - updates(before[at]!))).toEqual(names.map(() => 1));
    await until('all in the list', async () => (await scheduleIds(client, 'desk/')).length === names.length);
    await Promise.all([apply({}), apply({}), apply({})]);
    expect(await Promise.all(names.map((name) => describeSchedule(client, `desk/local/${name}`)))).toEqual(
      names.map(() => null),
    );
  });
});

describe('times', () => {
  async function timesOf(name: string, from: string, to: string): Promise<string[]> {
    const at = (iso: string) => ({ seconds: Date.parse(iso) / 1_000 }) as never;
    const { startTime } = await client.workflowService.listScheduleMatchingTimes({
      namespace: 'default',
      scheduleId: `desk/local/${name}`,
      startTime: at(from),
      endTime: at(to),
    });
    return startTime.map(({ seconds }) => new Date(Number(seconds) * 1_000).toISOString().slice(0, 16));
  }

  test('in UTC no day is skipped or doubled when clocks change; where clocks count, the file has to say so', async () => {
    await apply({
      cron: { ...WITHOUT_TIME, cron: '30 2 * * *' },
      calendar: { ...WITHOUT_TIME, calendar: { hour: 2, minute: 30 } },
      berlin: { ...WITHOUT_TIME, cron: '30 2 * * *', timezone: 'Europe/Berlin' },
    });
    const daily = (month: string, days: number[]) => days.map((day) => `2027-${month}-${day}T02:30`);
    for (const name of ['cron', 'calendar']) {
      expect(await timesOf(name, '2027-03-27T00:00Z', '2027-03-30T00:00Z')).toEqual(daily('03', [27, 28, 29]));
      expect(await timesOf(name, '2027-10-30T00:00Z', '2027-11-02T00:00Z')).toEqual([
        ...daily('10', [30, 31]),
        '2027-11-01T02:30',
      ]);
    }
    // The control: on 28 March there is no 02:30 in Berlin.
    expect(await timesOf('berlin', '2027-03-27T00:00Z', '2027-03-30T00:00Z')).toEqual(['2027-03-27T01:30', '2027-03-29T00:30']); // prettier-ignore
  });

  test('every form of the file is taken by the server and means what it says', async () => {
    await apply({
      every: { ...GOOD, every: '1h', offset: '7m' },
      weekdays: { ...WITHOUT_TIME, cron: '0,30 8-9 * jan-mar MON-FRI' },
      steps: { ...WITHOUT_TIME, cron: '7/20 0 1 * *' },
      sundays: { ...WITHOUT_TIME, calendar: { hour: [6, 18], dayOfWeek: ['sunday', 'monday'], month: 1 } },
      first: { ...WITHOUT_TIME, calendar: { dayOfMonth: 1 } },
    });
    // 1 January 2027 is a Friday.
    expect(await timesOf('every', '2027-01-01T00:00Z', '2027-01-01T02:00Z')).toEqual([
      '2027-01-01T00:07',
      '2027-01-01T01:07',
    ]);
    expect(await timesOf('weekdays', '2027-01-01T00:00Z', '2027-01-04T08:00Z')).toEqual([
      ...['2027-01-01T08:00', '2027-01-01T08:30', '2027-01-01T09:00', '2027-01-01T09:30', '2027-01-04T08:00'],
    ]);
    expect(await timesOf('steps', '2027-01-01T00:00Z', '2027-01-31T00:00Z')).toEqual(['2027-01-01T00:07', '2027-01-01T00:27', '2027-01-01T00:47']); // prettier-ignore
    expect(await timesOf('sundays', '2027-01-01T00:00Z', '2027-01-04T17:00Z')).toEqual(['2027-01-03T06:00', '2027-01-03T18:00', '2027-01-04T06:00']); // prettier-ignore
    expect(await timesOf('first', '2026-12-31T23:00Z', '2027-02-02T00:00Z')).toEqual([
      '2027-01-01T00:00',
      '2027-02-01T00:00',
    ]);
  });
});

describe('what a schedule starts', () => {
  test('has its own id and the time, carries the hash, and is alone where overlap is skip', async () => {
    await apply({ a: GOOD });
    const handle = client.schedule.getHandle('desk/local/a');
    await handle.trigger('SKIP');
    const { info, action } = await until('a run', async () => {
      const now = await found('a');
      return now.info.runningActions.length > 0 && now;
    });
    const [run] = info.runningActions;
    expect(run!.workflow.workflowId).toMatch(/^a\/local-\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    const started = await client.workflow.getHandle(run!.workflow.workflowId).describe();
    expect(started.memo).toMatchObject({ configHash: action.memo?.['configHash'] });
    expect(started.searchAttributes).toMatchObject({ DeskId: ['local'], DeskKind: ['bot'] });
    await handle.trigger('SKIP');
    await until('the second to be skipped', async () => (await found('a')).info.numActionsSkippedOverlap === 1);
    expect((await found('a')).info.numActionsTaken).toBe(1);
    await client.workflow.getHandle(run!.workflow.workflowId).terminate();
  });
});
