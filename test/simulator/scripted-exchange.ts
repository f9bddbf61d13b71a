/** The exchange with a market whose prices the test decides: one step, one price. Its books are checked after every step. */
import { expect } from '@jest/globals';
import { rmSync } from 'node:fs';
import { createInstrument, type Instrument, toLots, toTicks } from '../../core/market/instrument.ts';
import type { PriceTicks, QtyLots } from '../../core/money/money.ts';
import { NO_MARKS, OpKind, type Recording } from '../../core/recording/recording.ts';
import { SimulatedAccount } from '../../core/simulation/options.ts';
import type { Account } from '../../simulator/exchange/account.ts';
import { checkExchange } from '../../simulator/exchange/check-exchange.ts';
import { Exchange } from '../../simulator/exchange/exchange.ts';
import { DEFAULT_TERMS, Market } from '../../simulator/exchange/market.ts';
import type { OrderRequest } from '../../simulator/exchange/matching.ts';
import type { TpslRequest } from '../../simulator/exchange/trigger-book.ts';
import { StateStore } from '../../simulator/exchange/store.ts';
import { BOT1, markets, tempDir } from './harness.ts';

const STEP_MS = 1_000;
const LEVELS = 5;
/** One BTC a level. */
const LEVEL_LOTS = 1_000;
const STARTED_AT_MS = Date.UTC(2026, 0, 1, 7, 0, 0);

export const SYMBOL = 'BTCUSDT';

interface WorldOptions {
  readonly account?: Partial<SimulatedAccount>;
  readonly market?: Partial<typeof DEFAULT_TERMS>;
}

/**
 * `path` is the best bid of each step, the ask is a tick above; whoever trades between two steps trades at the new price,
 * 0.001 BTC a step, a seller when the price falls.
 */
export class ScriptedExchange {
  exchange!: Exchange;
  market!: Market;
  account!: Account;
  nowMs = STARTED_AT_MS;
  private readonly dir = tempDir();
  private readonly path: readonly number[];
  private readonly options: WorldOptions;
  private readonly instrument: Instrument;
  private store: StateStore | null = null;

  constructor(path: readonly number[], options: WorldOptions = {}) {
    this.path = path;
    this.options = options;
    this.instrument = createInstrument(markets(SYMBOL)[0]!.instrument);
    this.start();
  }

  /** Again from disk, as after a kill. */
  restart(): void {
    this.store?.close();
    this.start();
  }

  end(): void {
    this.check();
    this.store?.close();
    rmSync(this.dir, { recursive: true, force: true });
  }

  /** Plays the next price of the path. */
  step(count = 1): void {
    for (let played = 0; played < count; played++) {
      this.nowMs += STEP_MS;
      this.exchange.advance(STEP_MS);
      this.check();
    }
  }

  check(): void {
    expect(checkExchange(this.exchange)).toEqual([]);
  }

  price(text: number): PriceTicks {
    return toTicks(text, this.instrument);
  }

  qty(text: number): QtyLots {
    return toLots(text, this.instrument);
  }

  order(changes: Partial<OrderRequest> & Pick<OrderRequest, 'side'>, size = 0.01) {
    return this.exchange.place(this.account, {
      symbol: SYMBOL,
      clientOid: null,
      orderType: 'market',
      force: 'gtc',
      reduceOnly: false,
      price: 0 as PriceTicks,
      qty: this.qty(size),
      ...changes,
    });
  }

  stop(triggerPrice: number, changes: Partial<TpslRequest> = {}) {
    return this.exchange.placeTpsl(this.account, {
      kind: 'pos_loss',
      symbol: SYMBOL,
      clientOid: null,
      direction: 'long',
      triggerPrice: this.price(triggerPrice),
      source: 'mark_price',
      executePrice: 0 as PriceTicks,
      qty: 0 as QtyLots,
      callbackE6: null,
      ...changes,
    });
  }

  held(leg: 'net' | 'long' | 'short' = 'net'): number {
    return this.account.positionLots(SYMBOL, leg) / 1_000;
  }

  private start(): void {
    this.store = new StateStore(this.dir);
    const saved = this.store.load();
    this.market = new Market(this.instrument, recordingOf(this.path, this.instrument), () => this.nowMs, {
      ...DEFAULT_TERMS,
      ...this.options.market,
    });
    const account = SimulatedAccount.parse({ ...BOT1, ...this.options.account });
    this.exchange = new Exchange([this.market], [account], saved, this.store, () => this.nowMs);
    this.account = this.exchange.accounts.get(account.account)!;
    // The first frame is the book that everything begins with.
    if (saved.replay[SYMBOL] === undefined) this.exchange.advance(1);
  }
}

function recordingOf(path: readonly number[], instrument: Instrument): Recording {
  const kinds: number[] = [];
  const ticks: number[] = [];
  const lots: number[] = [];
  const firstOp: number[] = [];
  const add = (kind: number, price: number, qty: number) => {
    kinds.push(kind);
    ticks.push(price);
    lots.push(qty);
  };
  path.forEach((price, frame) => {
    firstOp.push(kinds.length);
    const bid = toTicks(price, instrument);
    const before = frame === 0 ? null : toTicks(path[frame - 1]!, instrument);
    if (before !== null && before !== bid) {
      add(bid < before ? OpKind.sellTrade : OpKind.buyTrade, bid < before ? bid : bid + 1, 1);
      for (let depth = 0; depth < LEVELS; depth++) {
        add(OpKind.bid, before - depth, 0);
        add(OpKind.ask, before + 1 + depth, 0);
      }
    }
    for (let depth = 0; depth < LEVELS; depth++) {
      add(OpKind.bid, bid - depth, LEVEL_LOTS);
      add(OpKind.ask, bid + 1 + depth, LEVEL_LOTS);
    }
  });
  return {
    sources: [],
    frameCount: path.length,
    frameAtMs: Float64Array.from(path, (_price, frame) => frame * STEP_MS),
    firstOp: Uint32Array.from([...firstOp, kinds.length]),
    opKind: Uint8Array.from(kinds),
    opTicks: Int32Array.from(ticks),
    opLots: Float64Array.from(lots),
    startedAtMs: STARTED_AT_MS,
    marks: NO_MARKS,
  };
}

/** Runs `use` in a world that is checked once more and removed at the end, whatever happens. */
export function withScript(
  path: readonly number[],
  use: (world: ScriptedExchange) => void,
  options?: WorldOptions,
): void {
  const world = new ScriptedExchange([...path, ...TAIL.map((offset) => path.at(-1)! + offset)], options);
  try {
    use(world);
  } finally {
    world.end();
  }
}

/** Prices nobody reaches in a test, so that the lap does not end within it. */
const TAIL = Array.from({ length: 100 }, () => 0);
