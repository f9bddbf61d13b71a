/**
 * Trigger orders in their two families: plan orders (`normal_plan`, `track_plan`) become orders when a price is reached;
 * stops and take-profits (`profit_plan`, `loss_plan`, `moving_plan`, `pos_profit`, `pos_loss`) close a position and go with it.
 *
 * live -> executed: the price came and the order was created; -> fail_execute: it came and the order was refused;
 * -> cancelled: by request, or because the position it belongs to is gone.
 */
import { closesLeg, type Leg, type MarginMode } from '../../core/accounting/legs.ts';
import type { PriceTicks, QtyLots } from '../../core/money/money.ts';
import { notional } from '../../core/money/money.ts';
import type { Side } from '../../core/orders/order-intent.ts';
import type { Account } from './account.ts';
import type { Changes } from './changes.ts';
import { directionOf } from './margin.ts';
import type { Market } from './market.ts';
import type { Matching } from './matching.ts';
import { Refusal, refuse } from './refusal.ts';
import {
  coversPosition,
  isTpsl,
  type OrderForce,
  type OrderRow,
  type PlanKind,
  type Preset,
  type TpslKind,
  type TriggerRow,
  type TriggerSource,
} from './rows.ts';
import { checkTpslPrice, isDue, planDirection, rangeOf, tpslDirection } from './trigger-rules.ts';

export interface PlanRequest {
  readonly kind: PlanKind;
  readonly symbol: string;
  readonly clientOid: string | null;
  readonly leg: Leg;
  /** Direction of the trade. */
  readonly side: Side;
  /** Asked for in one-way mode; in hedge mode the leg and the side decide. */
  readonly reduceOnly: boolean;
  readonly marginMode: MarginMode;
  readonly triggerPrice: PriceTicks;
  readonly source: TriggerSource;
  /** 0 is the market. */
  readonly executePrice: PriceTicks;
  readonly qty: QtyLots;
  /** For `track_plan` alone, in millionths. */
  readonly callbackE6: number | null;
  readonly takeProfit: Preset | null;
  readonly stopLoss: Preset | null;
}

export interface TpslRequest {
  readonly kind: TpslKind;
  readonly symbol: string;
  readonly clientOid: string | null;
  /** The position that it closes. */
  readonly direction: 'long' | 'short';
  readonly triggerPrice: PriceTicks;
  readonly source: TriggerSource;
  /** 0 is the market. */
  readonly executePrice: PriceTicks;
  /** 0 for the kinds that cover the whole position. */
  readonly qty: QtyLots;
  /** For `moving_plan` alone, in millionths. */
  readonly callbackE6: number | null;
}

/** What may change about a trigger; what is absent stays. */
export type TriggerChange = Partial<
  Pick<TriggerRow, 'triggerPrice' | 'source' | 'executePrice' | 'qty' | 'callbackE6' | 'takeProfit' | 'stopLoss'>
>;

export class TriggerBook {
  private readonly matching: Matching;
  private readonly changes: Changes;
  private readonly nowMs: () => number;
  /** Triggers that wait, by symbol. */
  private readonly waiting = new Map<string, Map<TriggerRow, Account>>();

  constructor(matching: Matching, changes: Changes, nowMs: () => number) {
    this.matching = matching;
    this.changes = changes;
    this.nowMs = nowMs;
  }

  restore(account: Account): void {
    for (const trigger of account.waiting.values()) this.waitingOf(trigger.symbol).set(trigger, account);
  }

  /** Throws `Refusal` when it is not created. */
  placePlan(account: Account, request: PlanRequest): TriggerRow {
    const market = this.matching.marketOf(request.symbol);
    this.checkName(account, request.clientOid);
    const { leg, side } = request;
    if ((leg === 'net') !== (account.row.positionMode === 'one_way')) throw refuse.wrongPositionMode();
    const reduceOnly = leg === 'net' ? request.reduceOnly : closesLeg(leg, side);
    checkSize(market, request.executePrice || request.triggerPrice, request.qty, reduceOnly);
    return this.add(account, {
      ...request,
      reduceOnly,
      force: 'gtc',
      direction: planDirection(market, request.source, request.triggerPrice),
      parentOrderId: null,
    });
  }

