/**
 * The exchange: takes orders, lets the fill model decide, keeps the accounts. Every change is durable before it is
 * answered or pushed: a request or a step of the replay collects what it touched, `commit` writes it, then events go out.
 */
import type { Leg, MarginMode, PositionMode } from '../../core/accounting/legs.ts';
import { formatPrice } from '../../core/market/instrument.ts';
import { parseQuote, parseScaled } from '../../core/money/decimal.ts';
import { addQuote, type PriceTicks, type QtyLots, type QuoteAmount, type SignedLots } from '../../core/money/money.ts';
import type { ReplayPosition } from '../../core/recording/market-replay.ts';
import type { SimulatedAccount } from '../../core/simulation/options.ts';
import { Account, createAccountRow } from './account.ts';
import { Changes, type ExchangeEvent } from './changes.ts';
import { Funding } from './funding.ts';
import { Liquidation } from './liquidation.ts';
import { directionOf, figuresOf, leverageOf, openPositions } from './margin.ts';
import type { Market } from './market.ts';
import { Matching, type OrderRequest } from './matching.ts';
import { refuse } from './refusal.ts';
import { isOpen, isTpsl, type OrderRow, type Preset, type SettlementRow, type TriggerRow } from './rows.ts';
import type { SavedState, StateStore } from './store.ts';
import { TriggerBook, type PlanRequest, type TpslRequest, type TriggerChange } from './trigger-book.ts';

/** What an order becomes; price and size always come together. */
export interface OrderAmendment {
  readonly clientOid: string;
  readonly price: PriceTicks;
  readonly qty: QtyLots;
}

/** User ids are plain numbers; these follow the order in which accounts are configured. */
const FIRST_USER_ID = 1_000_000_001;

export class Exchange {
  readonly markets: ReadonlyMap<string, Market>;
  readonly accounts = new Map<string, Account>();
  /** Called after each durable change, with what happened in order. */
  onEvents: (events: readonly ExchangeEvent[]) => void = () => {};
  private readonly store: StateStore;
  private readonly nowMs: () => number;
  private readonly changes: Changes;
  private readonly matching: Matching;
  private readonly triggers: TriggerBook;
  private readonly liquidation: Liquidation;
  private readonly funding: Funding;

  constructor(
    markets: readonly Market[],
    accounts: readonly SimulatedAccount[],
    saved: SavedState,
    store: StateStore,
    nowMs: () => number,
  ) {
    this.markets = new Map(markets.map((market) => [market.symbol, market]));
    this.store = store;
    this.nowMs = nowMs;
    this.changes = new Changes(saved.nextId);
    this.matching = new Matching(this.markets, this.changes, nowMs);
    this.triggers = new TriggerBook(this.matching, this.changes, nowMs);
    this.liquidation = new Liquidation(this.markets, this.matching);
    this.addAccounts(accounts, saved);
    this.funding = new Funding(this.markets, this.accounts, this.changes, saved.settlements, nowMs());
    for (const market of markets) market.begin(saved.replay[market.symbol] ?? { lap: 0, lapAtMs: 0 });
    for (const account of this.accounts.values()) {
      this.matching.restore(account);
      this.triggers.restore(account);
    }
    this.matching.onFilled = (account, order) => this.triggers.onFilled(account, order);
    for (const market of markets) market.onMove = (moved) => this.onMove(moved);
    this.saveAll();
  }

  /** Throws `Refusal` when the order is not created. A post-only order that would take is created and cancelled. */
  place(account: Account, request: OrderRequest): OrderRow {
    return this.durably(() => this.matching.request(account, request, 'request'));
  }

  /**
   * Cancels the order and creates another one with the new price and size, behind all others at its price, as the venue
   * does. Only an order without fills can be changed. Throws `Refusal`; then the order stays as it was.
   */
  amend(account: Account, order: OrderRow | undefined, { clientOid, price, qty }: OrderAmendment): OrderRow {
    if (order === undefined || !isOpen(order)) throw refuse.orderGone();
    if (order.status !== 'live' || order.orderType !== 'limit') throw refuse.amendNotNew();
    if (order.price === price && order.qty === qty) throw refuse.amendNothing();
    const { symbol, side, orderType, force, reduceOnly, leg, marginMode, takeProfit, stopLoss } = order;
    const kept = { symbol, side, orderType, force, reduceOnly, leg, marginMode, takeProfit, stopLoss };
    return this.durably(() => this.matching.request(account, { ...kept, clientOid, price, qty }, 'amend', order));
  }

