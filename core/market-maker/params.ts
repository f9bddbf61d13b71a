/** The market maker's parameters, `strategy` in a bot's file. Ratios run 0..1, bps are 1/10,000, amounts are decimal USDT. */
import { z } from 'zod';
import { QuoteText } from '../names.ts';

/** How far apart its quotes must be for a round trip to be worth it. */
export const SpreadParams = z.strictObject({
  /** What a round trip has to leave after fees, adverse selection and funding. */
  minNetEdgeBps: z.number().min(0).max(100),
  /** The spread is at least this many average true ranges of a bar. */
  atrFactor: z.number().min(0).max(10),
  /** Adverse selection a fill that is believed until enough fills were measured. */
  adverseSelectionBps: z.number().min(0).max(100),
  /** Fills that the measured adverse selection looks back on. */
  adverseSelectionFills: z.int().min(5).max(1_000).default(50),
  /** Seconds after a fill at which the adverse selection of the floor is read. */
  adverseSelectionHorizonS: z.literal([1, 5, 30, 60]).default(30),
  /** Minutes that a position is held on average: what funding is charged for. */
  holdMinutes: z.number().min(0).max(1_440).default(30),
  /** Of the quotes that paper fills, the share that a venue fills; the rest is closed as a taker. */
  fillFactor: z.number().min(0).max(1).default(0.9),
  /** What a close as a taker loses beyond its fee. */
  slippageBps: z.number().min(0).max(100).default(1),
  /** What the market pays: its own spread (`touch`), or what its price travels in a bar (`range`). */
  market: z.enum(['touch', 'range']).default('touch'),
  /** The bot stands aside while its floor exceeds what the market pays by more than this. */
  standAsideBps: z.number().min(0).max(100).default(1),
  /** Seconds between two calculations. */
  recalculateS: z.int().min(1).max(600).default(30),
});
export type SpreadParams = z.infer<typeof SpreadParams>;

/** When the market counts as trending, or as one to fear. */
export const RegimeParams = z.strictObject({
  /** Length of a bar, seconds. */
  barS: z.int().min(1).max(3_600).default(60),
  emaFastBars: z.int().min(2).max(200).default(8),
  emaSlowBars: z.int().min(3).max(400).default(21),
  atrBars: z.int().min(2).max(200).default(14),
  rsiBars: z.int().min(2).max(200).default(14),
  bollingerBars: z.int().min(2).max(200).default(20),
  bollingerWidth: z.number().min(0.5).max(5).default(2),
  /** Fast less slow average, in average true ranges, from which it trends. */
  trendAtr: z.number().min(0).max(20).default(1.5),
  /** A move within `shockDriftS` of so many average true ranges, scaled to that time by its root, is a shock. */
  shockDriftAtrMultiplier: z.number().min(0.5).max(50).default(3),
  shockDriftS: z.int().min(1).max(600).default(30),
  /** ... but never one smaller than this. */
  shockDriftBpsMin: z.number().min(0).max(1_000).default(10),
  /** Evaluations in a row, one a second, that must agree before the regime changes. */
  holdTicks: z.int().min(1).max(60).default(3),
});
export type RegimeParams = z.infer<typeof RegimeParams>;

/** How much is quoted, and how inventory bends it. */
export const SizeParams = z.strictObject({
  /** Quotes on each side. */
  levels: z.int().min(1).max(5).default(1),
  /** Size of the first level. */
  orderQuote: QuoteText,
  /** Size of each further level over that of the one before. */
  levelSizeFactor: z.number().min(0.1).max(5).default(1),
  /** Distance of each further level from the one before. */
  levelSpacingBps: z.number().min(0.1).max(500).default(1),
  /** Position at which only the reducing side is quoted. */
  inventoryQuoteMax: QuoteText,
  /** Position that is aimed at, as a share of `inventoryQuoteMax`; negative is short. */
  targetBaseRatio: z.number().min(-1).max(1).default(0),
  /** How far the mid leans when the inventory is at its limit. */
  skewBps: z.number().min(0).max(500),
});
export type SizeParams = z.infer<typeof SizeParams>;

/** Enhanced profit protection, version 2.4: a market maker that quotes only what is worth it. */
export const MarketMakerParams = z.strictObject({
  name: z.literal('epp_v2_4'),
  size: SizeParams,
  spread: SpreadParams,
  regime: RegimeParams.prefault({}),
  /** A resting quote is kept while it is this close to where it should be. */
  requoteBps: z.number().min(0).max(500),
  /** Shortest time between two replacements of one quote. */
  requoteMsMin: z.int().min(50).max(600_000),
});
export type MarketMakerParams = z.infer<typeof MarketMakerParams>;