  /** Throws `Refusal` when it is not created: without a position there is nothing to protect. */
  placeTpsl(account: Account, request: TpslRequest, parentOrderId: number | null = null): TriggerRow {
    const market = this.matching.marketOf(request.symbol);
    this.checkName(account, request.clientOid);
    const { kind, direction: closes, symbol, qty } = request;
    const leg: Leg = account.row.positionMode === 'one_way' ? 'net' : closes;
    const position = account.position(symbol, leg);
    if (position === undefined || position.qty === 0 || directionOf(position) !== closes) {
      throw refuse.noPositionToProtect();
    }
    if (coversPosition(kind)) this.checkSingle(account, symbol, leg, kind);
    else checkPart(qty, Math.abs(position.qty));
    if (parentOrderId === null) checkTpslPrice(market, kind, closes, request.source, request.triggerPrice);
    return this.add(account, {
      ...request,
      qty: coversPosition(kind) ? (0 as QtyLots) : qty,
      leg,
      side: closes === 'long' ? 'sell' : 'buy',
      reduceOnly: true,
      marginMode: account.settings(symbol).marginMode,
      force: 'gtc',
      direction: tpslDirection(kind, closes),
      takeProfit: null,
      stopLoss: null,
      parentOrderId,
    });
  }

  /** Throws `Refusal` when it may not be changed so; then it stays as it was. */
  modify(account: Account, trigger: TriggerRow, change: TriggerChange): TriggerRow {
    const market = this.matching.marketOf(trigger.symbol);
    const changed = { ...trigger, ...change };
    if (isTpsl(trigger.kind)) {
      const closes = trigger.side === 'sell' ? 'long' : 'short';
      checkTpslPrice(market, trigger.kind, closes, changed.source, changed.triggerPrice);
      const held = Math.abs(account.positionLots(trigger.symbol, trigger.leg));
      if (!coversPosition(trigger.kind)) checkPart(changed.qty, held);
    } else {
      checkSize(market, changed.executePrice || changed.triggerPrice, changed.qty, trigger.reduceOnly);
      changed.direction = planDirection(market, changed.source, changed.triggerPrice);
    }
    // A new trigger price starts a trailing one over.
    if (changed.triggerPrice !== trigger.triggerPrice) changed.bestHalfTicks = null;
    Object.assign(trigger, changed, { updatedAtMs: this.nowMs() });
    this.changes.trigger(account, trigger);
    return trigger;
  }

  cancel(account: Account, trigger: TriggerRow): void {
    this.end(account, trigger, 'cancelled');
  }

  /** Called when the market moved: sets off what is due. */
  onMove(market: Market): void {
    const waiting = this.waiting.get(market.symbol);
    if (waiting === undefined || waiting.size === 0) return;
    for (const [trigger, account] of [...waiting]) {
      const range = rangeOf(market, trigger.source);
      if (trigger.status !== 'live' || range === null) continue;
      const before = trigger.bestHalfTicks;
      const due = isDue(trigger, range);
      if (trigger.bestHalfTicks !== before) this.changes.trailed(trigger);
      if (due) this.execute(account, trigger);
    }
  }

  /** Called after each fill: triggers of a position that is gone go with it, and presets of the order come to life. */
  onFilled(account: Account, order: OrderRow): void {
    const { symbol, leg } = order;
    const position = account.position(symbol, leg);
    for (const trigger of account.waiting.values()) {
      if (!isTpsl(trigger.kind) || trigger.symbol !== symbol || trigger.leg !== leg) continue;
      const closes = trigger.side === 'sell' ? 'long' : 'short';
      if (position === undefined || position.qty === 0 || directionOf(position) !== closes)
        this.cancel(account, trigger);
    }
    if (order.reduceOnly || position === undefined || position.qty === 0) return;
    if (directionOf(position) !== (order.side === 'buy' ? 'long' : 'short')) return;
    if (order.takeProfit !== null) this.attach(account, order, 'profit_plan', order.takeProfit);
    if (order.stopLoss !== null) this.attach(account, order, 'loss_plan', order.stopLoss);
  }

