/** How long the desk keeps what it writes: `config/retention.yml`. */
import { z } from 'zod';

const Days = z.int().min(1).max(36_500);
/** Null: for good. */
const DaysOrNever = Days.nullable();
const Count = z.int().min(0).max(10_000);

export const RetentionPolicy = z
  .strictObject({
    version: z.literal(1),
    /** What the schedule does with its plan; a desk that nobody has set up shows it and removes nothing. */
    scheduled: z.enum(['plan', 'run']).default('plan'),
    journals: z.strictObject({
      /** A segment that is wholly stored and was last written so many days ago is compressed and moved to the archive. */
      archiveAfterDays: Days,
      /** So many newest segments of a bot stay, however old. Fewer than two would leave a torn start without its front. */
      keepSegments: z.int().min(2).max(10_000),
    }),
    archives: z.strictObject({ removeAfterDays: DaysOrNever }),
    events: z.strictObject({
      /** Whole UTC days of events are dropped from the store, once their journals are archived. */
      dropAfterDays: DaysOrNever,
      /** So many newest days with events stay, whatever the clock says. */
      keepDays: z.int().min(2).max(36_500),
    }),
    reports: z.strictObject({ removeAfterDays: DaysOrNever }),
    logs: z.strictObject({ removeAfterDays: DaysOrNever }),
    /** A backup stays while one of the three asks for it; the newest always does. */
    backups: z.strictObject({ keepLast: z.int().min(1).max(10_000), keepDaily: Count, keepWeekly: Count }),
  })
  .refine(
    ({ archives: { removeAfterDays }, journals: { archiveAfterDays } }) =>
      removeAfterDays === null || removeAfterDays > archiveAfterDays,
    { path: ['archives', 'removeAfterDays'], message: 'expected more than journals.archiveAfterDays' },
  )
  .refine(
    ({ events: { dropAfterDays }, journals: { archiveAfterDays } }) =>
      dropAfterDays === null || dropAfterDays > archiveAfterDays,
    { path: ['events', 'dropAfterDays'], message: 'expected more than journals.archiveAfterDays' },
  )
  // Of events that were dropped the archive is what is left.
  .refine(
    ({ archives: { removeAfterDays }, events: { dropAfterDays } }) =>
      removeAfterDays === null || dropAfterDays === null || removeAfterDays > dropAfterDays,
    { path: ['archives', 'removeAfterDays'], message: 'expected more than events.dropAfterDays' },
  );
export type RetentionPolicy = z.infer<typeof RetentionPolicy>;
