/** What the exchange simulator is told at start; written by the desk as one JSON file. */
import { z } from 'zod';
import { AccountName } from '../names.ts';
import { InstrumentSpec } from '../market/instrument.ts';

export const SimulatedAccount = z.strictObject({
  account: AccountName,
  apiKey: z.string().min(8),
  secret: z.string().min(16),
  passphrase: z.string().min(8),
  /** Start balance in USDT, used only when the account has no saved state. */
  balance: z.string().regex(/^\d{1,12}(\.\d{1,12})?$/),
});
export type SimulatedAccount = z.infer<typeof SimulatedAccount>;

export const SimulatedMarket = z.strictObject({
  instrument: InstrumentSpec,
  /** Recordings played one after the other, relative to `dataDir`. */
  recordings: z.array(z.string().min(1)).min(1),
});
export type SimulatedMarket = z.infer<typeof SimulatedMarket>;

export const SimulatorOptions = z.strictObject({
  host: z.string().default('127.0.0.1'),
  /** 0 takes a free port; the chosen one is printed as `{"ready":true,"port":N}` on stdout and written to `stateDir/port`. */
  port: z.int().min(0).max(65_535),
  dataDir: z.string().min(1),
  stateDir: z.string().min(1),
  /** Recorded seconds a real second. */
  speed: z.number().positive().max(1_000).default(1),
  accounts: z.array(SimulatedAccount).min(1),
  markets: z.array(SimulatedMarket).min(1),
  /** Answers 429 to place and cancel calls of an account beyond this; null is no limit. */
  orderRate: z.strictObject({ perSecond: z.int().positive(), burst: z.int().positive() }).nullable().default(null),
  /** Whether `books` updates carry the CRC-32 of older captures; newer ones rely on `seq` and `pseq` alone. */
  bookChecksum: z.boolean().default(true),
});
export type SimulatorOptions = z.infer<typeof SimulatorOptions>;
/** As written in a file: what has a default may be absent. */
export type SimulatorOptionsInput = z.input<typeof SimulatorOptions>;
/** As written, with defaults left out. */
export type SimulatorOptionsFile = z.input<typeof SimulatorOptions>;
