/** What the process of an export says to whoever started it: a JSON object a line. */
import { z } from 'zod';

const SinkReport = z.strictObject({
  sink: z.string(),
  outcome: z.enum(['done', 'busy', 'failed']),
  error: z.string().nullable(),
  events: z.int().nonnegative(),
  batches: z.int().nonnegative(),
  ahead: z.array(z.string()),
});

export const ExportMessage = z.discriminatedUnion('say', [
  z.strictObject({ say: z.literal('batch'), sink: z.string(), events: z.int().nonnegative() }),
  z.strictObject({ say: z.literal('done'), reports: z.array(SinkReport) }),
  /** Postgres is away. */
  z.strictObject({ say: z.literal('unavailable'), message: z.string() }),
  z.strictObject({ say: z.literal('failed'), message: z.string() }),
]);
export type ExportMessage = z.infer<typeof ExportMessage>;
