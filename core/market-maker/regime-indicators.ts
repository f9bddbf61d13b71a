/** What the regime is measured with, all fed by the same closed bars. */
import { createAtr, isAtrReady, updateAtr, type Atr } from '../indicators/atr.ts';
import { createBollinger, updateBollinger, type Bollinger } from '../indicators/bollinger.ts';
import { createEma, isEmaReady, updateEma, type Ema } from '../indicators/ema.ts';
import {
  createRealisedVolatility,
  isRealisedVolatilityReady,
  updateRealisedVolatility,
  type RealisedVolatility,
} from '../indicators/realised-volatility.ts';
import { createRsi, isRsiReady, updateRsi, type Rsi } from '../indicators/rsi.ts';
import type { Bar } from '../market/bars.ts';
import type { RegimeParams } from './params.ts';

export interface RegimeIndicators {
  readonly emaFast: Ema;
  readonly emaSlow: Ema;
  readonly atr: Atr;
  readonly rsi: Rsi;
  readonly bollinger: Bollinger;
  /** Over as many bars as the bands. */
  readonly realisedVolatility: RealisedVolatility;
}

export function blankIndicators(params: RegimeParams): RegimeIndicators {
  return {
    emaFast: createEma(params.emaFastBars),
    emaSlow: createEma(params.emaSlowBars),
    atr: createAtr(params.atrBars),
    rsi: createRsi(params.rsiBars),
    bollinger: createBollinger(params.bollingerBars, params.bollingerWidth),
    realisedVolatility: createRealisedVolatility(params.bollingerBars),
  };
}

export function takeBar(indicators: RegimeIndicators, bar: Bar): void {
  updateEma(indicators.emaFast, bar.close);
  updateEma(indicators.emaSlow, bar.close);
  updateAtr(indicators.atr, bar);
  updateRsi(indicators.rsi, bar.close);
  updateBollinger(indicators.bollinger, bar.close);
  updateRealisedVolatility(indicators.realisedVolatility, bar.close);
}

export function areIndicatorsReady(indicators: RegimeIndicators): boolean {
  return (
    isEmaReady(indicators.emaSlow) &&
    isEmaReady(indicators.emaFast) &&
    isAtrReady(indicators.atr) &&
    isRsiReady(indicators.rsi) &&
    // Needs one bar more than the bands, so they are ready, too.
    isRealisedVolatilityReady(indicators.realisedVolatility)
  );
}

/** Bars in a row until every indicator has a value. */
export function barsToWarmUp({ emaFastBars, emaSlowBars, atrBars, rsiBars, bollingerBars }: RegimeParams): number {
  return Math.max(emaFastBars, emaSlowBars, atrBars + 1, rsiBars + 1, bollingerBars + 1);
}
