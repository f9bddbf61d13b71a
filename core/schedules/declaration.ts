/** What `config/schedules.yml` may say. */
import { z } from 'zod';
import { cronFault } from './cron.ts';

const UNIT_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const DURATION = /^(\d{1,6})([smhd])$/;

/** Null where the text is no duration. */
function parseDurationMs(text: unknown): number | null {
  const [, count, unit] = (typeof text === 'string' && DURATION.exec(text)) || [];
  return count === undefined ? null : Number(count) * UNIT_MS[unit as keyof typeof UNIT_MS];
}

function duration(minMs: number, rule: string) {
  return z
    .string('expected a duration such as 30s, 5m, 12h or 1d')
    .regex(DURATION, 'expected a duration such as 30s, 5m, 12h or 1d')
    .refine((text) => (parseDurationMs(text) ?? minMs) >= minMs, rule)
    .transform((text) => parseDurationMs(text) ?? 0);
}

export const OVERLAPS = ['skip', 'buffer_one', 'buffer_all', 'cancel_other', 'allow_all'] as const;
export const DAYS_OF_WEEK = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'] as const;

const oneOrMore = <T extends z.ZodType>(value: T) => z.union([value, z.array(value).min(1)]);
const whole = (min: number, max: number) => oneOrMore(z.int().min(min).max(max));

/** All of the fields that it names must match; minute and hour are 0 unless said otherwise. */
const Calendar = z.strictObject({
  minute: whole(0, 59).optional(),
  hour: whole(0, 23).optional(),
  dayOfMonth: whole(1, 31).optional(),
  month: whole(1, 12).optional(),
  dayOfWeek: oneOrMore(z.enum(DAYS_OF_WEEK)).optional(),
});
export type Calendar = z.infer<typeof Calendar>;

function isTimeZone(name: string): boolean {
  return name === 'UTC' || Intl.supportedValuesOf('timeZone').includes(name);
}

/** Rules between fields are told beside faults of other fields, so that a file is put right in one go. */
const between = (path: readonly string[], message: string) => ({
  path: [...path],
  message,
  when: ({ value }: { value: unknown }) => typeof value === 'object' && value !== null,
});

interface Said {
  readonly [field: string]: unknown;
}
const isSaid = (said: Said, field: string): boolean => said[field] !== undefined;
/** Before and after its transform: another field's fault leaves it as the file says it. */
const msOf = (value: unknown): number | null => (typeof value === 'number' ? value : parseDurationMs(value));

/** What each type takes, by the type's name: those that the desk's workers run, and no other can be scheduled. */
export type WorkflowInputs = Readonly<Record<string, z.ZodType>>;

/** Of a schedule's input by its workflow's contract, each where the file has it. */
function inputFaults({ workflow, input }: Said, workflows: WorkflowInputs): z.core.$ZodIssue[] {
  const contract = typeof workflow === 'string' ? workflows[workflow] : undefined;
  const told = z.record(z.string(), z.json()).default({}).safeParse(input);
  if (contract === undefined || !told.success || 'desk' in told.data || 'host' in told.data) return [];
  const { error } = contract.safeParse({ desk: 'desk', host: 'host', ...told.data });
  return (error?.issues ?? []).map((issue) => ({ ...issue, path: ['input', ...issue.path] }));
}

export function scheduleDeclaration(workflows: WorkflowInputs) {
  return (
    z
      .strictObject({
        workflow: z.enum(Object.keys(workflows)),
        /** Beside `desk` and `host`, which every schedule's workflow is given. As its contract says. */
        input: z
          .record(z.string(), z.json())
          .refine(
            (input) => !('desk' in input || 'host' in input),
            'expected no desk and host: both come from desk.yml',
          )
          .default({}),
        /** Between two starts, counted from the epoch and not from when it was declared. */
        every: duration(10_000, 'expected at least 10s: a schedule is no loop').optional(),
        /** Of each start within `every`. */
        offset: duration(0, '').optional(),
        cron: z
          .string()
          .superRefine((text, context) => {
            const fault = cronFault(text);
            if (fault !== null) context.addIssue({ code: 'custom', message: fault });
          })
          .optional(),
        calendar: Calendar.optional(),
        /** Of cron and calendar. Anything but UTC skips and doubles an hour a year. */
        timezone: z.string().refine(isTimeZone, 'expected UTC or an IANA time zone such as Europe/Berlin').optional(),
        /** What happens when the last run is not over yet. */
        overlap: z.enum(OVERLAPS),
        /** How late a start may be made up for after an outage. Always said, since the server's own default is a year. */
        catchupWindow: duration(10_000, 'expected at least 10s, the least that the server takes'),
        /** Whether a failed run pauses it until a person looks. */
        pauseOnFailure: z.boolean().default(false),
        /** Starts are spread over so long, for the sake of a venue. */
        jitter: duration(1_000, 'expected at least 1s').optional(),
        /** Why it is scheduled. */
        note: z.string().min(1).max(200),
      })
      .refine(
        (said: Said) => ['every', 'cron', 'calendar'].filter((field) => isSaid(said, field)).length === 1,
        between([], 'expected exactly one of every, cron and calendar'),
      )
      .refine(
        (said: Said) => !isSaid(said, 'timezone') || !isSaid(said, 'every'),
        between(['timezone'], 'expected none beside every, which counts from the epoch'),
      )
      .refine(
        (said: Said) => {
          const [offset, every] = [msOf(said['offset']), msOf(said['every'])];
          return !isSaid(said, 'offset') || (isSaid(said, 'every') && (offset ?? 0) < (every ?? Infinity));
        },
        between(['offset'], 'expected less than every, and none without it'),
      )
      // A wrong one would be told by a run that fails at three in the morning.
      .superRefine(
        (said: Said, { issues }) => {
          for (const issue of inputFaults(said, workflows))
            issues.push({ ...issue, input: said } as z.core.$ZodRawIssue);
        },
        { when: ({ value }: { value: unknown }) => typeof value === 'object' && value !== null },
      )
      .transform(({ timezone = 'UTC', ...rest }) => ({ ...rest, timezone }))
  );
}
export type ScheduleDeclaration = z.infer<ReturnType<typeof scheduleDeclaration>>;

/** Ends up in ids of schedules and workflows. */
const ScheduleName = z.string().regex(/^[a-z0-9-]{1,48}$/, 'expected a schedule name of 1 to 48 of a-z, 0-9 and -');

export function schedulesFile(workflows: WorkflowInputs) {
  return z.strictObject({
    version: z.literal(1),
    schedules: z.record(ScheduleName, scheduleDeclaration(workflows)),
  });
}
/** The file's schedules by name. */
export type ScheduleDeclarations = z.infer<ReturnType<typeof schedulesFile>>['schedules'];
