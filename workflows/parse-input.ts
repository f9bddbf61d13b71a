import { ApplicationFailure } from '@temporalio/common';
import type { z } from 'zod';
import { describeFaults } from '../core/faults.ts';

/** What somebody sent, checked. A bad one fails at once and for good, naming path, rule and value of every fault. */
export function parseInput<T extends z.ZodType>(schema: T, raw: unknown): z.infer<T> {
  const parsed = schema.safeParse(raw);
  if (parsed.success) return parsed.data;
  throw ApplicationFailure.nonRetryable(describeFaults(parsed.error, raw), 'InvalidInput');
}
