/** What the Day-2 gate demands, and the policy that it is held against. */
import { z } from 'zod';

export const Day2Rules = z
  .strictObject({
    /** Time without a break that earns a GO. */
    windowMs: z
      .int()
      .min(1_000)
      .max(31 * 86_400_000)
      .default(86_400_000),
    /** From one evaluation to the next. */
    intervalMs: z.int().min(1_000).max(86_400_000).default(900_000),
    /** Events of a source that the store may lack, or have too many of, since the baseline. */
    deltaTolerance: z.int().nonnegative().default(5),
    /** A source without a new event for longer is stale. A bot writes its snapshot every minute, whatever the market does. */
    silentMsMax: z.int().min(1_000).max(86_400_000).default(300_000),
    /** An evaluation later than this after the last one breaks continuity. */
    lateMsMax: z.int().min(1_000).max(86_400_000).default(1_200_000),
    /** By which two clocks may differ. */
    clockToleranceMs: z.int().nonnegative().default(5_000),
  })
  .refine(({ lateMsMax, intervalMs }) => lateMsMax > intervalMs, {
    path: ['lateMsMax'],
    message: 'expected more than intervalMs',
  });
export type Day2Rules = z.infer<typeof Day2Rules>;

/** Whoever asks for less than this may see how it goes, as a rehearsal. */
export const DAY2_POLICY: Day2Rules = Day2Rules.parse({});

export interface LooserRule {
  readonly rule: keyof Day2Rules;
  readonly value: number;
  readonly policy: number;
}

/** Rules that would let pass what the policy does not. */
export function looserThanPolicy(rules: Day2Rules): LooserRule[] {
  return (Object.keys(DAY2_POLICY) as (keyof Day2Rules)[])
    .filter((rule) => (rule === 'windowMs' ? rules[rule] < DAY2_POLICY[rule] : rules[rule] > DAY2_POLICY[rule]))
    .map((rule) => ({ rule, value: rules[rule], policy: DAY2_POLICY[rule] }));
}
