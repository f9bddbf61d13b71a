/** Private channels: `orders`, `fill`, `positions`, `account`, each pushed to the sockets of one account. */
import type { Account } from '../exchange/account.ts';
import type { Exchange, OrderEvent } from '../exchange/exchange.ts';
import { accountPush, fillAnswer, orderPush, positionPush, positionRows, PRODUCT_TYPE } from '../exchange/wire.ts';
import { channelKey, type ChannelArgument, type StreamClient } from './client.ts';

export const PRIVATE_CHANNELS: ReadonlySet<string> = new Set(['orders', 'fill', 'positions', 'account', 'orders-algo']);

/** The venue addresses private channels by `instId` default, the account channel by `coin` default. */
function argumentOf(channel: string): ChannelArgument {
  const base = { instType: PRODUCT_TYPE, channel };
  return channel === 'account' ? { ...base, coin: 'default' } : { ...base, instId: 'default' };
}

const ORDERS = argumentOf('orders');
const FILL = argumentOf('fill');
const POSITIONS = argumentOf('positions');
const ACCOUNT = argumentOf('account');

export class PrivateFeed {
  private readonly exchange: Exchange;
  private readonly clients: ReadonlySet<StreamClient>;
  private readonly nowMs: () => number;

  constructor(exchange: Exchange, clients: ReadonlySet<StreamClient>, nowMs: () => number) {
    this.exchange = exchange;
    this.clients = clients;
    this.nowMs = nowMs;
  }

  /** Positions and balance are sent at once; orders and fills only as they happen. */
  subscribed(client: StreamClient, argument: ChannelArgument): void {
    const account = this.exchange.accounts.get(client.account ?? '');
    if (account === undefined || argument.instType !== PRODUCT_TYPE) return;
    if (argument.channel === 'positions') client.send(this.positionsMessage(account));
    if (argument.channel === 'account') client.send(this.accountMessage(account));
  }

  /** One message for each order state and each fill, in order; then the position and balance they led to. */
  push(events: readonly OrderEvent[]): void {
    const changed = new Map<Account, boolean>();
    for (const { account, order, fill } of events) {
      changed.set(account, changed.get(account) === true || fill !== null);
      const { instrument } = this.exchange.marketOf(order.symbol);
      this.send(account, ORDERS, () => this.message(ORDERS, [orderPush(order, fill, instrument)]));
      if (fill !== null) this.send(account, FILL, () => this.message(FILL, [fillAnswer(fill, instrument)]));
    }
    for (const [account, filled] of changed) {
      if (filled) this.send(account, POSITIONS, () => this.positionsMessage(account));
      this.send(account, ACCOUNT, () => this.accountMessage(account));
    }
  }

  private send(account: Account, argument: ChannelArgument, create: () => string): void {
    const key = channelKey(argument);
    let text: string | null = null;
    for (const client of this.clients) {
      if (client.account !== account.name || !client.channels.has(key)) continue;
      text ??= create();
      client.send(text);
    }
  }

  private positionsMessage(account: Account): string {
    const rows = positionRows(account, this.exchange.markets);
    return this.message(
      POSITIONS,
      rows.map(({ symbol, position, market }) => positionPush(account, symbol, position, market)),
    );
  }

  private accountMessage(account: Account): string {
    return this.message(ACCOUNT, [accountPush(account, this.exchange.markets)]);
  }

  private message(arg: ChannelArgument, data: readonly object[]): string {
    return JSON.stringify({ action: 'snapshot', arg, data, ts: this.nowMs() });
  }
}
