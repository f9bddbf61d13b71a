/** Private topics of v3: `order`, `fill`, `position`, `account`, `strategy-order`, each pushed to the sockets of one account. */
import type { Account } from '../exchange/account.ts';
import type { ExchangeEvent } from '../exchange/changes.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { figuresOf, openPositions } from '../exchange/margin.ts';
import type { ClosedPositionRow } from '../exchange/rows.ts';
import { unifiedAccountPush, unifiedPositionEnd, unifiedPositionPush } from '../rest/unified-holdings.ts';
import { unifiedFillPush, unifiedOrderPush, unifiedStrategyPush } from '../rest/unified-wire.ts';
import type { StreamClient } from './client.ts';
import { topicKey, UNIFIED_ACCOUNT, type Topic } from './unified-client.ts';

export const UNIFIED_PRIVATE_TOPICS: ReadonlySet<string> = new Set([
  'order',
  'fill',
  'position',
  'account',
  'strategy-order',
]);

/** What a batch of events did to an account's positions. */
interface Outcome {
  movesPosition: boolean;
  readonly ended: ClosedPositionRow[];
}

export class UnifiedPrivateFeed {
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

  /** Positions and balance are sent at once; orders, fills and strategies only as they happen. */
  subscribed(client: StreamClient, { topic }: Topic): void {
    const account = this.exchange.accounts.get(client.account ?? '');
    if (account === undefined) return;
    if (topic === 'position') client.send(this.message('position', this.positionRows(account), 'snapshot'));
    if (topic === 'account') client.send(this.message('account', this.accountRows(account), 'snapshot'));
  }

  /** One message for each order state, fill and strategy, in order; then the positions and balance they led to. */
  push(events: readonly ExchangeEvent[]): void {
    const outcomes = new Map<Account, Outcome>();
    for (const event of events) {
      const { account } = event;
      if (account.profile?.kind !== 'unified') continue;
      const outcome = outcomes.get(account) ?? { movesPosition: false, ended: [] };
      outcomes.set(account, outcome);
      if (event.kind === 'account' || (event.kind === 'order' && event.fill !== null)) outcome.movesPosition = true;
      if (event.kind === 'position_closed') outcome.ended.push(event.position);
      else this.pushEvent(event);
    }
    for (const [account, outcome] of outcomes) this.pushOutcome(account, outcome);
  }

  private pushEvent(event: ExchangeEvent): void {
    const { account } = event;
    if (event.kind === 'order') {
      const { order, fill } = event;
      const { instrument } = this.exchange.marketOf(order.symbol);
      this.send(account, 'order', () => [unifiedOrderPush(order, instrument)]);
      if (fill !== null) this.send(account, 'fill', () => [unifiedFillPush(fill, instrument)]);
    }
    if (event.kind === 'trigger') {
      const { instrument } = this.exchange.marketOf(event.trigger.symbol);
      this.send(account, 'strategy-order', () => [unifiedStrategyPush(account, event.trigger, instrument)]);
    }
  }

  /** Positions that ended are told once, flat; afterwards they are simply not listed. */
  private pushOutcome(account: Account, { movesPosition, ended }: Outcome): void {
    const rows = () => [
      ...ended.map((closed) => unifiedPositionEnd(closed, this.exchange.marketOf(closed.symbol))),
      ...this.positionRows(account),
    ];
    if (movesPosition && (ended.length > 0 || account.hasPosition)) this.send(account, 'position', rows, 'update');
    this.send(account, 'account', () => this.accountRows(account));
  }

  private send(
    account: Account,
    topic: string,
    rows: () => object[],
    action: 'snapshot' | 'update' = 'snapshot',
  ): void {
    const key = topicKey({ instType: UNIFIED_ACCOUNT, topic });
    let text: string | null = null;
    for (const client of this.clients) {
      if (client.account !== account.name || !client.topics.has(key)) continue;
      text ??= this.message(topic, rows(), action);
      client.send(text);
    }
  }

  private positionRows(owner: Account): object[] {
    const account = this.told(owner);
    const figures = figuresOf(account, this.exchange.markets);
    return openPositions(account, this.exchange.markets).map((open) => unifiedPositionPush(account, open, figures));
  }

  private accountRows(account: Account): object[] {
    return [unifiedAccountPush(account, this.exchange.markets)];
  }

  private message(topic: string, data: readonly object[], action: 'snapshot' | 'update'): string {
    const arg: Topic = { instType: UNIFIED_ACCOUNT, topic };
    return JSON.stringify({ action, arg, data, ts: this.nowMs() });
  }
}
