/** The venue's list of contracts in, the desk's instruments out. */
import { z } from 'zod';
import { createInstrument, type Instrument } from '../../core/market/instrument.ts';
import { formatScaled, parseScaled } from '../../core/money/decimal.ts';
import { VenueMalformed, VenueRefused } from '../venue.ts';
import type { Calls } from './calls.ts';
import { PRODUCT } from './dialect.ts';
import { Decimal, onGrid, parseRecord } from './records.ts';

const Contract = z.looseObject({
  symbol: z.string(),
  baseCoin: z.string().min(1),
  quoteCoin: z.literal('USDT'),
  symbolType: z.literal('perpetual'),
  pricePlace: z.string().regex(/^\d{1,2}$/),
  priceEndStep: z.string().regex(/^\d{1,6}$/),
  volumePlace: z.string().regex(/^\d{1,2}$/),
  sizeMultiplier: Decimal,
  minTradeNum: Decimal,
  minTradeUSDT: Decimal,
  makerFeeRate: Decimal,
  takerFeeRate: Decimal,
});
export type Contract = z.infer<typeof Contract>;

/** The record of `symbol` in the venue's list of contracts; null when it is not listed. */
export function findContract(data: unknown, symbol: string): Contract | null {
  const rows = parseRecord(z.array(z.looseObject({ symbol: z.string() })), data, 'contracts');
  const row = rows.find((candidate) => candidate.symbol === symbol);
  return row === undefined ? null : parseRecord(Contract, row, `contract ${symbol}`);
}

/** The contract as the venue states it now. Throws `VenueRefused` when it has none of that name. */
export async function readContract({ read }: Pick<Calls, 'read'>, symbol: string): Promise<Contract> {
  const { data } = await read('contracts', { symbol, productType: PRODUCT });
  const contract = findContract(data, symbol);
  if (contract !== null) return contract;
  throw new VenueRefused('no_such_contract', `${symbol} is no USDT perpetual of this venue`);
}

const FeeRates = z.looseObject({ makerFeeRate: Decimal, takerFeeRate: Decimal });
export type FeeRates = z.infer<typeof FeeRates>;

export function parseFeeRates(data: unknown): FeeRates {
  return parseRecord(FeeRates, data, 'fee rates');
}

/** Tick = priceEndStep x 10^-pricePlace. The lot is `sizeMultiplier`, which `volumePlace` may only coarsen. */
export function parseInstrument(contract: Contract, fees: FeeRates): Instrument {
  return onGrid(`contract ${contract.symbol}`, () => {
    const tickE12 = BigInt(contract.priceEndStep) * 10n ** BigInt(12 - Number(contract.pricePlace));
    const multiplierE12 = parseScaled(contract.sizeMultiplier, 12);
    const placeE12 = 10n ** BigInt(12 - Number(contract.volumePlace));
    if (multiplierE12 <= 0n) throw new VenueMalformed(`contract ${contract.symbol}: sizeMultiplier is 0`);
    return createInstrument({
      symbol: contract.symbol,
      tick: formatScaled(tickE12, 12),
      lot: formatScaled(leastCommonMultiple(multiplierE12, placeE12), 12),
      qtyMin: contract.minTradeNum,
      notionalMin: contract.minTradeUSDT,
      makerFeeRate: fees.makerFeeRate,
      takerFeeRate: fees.takerFeeRate,
    });
  });
}

function leastCommonMultiple(a: bigint, b: bigint): bigint {
  let [x, y] = [a, b];
  while (y !== 0n) [x, y] = [y, x % y];
  return (a / x) * b;
}
