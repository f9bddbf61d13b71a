/** What the exchange simulator is told at start; written by the desk as one JSON file. */
import { z } from 'zod';
import { AccountName } from '../names.ts';
import { InstrumentSpec } from '../market/instrument.ts';

const Amount = z.string().regex(/^\d{1,12}(\.\d{1,12})?$/, 'expected a plain decimal');
const Rate = z.string().regex(/^-?0(\.\d{1,6})?$/, 'expected a fraction with at most 6 decimals');

export const SimulatedAccount = z.strictObject({
  account: AccountName,
  apiKey: z.string().min(8),
  secret: z.string().min(16),
  passphrase: z.string().min(8),
  /** Start balance in USDT, used only when the account has no saved state. */
  balance: Amount,
  /** The position mode that the account is put into at each start while it holds nothing and has no order; as it is when left out. */
  positionMode: z.enum(['one_way', 'hedge']).optional(),
  /** Which endpoint family answers it: `classic` is v2, `unified` is v3; the other one refuses it. */
  kind: z.enum(['classic', 'unified']).default('classic'),
  /** Whether it may arm the countdown that cancels its orders; Bitget grants that to unified accounts on request. */
  countdownAccess: z.boolean().default(false),
  /** Rights of the key in the venue's words: co = contract orders, cp = contract positions, w + w = withdraw, w + t = transfer; r reads, w writes. */
  authorities: z.array(z.string().min(1)).default(['coor', 'coow', 'cpor', 'cpow']),
  /** Addresses the key may be used from, separated by commas; empty is any. */
  ips: z.string().default('127.0.0.1'),
  /** USDT for one BGB: fees are paid in BGB at that price, as an account with fee deduction does. Null pays in USDT. */
  deductionPrice: Amount.nullable().default(null),
});
export type SimulatedAccount = z.infer<typeof SimulatedAccount>;
/** As written, with defaults left out. */
export type SimulatedAccountFile = z.input<typeof SimulatedAccount>;

export const SimulatedTier = z.strictObject({
  /** Position value in USDT up to which the tier holds; the first begins at 0, each other one where the one before ends. */
  upTo: Amount,
  leverageMax: z.int().positive().max(125),
  /** Share of the position's value that must stay as margin. */
  keepMarginRate: Rate,
});

/** BTCUSDT's tiers as Bitget stated them in July 2025 (ccxt's recorded answers). */
const TIERS: readonly z.infer<typeof SimulatedTier>[] = [
  { upTo: '150000', leverageMax: 125, keepMarginRate: '0.004' },
  { upTo: '900000', leverageMax: 100, keepMarginRate: '0.005' },
  { upTo: '12000000', leverageMax: 50, keepMarginRate: '0.01' },
  { upTo: '70000000', leverageMax: 25, keepMarginRate: '0.015' },
  { upTo: '100000000', leverageMax: 20, keepMarginRate: '0.02' },
  { upTo: '230000000', leverageMax: 10, keepMarginRate: '0.03' },
  { upTo: '480000000', leverageMax: 5, keepMarginRate: '0.045' },
  { upTo: '600000000', leverageMax: 4, keepMarginRate: '0.125' },
  { upTo: '800000000', leverageMax: 3, keepMarginRate: '0.1666' },
  { upTo: '1200000000', leverageMax: 2, keepMarginRate: '0.25' },
  { upTo: '1800000000', leverageMax: 1, keepMarginRate: '0.5' },
];

export const SimulatedMarket = z.strictObject({
  instrument: InstrumentSpec,
  /** Recordings played one after the other, relative to `dataDir`. */
  recordings: z.array(z.string().min(1)).min(1),
  /** Fraction of the position's value that longs pay to shorts at each settlement. */
  fundingRate: Rate.default('0.0001'),
  /** Settlements happen at whole multiples of it since 1970 in venue time: 8 h is 00:00, 08:00 and 16:00 UTC. */
  fundingIntervalMs: z
    .int()
    .min(1_000)
    .default(8 * 3_600_000),
  leverageTiers: z
    .array(SimulatedTier)
    .min(1)
    .default([...TIERS]),
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
  accounts: z.array(SimulatedAccount),
  markets: z.array(SimulatedMarket).min(1),
  /** Answers 429 to place and cancel calls of an account beyond this; null is no limit. */
  orderRate: z.strictObject({ perSecond: z.int().positive(), burst: z.int().positive() }).nullable().default(null),
  /** Port of `/faults` and `/truth` on 127.0.0.1: null is off, 0 takes a free one, printed as `adminPort` in the ready line. */
  adminPort: z.int().min(0).max(65_535).nullable().default(null),
  /** Whether the venue's published limits of requests, messages, subscriptions and connections hold. */
  limits: z.enum(['none', 'published']).default('none'),
  /** Whether `books` updates carry the CRC-32 of older captures; newer ones rely on `seq` and `pseq` alone. */
  bookChecksum: z.boolean().default(true),
});
export type SimulatorOptions = z.infer<typeof SimulatorOptions>;
/** As written in a file: what has a default may be absent. */
export type SimulatorOptionsInput = z.input<typeof SimulatorOptions>;
/** As written, with defaults left out. */
export type SimulatorOptionsFile = z.input<typeof SimulatorOptions>;
