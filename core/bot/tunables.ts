/**
 * What of a bot's configuration a person may change while it runs, and within which bounds: tighter than the file's own,
 * since nothing is reviewed on the way. Changes are part of the bot's state and outlive a restart; the file stays the base.
 */
import { faultsOf, showValue, type Fault } from '../faults.ts';
import { BotConfig } from './bot-config.ts';
import type { TunableValue } from './input.ts';

interface Bounds {
  readonly min: number;
  readonly max: number;
  /** Whole numbers only. */
  readonly whole?: true;
  /** Amounts are decimal texts in the configuration. */
  readonly isAmount?: true;
}

/** Path in the bot's file to what it may become. */
export const TUNABLES: Readonly<Record<string, Bounds>> = {
  'strategy.requoteBps': { min: 0, max: 50 },
  'strategy.requoteMsMin': { min: 100, max: 60_000, whole: true },
  'strategy.halfSpreadBps': { min: 0.1, max: 100 },
  'strategy.skewBps': { min: 0, max: 50 },
  'strategy.orderQuote': { min: 1, max: 1_000_000, isAmount: true },
  'strategy.size.levels': { min: 1, max: 5, whole: true },
  'strategy.size.orderQuote': { min: 1, max: 1_000_000, isAmount: true },
  'strategy.size.levelSizeFactor': { min: 0.1, max: 3 },
  'strategy.size.levelSpacingBps': { min: 0.1, max: 50 },
  'strategy.size.targetBaseRatio': { min: -0.5, max: 0.5 },
  'strategy.size.skewBps': { min: 0, max: 50 },
  'strategy.spread.minNetEdgeBps': { min: 0, max: 20 },
  'strategy.spread.atrFactor': { min: 0, max: 5 },
  'strategy.spread.adverseSelectionBps': { min: 0, max: 20 },
  'strategy.spread.holdMinutes': { min: 0, max: 480 },
  'strategy.spread.fillFactor': { min: 0.1, max: 1 },
  'strategy.spread.standAsideBps': { min: 0, max: 20 },
  'strategy.regime.trendAtr': { min: 0, max: 5 },
  'strategy.regime.shockDriftAtrMultiplier': { min: 1, max: 20 },
  'strategy.regime.holdTicks': { min: 1, max: 30, whole: true },
  'risk.cancelsPerMinuteMax': { min: 1, max: 600, whole: true },
  'risk.bookAgeMsMax': { min: 1_500, max: 10_000, whole: true },
  'risk.fillDeviationBpsMax': { min: 1, max: 500 },
};

type Overrides = Readonly<Record<string, TunableValue>>;

/** `changes` on top of `overrides`; a null takes an override away. */
export function mergeChanges(overrides: Overrides, changes: Overrides): Record<string, TunableValue> {
  const merged = Object.entries({ ...overrides, ...changes }).filter(([, value]) => value !== null);
  return Object.fromEntries(merged.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Why `changes` may not be made, all of it at once; none when they may. */
export function judgeChanges(config: BotConfig, overrides: Overrides, changes: Overrides): Fault[] {
  const faults = Object.entries(changes).flatMap(([path, value]) =>
    // What was changed once can be taken back, whatever has become of the file.
    value === null && Object.hasOwn(overrides, path) ? [] : faultOf(config, path, value),
  );
  if (Object.keys(changes).length === 0) faults.push({ path: 'changes', rule: 'expected at least one', value: 'none' });
  if (faults.length > 0) return faults;
  // Each may be right alone and wrong beside the others.
  const wanted = overridden(config, mergeChanges(fittingOf(config, overrides), changes));
  const parsed = BotConfig.safeParse(wanted);
  return parsed.success ? [] : faultsOf(parsed.error, wanted);
}

/** The configuration with its overrides. Overrides that do not fit it any more, since the file changed, do not count. */
export function tuned(config: BotConfig, overrides: Overrides): BotConfig {
  const fitting = fittingOf(config, overrides);
  return Object.keys(fitting).length === 0 ? config : BotConfig.parse(overridden(config, fitting));
}

/** All that the file still knows where they fit together, as they were judged; else what fits of them, one after the other. */
function fittingOf(config: BotConfig, overrides: Overrides): Overrides {
  const known = Object.entries(overrides).filter(([path, value]) => faultOf(config, path, value).length === 0);
  const isFitting = (some: Overrides): boolean => BotConfig.safeParse(overridden(config, some)).success;
  const all = Object.fromEntries(known);
  if (known.length === 0 || isFitting(all)) return all;
  let fitting: Overrides = {};
  for (const [path, value] of known)
    if (isFitting({ ...fitting, [path]: value })) fitting = { ...fitting, [path]: value };
  return fitting;
}

/** What a tunable parameter is in `config`; undefined where the strategy has none of that name. */
export function valueAt(config: BotConfig, path: string): TunableValue | undefined {
  let at: unknown = config;
  for (const key of path.split('.')) at = (at as Record<string, unknown> | undefined)?.[key];
  return at as TunableValue | undefined;
}

function faultOf(config: BotConfig, path: string, value: TunableValue): Fault[] {
  const bounds = Object.hasOwn(TUNABLES, path) ? TUNABLES[path] : undefined;
  if (bounds === undefined || valueAt(config, path) === undefined) {
    const known = Object.keys(TUNABLES).filter((each) => valueAt(config, each) !== undefined);
    return [{ path, rule: `expected one of ${known.join(', ')}`, value: path }];
  }
  if (value === null) return [];
  const { min, max, whole, isAmount } = bounds;
  const isText = typeof value === 'string' && /^\d{1,12}(\.\d{1,12})?$/.test(value);
  const number = isAmount === true ? (isText ? Number(value) : NaN) : typeof value === 'number' ? value : NaN;
  const isFit = number >= min && number <= max && (whole !== true || Number.isInteger(number));
  const kind = isAmount === true ? 'a decimal amount in quotes' : whole === true ? 'a whole number' : 'a number';
  return isFit ? [] : [{ path, rule: `expected ${kind} from ${min} to ${max}`, value: showValue(value) }];
}

function overridden(config: BotConfig, overrides: Overrides): unknown {
  const copy = plainCopy(config) as Record<string, unknown>;
  for (const [path, value] of Object.entries(overrides)) {
    const keys = path.split('.');
    let at = copy;
    for (const key of keys.slice(0, -1)) at = at[key] as Record<string, unknown>;
    at[keys.at(-1)!] = value;
  }
  return copy;
}

/** Configurations are plain JSON. */
function plainCopy(config: BotConfig): unknown {
  return JSON.parse(JSON.stringify(config));
}
