/** The strategy that a bot's file names, with what it remembers. */
import type { BotConfig } from '../bot/bot-config.ts';
import type { Instrument } from '../market/instrument.ts';
import { createMarketMaker } from '../market-maker/market-maker.ts';
import { createTwoSidedQuotes } from './two-sided-quotes.ts';
import type { Strategy, StrategyMemory } from './strategy.ts';

/** A memory of another strategy, or of another shape, is left behind; null is a strategy that has seen nothing. */
export function createStrategy(
  params: BotConfig['strategy'],
  instrument: Instrument,
  memory: StrategyMemory | null,
): Strategy {
  switch (params.name) {
    case 'two_sided_quotes':
      return createTwoSidedQuotes(params, instrument);
    case 'epp_v2_4':
      return createMarketMaker(params, instrument, memory);
  }
}
