/** One bot as `config/bots/<bot>.yml` declares it. Ratios run 0..1, bps are 1/10,000, amounts are decimal USDT. */
import { z } from 'zod';
import { AccountName, BotName } from '../names.ts';

const QuoteText = z
  .string()
  .regex(/^\d{1,12}(\.\d{1,12})?$/, 'expected a plain decimal amount of USDT in quotes, such as "250"')
  .refine((text) => Number(text) > 0, 'expected more than 0');

/** Quotes one bid and one ask around the mid, leaning against the inventory. */
export const TwoSidedQuotesParams = z.strictObject({
  name: z.literal('two_sided_quotes'),
  /** Distance of each quote from the leaned mid. */
  halfSpreadBps: z.number().min(0.1).max(500),
  /** Size of one quote. */
  orderQuote: QuoteText,
  /** Position at which only the reducing side is quoted. */
  inventoryQuoteMax: QuoteText,
  /** How far the mid leans at full inventory. */
  skewBps: z.number().min(0).max(500),
  /** A resting quote is kept while it is this close to where it should be. */
  requoteBps: z.number().min(0).max(500),
  /** Shortest time between two replacements of one side. */
  requoteMsMin: z.int().min(50).max(600_000),
});
export type TwoSidedQuotesParams = z.infer<typeof TwoSidedQuotesParams>;

export const RiskLimits = z.strictObject({
  /** Position plus everything open or unknown never exceeds this. */
  exposureQuoteMax: QuoteText,
  orderQuoteMax: QuoteText,
  ordersActiveMax: z.int().min(1).max(10),
  cancelsPerMinuteMax: z.int().min(1).max(600),
  /** A book older than this is never quoted from. An unchanged book is told once a second: less would mean flapping. */
  bookAgeMsMax: z.int().min(1_500).max(60_000),
  /** Nor is one whose best bid and ask have been the same for this long: a feed that repeats itself looks alive. */
  bookTopSameMsMax: z.int().min(5_000).max(600_000).default(30_000),
  dailyLossQuoteMax: QuoteText,
  /** A stop for the whole position rests at the venue whenever something is held. */
  protectiveStopEnabled: z.boolean().default(false),
  /** How far from the entry price it closes the position, in percent of that price. */
  protectiveStopLossPct: z.number().min(0.1).max(50).default(5),
  /** A fill further than this from the mid, or worse than its order's limit, raises an alert. */
  fillDeviationBpsMax: z.number().min(1).max(5_000).default(100),
});
export type RiskLimits = z.infer<typeof RiskLimits>;

export const BotMode = z.enum(['live', 'paper_only', 'disabled']);
export type BotMode = z.infer<typeof BotMode>;

const BotFields = z.strictObject({
  version: z.literal(1),
  bot: BotName,
  /** What the bot is for, for people and dashboards. */
  role: z.enum(['market_maker', 'directional', 'hedge', 'canary']),
  mode: BotMode,
  account: AccountName,
  /** The account has to be in this mode before the bot starts; the venue keeps one mode for all its USDT contracts. */
  positionMode: z.enum(['one_way', 'hedge']).default('one_way'),
  /** In hedge mode: how much of the growing leg the opposite leg is kept at. 0 always closes first. */
  hedgeInventoryRatio: z.number().min(0).max(1).default(0),
  marginMode: z.enum(['crossed', 'isolated']).default('crossed'),
  /** Leverage that the account must not exceed on the symbol when the bot starts. */
  leverageMax: z.number().min(1).max(125).default(20),
  policyVersion: z.string().regex(/^[a-z0-9.-]{1,32}$/),
  symbol: z.string().regex(/^[A-Z0-9]{2,32}$/),
  strategy: z.discriminatedUnion('name', [TwoSidedQuotesParams]),
  risk: RiskLimits,
  /** Without a supervisor for this long the bot cancels its orders and pauses. */
  deadmanS: z.int().min(3).max(600).default(15),
});
/** The fields, and what they mean together. */
export const BotConfig = BotFields.superRefine(({ strategy, risk }, context) => {
  const order = Number(risk.orderQuoteMax);
  if (Number(strategy.orderQuote) > order) {
    context.addIssue({
      code: 'custom',
      path: ['strategy', 'orderQuote'],
      message: `expected at most risk.orderQuoteMax (${risk.orderQuoteMax})`,
    });
  }
  if (order > Number(risk.exposureQuoteMax)) {
    context.addIssue({
      code: 'custom',
      path: ['risk', 'orderQuoteMax'],
      message: `expected at most risk.exposureQuoteMax (${risk.exposureQuoteMax})`,
    });
  }
});
export type BotConfig = z.infer<typeof BotConfig>;
