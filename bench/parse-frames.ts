/**
 * Market data frames from text to the desk's own types: through our stream code, through ccxt's own client and handlers,
 * and `JSON.parse` alone (the limit), by turns in one run.
 */
import type { Instrument } from '../core/market/instrument.ts';
import type { MarketSink } from '../gateway/venue.ts';
import { ccxtSymbol, loadCcxtPeer, type CcxtBitget } from './support/ccxt-peer.ts';
import { ratio, report } from './support/figures.ts';
import { frameReader } from './support/frame-reader.ts';
import { bestOf, timed } from './support/passes.ts';
import { MESSAGE_SETS, type MessageSet } from './support/wire-messages.ts';

const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 7);
/** About so many messages a pass. */
const MESSAGES = Number(process.env['BENCH_MESSAGES'] ?? 2_000);

/** Keeps the newest of everything, so that nothing read is left out. */
class Newest implements MarketSink {
  bidTicks = 0;
  told = 0;
  onBook: MarketSink['onBook'] = (book) => {
    this.bidTicks = book.bidTicks[0] as number;
    this.told += 1;
  };
  onTrade = (): void => void (this.told += 1);
  onTicker = (): void => void (this.told += 1);
  onFunding = (): void => {};
  onConnector = (): void => {};
}

async function measure(set: MessageSet): Promise<object> {
  const { protocol, topic, instruments, texts } = set;
  const theirs = await loadCcxtPeer(instruments);
  const client = theirs.client('wss://127.0.0.1:9');
  if (topic === 'books') requireSameBooks(theirs, set);

  const laps = (start: () => (text: string) => void): number[] =>
    // Each lap is a new connection: its books begin with their snapshots again.
    Array.from({ length: Math.ceil(MESSAGES / texts.length) }, () => timed(texts, start())).flat();
  const { ours, ccxt, jsonParse } = await bestOf(
    {
      jsonParse: () => laps(() => (text) => void JSON.parse(text)),
      ours: () => laps(() => frameReader(protocol, instruments, new Newest())),
      ccxt: () =>
        laps(() => {
          theirs.orderbooks = {};
          return (data) => client.onMessage({ data });
        }),
    },
    ROUNDS,
  );
  return {
    bytes: Math.round(texts.reduce((total, { length }) => total + length, 0) / texts.length),
    ours,
    ccxt,
    limits: { jsonParse },
    ratios: {
      ccxtOfOursP50: ratio(ccxt.p50, ours.p50),
      ccxtOfOursP99: ratio(ccxt.p99, ours.p99),
      oursOfJsonParseP50: ratio(ours.p50, jsonParse.p50),
    },
  };
}

/** Both end at the same best bids, or the comparison means nothing. */
function requireSameBooks(theirs: CcxtBitget, { protocol, instruments, texts }: MessageSet): void {
  const client = theirs.client('wss://127.0.0.1:9');
  for (const data of texts) client.onMessage({ data });
  for (const instrument of instruments) {
    const sink = new Newest();
    const read = frameReader(protocol, instruments, sink);
    for (const text of texts) if (text.includes(instrument.symbol)) read(text);
    const { bids } = theirs.orderbooks[ccxtSymbol(instrument.symbol)] ?? { bids: [] };
    const [[price] = [NaN]] = bids;
    if (ticksOf(price, instrument) !== sink.bidTicks) {
      throw new Error(`${instrument.symbol}: ccxt's best bid is ${price}, ours ${sink.bidTicks} ticks`);
    }
  }
}

function ticksOf(price: number, { spec }: Instrument): number {
  return Math.round(price / Number(spec.tick));
}

const sets: Record<string, object> = {};
for (const [name, set] of Object.entries(MESSAGE_SETS)) sets[name] = await measure(set);
report('parse-frames', { unit: 'us', rounds: ROUNDS, sets });
