/** What is derived from a bot's telemetry. Pure; a figure that the data does not support is null and never a default. */
import type { BotConfig } from '../core/bot/bot-config.ts';
import type { BotSnapshot } from './stored.ts';

export interface BotFigures {
  /** Null until the bot has read its balance: what it says before is no equity. */
  readonly equityQuote: number | null;
  /** Value of the position as a share of equity, short negative. */
  readonly baseRatio: number | null;
  /** Since the start of the UTC day. */
  readonly dayPnlQuote: number | null;
  readonly dayPnlRatio: number | null;
  /** The loss part of `dayPnlRatio`, positive; 0 in profit. */
  readonly dailyLossRatio: number | null;
  /** Below the highest equity seen, 0..1. */
  readonly drawdownRatio: number | null;
}

/** Keeps a quotient free of -0, and null where there is nothing to divide by. */
function ratio(part: number, whole: number): number | null {
  return whole > 0 ? part / whole + 0 : null;
}

export function figuresOf(snapshot: BotSnapshot): BotFigures {
  const equity = Number(snapshot.equity);
  const peak = Number(snapshot.equityPeak);
  const dayStart = Number(snapshot.equityDayStart);
  // The machine marks a peak with the first equity it knows; 0 is "never synced".
  if (peak <= 0) {
    return {
      equityQuote: null,
      baseRatio: null,
      dayPnlQuote: null,
      dayPnlRatio: null,
      dailyLossRatio: null,
      drawdownRatio: null,
    };
  }
  const isPositionValued = snapshot.mid !== null || Number(snapshot.position) === 0;
  const dayPnlQuote = dayStart > 0 ? equity - dayStart : null;
  return {
    equityQuote: equity,
    baseRatio: isPositionValued ? ratio(snapshot.positionQuote, equity) : null,
    dayPnlQuote,
    dayPnlRatio: dayPnlQuote === null ? null : ratio(dayPnlQuote, dayStart),
    dailyLossRatio: dayPnlQuote === null ? null : ratio(Math.max(0, -dayPnlQuote), dayStart),
    drawdownRatio: ratio(Math.max(0, peak - equity), peak),
  };
}

/** Share of equity that a strategy steers its position to; null where that is not known. */
export function targetBaseRatio(strategy: BotConfig['strategy'], equityQuote: number | null): number | null {
  switch (strategy.name) {
    case 'two_sided_quotes':
      return 0; // its skew leans every quote towards flat
    case 'epp_v2_4':
      return equityQuote === null
        ? null
        : ratio(strategy.size.targetBaseRatio * Number(strategy.size.inventoryQuoteMax), equityQuote);
  }
}
