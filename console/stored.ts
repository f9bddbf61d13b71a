/** Stored events as the console takes them in: telemetry and timings. The shapes are those of `core/bot/events.ts`. */
import { z } from 'zod';

const Decimal = z.string().regex(/^-?\d+(\.\d+)?$/, 'expected a decimal string');
const Age = z.number();

export const BotSnapshot = z.object({
  symbol: z.string(),
  phase: z.string(),
  reason: z.string(),
  equity: Decimal,
  equityPeak: Decimal,
  equityDayStart: Decimal,
  position: Decimal,
  positionQuote: z.number(),
  entryPrice: Decimal.nullable(),
  mid: Decimal.nullable(),
  bookAgeMs: Age.nullable(),
  realised: Decimal,
  unrealised: Decimal,
  fees: Decimal,
  fills: z.int().nonnegative(),
  lastFillAtMs: z.number().nullable(),
  ordersActive: z.int().nonnegative(),
  ordersUnknown: z.int().nonnegative(),
  cancelsLastMinute: z.int().nonnegative(),
  supervisorAgeMs: Age,
  // Absent in telemetry of earlier versions.
  stopPrices: z.array(Decimal).optional(),
  unprotectedMs: Age.optional(),
  alerts: z.int().nonnegative().optional(),
  clockOffsetMs: z.number().nullish(),
  riskLevel: z.string().optional(),
  riskCode: z.string().nullish(),
  marginRatio: z.number().nullish(),
  positionDriftPct: z.number().optional(),
  funding: Decimal.optional(),
  fundingRate: z.number().nullish(),
  regime: z.string().nullish(),
});
export type BotSnapshot = z.infer<typeof BotSnapshot>;

const Latency = z.object({
  count: z.int().nonnegative(),
  meanMs: z.number(),
  p50Ms: z.number(),
  p99Ms: z.number(),
  maxMs: z.number(),
});
export type Latency = z.infer<typeof Latency>;

export const Timings = z.object({
  tick: Latency,
  durable: Latency,
  placeAnswer: Latency,
  memoryRssBytes: z.int().nonnegative(),
  // Absent in telemetry of earlier versions.
  evaluate: Latency.optional(),
  cancelAnswer: Latency.optional(),
  syncRead: Latency.optional(),
  droppedRelayCount: z.int().nonnegative().optional(),
  connector: z
    .object({ reconnects: z.int(), bookGaps: z.int(), bookChecksumFailures: z.int(), malformed: z.int() })
    .optional(),
});
export type Timings = z.infer<typeof Timings>;
