/**
 * The exchange's memory on disk: a snapshot and an append-only log of changes after it.
 *
 * A change is written with one `write` before anybody is told about it. What the kernel has taken survives a kill -9 of
 * this process, so an acknowledged order is there afterwards, at the cost of some microseconds. `fdatasync` follows in the
 * background whenever the disk is free: only a power cut can lose the last milliseconds, and it ends the whole simulation.
 * At start, and when the log has grown, the whole state becomes a new snapshot (written beside, synced, renamed).
 */
import {
  closeSync,
  fdatasync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { parseQuote, formatQuote } from '../../core/money/decimal.ts';
import type { QuoteAmount } from '../../core/money/money.ts';
import type { ReplayPosition } from '../../core/recording/market-replay.ts';
import type {
  AccountRow,
  BillRow,
  ClosedPositionRow,
  FillRow,
  OrderRow,
  SettlementRow,
  StateChange,
  TriggerRow,
} from './rows.ts';
import { upgradeChange } from './upgrade.ts';

/** The saved state cannot be read. Names the file and what to do. */
export class StateDamaged extends Error {
  override readonly name = 'StateDamaged';
}

interface Snapshot extends StateChange {
  /** The log with this number holds what came after. */
  readonly logNumber: number;
}

export interface SavedState {
  nextId: number;
  readonly replay: Record<string, ReplayPosition>;
  readonly accounts: Map<string, AccountRow>;
  readonly orders: Map<number, OrderRow>;
  readonly fills: FillRow[];
  readonly triggers: Map<number, TriggerRow>;
  readonly bills: BillRow[];
  readonly closedPositions: ClosedPositionRow[];
  readonly settlements: SettlementRow[];
}

const LOG_BYTES_MAX = 16 * 1024 * 1024;
/** The row fields that are amounts of money. */
const AMOUNTS = new Set([
  'cash',
  'cost',
  'realised',
  'fees',
  'fee',
  'filledValue',
  'value',
  'deducted',
  'funding',
  'margin',
  'openedValue',
  'openFees',
  'closedValue',
  'start',
  'amount',
  'feeBooked',
  'balance',
]);

export class StateStore {
  private readonly dir: string;
  private logNumber = 0;
  private fd = -1;
  private logBytes = 0;
  private syncing = false;
  private unsynced = false;

  constructor(dir: string) {
    this.dir = dir;
    mkdirSync(dir, { recursive: true, mode: 0o700 });
  }

  /** Reads what was saved. Throws `StateDamaged` when it cannot be trusted. */
  load(): SavedState {
    const state: SavedState = {
      nextId: 1,
      replay: {},
      accounts: new Map(),
      orders: new Map(),
      fills: [],
      triggers: new Map(),
      bills: [],
      closedPositions: [],
      settlements: [],
    };
    const snapshot = this.readSnapshot();
    if (snapshot !== null) {
      this.logNumber = snapshot.logNumber;
      applyChange(state, snapshot);
    }
    for (const change of this.readLog()) applyChange(state, change);
    return state;
  }

  /** Writes the whole state as the new snapshot and starts an empty log. Safe to be killed at any point. */
  snapshot(state: StateChange): void {
    const previous = this.logNumber;
    const next = previous + 1;
    const path = join(this.dir, 'state.json');
    writeSynced(`${path}.new`, encode({ ...state, logNumber: next } satisfies Snapshot));
    renameSync(`${path}.new`, path);
    syncDir(this.dir);
    if (this.fd >= 0) closeSync(this.fd);
    this.logNumber = next;
    this.fd = openSync(this.logFile(next), 'w', 0o600);
    this.logBytes = 0;
    rmSync(this.logFile(previous), { force: true });
  }

  /** When it returns the change survives the death of this process. */
  append(change: StateChange): void {
    this.logBytes += writeSync(this.fd, `${encode(change)}\n`);
    this.unsynced = true;
    this.syncWhenFree();
  }

  get wantsSnapshot(): boolean {
    return this.logBytes > LOG_BYTES_MAX;
  }

  close(): void {
    if (this.fd < 0) return;
    fsyncSync(this.fd);
    closeSync(this.fd);
    this.fd = -1;
  }

  private syncWhenFree(): void {
    if (this.syncing || !this.unsynced || this.fd < 0) return;
    this.syncing = true;
    this.unsynced = false;
    // The log may be replaced or closed meanwhile; a snapshot then holds the same and was synced itself.
    fdatasync(this.fd, () => {
      this.syncing = false;
      this.syncWhenFree();
    });
  }

  private readSnapshot(): Snapshot | null {
    const path = join(this.dir, 'state.json');
    const text = readIfThere(path);
    if (text === null) return null;
    try {
      const snapshot = decode(text) as Snapshot;
      return { ...upgradeChange(snapshot), logNumber: snapshot.logNumber };
    } catch (error) {
      throw new StateDamaged(`${path} is not readable (${String(error)}); move the folder away to start from nothing`);
    }
  }

  private readLog(): StateChange[] {
    const path = this.logFile(this.logNumber);
    const text = readIfThere(path) ?? '';
    const lines = text.split('\n');
    // What follows the last newline is a write that a crash cut short: nobody was told about it.
    lines.pop();
    return lines.map((line, index) => {
      try {
        return upgradeChange(decode(line) as StateChange);
      } catch (error) {
        throw new StateDamaged(`${path} line ${index + 1} is not readable (${String(error)}); move the folder away`);
      }
    });
  }

  private logFile(number: number): string {
    return join(this.dir, `changes-${number}.jsonl`);
  }
}

function applyChange(state: SavedState, change: StateChange): void {
  state.nextId = Math.max(state.nextId, change.nextId);
  Object.assign(state.replay, change.replay);
  for (const account of change.accounts) state.accounts.set(account.name, account);
  replaceLast(state.orders, change.orders);
  replaceLast(state.triggers, change.triggers);
  // One by one: a snapshot may hold more rows than a call takes arguments.
  for (const fill of change.fills) state.fills.push(fill);
  for (const bill of change.bills) state.bills.push(bill);
  for (const position of change.closedPositions) state.closedPositions.push(position);
  for (const settlement of change.settlements) state.settlements.push(settlement);
}

/** Moved to the end, so that the map keeps the order in which rows last changed. */
function replaceLast<Row extends { readonly id: number }>(rows: Map<number, Row>, changed: readonly Row[]): void {
  for (const row of changed) {
    rows.delete(row.id);
    rows.set(row.id, row);
  }
}

function encode(value: unknown): string {
  return JSON.stringify(value, (_key, field: unknown) =>
    typeof field === 'bigint' ? formatQuote(field as QuoteAmount) : field,
  );
}

function decode(text: string): unknown {
  return JSON.parse(text, (key, field: unknown) =>
    AMOUNTS.has(key) && typeof field === 'string' ? parseQuote(field) : field,
  );
}

function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

function writeSynced(path: string, text: string): void {
  const fd = openSync(path, 'w', 0o600);
  try {
    writeSync(fd, text);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function syncDir(dir: string): void {
  const fd = openSync(dir, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