  /** Creates the order's own stop or take-profit, or lets it grow with the next fill. */
  private attach(account: Account, order: OrderRow, kind: 'profit_plan' | 'loss_plan', preset: Preset): void {
    const { symbol, leg, filled } = order;
    const held = Math.abs(account.positionLots(symbol, leg));
    const qty = Math.min(filled, held) as QtyLots;
    const own = [...account.waiting.values()].find(
      ({ parentOrderId, kind: ownKind }) => parentOrderId === order.id && ownKind === kind,
    );
    if (own === undefined) {
      const direction = order.side === 'buy' ? 'long' : 'short';
      const request = { kind, symbol, clientOid: null, direction, source: 'fill_price', callbackE6: null } as const;
      this.placeTpsl(account, { ...request, ...preset, qty }, order.id);
      return;
    }
    own.qty = qty;
    own.updatedAtMs = this.nowMs();
    this.changes.trigger(account, own);
  }

  private execute(account: Account, trigger: TriggerRow): void {
    // It is not live any more when its own fills close the position.
    this.waitingOf(trigger.symbol).delete(trigger);
    trigger.status = 'executed';
    try {
      trigger.executeOrderId = this.createOrder(account, trigger)?.id ?? null;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
    }
    this.end(account, trigger, trigger.executeOrderId === null ? 'fail_execute' : 'executed');
  }

  private createOrder(account: Account, trigger: TriggerRow): OrderRow | null {
    const { symbol, leg, kind, executePrice, qty, side, force, reduceOnly, takeProfit, stopLoss } = trigger;
    const held = Math.abs(account.positionLots(symbol, leg)) as QtyLots;
    if (isTpsl(kind) && executePrice === 0) return this.matching.force(account, symbol, leg, qty || held, kind);
    const request = {
      symbol,
      clientOid: null,
      side,
      orderType: executePrice === 0 ? 'market' : 'limit',
      force,
      reduceOnly,
      price: executePrice,
      qty: (isTpsl(kind) ? Math.min(qty || held, held) : qty) as QtyLots,
      leg,
      marginMode: trigger.marginMode,
      takeProfit,
      stopLoss,
    } as const;
    return this.matching.request(account, request, kind);
  }

  private add(
    account: Account,
    fields: Omit<
      TriggerRow,
      'id' | 'account' | 'clientOid' | 'bestHalfTicks' | 'status' | 'executeOrderId' | 'createdAtMs' | 'updatedAtMs'
    > & { readonly clientOid: string | null; readonly force: OrderForce },
  ): TriggerRow {
    const id = this.changes.takeId();
    const atMs = this.nowMs();
    const trigger: TriggerRow = {
      ...fields,
      id,
      account: account.name,
      clientOid: fields.clientOid ?? String(id),
      bestHalfTicks: null,
      status: 'live',
      executeOrderId: null,
      createdAtMs: atMs,
      updatedAtMs: atMs,
    };
    this.waitingOf(trigger.symbol).set(trigger, account);
    this.changes.trigger(account, trigger);
    return trigger;
  }

  private end(account: Account, trigger: TriggerRow, status: TriggerRow['status']): void {
    this.waitingOf(trigger.symbol).delete(trigger);
    trigger.status = status;
    trigger.updatedAtMs = this.nowMs();
    this.changes.trigger(account, trigger);
  }

  private checkName(account: Account, clientOid: string | null): void {
    if (clientOid === null) return;
    if (account.orderByClientOid(clientOid) !== undefined || account.triggerByClientOid(clientOid) !== undefined) {
      throw refuse.duplicateClientOid();
    }
  }

  private checkSingle(account: Account, symbol: string, leg: Leg, kind: TpslKind): void {
    const exists = [...account.waiting.values()].some(
      (other) => other.kind === kind && other.symbol === symbol && other.leg === leg,
    );
    if (exists) throw kind === 'pos_loss' ? refuse.stopLossExists() : refuse.takeProfitExists();
  }

  private waitingOf(symbol: string): Map<TriggerRow, Account> {
    const existing = this.waiting.get(symbol) ?? new Map<TriggerRow, Account>();
    this.waiting.set(symbol, existing);
    return existing;
  }
}

function checkPart(qty: number, held: number): void {
  if (qty <= 0) throw refuse.missing('size');
  if (qty > held) throw refuse.protectsTooMuch();
}

function checkSize({ instrument }: Market, price: PriceTicks, qty: QtyLots, reduceOnly: boolean): void {
  if (qty < instrument.qtyMinLots) throw refuse.qtyTooSmall(instrument.spec.qtyMin);
  if (!reduceOnly && notional(price, qty, instrument) < instrument.notionalMinE12) {
    throw refuse.notionalTooSmall(instrument.spec.notionalMin);
  }
}
