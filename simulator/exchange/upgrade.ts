/**
 * State files of the first version, which knew one-way mode, crossed margin and plain orders only, as today's rows; and
 * orders of the second, which kept what they pay instead of what decided it.
 */
import type { Liquidity } from '../../core/fill-model/fill-model.ts';
import type { QtyLots } from '../../core/money/money.ts';
import { createAccountRow } from './account.ts';
import { newPosition } from './booking.ts';
import type { AccountRow, FillRow, OrderRow, PositionRow, StateChange } from './rows.ts';

/** As read from the file: what a first-version writer did not know is missing. */
type Written<Row> = Partial<Row>;

interface FirstAccountRow {
  /** Leverage by symbol. */
  readonly leverage?: Readonly<Record<string, number>>;
}

export function upgradeChange(written: Written<StateChange>): StateChange {
  return {
    nextId: written.nextId ?? 1,
    replay: written.replay ?? {},
    accounts: (written.accounts ?? []).map(upgradeAccount),
    orders: (written.orders ?? []).map(upgradeOrder),
    fills: (written.fills ?? []).map(upgradeFill),
    triggers: written.triggers ?? [],
    bills: written.bills ?? [],
    closedPositions: written.closedPositions ?? [],
    settlements: written.settlements ?? [],
  };
}

function upgradeAccount(row: AccountRow & FirstAccountRow): AccountRow {
  if ((row as Written<AccountRow>).totals !== undefined) return row;
  const { name, cash, positions, leverage = {} } = row;
  const fresh = createAccountRow(name, cash);
  // What was earned and paid before is part of the new start: the old rows cannot be added up to it.
  fresh.totals.isWhole = false;
  for (const [key, position] of Object.entries(positions)) fresh.positions[key] = upgradePosition(position);
  for (const [symbol, crossed] of Object.entries(leverage)) {
    fresh.settings[symbol] = { marginMode: 'crossed', leverage: { crossed, long: crossed, short: crossed } };
  }
  return fresh;
}

function upgradePosition(position: PositionRow): PositionRow {
  const openedQty = Math.abs(position.qty) as QtyLots;
  return {
    ...newPosition(0, position.openedAtMs),
    openedQty,
    openedValue: position.cost,
    openFees: position.fees,
    ...(position as Written<PositionRow>),
  };
}

interface PayingOrderRow {
  readonly liquidity?: Liquidity;
}

function upgradeOrder({ liquidity, ...order }: OrderRow & PayingOrderRow): OrderRow {
  return {
    leg: 'net',
    marginMode: 'crossed',
    cause: 'request',
    madeRoom: false,
    takeProfit: null,
    stopLoss: null,
    crossedAtCreation: liquidity === 'taker',
    ...(order as Written<OrderRow>),
  } as OrderRow;
}

function upgradeFill(fill: FillRow): FillRow {
  return {
    leg: 'net',
    reduceOnly: false,
    cause: 'request',
    deducted: null,
    ...(fill as Written<FillRow>),
  } as FillRow;
}
