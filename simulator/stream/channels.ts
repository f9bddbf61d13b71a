/** Subscriptions on a v2 socket: what is taken, and what is refused in which words. */
import type { Exchange } from '../exchange/exchange.ts';
import { channelKey, type ChannelArgument, type StreamClient } from './client.ts';
import { PRIVATE_CHANNELS, type PrivateFeed } from './private-feed.ts';
import { PUBLIC_CHANNELS, type PublicFeed } from './public-feed.ts';
import type { Subscriptions } from './sockets.ts';

export class Channels implements Subscriptions {
  private readonly exchange: Exchange;
  private readonly publicFeed: PublicFeed;
  private readonly privateFeed: PrivateFeed;

  constructor(exchange: Exchange, publicFeed: PublicFeed, privateFeed: PrivateFeed) {
    this.exchange = exchange;
    this.publicFeed = publicFeed;
    this.privateFeed = privateFeed;
  }

  subscribe(client: StreamClient, values: readonly Record<string, unknown>[]): void {
    for (const value of values) {
      const argument = value as unknown as ChannelArgument;
      const refusal = this.refuse(client, argument);
      if (refusal === null) this.accept(client, argument);
      else client.sendJson({ event: 'error', arg: argument, ...refusal, op: 'subscribe' });
    }
  }

  unsubscribe(client: StreamClient, values: readonly Record<string, unknown>[]): void {
    for (const value of values) {
      const argument = value as unknown as ChannelArgument;
      client.channels.delete(channelKey(argument));
      if (!client.isPrivate) this.publicFeed.unsubscribe(client, argument);
      client.sendJson({ event: 'unsubscribe', arg: argument });
    }
  }

  forget(client: StreamClient): void {
    for (const argument of client.channels.values()) this.publicFeed.unsubscribe(client, argument);
  }

  private accept(client: StreamClient, argument: ChannelArgument): void {
    client.channels.set(channelKey(argument), argument);
    client.sendJson({ event: 'subscribe', arg: argument });
    if (client.isPrivate) this.privateFeed.subscribed(client, argument);
    else this.publicFeed.subscribe(client, argument);
  }

  private refuse(client: StreamClient, argument: ChannelArgument): { code: number; msg: string } | null {
    const { instType, channel, instId } = argument;
    if (client.isPrivate) {
      if (client.account === null) return { code: 30004, msg: 'User not logged in / User must be connected' };
      return PRIVATE_CHANNELS.has(channel) ? null : { code: 30016, msg: 'Param error' };
    }
    if (!PUBLIC_CHANNELS.has(channel)) return { code: 30016, msg: 'Param error' };
    if (instId !== undefined && this.exchange.markets.has(instId)) return null;
    return {
      code: 30001,
      msg: `instType:${instType},channel:${channel},instId:${instId},precision:null doesn't exist`,
    };
  }
}
