/** `config/desk.yml`: the desk as a whole. Bots have a file each; the local stack has `temporal-dev.yml`. */
import { z } from 'zod';
import { AccountName, HostName } from '../core/names.ts';

export const DeskConfig = z.strictObject({
  version: z.literal(1),
  /** Goes into every workflow's `DeskId`. */
  desk: HostName,
  /** Where this machine's bots run: the task queue is `bot-host-<host>`. */
  host: HostName,
  venue: z.strictObject({
    name: z.literal('bitget'),
    /** `simulator` replays recordings; `demo` is the venue's paper trading; `live` is real money. */
    endpoint: z.enum(['simulator', 'demo', 'live']),
  }),
  accounts: z.record(
    AccountName,
    z.strictObject({
      /** Start balance in USDT on the simulator; ignored elsewhere. */
      simulatorBalance: z
        .string()
        .regex(/^\d{1,12}(\.\d{1,12})?$/, 'expected a plain decimal amount of USDT in quotes'),
    }),
  ),
  simulator: z.strictObject({
    /** Recorded seconds a real second. */
    speed: z.number().positive().max(1_000),
  }),
});
export type DeskConfig = z.infer<typeof DeskConfig>;
