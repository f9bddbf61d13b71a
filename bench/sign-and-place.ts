/**
 * The same post-only order from the caller's hand to the transport, and on to its answer understood: by ccxt's `createOrder`,
 * by the gateway's `place`, by the gateway's session alone (one call of ccxt's), by that session signed here, and by hand.
 * The transport only notes the time and answers at once. By turns in one run.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { formatPrice, formatQty } from '../core/market/instrument.ts';
import type { PriceTicks, QtyLots } from '../core/money/money.ts';
import type { ApprovedIntent } from '../core/risk/decision.ts';
import { createBitgetSession, type BitgetSession } from '../gateway/bitget/session.ts';
import { instrument } from '../test/gateway/bitget-stream/samples.ts';
import { ccxtSymbol } from './support/ccxt-peer.ts';
import { ratio, report, spreadOf } from './support/figures.ts';
import { handPlaceRequest } from './support/hand-order.ts';
import { createOwnSession } from './support/own-session.ts';
import { bestOf, type Best } from './support/passes.ts';
import { BENCH_KEYS, BENCH_ORIGIN, openCcxt, openVenue, RecordingTransport } from './support/recorded-places.ts';

const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 7);
const ORDERS = Number(process.env['BENCH_ORDERS'] ?? 2_000);
/** Between two orders of a bot, so that caches and branch predictors have forgotten the last one; 0 leaves this part out. */
const PACED_MS = Number(process.env['BENCH_PACED_MS'] ?? 20);
const PACED_ORDERS = 80;
/** Between two orders by the budget's clock: no order waits for its turn. */
const BETWEEN_MS = 1_000;

const BTC = instrument('BTCUSDT', '0.1', '0.001');
const QTY = 10 as QtyLots;

let nowMs = 1_700_000_000_000;
let number = 0;

function nextIntent(): ApprovedIntent {
  nowMs += BETWEEN_MS;
  number += 1;
  return {
    clientOrderId: `bench-${number}`,
    symbol: BTC.symbol,
    side: 'buy',
    // Another price each time, as a maker's orders have.
    price: (600_000 + (number % 1_000)) as PriceTicks,
    qty: QTY,
    kind: 'post_only',
    reduceOnly: false,
    leg: 'net',
    expiresAtMs: nowMs + 2_000,
  } as ApprovedIntent;
}

/** One way of placing; answers when the request was at the transport. */
type Place = (intent: ApprovedIntent) => Promise<number>;

async function places(): Promise<Readonly<Record<'ccxt' | 'gateway' | 'session' | 'ownSession' | 'byHand', Place>>> {
  const { exchange, transport: ccxtOut } = await openCcxt(BTC);
  const { venue, transport: venueOut } = await openVenue(BTC, () => nowMs);
  const sessionOut = new RecordingTransport([BTC]);
  const endpoint = { kind: 'simulator', httpUrl: BENCH_ORIGIN, wsUrl: 'ws://127.0.0.1:9' } as const;
  const session = await createBitgetSession({ endpoint, keys: BENCH_KEYS, http: sessionOut, log() {}, now: Date.now });
  const ownOut = new RecordingTransport([BTC]);
  const ownSession = createOwnSession(ownOut, BENCH_ORIGIN, BENCH_KEYS);
  const bySession =
    (through: BitgetSession, out: RecordingTransport): Place =>
    async (intent) => {
      await through.call('place', paramsOf(intent));
      return out.leftAt;
    };
  return {
    async ccxt({ symbol, clientOrderId, price, qty }) {
      const [amount, limit] = [qty / 1_000, price / 10];
      const params = { clientOrderId, postOnly: true, marginMode: 'cross' };
      await exchange.createOrder(ccxtSymbol(symbol), 'limit', 'buy', amount, limit, params);
      return ccxtOut.leftAt;
    },
    async gateway(intent) {
      const { answer } = await venue.place(intent);
      if (answer !== 'yes') throw new Error(`the gateway's order was answered with ${answer}`);
      return venueOut.leftAt;
    },
    session: bySession(session, sessionOut),
    ownSession: bySession(ownSession, ownOut),
    async byHand({ symbol, price, qty, clientOrderId }) {
      const request = handPlaceRequest(BENCH_KEYS, '127.0.0.1:9', symbol, formatPrice(price, BTC), formatQty(qty, BTC), clientOrderId); // prettier-ignore
      if (request.length === 0) throw new Error('nothing was written');
      return performance.now();
    },
  };
}

