/** What every report of a bot begins with: of whom, of when, made from what and by what. */
import type { TunableValue } from '../bot/input.ts';
import type { ReportRun } from './material.ts';
import type { HorizonS } from './report-fill.ts';

/** Who decides what fills: the fill model itself (in a replay, on paper), the exchange simulator, or a venue. */
export type FilledBy = 'replay' | 'paper' | 'simulator' | 'demo' | 'live';

/** What a person told a bot. */
export interface Deed {
  readonly atMs: number;
  readonly operator: string | null;
  readonly reason: string;
}

/** A parameter that is not as the bot's file has it. */
export interface ParameterChange {
  readonly path: string;
  readonly configured: TunableValue;
  readonly now: TunableValue;
  /** Null where the journal does not reach back to it. */
  readonly by: Deed | null;
}

export interface ReportHead {
  readonly bot: string;
  readonly symbol: string;
  readonly filledBy: FilledBy;
  /** The end is exclusive. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly madeAtMs: number;
  /** Of the code that made the report; that of the bot stands in its runs. */
  readonly codeVersion: string;
  /** Only what the bot did in the mode of the last one counts. */
  readonly runs: readonly ReportRun[];
  /** Records of the journal whose loss somebody accepted. */
  readonly recordsLost: number;
  /** At the end of the report's time. */
  readonly changed: readonly ParameterChange[];
}

/** Of the bot at the end: what reports hold its fills against. */
export interface ReportTerms {
  readonly strategy: string;
  /** Seconds after a fill at which the edge is read: the strategy's own, where it has one. */
  readonly horizonS: HorizonS;
  /** Null where the strategy has none. */
  readonly fillFactor: number | null;
  /** What the contract lists. */
  readonly makerBps: number;
  readonly takerBps: number;
}