  /** As a unified account changes an order: in place, with what it has filled. Throws `Refusal`; then it stays as it was. */
  modify(account: Account, order: OrderRow, { price, qty }: Omit<OrderAmendment, 'clientOid'>): OrderRow {
    if (!isOpen(order)) throw refuse.orderGone();
    if (order.orderType !== 'limit') throw refuse.amendNotNew();
    if (order.price === price && order.qty === qty) throw refuse.amendNothing();
    return this.durably(() => {
      this.matching.modify(account, order, price, qty);
      return order;
    });
  }

  /** Gives an open order other presets; null is none. Throws `Refusal` when there is no such open order. */
  setPresets(
    account: Account,
    order: OrderRow | undefined,
    presets: { readonly takeProfit: Preset | null; readonly stopLoss: Preset | null },
  ): OrderRow {
    if (order === undefined || !isOpen(order)) throw refuse.orderGone();
    Object.assign(order, presets, { updatedAtMs: this.nowMs() });
    return this.durably(() => {
      this.changes.order(account, order, null);
      return order;
    });
  }

  /** Throws `Refusal` when there is no such open order. */
  cancel(account: Account, order: OrderRow | undefined): OrderRow {
    if (order === undefined || !isOpen(order)) throw refuse.orderGone();
    this.durably(() => this.matching.cancelOpen(account, order));
    return order;
  }

  /** Cancels every open order of `symbol`, null for all symbols. Triggers stay. */
  cancelAll(account: Account, symbol: string | null): OrderRow[] {
    const orders = account.openOf(symbol);
    this.durably(() => orders.forEach((order) => this.matching.cancelOpen(account, order)));
    return orders;
  }

  /** Closes positions at market: of `symbol` or all, in one direction or both. Throws `Refusal` when there is none. */
  closePositions(account: Account, symbol: string | null, direction: 'long' | 'short' | null): OrderRow[] {
    const chosen = openPositions(account, this.markets).filter(
      (open) =>
        (symbol === null || open.symbol === symbol) && (direction === null || directionOf(open.position) === direction),
    );
    if (chosen.length === 0) throw refuse.nothingToReduce();
    return this.durably(() =>
      chosen.flatMap(({ symbol: held, leg, position }) => {
        const order = this.matching.force(account, held, leg, Math.abs(position.qty) as QtyLots, 'flash_close');
        return order === null ? [] : [order];
      }),
    );
  }

  /** What the exchange does to deleverage an account: closes up to `qty` of a leg at market. Null when nothing is held. */
  forceReduce(account: Account, symbol: string, leg: Leg, qty: QtyLots): OrderRow | null {
    this.marketOf(symbol);
    return this.durably(() => this.matching.force(account, symbol, leg, qty, 'forced_reduce'));
  }

  /** Fills an open order at its own price as if somebody had wanted it, whatever the book says. Answers the lots. */
  fillNow(account: Account, order: OrderRow, qty: QtyLots): QtyLots {
    const model = this.matching.modelOf(account, this.marketOf(order.symbol), order.leg);
    return this.durably(() => model.fillNow(order.id, qty));
  }

  /** Moves a market's price by so many ticks; with the process the move is gone. Answers the top of the book after it. */
  shiftPrice(symbol: string, ticks: number): { atMs: number; bid: string; ask: string } {
    const { replay, instrument } = this.marketOf(symbol);
    return this.durably(() => {
      replay.shift(ticks);
      const { bids, asks } = replay.book;
      return {
        atMs: this.nowMs(),
        bid: formatPrice(bids.best(), instrument),
        ask: formatPrice(asks.best(), instrument),
      };
    });
  }

  placePlan(account: Account, request: PlanRequest): TriggerRow {
    return this.durably(() => this.triggers.placePlan(account, request));
  }

