/**
 * What really happened, for tests to compare with what a client believes. Taken from the exchange's own rows and from the
 * order events since the process started, never from what was answered or pushed.
 */
import { formatPrice, formatQty } from '../../core/market/instrument.ts';
import { formatQuote } from '../../core/money/decimal.ts';
import type { Account } from '../exchange/account.ts';
import { checkExchange } from '../exchange/check-exchange.ts';
import type { ExchangeEvent } from '../exchange/changes.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { entryPrice, figuresOf, openPositions } from '../exchange/margin.ts';
import type { BillRow, FillRow, OrderRow } from '../exchange/rows.ts';
import { wireId } from '../exchange/wire.ts';
import { NOBODY, type CallerCounts, type Traffic } from './traffic.ts';

export interface TrueOrder {
  readonly orderId: string;
  readonly clientOid: string;
  readonly symbol: string;
  readonly side: 'buy' | 'sell';
  readonly orderType: 'limit' | 'market';
  readonly force: string;
  readonly reduceOnly: boolean;
  /** `net` in one-way mode, else the leg that it opens or closes. */
  readonly leg: 'net' | 'long' | 'short';
  /** Who made it: a request, an amendment, a trigger of that kind, or the exchange itself. */
  readonly cause: string;
  /** Decimals; the price of a market order is "". */
  readonly price: string;
  readonly size: string;
  readonly filled: string;
  readonly status: string;
  readonly cancelReason: string;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

export interface TrueFill {
  readonly tradeId: string;
  readonly orderId: string;
  readonly clientOid: string;
  readonly symbol: string;
  readonly side: 'buy' | 'sell';
  readonly price: string;
  readonly size: string;
  /** Positive when paid. */
  readonly fee: string;
  readonly liquidity: 'maker' | 'taker';
  readonly atMs: number;
}

export interface TruePosition {
  readonly symbol: string;
  readonly leg: 'net' | 'long' | 'short';
  /** Signed. */
  readonly qty: string;
  readonly entryPrice: string;
}

export interface TrueBill {
  readonly billId: string;
  readonly symbol: string;
  readonly businessType: string;
  readonly amount: string;
  /** Negative when it was paid. */
  readonly fee: string;
  readonly balance: string;
  readonly atMs: number;
}

export interface TrueAccount {
  readonly orders: TrueOrder[];
  readonly fills: TrueFill[];
  readonly positions: TruePosition[];
  readonly bills: TrueBill[];
  readonly cash: string;
  readonly equity: string;
  readonly available: string;
  /** Orders accepted in this process under each client order id that was accepted more than once; empty is right. */
  readonly acceptedMoreThanOnce: Record<string, number>;
  /** Orders accepted in this process. */
  readonly accepted: number;
  readonly duplicatesRefused: number;
  readonly requests: CallerCounts;
}

export interface Truth {
  /** The venue's clock. */
  readonly venueMs: number;
  readonly accounts: Record<string, TrueAccount>;
  /** Requests that carried no known key. */
  readonly strangers: CallerCounts;
  /** Where the exchange's own books do not agree with each other; empty is right. */
  readonly disagreements: string[];
}

export class TruthTeller {
  private readonly exchange: Exchange;
  private readonly traffic: Traffic;
  private readonly nowMs: () => number;
  /** Order ids by account and client order id: kept after the exchange has forgotten the order. */
  private readonly created = new Map<string, Map<string, Set<number>>>();

  constructor(exchange: Exchange, traffic: Traffic, nowMs: () => number) {
    this.exchange = exchange;
    this.traffic = traffic;
    this.nowMs = nowMs;
  }

  note(events: readonly ExchangeEvent[]): void {
    for (const event of events) {
      if (event.kind !== 'order') continue;
      const { account, order } = event;
      const ofAccount = this.created.get(account.name) ?? new Map<string, Set<number>>();
      this.created.set(account.name, ofAccount);
      const ids = ofAccount.get(order.clientOid) ?? new Set<number>();
      ofAccount.set(order.clientOid, ids.add(order.id));
    }
  }

  truth(): Truth {
    const accounts = [...this.exchange.accounts.values()];
    return {
      venueMs: this.nowMs(),
      accounts: Object.fromEntries(accounts.map((account) => [account.name, this.account(account)])),
      strangers: this.traffic.of(NOBODY),
      disagreements: checkExchange(this.exchange),
    };
  }

  /** Orders of all accounts, or of one, with that client order id. */
  orders(clientOid: string | null, account: string | null): (TrueOrder & { account: string })[] {
    return [...this.exchange.accounts.values()]
      .filter(({ name }) => account === null || name === account)
      .flatMap((owner) => [...owner.orders].map((order) => ({ ...this.order(order), account: owner.name })))
      .filter((order) => clientOid === null || order.clientOid === clientOid);
  }

  private account(account: Account): TrueAccount {
    const { equity, available } = figuresOf(account, this.exchange.markets);
    const created = [...(this.created.get(account.name) ?? [])];
    return {
      orders: [...account.orders].map((order) => this.order(order)),
      fills: account.fills.map((fill) => this.fill(fill)),
      positions: openPositions(account, this.exchange.markets).map(({ symbol, leg, position, market }) => ({
        symbol,
        leg,
        qty: formatQty(position.qty, market.instrument),
        entryPrice: entryPrice(position, market.instrument),
      })),
      bills: account.bills.map(trueBill),
      cash: formatQuote(account.row.cash),
      equity: formatQuote(equity),
      available: formatQuote(available),
      accepted: created.reduce((sum, [, ids]) => sum + ids.size, 0),
      acceptedMoreThanOnce: Object.fromEntries(
        created.filter(([, ids]) => ids.size > 1).map(([clientOid, ids]) => [clientOid, ids.size]),
      ),
      duplicatesRefused: this.traffic.duplicatesRefused(account.name),
      requests: this.traffic.of(account.name),
    };
  }

  private order(order: OrderRow): TrueOrder {
    const { instrument } = this.exchange.marketOf(order.symbol);
    const {
      clientOid,
      symbol,
      side,
      orderType,
      force,
      reduceOnly,
      leg,
      cause,
      status,
      cancelReason,
      createdAtMs,
      updatedAtMs,
    } = order;
    return {
      orderId: wireId(order.id),
      clientOid,
      symbol,
      side,
      orderType,
      force,
      reduceOnly,
      leg,
      cause,
      price: orderType === 'market' ? '' : formatPrice(order.price, instrument),
      size: formatQty(order.qty, instrument),
      filled: formatQty(order.filled, instrument),
      status,
      cancelReason,
      createdAtMs,
      updatedAtMs,
    };
  }

  private fill(fill: FillRow): TrueFill {
    const { instrument } = this.exchange.marketOf(fill.symbol);
    const { clientOid, symbol, side, liquidity, atMs } = fill;
    return {
      tradeId: wireId(fill.id),
      orderId: wireId(fill.orderId),
      clientOid,
      symbol,
      side,
      price: formatPrice(fill.price, instrument),
      size: formatQty(fill.qty, instrument),
      fee: formatQuote(fill.fee),
      liquidity,
      atMs,
    };
  }
}

function trueBill({ id, symbol, businessType, amount, feeBooked, balance, atMs }: BillRow): TrueBill {
  return {
    billId: wireId(id),
    symbol,
    businessType,
    amount: formatQuote(amount),
    fee: formatQuote(feeBooked),
    balance: formatQuote(balance),
    atMs,
  };
}
