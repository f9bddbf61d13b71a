/** Private channels of v2: orders, triggers, fills, positions and balance, each pushed to the sockets of one account. */
import { accountPush, closedPositionPush, positionPushes } from '../exchange/account-wire.ts';
import type { Account } from '../exchange/account.ts';
import type { ExchangeEvent } from '../exchange/changes.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { triggerPush } from '../exchange/trigger-wire.ts';
import { fillAnswer, orderPush, PRODUCT_TYPE } from '../exchange/wire.ts';
import { channelKey, type ChannelArgument, type StreamClient } from './client.ts';

export const PRIVATE_CHANNELS: ReadonlySet<string> = new Set([
  'orders',
  'orders-algo',
  'fill',
  'positions',
  'positions-history',
  'account',
]);

/** The venue addresses private channels by `instId` default, the account channel by `coin` default. */
function argumentOf(channel: string): ChannelArgument {
  const base = { instType: PRODUCT_TYPE, channel };
  return channel === 'account' ? { ...base, coin: 'default' } : { ...base, instId: 'default' };
}

const ORDERS = argumentOf('orders');
const ORDERS_ALGO = argumentOf('orders-algo');
const FILL = argumentOf('fill');
const POSITIONS = argumentOf('positions');
const POSITIONS_HISTORY = argumentOf('positions-history');
const ACCOUNT = argumentOf('account');

export class PrivateFeed {
  private readonly exchange: Exchange;
  private readonly clients: ReadonlySet<StreamClient>;
  private readonly nowMs: () => number;
  private readonly told: (account: Account) => Account;

  /** `told` is the account as its positions are shown: the true one, unless a fault says otherwise. */
  constructor(
    exchange: Exchange,
    clients: ReadonlySet<StreamClient>,
    nowMs: () => number,
    told: (account: Account) => Account,
  ) {
    this.exchange = exchange;
    this.clients = clients;
    this.nowMs = nowMs;
    this.told = told;
  }

  /** Positions and balance are sent at once; the rest only as it happens. */
  subscribed(client: StreamClient, argument: ChannelArgument): void {
    const account = this.exchange.accounts.get(client.account ?? '');
    if (account === undefined || argument.instType !== PRODUCT_TYPE) return;
    if (argument.channel === 'positions') client.send(this.message(POSITIONS, this.positionRows(account)));
    if (argument.channel === 'account') client.send(this.message(ACCOUNT, this.accountRows(account)));
  }

  /** One message for each order state, fill and trigger, in order; then the positions and balance they led to. */
  push(events: readonly ExchangeEvent[]): void {
    const changed = new Map<Account, boolean>();
    for (const event of events) {
      const { account } = event;
      const movesPosition = event.kind === 'account' || (event.kind === 'order' && event.fill !== null);
      changed.set(account, changed.get(account) === true || movesPosition);
      this.pushEvent(event);
    }
    for (const [account, movesPosition] of changed) {
      if (movesPosition) this.send(account, POSITIONS, () => this.positionRows(account));
      this.send(account, ACCOUNT, () => this.accountRows(account));
    }
  }

  private pushEvent(event: ExchangeEvent): void {
    const { account } = event;
    switch (event.kind) {
      case 'order': {
        const { order, fill } = event;
        const { instrument } = this.exchange.marketOf(order.symbol);
        this.send(account, ORDERS, () => [orderPush(order, fill, instrument)]);
        if (fill !== null) this.send(account, FILL, () => [fillAnswer(fill, instrument)]);
        return;
      }
      case 'trigger': {
        const { instrument } = this.exchange.marketOf(event.trigger.symbol);
        this.send(account, ORDERS_ALGO, () => [triggerPush(event.trigger, account, instrument)]);
        return;
      }
      case 'position_closed': {
        const market = this.exchange.marketOf(event.position.symbol);
        this.send(account, POSITIONS_HISTORY, () => [closedPositionPush(event.position, market)]);
        return;
      }
      case 'account':
        return;
    }
  }

  private send(account: Account, argument: ChannelArgument, rows: () => readonly object[]): void {
    const key = channelKey(argument);
    let text: string | null = null;
    for (const client of this.clients) {
      if (client.account !== account.name || !client.channels.has(key)) continue;
      text ??= this.message(argument, rows());
      client.send(text);
    }
  }

  private positionRows(account: Account): readonly object[] {
    return positionPushes(this.told(account), this.exchange.markets);
  }

  private accountRows(account: Account): readonly object[] {
    return [accountPush(account, this.exchange.markets)];
  }

  private message(arg: ChannelArgument, data: readonly object[]): string {
    return JSON.stringify({ action: 'snapshot', arg, data, ts: this.nowMs() });
  }
}
