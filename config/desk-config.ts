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
    /**
     * `simulator` replays recordings; `demo` is the venue's paper trading; `live` is the venue itself. Bots in mode `live`
     * send their orders there; bots in mode `paper_only` take its public market data, without keys, and fill their orders
     * themselves.
     */
    endpoint: z.enum(['simulator', 'demo', 'live']),
  }),
  accounts: z.record(
    AccountName,
    z.strictObject({
      /**
       * Balance in USDT with which simulated fills begin: of the account on the simulator, and of the paper account of a
       * `paper_only` bot on any endpoint. Used once, while the account has no saved state; the venue's own money is not
       * touched by it.
       */
      openingBalance: z.string().regex(/^\d{1,12}(\.\d{1,12})?$/, 'expected a plain decimal amount of USDT in quotes'),
    }),
  ),
  simulator: z.strictObject({
    /** Recorded seconds a real second. */
    speed: z.number().positive().max(1_000),
  }),
});
export type DeskConfig = z.infer<typeof DeskConfig>;
