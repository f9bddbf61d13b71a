/** Subscribing on a v3 socket: what is taken, what is refused and in which words, and when the venue just hangs up. */
import type { Exchange } from '../exchange/exchange.ts';
import type { StreamClient } from './client.ts';
import { topicKey, UNIFIED_ACCOUNT, type Topic } from './unified-client.ts';
import { UNIFIED_PRIVATE_TOPICS, type UnifiedPrivateFeed } from './unified-private-feed.ts';
import { UNIFIED_PUBLIC_TOPICS, type UnifiedPublicFeed } from './unified-public-feed.ts';

/** Probed: the connection is dropped after one frame with that many `books` arguments, 20 work. */
const BOOKS_IN_A_FRAME_MAX = 24;

interface Refused {
  readonly code: number;
  readonly msg: string;
}

export class UnifiedTopics {
  readonly privateFeed: UnifiedPrivateFeed;
  private readonly exchange: Exchange;
  private readonly publicFeed: UnifiedPublicFeed;

  constructor(exchange: Exchange, publicFeed: UnifiedPublicFeed, privateFeed: UnifiedPrivateFeed) {
    this.exchange = exchange;
    this.publicFeed = publicFeed;
    this.privateFeed = privateFeed;
  }

  subscribe(client: StreamClient, values: readonly Record<string, unknown>[]): void {
    const topics = values.map((value) => value as unknown as Topic);
    if (topics.filter(({ topic }) => topic === 'books').length > BOOKS_IN_A_FRAME_MAX) return client.socket.terminate();
    for (const topic of topics) {
      const refused = this.refuse(client, topic);
      if (refused === null) this.accept(client, topic);
      else client.sendJson({ event: 'error', ...refused, connId: client.connectionId });
    }
  }

  unsubscribe(client: StreamClient, values: readonly Record<string, unknown>[]): void {
    for (const value of values) {
      const topic = value as unknown as Topic;
      client.topics.delete(topicKey(topic));
      this.publicFeed.unsubscribe(client, topic);
      client.sendJson({ event: 'unsubscribe', arg: topic });
    }
  }

  forget(client: StreamClient): void {
    for (const topic of client.topics.values()) this.publicFeed.unsubscribe(client, topic);
  }

  private accept(client: StreamClient, topic: Topic): void {
    client.topics.set(topicKey(topic), topic);
    client.sendJson({ event: 'subscribe', arg: topic });
    if (client.isPrivate) this.privateFeed.subscribed(client, topic);
    else this.publicFeed.subscribe(client, topic);
  }

  private refuse(client: StreamClient, { instType, topic, symbol }: Topic): Refused | null {
    if (client.isPrivate) {
      if (client.account === null) return { code: 30004, msg: 'User not logged in / User must be connected' };
      const isKnown = instType === UNIFIED_ACCOUNT && UNIFIED_PRIVATE_TOPICS.has(topic);
      return isKnown ? null : { code: 30016, msg: 'Param error' };
    }
    if (!UNIFIED_PUBLIC_TOPICS.has(topic)) return { code: 30016, msg: 'Param error' };
    if (topic === 'liquidation' || (symbol !== undefined && this.exchange.markets.has(symbol))) return null;
    return { code: 30001, msg: `${JSON.stringify({ instType, symbol, topic })} doesn't exist` };
  }
}
