/**
 * Funding of what is held at the settlement: value at the mark price times the rate, whatever the leverage; at a positive
 * rate longs pay shorts. A payment rounds up and a receipt down, by at most 1e-12 USDT.
 */
import { LEGS, type Holdings } from '../accounting/holdings.ts';
import type { Instrument } from '../market/instrument.ts';
import { parseScaled } from '../money/decimal.ts';
import type { QuoteAmount } from '../money/money.ts';
import { valueAt } from './figures.ts';
import type { FundingDue, PaperPayment } from './rows.ts';

const ONE_E12 = 1_000_000_000_000n;

export function paymentsOf(
  holdings: Holdings,
  markE12: bigint,
  due: FundingDue,
  instrument: Instrument,
): PaperPayment[] {
  const rateE12 = parseScaled(due.rate, 12);
  const { symbol } = instrument;
  const payments: PaperPayment[] = [];
  for (const leg of LEGS) {
    const position = holdings[leg];
    if (position.qty === 0 || rateE12 === 0n) continue;
    const owedE24 = valueAt(position, markE12, instrument) * rateE12 * (position.qty > 0 ? 1n : -1n);
    const amount = owedE24 > 0n ? -((owedE24 + ONE_E12 - 1n) / ONE_E12) : -owedE24 / ONE_E12;
    payments.push({ id: `${symbol}-${due.atMs}-${leg}`, symbol, amount: amount as QuoteAmount, atMs: due.atMs });
  }
  return payments;
}
