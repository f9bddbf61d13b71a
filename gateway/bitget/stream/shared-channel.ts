/**
 * What all channels have in common: several streams may listen to one, each is told when it comes up and goes down, and
 * one that joins late is told where it stands.
 */
import { BookFault } from './book.ts';
import type { ChannelArg } from './protocol.ts';
import type { Listener, Topic } from './listener.ts';
import type { Channel, DataFrame } from './subscriptions.ts';
import { VenueMalformed } from '../../venue.ts';

export abstract class SharedChannel implements Channel {
  readonly arg: ChannelArg;
  readonly topic: Topic;
  readonly listeners = new Set<Listener>();
  quietMsMax = Infinity;
  isUp = false;

  constructor(topic: Topic, arg: ChannelArg) {
    this.topic = topic;
    this.arg = arg;
  }

  join(listener: Listener): void {
    this.listeners.add(listener);
    if (this.isUp) listener.cameUp(this.topic);
  }

  abstract acknowledged(): void;

  frame(frame: DataFrame, text: string): void {
    try {
      this.read(frame, text);
    } catch (error) {
      if (error instanceof VenueMalformed) this.count(error);
      throw error;
    }
  }

  lost(reason: string, _disconnected: boolean): void {
    this.isUp = false;
    for (const listener of this.listeners) listener.wentDown(this.topic, reason);
  }

  protected abstract read(frame: DataFrame, text: string): void;

  protected comeUp(): void {
    if (this.isUp) return;
    this.isUp = true;
    for (const listener of this.listeners) listener.cameUp(this.topic);
  }

  private count(error: VenueMalformed): void {
    const kind = error instanceof BookFault ? error.kind : 'malformed';
    for (const { tallies } of this.listeners) {
      if (kind === 'gap') tallies.bookGaps += 1;
      else if (kind === 'checksum') tallies.bookChecksumFailures += 1;
      else tallies.malformed += 1;
    }
  }
}
