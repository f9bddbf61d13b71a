/** A declared schedule as the server is told it. */
import { createHash } from 'node:crypto';
import type {
  CalendarSpec,
  Month,
  ScheduleOptions,
  ScheduleOptionsStartWorkflowAction,
  ScheduleSpec,
} from '@temporalio/client';
import type { Workflow } from '@temporalio/common';
import type { Calendar, ScheduleDeclaration, ScheduleDeclarations } from '../core/schedules/declaration.ts';
import { scheduledWorkflowId, scheduleId } from '../core/schedules/plan.ts';
import { DESK_TASK_QUEUE, DeskId, DeskKind } from '../workflows/desk-attributes.ts';

/** Whose schedules they are; both go into the input of every scheduled workflow. */
export interface ScheduleOwner {
  readonly desk: string;
  readonly host: string;
}

type Options = ScheduleOptions<ScheduleOptionsStartWorkflowAction<Workflow>>;
export interface WantedSchedule {
  readonly scheduleId: string;
  readonly hash: string;
  /** Without `state`: that is the operators'. The hash travels in the action's memo, and so with every run. */
  readonly options: Pick<Options, 'spec' | 'action' | 'policies' | 'typedSearchAttributes'>;
  readonly note: string;
}

export function wantedSchedules(owner: ScheduleOwner, declared: ScheduleDeclarations): WantedSchedule[] {
  return Object.entries(declared).map(([name, declaration]) => wantedSchedule(owner, name, declaration));
}

function wantedSchedule({ desk, host }: ScheduleOwner, name: string, declared: ScheduleDeclaration): WantedSchedule {
  const { workflow, input, overlap, catchupWindow, pauseOnFailure, note } = declared;
  const id = scheduleId(desk, name);
  const attributes = [
    { key: DeskId, value: desk },
    { key: DeskKind, value: workflow },
  ];
  const action = {
    type: 'startWorkflow' as const,
    workflowType: workflow,
    workflowId: scheduledWorkflowId(desk, name),
    taskQueue: DESK_TASK_QUEUE,
    args: [{ desk, host, ...input }],
    typedSearchAttributes: attributes,
    staticSummary: note,
  };
  const spec = specOf(declared);
  const policies = {
    overlap: overlap.toUpperCase() as Uppercase<typeof overlap>,
    catchupWindow,
    pauseOnFailure,
  };
  // Of what is sent and not of the file: what this code makes of a file may change, too.
  const told = JSON.stringify({ spec, action, policies, note });
  const hash = createHash('sha256').update(told).digest('hex').slice(0, 16);
  const options = {
    spec,
    policies,
    action: { ...action, memo: { configHash: hash } },
    typedSearchAttributes: attributes,
  };
  return { scheduleId: id, hash, options, note };
}

function specOf({ every, offset, cron, calendar, timezone, jitter }: ScheduleDeclaration): ScheduleSpec {
  return {
    ...(every !== undefined && { intervals: [{ every, ...(offset !== undefined && { offset }) }] }),
    ...(cron !== undefined && { cronExpressions: [cron] }),
    ...(calendar !== undefined && { calendars: [calendarOf(calendar)] }),
    ...(jitter !== undefined && { jitter }),
    timezone,
  };
}

const MONTHS: readonly Month[] = ['JANUARY', 'FEBRUARY', 'MARCH', 'APRIL', 'MAY', 'JUNE', 'JULY', 'AUGUST', 'SEPTEMBER', 'OCTOBER', 'NOVEMBER', 'DECEMBER']; // prettier-ignore

const listOf = <T>(value: T | T[]): T[] => (Array.isArray(value) ? value : [value]);

function calendarOf({ minute, hour, dayOfMonth, month, dayOfWeek }: Calendar): CalendarSpec {
  return {
    ...(minute !== undefined && { minute: listOf(minute) }),
    ...(hour !== undefined && { hour: listOf(hour) }),
    ...(dayOfMonth !== undefined && { dayOfMonth: listOf(dayOfMonth) }),
    ...(month !== undefined && { month: listOf(month).map((number) => MONTHS[number - 1]!) }),
    ...(dayOfWeek !== undefined && {
      dayOfWeek: listOf(dayOfWeek).map((day) => day.toUpperCase() as Uppercase<typeof day>),
    }),
  };
}
