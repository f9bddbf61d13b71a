/** Faults of what the venue believes or tells, as the feeds and the REST handlers ask for them. */
import { flatPosition } from '../../core/accounting/position.ts';
import { parseScaled } from '../../core/money/decimal.ts';
import { notional, ZERO_QUOTE, type QtyLots, type SignedLots } from '../../core/money/money.ts';
import type { Account } from '../exchange/account.ts';
import type { Market } from '../exchange/market.ts';
import { positionKey, type PositionRow } from '../exchange/rows.ts';
import type { FaultBook } from './fault-book.ts';

const STALE_BOOK: ReadonlySet<'stale_book'> = new Set(['stale_book']);

/** Whether a book channel stands still now. */
export function stalledBook(faults: FaultBook, symbol: string, channel: string): 'mute' | 'repeat' | null {
  if (faults.isEmpty) return null;
  const struck = faults.strike(STALE_BOOK, { symbol, channel });
  if (struck === null) return null;
  return struck.repeat ? 'repeat' : 'mute';
}

/** The account as it is shown to its owner: the same one, or one whose positions are not the true ones. */
export function toldPositions(
  faults: FaultBook,
  markets: ReadonlyMap<string, Market>,
  account: Account,
  by: 'rest' | 'stream',
): Account {
  if (faults.isEmpty) return account;
  const positions = { ...account.row.positions };
  const lies = faults
    .inForce('wrong_position')
    .filter(({ told, where }) => (told === 'both' || told === by) && (where.account ?? account.name) === account.name);
  if (lies.length === 0) return account;
  for (const lie of lies) {
    const market = markets.get(lie.where.symbol);
    if (market === undefined) continue;
    faults.countStrike(lie);
    const lots = lotsOf(lie.qty, market);
    const leg = account.row.positionMode === 'one_way' ? 'net' : lots < 0 ? 'short' : 'long';
    const key = positionKey(market.symbol, leg);
    positions[key] = positionOf(lots, market, positions[key]);
  }
  // Everything else is the account itself, also what it becomes later.
  return Object.create(account, { row: { value: { ...account.row, positions } } }) as Account;
}

/** Rounded to whole lots towards zero. */
function lotsOf(qty: string, { instrument }: Market): SignedLots {
  return Number(parseScaled(qty, 12) / instrument.lotE12) as SignedLots;
}

/** A position entered at the middle of the book. */
function positionOf(qty: SignedLots, { instrument, replay }: Market, instead: PositionRow | undefined): PositionRow {
  const size = Math.abs(qty) as QtyLots;
  const price = qty > 0 ? replay.book.asks.best() : replay.book.bids.best();
  const cost = size === 0 || price === 0 ? ZERO_QUOTE : notional(price, size, instrument);
  return {
    id: 1,
    funding: ZERO_QUOTE,
    margin: ZERO_QUOTE,
    openedValue: cost,
    openFees: ZERO_QUOTE,
    closedQty: 0 as QtyLots,
    closedValue: ZERO_QUOTE,
    openedAtMs: 0,
    updatedAtMs: 0,
    ...flatPosition(),
    ...instead,
    openedQty: size,
    qty,
    cost,
  };
}