/** The body that the gateway's dialect writes, without the dialect. */
function paramsOf({ symbol, price, qty, clientOrderId }: ApprovedIntent): Record<string, string> {
  return {
    symbol,
    productType: 'USDT-FUTURES',
    marginCoin: 'USDT',
    marginMode: 'crossed',
    orderType: 'limit',
    force: 'post_only',
    price: formatPrice(price, BTC),
    size: formatQty(qty, BTC),
    side: 'buy',
    clientOid: clientOrderId,
  };
}

type Places = Awaited<ReturnType<typeof places>>;

async function pass(place: Place, to: 'transport' | 'answer'): Promise<number[]> {
  const micros: number[] = [];
  for (let n = 0; n < ORDERS; n += 1) {
    const intent = nextIntent();
    const startedAt = performance.now();
    const leftAt = await place(intent);
    micros.push(((to === 'transport' ? leftAt : performance.now()) - startedAt) * 1_000);
  }
  return micros;
}

async function measure(all: Places, to: 'transport' | 'answer'): Promise<Record<keyof Places, Best>> {
  return bestOf(
    {
      byHand: () => pass(all.byHand, to),
      ownSession: () => pass(all.ownSession, to),
      session: () => pass(all.session, to),
      gateway: () => pass(all.gateway, to),
      ccxt: () => pass(all.ccxt, to),
    },
    ROUNDS,
  );
}

/** To the transport, one order at a time with a pause before each, as a bot places: each way by turns. */
async function measurePaced(all: Places): Promise<Record<string, ReturnType<typeof spreadOf>>> {
  const micros = Object.entries(all).map(([name, place]) => ({ name, place, found: [] as number[] }));
  for (let n = 0; n < (PACED_MS > 0 ? PACED_ORDERS : 0); n += 1) {
    for (const { place, found } of micros) {
      await sleep(PACED_MS);
      const intent = nextIntent();
      const startedAt = performance.now();
      found.push(((await place(intent)) - startedAt) * 1_000);
    }
  }
  return Object.fromEntries(micros.map(({ name, found }) => [name, spreadOf(found, 1)]));
}

const all = await places();
const pacedAtStart = await measurePaced(all);
const toTransport = await measure(all, 'transport');
const toAnswer = await measure(all, 'answer');
const pacedLater = await measurePaced(all);
const { ccxt, gateway, session, ownSession, byHand } = toTransport;
report('sign-and-place', {
  unit: 'us',
  rounds: ROUNDS,
  toTransport,
  toAnswer,
  paced: { everyMs: PACED_MS, inAYoungProcess: pacedAtStart, afterManyOrders: pacedLater },
  ratios: {
    ccxtOfGatewayP50: ratio(ccxt.p50, gateway.p50),
    ccxtOfGatewayP99: ratio(ccxt.p99, gateway.p99),
    gatewayOfSessionP50: ratio(gateway.p50, session.p50),
    sessionOfOwnSessionP50: ratio(session.p50, ownSession.p50),
    gatewayOfByHandP50: ratio(gateway.p50, byHand.p50),
    pacedSessionOfOwnSessionP50: [pacedAtStart, pacedLater].map((by) =>
      ratio(by['session']?.p50 ?? 0, by['ownSession']?.p50 ?? 0),
    ),
  },
});
