/** What `desk up` tells its own processes through their environment. Secrets are named by file, except the database URL. */
import { z } from 'zod';
import { describeFaults } from '../core/faults.ts';

const DeskEnvironment = z.object({
  /** The checkout: configuration, migrations. */
  DESK_ROOT: z.string().min(1),
  /** The built code. */
  DESK_BUILD: z.string().min(1),
  DESK_HOME: z.string().min(1),
  DESK_CONFIG_DIR: z.string().min(1),
  DESK_CODE_VERSION: z.string().min(1),
  DATABASE_URL: z.string().min(1),
  /** A second home of exported events; empty is none. */
  CLICKHOUSE_URL: z.string().optional(),
  /** Where the simulator listens; absent when the venue is real. */
  DESK_SIMULATOR_PORT: z.coerce.number().int().positive().optional(),
});
export type DeskEnvironment = z.infer<typeof DeskEnvironment>;

/** Throws with every missing or wrong variable named. */
export function readEnvironment(env: NodeJS.ProcessEnv): DeskEnvironment {
  const parsed = DeskEnvironment.safeParse(env);
  if (parsed.success) return parsed.data;
  throw new Error(`environment of a desk process:\n${describeFaults(parsed.error, {})}`);
}
