/**
 * The gateway in a plain process of its own, bundled as the desk is: streams one symbol, trades against whatever the
 * peer answers, closes after `runMs`, and must then end by itself. Prints one JSON line.
 */
import { createBitgetVenue } from '../../gateway/bitget/venue.ts';
import type { PlaceAnswer } from '../../gateway/venue.ts';
import type { ApprovedIntent } from '../../core/risk/decision.ts';

const [httpUrl = '', wsUrl = '', keys = '', runMs = '0', bug = ''] = process.argv.slice(2);
const silent = () => undefined;
const venue = await createBitgetVenue({
  endpoint: { kind: 'simulator', httpUrl, wsUrl },
  keys: JSON.parse(keys) as Parameters<typeof createBitgetVenue>[0]['keys'],
  log: { info: silent, warn: silent, error: silent },
  accountKind: 'classic',
  callDeadlineMs: 300,
  random: () => 0,
});
const instrument = await venue.instrument('BTCUSDT');
const counts = { book: 0, down: 0, up: 0, afterClose: 0 };
let closed = false;
const count = (what: keyof typeof counts) => () => {
  counts[closed ? 'afterClose' : what] += 1;
};
venue.stream(instrument, {
  onBook: count('book'),
  onTrade: count('book'),
  onTicker: count('book'),
  onFunding: count('book'),
  onOrder: count('book'),
  onFill: count('book'),
  onPosition: count('book'),
  onConnector(_channel, status) {
    if (bug !== '') throw new Error(bug);
    count(status)();
  },
});
const answers: PlaceAnswer['answer'][] = [];
const untilMs = Date.now() + Number(runMs);
for (let n = 0; Date.now() < untilMs; n += 1) {
  const order = {
    clientOrderId: `n-${n}`,
    symbol: 'BTCUSDT',
    side: 'buy',
    price: 500_000,
    qty: 10,
    kind: 'post_only',
    leg: 'net',
  };
  const placed = await venue.place({ ...order, reduceOnly: false, expiresAtMs: untilMs + 60_000 } as ApprovedIntent);
  answers.push(placed.answer);
  await venue.cancel('BTCUSDT', `n-${n}`);
  await venue.openOrders('BTCUSDT').catch(silent);
}
const late = new Promise((resolve) => setTimeout(resolve, 1_000, 'late').unref());
const end = await Promise.race([venue.close().then(() => 'closed'), late]);
closed = true;
process.on('exit', () => {
  process.stdout.write(`${JSON.stringify({ ...counts, answers: [...new Set(answers)].sort(), end })}\n`);
});
