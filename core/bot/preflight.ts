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
}

export function judgePreflight(config: BotConfig, facts: PreflightFacts): Fault[] {
  const { instrument, price, settings } = facts;
  const faults: Fault[] = [];
  const expect = (isMet: boolean, path: string, rule: string, value: string | number): void => {
    if (!isMet) faults.push({ path, rule: `expected ${rule}`, value: String(value) });
  };
  expect(Number.isFinite(price) && price > 0, 'contract.price', 'a price above 0', price);
  if (faults.length > 0) return faults;

  const { strategy, risk } = config;
  const { spec, lotSize, tickSize } = instrument;
  const quotePerLot = price * lotSize;
  const lots = Math.floor(Number(strategy.orderQuote) / quotePerLot);
  const qtyMinQuote = instrument.qtyMinLots * quotePerLot;
  const notionalMin = Number(spec.notionalMin);
  const quoteMin = Math.max(qtyMinQuote, Math.ceil(notionalMin / quotePerLot) * quotePerLot);
  expect(
    lots >= instrument.qtyMinLots && lots * quotePerLot >= notionalMin,
    'strategy.orderQuote',
    `at least ${quoteMin.toFixed(2)} USDT: the contract takes no less than ${spec.qtyMin} and ${spec.notionalMin} USDT`,
    strategy.orderQuote,
  );
  // A quote is a whole number of lots; the price moves it by that much before the next one is formed.
  expect(
    Number(risk.exposureQuoteMax) >= quoteMin,
    'risk.exposureQuoteMax',
    `at least one smallest order, ${quoteMin.toFixed(2)} USDT`,
    risk.exposureQuoteMax,
  );
  const tickBps = (tickSize / price) * 1e4;
  expect(
    strategy.halfSpreadBps >= tickBps,
    'strategy.halfSpreadBps',
    `at least one price step of the contract, ${tickBps.toPrecision(3)} bps`,
    strategy.halfSpreadBps,
  );

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
