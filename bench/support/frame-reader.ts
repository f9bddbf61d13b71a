/** The gateway's way of a frame without the socket below it: text, message, channel, sink. */
import type { Instrument } from '../../core/market/instrument.ts';
import { Listener } from '../../gateway/bitget/stream/listener.ts';
import { BookChannel, TickerChannel, TradesChannel } from '../../gateway/bitget/stream/market-channels.ts';
import { channelKey, PROTOCOLS } from '../../gateway/bitget/stream/protocol.ts';
import type { SharedChannel } from '../../gateway/bitget/stream/shared-channel.ts';
import type { DataFrame } from '../../gateway/bitget/stream/subscriptions.ts';
import { STREAM_TIMING } from '../../gateway/bitget/stream/timing.ts';
import type { AccountKind } from '../../gateway/bitget/dialect.ts';
import type { MarketSink } from '../../gateway/venue.ts';

/** Channels of `instruments`, subscribed, that tell `sink`. */
export function frameReader(
  kind: AccountKind,
  instruments: readonly Instrument[],
  sink: MarketSink,
): (text: string) => void {
  const protocol = PROTOCOLS[kind];
  const channels = new Map<string, SharedChannel>();
  for (const instrument of instruments) {
    const book = new BookChannel(protocol, instrument, STREAM_TIMING);
    const listener = new Listener(instrument, sink, null);
    for (const channel of [
      book,
      new TradesChannel(protocol, instrument),
      new TickerChannel(protocol, instrument, STREAM_TIMING, book),
    ]) {
      channel.join(listener);
      channel.acknowledged();
      channels.set(channelKey(channel.arg), channel);
    }
  }
  return (text) => {
    const message = JSON.parse(text) as DataFrame;
    const channel = channels.get(channelKey(message.arg));
    if (channel === undefined) throw new Error(`no channel for ${text.slice(0, 120)}`);
    channel.frame(message, text);
  };
}
