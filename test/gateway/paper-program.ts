/** A paper account in a process of its own, made to be killed: it trades, and prints each answer once it has it. */
import { SILENT } from '../../core/log.ts';
import type { PriceTicks, QtyLots } from '../../core/money/money.ts';
import type { OrderIntent } from '../../core/orders/order-intent.ts';
import type { ApprovedIntent } from '../../core/risk/decision.ts';
import { createPaperVenue } from '../../gateway/paper/venue.ts';
import { createRecordedMarket } from '../../gateway/recorded/market.ts';
import type { VenueSink } from '../../gateway/venue.ts';
import { DATA_DIR, recordedMarkets } from './conformance/recordings.ts';

const [stateDir = '', run = ''] = process.argv.slice(2);
const market = createRecordedMarket({ dataDir: DATA_DIR, markets: recordedMarkets('BTCUSDT'), speed: 1 });
const venue = createPaperVenue({
  market,
  account: 'bot1',
  openingBalance: '100000',
  grade: 'queue',
  // So that it is killed with requests under way, decided and not answered, too.
  latency: { submitMs: 2, cancelMs: 1, feedMs: 1, jitterMs: 2, jitterSeed: Number(run) },
  stateDir,
  log: SILENT,
});
const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

let ask = 0;
const sink: VenueSink = {
  onBook: (book) => (ask = book.askTicks[0]!),
  onTrade: () => undefined,
  onTicker: () => undefined,
  onFunding: () => undefined,
  onOrder: () => undefined,
  onFill: ({ tradeId, side, qty }) => say({ fill: tradeId, lots: side === 'buy' ? qty : 0 - qty }),
  onPosition: () => undefined,
  onConnector: () => undefined,
};
venue.stream(await venue.instrument('BTCUSDT'), sink);
while (ask === 0) await new Promise((resolve) => setTimeout(resolve, 5));
for (let n = 0; ; n += 1) {
  const isTaker = n % 3 === 0;
  const price = (isTaker ? ask + 100 : Math.floor(ask * 0.9)) as PriceTicks;
  const intent: OrderIntent = {
    clientOrderId: `k-${run}-${n}`,
    symbol: 'BTCUSDT',
    side: 'buy',
    price,
    qty: 1 as QtyLots,
    kind: 'limit',
    reduceOnly: false,
    leg: 'net',
    expiresAtMs: Infinity,
  };
  const { answer } = await venue.place(intent as ApprovedIntent);
  say({ placed: intent.clientOrderId, answer });
  if (!isTaker && n % 2 === 0) {
    say({ cancelled: intent.clientOrderId, ...(await venue.cancel('BTCUSDT', intent.clientOrderId)) });
  }
}