  placeTpsl(account: Account, request: TpslRequest): TriggerRow {
    return this.durably(() => this.triggers.placeTpsl(account, request));
  }

  /** Creates all or none of them. */
  placeTpsls(account: Account, requests: readonly TpslRequest[]): TriggerRow[] {
    return this.durably(() => {
      const placed: TriggerRow[] = [];
      try {
        for (const request of requests) placed.push(this.triggers.placeTpsl(account, request));
      } catch (error) {
        for (const trigger of placed) this.triggers.cancel(account, trigger);
        throw error;
      }
      return placed;
    });
  }

  /** Throws `Refusal` when there is no such trigger of the family, or it may not be changed so. */
  modifyTrigger(
    account: Account,
    trigger: TriggerRow | undefined,
    family: 'plan' | 'tpsl',
    change: TriggerChange,
  ): TriggerRow {
    const isOfFamily = trigger !== undefined && isTpsl(trigger.kind) === (family === 'tpsl');
    if (!isOfFamily) throw family === 'tpsl' ? refuse.tpslGone() : refuse.planGone();
    if (trigger.status !== 'live') throw family === 'tpsl' ? refuse.tpslClosed() : refuse.planClosed();
    return this.durably(() => this.triggers.modify(account, trigger, change));
  }

  /** Cancels those of `triggers` that still wait and answers them. */
  cancelTriggers(account: Account, triggers: readonly TriggerRow[]): TriggerRow[] {
    const live = triggers.filter(({ status }) => status === 'live');
    this.durably(() => live.forEach((trigger) => this.triggers.cancel(account, trigger)));
    return live;
  }

  /** Throws `Refusal` while the symbol is in use. Without a `direction` both directions of isolated margin change. */
  setLeverage(account: Account, symbol: string, leverage: number, direction: 'long' | 'short' | null = null): void {
    const { leverage: current, marginMode } = account.settings(symbol);
    const isCrossed = marginMode === 'crossed';
    const changed = isCrossed
      ? { ...current, crossed: leverage }
      : { ...current, ...(direction === null ? { long: leverage, short: leverage } : { [direction]: leverage }) };
    if (changed.crossed === current.crossed && changed.long === current.long && changed.short === current.short) return;
    if (account.isBusy(symbol)) throw refuse.busy();
    if (leverage > this.marketOf(symbol).terms.tiers[0].leverageMax) throw refuse.leverageTooHigh();
    this.durably(() => {
      account.changeSettings(symbol, { leverage: changed });
      this.changes.account(account);
    });
  }

  setMarginMode(account: Account, symbol: string, marginMode: MarginMode): void {
    if (account.settings(symbol).marginMode === marginMode) return;
    if (account.isBusy(symbol)) throw refuse.busy();
    this.durably(() => {
      account.changeSettings(symbol, { marginMode });
      this.changes.account(account);
    });
  }

  /**
   * Moves margin to an isolated position, or back with a negative `amount`: no more than is free, and never below what its
   * leverage asks for. Throws `Refusal`.
   */
  adjustMargin(account: Account, symbol: string, direction: 'long' | 'short', amount: QuoteAmount): void {
    if (account.settings(symbol).marginMode === 'crossed') throw refuse.crossedMarginFixed();
    const open = openPositions(account, this.markets).find(
      ({ symbol: held, position }) => held === symbol && directionOf(position) === direction,
    );
    if (open === undefined) throw refuse.noPositionForMargin();
    const { position } = open;
    if (amount > figuresOf(account, this.markets).available) throw refuse.marginTooSmall();
    const marginMin = position.cost / BigInt(leverageOf(account, symbol, direction));
    if (amount < 0n && position.margin + amount < marginMin) throw refuse.marginTooSmall();
    this.durably(() => {
      position.margin = addQuote(position.margin, amount);
      this.changes.account(account);
    });
  }

  /** One mode for all symbols. Throws `Refusal` while anything is open or held. */
  setPositionMode(account: Account, mode: PositionMode): void {
    if (account.row.positionMode === mode) return;
    if (account.isBusy(null)) throw refuse.positionModeBusy();
    this.durably(() => {
      account.row.positionMode = mode;
      this.changes.account(account);
    });
  }

