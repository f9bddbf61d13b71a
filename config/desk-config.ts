/** `config/desk.yml`: the desk as a whole. Bots have a file each; the local stack has `temporal-dev.yml`. */
import { z } from 'zod';
import { FILL_GRADES } from '../core/fill-model/fill-model.ts';
import { LatencyParams, WAY_MS_MAX } from '../core/fill-model/latency.ts';
import { AccountName, HostName } from '../core/names.ts';

/** How a paper account judges and delays; read at each start of its bot. */
export const PaperParams = z
  .strictObject({
    ...LatencyParams.shape,
    /** How hopeful its fills are: `queue`, the cautious middle, waits behind all that stood in front of an order. */
    grade: z.enum(FILL_GRADES).default('queue'),
  })
  .refine(
    ({ submitMs, cancelMs, feedMs, jitterMs }) => Math.max(submitMs, cancelMs) + feedMs + jitterMs <= WAY_MS_MAX,
    {
      message: `expected submitMs and cancelMs each at most ${WAY_MS_MAX} together with feedMs and jitterMs: an intent lives 2 s`,
    },
  );
export type PaperParams = z.infer<typeof PaperParams>;

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
      /** Of the paper account of a `paper_only` bot. */
      paper: PaperParams.prefault({}),
    }),
  ),
  simulator: z.strictObject({
    /** Recorded seconds a real second. */
    speed: z.number().positive().max(1_000),
  }),
});
export type DeskConfig = z.infer<typeof DeskConfig>;
