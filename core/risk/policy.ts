/**
 * What a bot may lose and owe, as a table of rules. Each measures one fact against one limit and finds a level of the ladder;
 * the worst finding counts. A finding stands until its measure is below 90 % of the limit: without that, a measure that
 * trembles around its limit would shake the bot with it. A measure that is no number is a finding, never a pass. One that is
 * not known (null) neither begins a finding nor ends one.
 */
import { worse, type Finding } from '../escalation/ladder.ts';
import type { RiskLimits } from '../bot/bot-config.ts';

/** Each is also a reason why the bot does not trade. */
export type RiskCode =
  | 'balance_unknown'
  | 'margin_ratio_high'
  | 'drawdown_reached'
  | 'daily_loss_reached'
  | 'funding_rate_high'
  | 'position_drift'
  | 'order_rejects'
  | 'cancel_budget_used'
  | 'leverage_high';

export type RiskFinding = Finding<RiskCode>;

/** What the rules look at; amounts are statistics in USDT. */
export interface PolicyFacts {
  /** Margin balance including unrealised profit; null while something is held that has no price. */
  readonly equity: number | null;
  /** Highest equity, transfers taken out; null before the first. */
  readonly equityPeak: number | null;
  /** Largest loss of this UTC day so far: it stands until the day ends. */
  readonly dayLossQuoteMax: number;
  /** Value of everything held, both legs; null while it has no price. */
  readonly grossQuote: number | null;
  /** Maintenance margin over equity; null where the venue does not say. */
  readonly marginRatio: number | null;
  /** Fraction of notional for one interval, signed. */
  readonly fundingRate: number;
  /** Difference between the venue's position and ours, percent of the larger. */
  readonly positionDriftPct: number;
  readonly orderRejectsLastMinute: number;
  /** Used-up cancel budgets within their window. */
  readonly cancelBreaches: number;
}

export type PolicyLimits = RiskLimits & { readonly leverageMax: number };

/** Names are part of a bot's state. */
export type RuleName =
  | 'balance'
  | 'margin_hard'
  | 'drawdown_hard'
  | 'cancel_budget'
  | 'margin_soft'
  | 'drawdown_soft'
  | 'daily_loss'
  | 'funding'
  | 'drift'
  | 'rejects'
  | 'leverage';

interface Rule {
  readonly name: RuleName;
  readonly code: RiskCode;
  readonly level: RiskFinding['level'];
  /** Whether the limit itself is still allowed. */
  readonly breaksWhen: 'reached' | 'exceeded';
  readonly limit: (limits: PolicyLimits) => number;
  readonly measure: (facts: PolicyFacts) => number | null;
}

/** Of findings of one level the first is told. */
const RULES: readonly Rule[] = [
  {
    name: 'balance',
    code: 'balance_unknown',
    level: 'soft_pause',
    breaksWhen: 'exceeded',
    limit: () => 0,
    measure: ({ equity, equityPeak }) => (isNumberOrUnknown(equity) && isNumberOrUnknown(equityPeak) ? null : NaN),
  },
  {
    name: 'margin_hard',
    code: 'margin_ratio_high',
    level: 'hard_stop',
    breaksWhen: 'reached',
    limit: ({ marginRatioHard }) => marginRatioHard,
    measure: ({ marginRatio }) => marginRatio,
  },
  {
    name: 'drawdown_hard',
    code: 'drawdown_reached',
    level: 'hard_stop',
    breaksWhen: 'reached',
    limit: ({ drawdownHardPct }) => drawdownHardPct,
    measure: drawdownPct,
  },
  {
    name: 'cancel_budget',
    code: 'cancel_budget_used',
    level: 'hard_stop',
    breaksWhen: 'reached',
    limit: ({ cancelBudgetBreachesMax }) => cancelBudgetBreachesMax,
    measure: ({ cancelBreaches }) => cancelBreaches,
  },
  {
    name: 'margin_soft',
    code: 'margin_ratio_high',
    level: 'soft_pause',
    breaksWhen: 'reached',
    limit: ({ marginRatioSoft }) => marginRatioSoft,
    measure: ({ marginRatio }) => marginRatio,
  },
  {
    name: 'drawdown_soft',
    code: 'drawdown_reached',
    level: 'soft_pause',
    breaksWhen: 'reached',
    limit: ({ drawdownSoftPct }) => drawdownSoftPct,
    measure: drawdownPct,
  },
  {
    name: 'daily_loss',
    code: 'daily_loss_reached',
    level: 'soft_pause',
    breaksWhen: 'reached',
    limit: ({ dailyLossQuoteMax }) => Number(dailyLossQuoteMax),
    measure: ({ dayLossQuoteMax }) => dayLossQuoteMax,
  },
  {
    name: 'funding',
    code: 'funding_rate_high',
    level: 'soft_pause',
    breaksWhen: 'reached',
    limit: ({ fundingRateHardStopThreshold }) => fundingRateHardStopThreshold,
    measure: ({ fundingRate }) => Math.abs(fundingRate),
  },
  {
    name: 'drift',
    code: 'position_drift',
    level: 'soft_pause',
    breaksWhen: 'exceeded',
    limit: ({ positionDriftPctMax }) => positionDriftPctMax,
    measure: ({ positionDriftPct }) => positionDriftPct,
  },
  {
    name: 'rejects',
    code: 'order_rejects',
    level: 'soft_pause',
    breaksWhen: 'reached',
    limit: ({ orderRejectsPerMinuteMax }) => orderRejectsPerMinuteMax,
    measure: ({ orderRejectsLastMinute }) => orderRejectsLastMinute,
  },
  {
    name: 'leverage',
    code: 'leverage_high',
    level: 'reduce_exposure',
    breaksWhen: 'exceeded',
    limit: ({ leverageMax }) => leverageMax,
    measure: leverage,
  },
];