  /** For the next settlement and until changed again. Throws `DecimalError` for no fraction of at most 6 decimals. */
  setFundingRate(symbol: string, rate: string): void {
    parseScaled(rate, 6);
    this.marketOf(symbol).terms.fundingRate = rate;
  }

  /** Newest first. */
  settlementsOf(symbol: string): SettlementRow[] {
    return this.funding.settlements.filter((settlement) => settlement.symbol === symbol).reverse();
  }

  /** Plays every market forward, settles what came due and saves what it led to; `realMs` is the time it took. */
  advance(recordedMs: number, realMs = recordedMs): void {
    for (const market of this.markets.values()) market.advance(recordedMs, realMs);
    this.funding.check(this.nowMs());
    if (!this.changes.isEmpty) this.commit();
  }

  marketOf(symbol: string): Market {
    return this.matching.marketOf(symbol);
  }

  positionLots(account: Account, symbol: string, leg: Leg = 'net'): SignedLots {
    return account.positionLots(symbol, leg);
  }

  /** Writes the whole state as a new snapshot. */
  saveAll(): void {
    const accounts = [...this.accounts.values()];
    this.store.snapshot({
      nextId: this.changes.idsFrom,
      replay: this.replayPositions(),
      accounts: accounts.map(({ row }) => row),
      orders: accounts.flatMap((account) => [...account.orders]),
      fills: accounts.flatMap(({ fills }) => fills),
      triggers: accounts.flatMap((account) => [...account.triggers]),
      bills: accounts.flatMap(({ bills }) => bills),
      closedPositions: accounts.flatMap(({ closedPositions }) => closedPositions),
      settlements: this.funding.settlements,
    });
  }

  /** Saves how far the replay has come, so that a kill loses at most the time since the last call. */
  saveReplayPositions(): void {
    this.store.append(this.changes.take(this.replayPositions()));
  }

  private addAccounts(configured: readonly SimulatedAccount[], saved: SavedState): void {
    for (const [
      index,
      { apiKey: _apiKey, secret: _secret, passphrase: _passphrase, ...profile },
    ] of configured.entries()) {
      const row = saved.accounts.get(profile.account) ?? createAccountRow(profile.account, parseQuote(profile.balance));
      this.accounts.set(row.name, new Account(row, String(FIRST_USER_ID + index), profile));
    }
    // An account that is not configured any more keeps its state; nobody has keys for it.
    for (const row of saved.accounts.values()) {
      if (!this.accounts.has(row.name)) this.accounts.set(row.name, new Account(row, '0', null));
    }
    for (const order of saved.orders.values()) this.accounts.get(order.account)?.putOrder(order);
    for (const trigger of saved.triggers.values()) this.accounts.get(trigger.account)?.putTrigger(trigger);
    for (const fill of saved.fills) this.accounts.get(fill.account)?.putFill(fill);
    for (const bill of saved.bills) this.accounts.get(bill.account)?.putBill(bill);
    for (const position of saved.closedPositions) this.accounts.get(position.account)?.putClosedPosition(position);
    for (const { account: name, positionMode } of configured) {
      const account = this.accounts.get(name);
      if (positionMode !== undefined && account?.isBusy(null) === false) account.row.positionMode = positionMode;
    }
  }

  private onMove(market: Market): void {
    this.triggers.onMove(market);
    for (const account of this.accounts.values()) this.liquidation.check(account, market);
  }

  /** Runs a change and writes it, also when it was refused half way: what happened until then has happened. */
  private durably<T>(change: () => T): T {
    try {
      return change();
    } finally {
      if (!this.changes.isEmpty) this.commit();
    }
  }

  private commit(): void {
    this.store.append(this.changes.take(this.replayPositions()));
    if (this.store.wantsSnapshot) this.saveAll();
    const events = this.changes.takeEvents();
    if (events.length > 0) this.onEvents(events);
  }

  private replayPositions(): Record<string, ReplayPosition> {
    return Object.fromEntries([...this.markets.values()].map(({ symbol, replay }) => [symbol, replay.position]));
  }
}
