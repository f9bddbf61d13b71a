/** One bot as `config/bots/<bot>.yml` declares it. Ratios run 0..1, bps are 1/10,000, amounts are decimal USDT. */
import { z } from 'zod';
import { MarketMakerParams } from '../market-maker/params.ts';
import { AccountName, BotName, QuoteText } from '../names.ts';

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
  /** Events that wait for the event store longer than this end all trading until they are there. */
  eventsUnstoredMsMax: z.int().min(2_000).max(86_400_000).default(300_000),
  dailyLossQuoteMax: QuoteText,
  /** Fall of the equity from its peak, in percent of the peak, at which the bot pauses, and at which it stops for good. */
  drawdownSoftPct: z.number().min(0.1).max(100).default(5),
  drawdownHardPct: z.number().min(0.1).max(100).default(10),
  /** Maintenance margin over equity (1 is liquidation) at which the bot pauses, and at which it stops for good. */
  marginRatioSoft: z.number().min(0.01).max(1).default(0.5),
  marginRatioHard: z.number().min(0.01).max(1).default(0.8),
  /** Funding of one interval, as a fraction of notional, from which either side pays too much to hold anything. */
  fundingRateHardStopThreshold: z.number().min(0.0001).max(0.1).default(0.003),
  /** Used-up cancel budgets within `cancelBudgetWindowS` seconds at which the bot stops for good. */
  cancelBudgetBreachesMax: z.int().min(1).max(100).default(3),
  cancelBudgetWindowS: z.int().min(60).max(86_400).default(3_600),
  /** Orders refused by the venue within a minute at which the bot pauses. */
  orderRejectsPerMinuteMax: z.int().min(1).max(600).default(10),
  /** Difference between the venue's position and ours, in percent of the larger, at which the bot pauses. */
  positionDriftPctMax: z.number().min(0).max(100).default(5),
  /** A level of risk is left no sooner than this after its cause was last seen. */
  ladderDwellS: z.int().min(0).max(86_400).default(60),
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
  strategy: z.discriminatedUnion('name', [TwoSidedQuotesParams, MarketMakerParams]),
  risk: RiskLimits,
  /** Nothing is traded before the venue's position was taken over. Only a bot on paper may do without. */
  startupPositionSync: z.boolean().default(true),
  /** Without a supervisor for this long the bot cancels its orders and pauses. */
  deadmanS: z.int().min(3).max(600).default(15),
});
type Fields = z.infer<typeof BotFields>;

/** Size of the first quote of a side, and of all quotes of a side together, in USDT. */
export function quoteSizes({ strategy }: Pick<Fields, 'strategy'>): { largest: number; side: number; levels: number } {
  if (strategy.name === 'two_sided_quotes') {
    const orderQuote = Number(strategy.orderQuote);
    return { largest: orderQuote, side: orderQuote, levels: 1 };
  }
  const { levels, orderQuote, levelSizeFactor } = strategy.size;
  const sizes = Array.from({ length: levels }, (_, level) => Number(orderQuote) * levelSizeFactor ** level);
  return { largest: Math.max(...sizes), side: sizes.reduce((sum, size) => sum + size, 0), levels };
}

/** The fields, and what they mean together. */
export const BotConfig = BotFields.superRefine((config, context) => {
  const { risk, mode, startupPositionSync } = config;
  const expect = (isMet: boolean, path: string[], message: string): void => {
    if (!isMet) context.addIssue({ code: 'custom', path, message });
  };
  const { largest, levels } = quoteSizes(config);
  const isMaker = config.strategy.name === 'epp_v2_4';
  const orderQuoteMax = Number(risk.orderQuoteMax);
  expect(
    largest <= orderQuoteMax,
    isMaker ? ['strategy', 'size', 'orderQuote'] : ['strategy', 'orderQuote'],
    `expected at most risk.orderQuoteMax (${risk.orderQuoteMax})${levels > 1 ? ' on every level' : ''}`,
  );
  expect(
    orderQuoteMax <= Number(risk.exposureQuoteMax),
    ['risk', 'orderQuoteMax'],
    `expected at most risk.exposureQuoteMax (${risk.exposureQuoteMax})`,
  );
  if (config.strategy.name === 'epp_v2_4') {
    const { emaFastBars, emaSlowBars } = config.strategy.regime;
    expect(2 * levels <= risk.ordersActiveMax, ['strategy', 'size', 'levels'], `expected at most half of risk.ordersActiveMax (${risk.ordersActiveMax})`); // prettier-ignore
    expect(emaFastBars < emaSlowBars, ['strategy', 'regime', 'emaFastBars'], `expected less than emaSlowBars (${emaSlowBars})`); // prettier-ignore
  }
  expect(risk.drawdownSoftPct <= risk.drawdownHardPct, ['risk', 'drawdownSoftPct'], `expected at most drawdownHardPct (${risk.drawdownHardPct})`); // prettier-ignore
  expect(risk.marginRatioSoft <= risk.marginRatioHard, ['risk', 'marginRatioSoft'], `expected at most marginRatioHard (${risk.marginRatioHard})`); // prettier-ignore
  expect(startupPositionSync || mode !== 'live', ['startupPositionSync'], 'expected true in mode live');
});
export type BotConfig = z.infer<typeof BotConfig>;