const CLEARS_BELOW_RATIO = 0.9;

export interface RiskPolicy {
  readonly limits: PolicyLimits;
  /** The worst finding. `standing` names the rules that found something the last time, and is brought up to date. */
  judge(facts: PolicyFacts, standing: RuleName[]): RiskFinding | null;
}

export function createRiskPolicy(limits: PolicyLimits): RiskPolicy {
  const rules = RULES.map((rule) => ({ ...rule, limit: rule.limit(limits) }));
  return {
    limits,
    judge(facts, standing) {
      let worst: RiskFinding | null = null;
      const stood = standing.splice(0);
      for (const { name, code, level, breaksWhen, limit, measure } of rules) {
        const measured = measure(facts);
        const told = Number.isFinite(limit) ? limit : 0;
        const isStanding = stood.includes(name);
        const isNumber = measured !== null && Number.isFinite(measured) && Number.isFinite(limit);
        const isBroken = isNumber ? breaks(measured, limit, breaksWhen, isStanding) : isStanding;
        if (isBroken) standing.push(name);
        if (isBroken) worst = worse(worst, { level, code, measured: isNumber ? measured : null, limit: told });
        else if (measured !== null && !isNumber)
          worst = worse(worst, { level: 'soft_pause', code, measured: null, limit: told });
      }
      return worst;
    },
  };
}

function breaks(measured: number, limit: number, breaksWhen: Rule['breaksWhen'], isStanding: boolean): boolean {
  if (isStanding && limit > 0) return measured >= limit * CLEARS_BELOW_RATIO;
  return breaksWhen === 'reached' ? measured >= limit : measured > limit;
}

function isNumberOrUnknown(value: number | null): boolean {
  return value === null || Number.isFinite(value);
}

/** None where there never was anything to lose. */
function drawdownPct({ equity, equityPeak }: PolicyFacts): number | null {
  if (equity === null || equityPeak === null) return null;
  if (equityPeak <= 0) return 0;
  return ((equityPeak - equity) / equityPeak) * 100;
}

/** Infinite once the equity is gone: no limit holds then. */
function leverage({ grossQuote, equity }: PolicyFacts): number | null {
  if (grossQuote === null || equity === null) return null;
  if (grossQuote === 0) return 0;
  return equity <= 0 ? Infinity : grossQuote / equity;
}

/** The account's margin as the venue last told it, with what our equity and position were then. */
export interface MarginRead {
  readonly ratio: number | null;
  /** Maintenance margin of this symbol's position as a fraction of its notional. */
  readonly maintenanceRatio: number | null;
  readonly equity: number;
  readonly grossQuote: number;
}

/** At a ratio of 1 the venue liquidates; further beyond it the number says nothing more. */
const MARGIN_RATIO_MAX = 100;

/**
 * The margin ratio between two reads, which lie up to five minutes apart: time enough to fill the whole inventory. What the
 * venue told is carried on by what we know better: the margin of this symbol moves with its position, that of all others is
 * taken as it was, and the equity is today's. Never below what this position alone needs. Where the maintenance ratio is not
 * told, the whole margin is taken to grow with the position, and not to shrink with it. Null when the venue tells neither.
 * A larger position may also reach a dearer tier of the venue's table; that shows with the next read.
 */
export function estimateMarginRatio(read: MarginRead | null, grossQuote: number, equity: number): number | null {
  if (read === null || (read.ratio === null && read.maintenanceRatio === null)) return null;
  const { ratio, maintenanceRatio } = read;
  const own = (maintenanceRatio ?? 0) * grossQuote;
  let margin = own;
  if (ratio !== null) {
    const told = ratio * read.equity;
    if (maintenanceRatio !== null) margin = Math.max(own, told + maintenanceRatio * (grossQuote - read.grossQuote));
    else margin = read.grossQuote > 0 ? Math.max(told, (told * grossQuote) / read.grossQuote) : told;
  }
  if (!Number.isFinite(margin) || Number.isNaN(equity)) return NaN;
  if (margin <= 0) return 0;
  return equity > 0 ? Math.min(MARGIN_RATIO_MAX, margin / equity) : MARGIN_RATIO_MAX;
}
