/**
 * Whether a bot's configuration fits its contract and its account, judged before the first order: what the venue would
 * refuse later is said now, all of it at once. A fault's path lies in the bot's file, or under `account.` or `contract.` for
 * what the venue says.
 */
import type { Holdings } from '../accounting/holdings.ts';
import type { MarginMode, PositionMode } from '../accounting/legs.ts';
import type { Fault } from '../faults.ts';
import type { Instrument } from '../market/instrument.ts';
import type { BotConfig } from './bot-config.ts';

export interface PreflightFacts {
  readonly instrument: Instrument;
  /** Last price of the contract, USDT. */
  readonly price: number;
  readonly settings: { positionMode: PositionMode; marginMode: MarginMode; leverage: string };
  /** What the bot believes that it holds. */
  readonly holdings: Holdings;
  /** Margin balance including unrealised profit, USDT; without it the exposure is not held against the account. */
  readonly equity?: number | null;
}

export function judgePreflight(config: BotConfig, facts: PreflightFacts): Fault[] {
  const { instrument, price, settings } = facts;
  const faults: Fault[] = [];
  const expect = expectInto(faults);
  expect(Number.isFinite(price) && price > 0, 'contract.price', 'a price above 0', price);
  if (faults.length > 0) return faults;

  judgeSizes(config, instrument, price, expect);
  if (facts.equity !== undefined && facts.equity !== null) {
    const exposureMax = config.leverageMax * facts.equity;
    expect(
      Number(config.risk.exposureQuoteMax) <= exposureMax,
      'risk.exposureQuoteMax',
      `at most leverageMax (${config.leverageMax}) times the equity of the account, ${exposureMax.toFixed(2)} USDT`,
      config.risk.exposureQuoteMax,
    );
  }
  const { positionMode, marginMode, leverage } = settings;
  expect(
    positionMode === config.positionMode,
    'account.positionMode',
    `${config.positionMode}, as configured`,
    positionMode,
  );
  expect(marginMode === config.marginMode, 'account.marginMode', `${config.marginMode}, as configured`, marginMode);
  expect(
    Number(leverage) <= config.leverageMax,
    'account.leverage',
    `at most leverageMax (${config.leverageMax})`,
    leverage,
  );
  const { net, long, short } = facts.holdings;
  const isFit = config.positionMode === 'one_way' ? long.qty === 0 && short.qty === 0 : net.qty === 0;
  expect(isFit, 'positionMode', 'the mode in which the position that is held was opened', config.positionMode);
  return faults;
}

type Expect = (isMet: boolean, path: string, rule: string, value: string | number) => void;

function expectInto(faults: Fault[]): Expect {
  return (isMet, path, rule, value) => {
    if (!isMet) faults.push({ path, rule: `expected ${rule}`, value: String(value) });
  };
}

/** What the bot wants to quote against what the contract takes at `price`. */
/** What of `config` the contract would refuse at `price`, and would not refuse of `before`. */
export function judgeChangedSizes(
  before: BotConfig,
  config: BotConfig,
  instrument: Instrument,
  price: number,
): Fault[] {
  const faultsIn = (of: BotConfig): Fault[] => {
    const faults: Fault[] = [];
    judgeSizes(of, instrument, price, expectInto(faults));
    return faults;
  };
  const known = new Set(faultsIn(before).map(({ path }) => path));
  return faultsIn(config).filter(({ path }) => !known.has(path));
}

function judgeSizes({ strategy, risk }: BotConfig, instrument: Instrument, price: number, expect: Expect): void {
  const { spec, lotSize, tickSize, qtyMinLots } = instrument;
  const quotePerLot = price * lotSize;
  const notionalMin = Number(spec.notionalMin);
  const quoteMin = Math.max(qtyMinLots, Math.ceil(notionalMin / quotePerLot)) * quotePerLot;
  const isOrder = (quote: number): boolean => {
    const lots = Math.floor(quote / quotePerLot);
    return lots >= qtyMinLots && lots * quotePerLot >= notionalMin;
  };
  const isMaker = strategy.name === 'epp_v2_4';
  const at = isMaker ? 'strategy.size.' : 'strategy.';
  const { orderQuote, inventoryQuoteMax } = isMaker ? strategy.size : strategy;
  const isOrderQuoteMet = isOrder(Number(orderQuote));
  expect(
    isOrderQuoteMet,
    `${at}orderQuote`,
    `at least ${quoteMin.toFixed(2)} USDT: the contract takes no less than ${spec.qtyMin} and ${spec.notionalMin} USDT`,
    orderQuote,
  );
  const oneOrder = `at least one smallest order, ${quoteMin.toFixed(2)} USDT`;
  expect(Number(inventoryQuoteMax) >= quoteMin, `${at}inventoryQuoteMax`, oneOrder, inventoryQuoteMax);
  // A quote is a whole number of lots; the price moves it by that much before the next one is formed.
  expect(Number(risk.exposureQuoteMax) >= quoteMin, 'risk.exposureQuoteMax', oneOrder, risk.exposureQuoteMax);

  const tickBps = (tickSize / price) * 1e4;
  const oneTick = `at least one price step of the contract, ${tickBps.toPrecision(3)} bps`;
  if (!isMaker) {
    expect(strategy.halfSpreadBps >= tickBps, 'strategy.halfSpreadBps', oneTick, strategy.halfSpreadBps);
    return;
  }
  const { levels, levelSizeFactor, levelSpacingBps } = strategy.size;
  const lastQuote = Number(orderQuote) * levelSizeFactor ** (levels - 1);
  const rule = `the last level to be an order, too: at least ${quoteMin.toFixed(2)} USDT, and ${lastQuote.toFixed(2)} follow`;
  expect(!isOrderQuoteMet || isOrder(lastQuote), `${at}levelSizeFactor`, rule, levelSizeFactor);
  expect(levels === 1 || levelSpacingBps >= tickBps, `${at}levelSpacingBps`, oneTick, levelSpacingBps);
}
