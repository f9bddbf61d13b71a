/** Rows of the private channels in, by protocol. Their meaning is that of the REST records; v3 streams only name some fields differently. */
import type { Leg, PositionMode } from '../../../core/accounting/legs.ts';
import type { Instrument } from '../../../core/market/instrument.ts';
import { VenueMalformed, type VenueFill, type VenueOrder, type VenuePosition } from '../../venue.ts';
import * as unified from '../wire-unified.ts';
import * as classic from '../wire.ts';
import type { AccountKind } from '../dialect.ts';

export interface AccountRows {
  /** Null until anything told it. */
  readonly positionMode: () => PositionMode | null;
  readonly order: (raw: unknown, instrument: Instrument) => VenueOrder;
  readonly fill: (raw: unknown, instrument: Instrument) => VenueFill;
  readonly position: (raw: unknown, instrument: Instrument) => VenuePosition;
}

type Row = Readonly<Record<string, unknown>>;

/** `knownMode` is what the venue's REST side knows of the account's position mode; rows that say more are remembered. */
export function createAccountRows(kind: AccountKind, knownMode: () => PositionMode | null): AccountRows {
  let seenMode: PositionMode | null = null;
  const positionMode = (): PositionMode | null => seenMode ?? knownMode();

  function look(raw: unknown): Row {
    if (typeof raw !== 'object' || raw === null) throw new VenueMalformed('a row of an account is no record');
    const row = raw as Row;
    const mode = row.posMode ?? row.holdMode;
    if (mode === 'hedge_mode') seenMode = 'hedge';
    else if (mode === 'one_way_mode') seenMode = 'one_way';
    return row;
  }

  /** A fill names its leg in other words than an order, or not at all; in one-way mode there is only one. */
  function legOfFill(row: Row): Leg {
    const mode = positionMode();
    if (mode === 'one_way') return 'net';
    const leg = unified.legOfFill(row);
    if (mode === 'hedge' && leg !== null) return leg;
    if (mode === null && leg === null) return 'net';
    // A one-way account names a side as well, so that without the mode the name says nothing.
    const fault =
      mode === null ? 'names a leg of an account whose mode is not known' : 'names no leg of a hedged account';
    throw new VenueMalformed(`fill ${String(row.execId)}: ${fault}`);
  }

  if (kind === 'classic') {
    return {
      positionMode,
      order: (raw, instrument) => classic.parseOrder(look(raw), instrument, 'stream'),
      fill: (raw, instrument) => classic.parseFill(look(raw), instrument),
      position: (raw, instrument) => classic.parsePosition(look(raw), instrument),
    };
  }
  return {
    positionMode,
    order(raw, instrument) {
      const row = look(raw);
      return unified.parseOrder({ ...row, posSide: row.posSide ?? row.holdSide }, instrument);
    },
    fill(raw, instrument) {
      const row = look(raw);
      const named = { ...row, posSide: row.posSide ?? row.holdSide, createdTime: row.execTime ?? row.createdTime };
      return unified.parseFill(named, instrument, legOfFill(named));
    },
    position(raw, instrument) {
      const row = look(raw);
      const named = { ...row, total: row.size ?? row.total, liquidationPrice: row.liqPrice ?? row.liquidationPrice };
      return unified.parsePosition(named, instrument);
    },
  };
}
