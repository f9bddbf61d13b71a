/**
 * Market data messages as the venue sent them, in the forms that its two protocols have today. The long recording is of
 * 2022 and carries a CRC-32 with every update; its levels with `seq` and `pseq` in the place of the checksum are what the
 * venue sends now. Beside it the desk's own recording of another venue, a tenth of a second a frame, in the same form.
 */
import { formatPrice, formatQty, type Instrument } from '../../core/market/instrument.ts';
import type { PriceTicks, QtyLots } from '../../core/money/money.ts';
import { MarketReplay } from '../../core/recording/market-replay.ts';
import { instrument, ndjson, recordingAsV2, type Message } from '../../test/gateway/bitget-stream/samples.ts';
import { recordingOf } from './recorded-books.ts';

export interface MessageSet {
  readonly protocol: 'classic' | 'unified';
  readonly topic: 'books' | 'trades' | 'ticker';
  readonly instruments: readonly Instrument[];
  /** Frames in their order; a book begins with its snapshot. */
  readonly texts: readonly string[];
}

type Row = Readonly<Record<string, unknown>>;

/** Frames of the desk's own recording, and the recorded time between two. */
const OWN_FRAMES = 400;
const OWN_EVERY_MS = 100;
/** A single capture stands for a stream of its kind. */
const REPEATS = 200;
const DASH = instrument('DASHUSDT', '0.01', '0.01');
const UNI = instrument('UNIUSDT', '0.001', '1');
/** v1 and v2 name a channel so. */
const CHANNELS = { books: 'books', trades: 'trade', ticker: 'ticker' } as const;
const TOPICS = { books: 'books', trades: 'publicTrade', ticker: 'ticker' } as const;

export const MESSAGE_SETS: Readonly<Record<string, MessageSet>> = {
  'v2 books, crc32': recorded('classic', 'books', (row) => row),
  'v2 books, sequence chain': recorded('classic', 'books', chained()),
  'v3 books, sequence chain': recorded('unified', 'books', chained()),
  'v2 books of the own recording': ownRecording(),
  'v2 trades': recorded('classic', 'trades', (row) => row),
  'v3 trades': recorded('unified', 'trades', (row) => row),
  'v2 ticker': captured('classic', 'ws-v2-futures-captures-tardis.ndjson', instrument('STORJUSDT', '0.0001', '0.1')),
  'v3 ticker': captured('unified', 'ws-v3-futures-captures-tardis.ndjson', instrument('BTCUSDT', '0.1', '0.0001')),
};

/** BTCUSDT of 2024 as v2 book frames: a snapshot, then what changed in each tenth of a second. */
export function ownRecording(): MessageSet {
  const { instrument: of, recording } = recordingOf('BTCUSDT');
  const changed = { buy: new Map<PriceTicks, number>(), sell: new Map<PriceTicks, number>() };
  const replay = new MarketReplay(recording, {
    onLevel: (side, price, _before, after) => void changed[side].set(price, after),
    onTrade() {},
  });
  const levelsOf = (side: 'buy' | 'sell'): string[][] =>
    // Best first, as the venue lists them.
    [...changed[side]]
      .sort(([a], [b]) => (side === 'buy' ? b - a : a - b))
      .map(([price, lots]) => [formatPrice(price, of), formatQty(lots as QtyLots, of)]);
  const arg = { instType: 'USDT-FUTURES', channel: 'books', instId: of.symbol };
  const texts: string[] = [];
  for (let seq = 1; texts.length < OWN_FRAMES; replay.advance(OWN_EVERY_MS)) {
    if (changed.buy.size + changed.sell.size === 0) continue;
    const ts = Math.round(recording.startedAtMs + replay.position.lapAtMs);
    const [bids, asks] = [levelsOf('buy'), levelsOf('sell')];
    const isFirst = texts.length === 0;
    const row = { asks, bids, ts: String(ts), seq, pseq: isFirst ? 0 : seq - 1 };
    texts.push(JSON.stringify({ action: isFirst ? 'snapshot' : 'update', arg, data: [row], ts: ts + 1 }));
    seq += 1;
    changed.buy.clear();
    changed.sell.clear();
  }
  return { protocol: 'classic', topic: 'books', instruments: [of], texts };
}

function recorded(
  protocol: MessageSet['protocol'],
  topic: 'books' | 'trades',
  change: (row: Row, message: Message) => Row,
  instruments: readonly Instrument[] = [DASH, UNI],
): MessageSet {
  const symbols = instruments.map(({ symbol }) => symbol);
  const texts = recordingAsV2()
    .filter(({ arg }) => arg.channel === CHANNELS[topic] && symbols.includes(arg.instId as string))
    .map((message) => {
      const rows = (message.data as Row[]).map((row) => change(row, message));
      if (protocol === 'classic') return JSON.stringify({ ...message, data: rows });
      const arg = { instType: 'usdt-futures', topic: TOPICS[topic], symbol: message.arg.instId };
      return JSON.stringify({ ...message, arg, data: rows.map(topic === 'books' ? unifiedBook : unifiedTrade) });
    });
  return { protocol, topic, instruments, texts };
}

function captured(protocol: MessageSet['protocol'], file: string, of: Instrument): MessageSet {
  const found = ndjson<Message>(file).find(
    ({ arg, event }) => event === undefined && (arg.channel ?? arg.topic) === 'ticker' && symbolOf(arg) === of.symbol,
  );
  if (found === undefined) throw new Error(`${file}: expected a ticker of ${of.symbol}, was missing`);
  const texts = Array.from({ length: REPEATS }, () => JSON.stringify(found));
  return { protocol, topic: 'ticker', instruments: [of], texts };
}

/** Takes the checksum out and numbers the messages of each symbol. */
function chained(): (row: Row, message: Message) => Row {
  const newest = new Map<unknown, number>();
  return ({ asks, bids, ts }, { arg, action }) => {
    const pseq = action === 'snapshot' ? 0 : (newest.get(arg.instId) ?? 0);
    const seq = (newest.get(arg.instId) ?? 427_583_461_144) + 105;
    newest.set(arg.instId, seq);
    return { asks, bids, ts, seq, pseq };
  };
}

function unifiedBook({ asks, bids, ts, seq, pseq }: Row): Row {
  return { a: asks, b: bids, seq, pseq, ts, maxdepth: '1000' };
}

function unifiedTrade({ tradeId, price, size, side, ts }: Row): Row {
  return { i: tradeId, p: price, v: size, S: side, T: ts, L: tradeId, isRPI: 'no' };
}

function symbolOf(arg: Row): unknown {
  return arg.instId ?? arg.symbol;
}
