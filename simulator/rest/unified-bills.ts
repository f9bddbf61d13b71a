/** Bookings as the unified account's financial records have them. */
import { formatQuote } from '../../core/money/decimal.ts';
import type { BillRow } from '../exchange/rows.ts';
import { PRODUCT_TYPE, wireId } from '../exchange/wire.ts';

/** v2's word for a booking to v3's, from the venue's enumeration page; in hedge mode they differ in their case alone. */
const TYPES: Readonly<Record<string, string>> = {
  buy: 'BUY_DEAL',
  sell: 'SELL_DEAL',
  burst_buy: 'BURST_BUY_SSM',
  burst_sell: 'BURST_SELL_SSM',
  force_buy: 'FORCE_BUY_SSM',
  force_sell: 'FORCE_SELL_SSM',
  burst_long_loss_query: 'BURST_CLOSE_LONG',
  burst_short_loss_query: 'BURST_CLOSE_SHORT',
};

function typeOf({ businessType, amount }: BillRow): string {
  if (businessType === 'contract_settle_fee') return `CONTRACT_MAIN_SETTLE_FEE_USER_${amount < 0n ? 'OUT' : 'IN'}`;
  return TYPES[businessType] ?? businessType.toUpperCase();
}

export function unifiedBill(bill: BillRow) {
  return {
    category: PRODUCT_TYPE,
    id: wireId(bill.id),
    symbol: bill.symbol,
    coin: 'USDT',
    type: typeOf(bill),
    amount: formatQuote(bill.amount),
    fee: formatQuote(bill.feeBooked),
    balance: formatQuote(bill.balance),
    ts: String(bill.atMs),
  };
}
