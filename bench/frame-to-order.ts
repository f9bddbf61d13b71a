/**
 * From the text of a book frame to the signed order at the transport, CPU only: no socket, no journal. Real frames, the bot
 * machine, an order on every book. Our way (stream code, gateway), ccxt's (its client and book, its `createOrder`) and ours
 * with the order made by hand, by turns in one run. The machine is the same in all of them.
 */
import { BotConfig } from '../core/bot/bot-config.ts';
import { BOOK_DEPTH, createBookFrame, type BookFrame } from '../core/market/book.ts';
import { formatPrice, formatQty, type Instrument } from '../core/market/instrument.ts';
import type { ApprovedIntent } from '../core/risk/decision.ts';
import type { MarketSink } from '../gateway/venue.ts';
import { ccxtSymbol, type CcxtBitget } from './support/ccxt-peer.ts';
import { ratio, report } from './support/figures.ts';
import { frameReader } from './support/frame-reader.ts';
import { handPlaceRequest } from './support/hand-order.ts';
import { bestOf, timed } from './support/passes.ts';
import { plainQuotes } from './support/plain-quotes.ts';
import { QuotingMachine } from './support/quoting-machine.ts';
import type { RecordedBooks } from './support/recorded-books.ts';
import { BENCH_KEYS, openCcxt, openVenue, UNLIMITED } from './support/recorded-places.ts';
import { ownRecording } from './support/wire-messages.ts';

const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 7);
/** Times that each pass goes through the recording. */
const LAPS = Number(process.env['BENCH_LAPS'] ?? 3);

const { instruments, texts } = ownRecording();
const instrument = instruments[0] as Instrument;

/** Reads a frame into the book it returns. */
type Read = (text: string) => BookFrame;
/** Places, and answers when the request was at the transport. */
type Place = (intent: ApprovedIntent) => Promise<number>;

function sinkInto(keep: { book: BookFrame }): MarketSink {
  const nothing = (): void => {};
  return { onBook: (book) => void (keep.book = book), onTrade: nothing, onTicker: nothing, onFunding: nothing, onConnector: nothing }; // prettier-ignore
}

function ourReader(): Read {
  const keep = { book: createBookFrame() };
  const read = frameReader('classic', [instrument], sinkInto(keep));
  return (text) => {
    read(text);
    return keep.book;
  };
}

/** ccxt's book has numbers: the machine's ticks and lots are made of its best levels, as a user of it would. */
function ccxtReader(exchange: CcxtBitget): Read {
  const client = exchange.client('wss://127.0.0.1:9');
  const symbol = ccxtSymbol(instrument.symbol);
  const [tick, lot] = [Number(instrument.spec.tick), Number(instrument.spec.lot)];
  const frame = createBookFrame();
  exchange.orderbooks = {};
  return (data) => {
    client.onMessage({ data });
    const book = exchange.orderbooks[symbol];
    if (book === undefined) throw new Error('ccxt kept no book');
    frame.venueAtMs = book.timestamp;
    frame.bidCount = Math.min(BOOK_DEPTH, book.bids.length);
    frame.askCount = Math.min(BOOK_DEPTH, book.asks.length);
    for (let i = 0; i < BOOK_DEPTH; i += 1) {
      const [[bid, bidSize], [ask, askSize]] = [book.bids[i] ?? [0, 0], book.asks[i] ?? [0, 0]];
      frame.bidTicks[i] = Math.round(bid / tick);
      frame.bidLots[i] = Math.round(bidSize / lot);
      frame.askTicks[i] = Math.round(ask / tick);
      frame.askLots[i] = Math.round(askSize / lot);
    }
    return frame;
  };
}

/** The recording as the machine is told of it: one frame for each text. */
function recordedFrames(): RecordedBooks {
  const read = ourReader();
  const frames = texts.map((text) => structuredClone(read(text)));
  const [first, last] = [frames[0] as BookFrame, frames.at(-1) as BookFrame];
  return { instrument, frames, lapMs: last.venueAtMs - first.venueAtMs + 1_000 };
}

/** On the recorded market; a quote may be replaced as soon as the next book comes. */
function configFor({ symbol }: Instrument): BotConfig {
  const config = plainQuotes();
  return BotConfig.parse({ ...config, symbol, strategy: { ...config.strategy, requoteMsMin: 50 } });
}

async function pass(quoting: QuotingMachine, startReader: () => Read, place: Place): Promise<number[]> {
  const { machine, effects } = quoting;
  const micros: number[] = [];
  for (let lap = 0; lap < LAPS; lap += 1) {
    const read = startReader();
    for (const text of texts) {
      const input = quoting.nextBook();
      nowMs = input.atMs;
      const startedAt = performance.now();
      input.book = read(text);
      // The texts are of one lap, the clock is not.
      input.book.venueAtMs = nowMs;
      machine.step(input, effects);
      const order = effects.list.find((effect) => effect.effect === 'place');
      if (order !== undefined) micros.push(((await place(order.intent)) - startedAt) * 1_000);
      quoting.withdraw();
    }
  }
  return micros;
}

let nowMs = 0;
const config = configFor(instrument);
const books = recordedFrames();
const { venue, transport } = await openVenue(instrument, () => nowMs, UNLIMITED);
const { exchange, transport: ccxtTransport } = await openCcxt(instrument);

const placeOurs: Place = async (intent) => {
  const answer = await venue.place(intent);
  if (answer.answer !== 'yes') throw new Error(`the order was answered with ${JSON.stringify(answer)}`);
  return transport.leftAt;
};
const placeByCcxt: Place = async ({ symbol, side, price, qty, clientOrderId }) => {
  const amount = Number(formatQty(qty, instrument));
  const limit = Number(formatPrice(price, instrument));
  const params = { clientOrderId, postOnly: true, marginMode: 'cross' };
  await exchange.createOrder(ccxtSymbol(symbol), 'limit', side, amount, limit, params);
  return ccxtTransport.leftAt;
};
const placeByHand: Place = async ({ symbol, price, qty, clientOrderId }) => {
  const [limit, size] = [formatPrice(price, instrument), formatQty(qty, instrument)];
  const request = handPlaceRequest(BENCH_KEYS, '127.0.0.1:9', symbol, limit, size, clientOrderId);
  if (request.length === 0) throw new Error('nothing was written');
  return performance.now();
};

const { ours, ccxt, oursSignedByHand, jsonParse } = await bestOf(
  {
    jsonParse: () => Array.from({ length: LAPS }, () => timed(texts, (text) => void JSON.parse(text))).flat(),
    oursSignedByHand: () => pass(new QuotingMachine(config, books), ourReader, placeByHand),
    ours: () => pass(new QuotingMachine(config, books), ourReader, placeOurs),
    ccxt: () => pass(new QuotingMachine(config, books), () => ccxtReader(exchange), placeByCcxt),
  },
  ROUNDS,
);
await venue.close();
report('frame-to-order', {
  unit: 'us',
  rounds: ROUNDS,
  frames: texts.length * LAPS,
  bytesOfAFrame: Math.round(texts.reduce((total, { length }) => total + length, 0) / texts.length),
  ours,
  ccxt,
  oursSignedByHand,
  limits: { jsonParse },
  ratios: {
    ccxtOfOursP50: ratio(ccxt.p50, ours.p50),
    ccxtOfOursP99: ratio(ccxt.p99, ours.p99),
    oursOfSignedByHandP50: ratio(ours.p50, oursSignedByHand.p50),
  },
});
