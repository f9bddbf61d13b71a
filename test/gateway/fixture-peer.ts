/**
 * A loopback server that answers a venue's calls with what a test says, by path, and keeps what it was sent. The
 * contracts are those of the published fixtures.
 */
import { readFileSync } from 'node:fs';
import type { BitgetVenueOptions } from '../../gateway/bitget/venue.ts';
import type { Venue } from '../../gateway/venue.ts';
import { connect, startRawPeer, success, type RawPeer, type ReceivedCall } from './raw-peer.ts';

const FIXTURES = 'test/gateway/fixtures';

export interface StaticCase {
  readonly description: string;
  readonly method: string;
  readonly url: string;
  readonly input: readonly unknown[];
  readonly output?: Record<string, unknown> | null;
  readonly httpResponse?: unknown;
  readonly parsedResponse?: unknown;
}

/** Cases of a ccxt static file, method by method. */
export function staticCases(file: 'request' | 'response'): [string, StaticCase][] {
  const { methods } = JSON.parse(readFileSync(`${FIXTURES}/ccxt-static-${file}-swap.json`, 'utf8')) as {
    methods: Record<string, StaticCase[]>;
  };
  return Object.entries(methods).flatMap(([method, cases]) => cases.map((one): [string, StaticCase] => [method, one]));
}

type ContractRow = Record<string, unknown> & { symbol: string };

export const CONTRACTS = Object.values(
  JSON.parse(readFileSync(`${FIXTURES}/ccxt-static-markets-swap.json`, 'utf8')) as Record<
    string,
    { info: ContractRow }
  >,
).map(({ info }) => info);

/** `data` of a successful answer, or a whole body where the envelope matters. */
export type CannedAnswers = Readonly<Record<string, (call: ReceivedCall) => { data: unknown } | { body: unknown }>>;

export interface FixturePeer {
  readonly venue: Venue;
  /** What was sent, without the reads of contracts and fees. */
  readonly calls: readonly ReceivedCall[];
  close(): Promise<void>;
}

/** `finest` gives BTC the size step that it has had since 2025. */
export async function openFixturePeer(
  answers: CannedAnswers,
  options: Partial<BitgetVenueOptions> & { readonly finest?: boolean },
): Promise<FixturePeer> {
  const { finest = false, ...venueOptions } = options;
  const contracts = CONTRACTS.map((row) =>
    finest && row.symbol === 'BTCUSDT' ? { ...row, volumePlace: '4', sizeMultiplier: '0.0001' } : row,
  );
  const peer: RawPeer = await startRawPeer({
    contracts,
    onCall(call, response) {
      const path = call.path.split('?')[0] ?? '';
      const answer = answers[path]?.(call) ?? DEFAULTS[path];
      if (answer === undefined) response.writeHead(404).end('{"code":"404","msg":"no such path"}');
      else response.end('body' in answer ? JSON.stringify(answer.body) : success(answer.data));
    },
  });
  const { venue } = await connect(peer, venueOptions);
  return {
    venue,
    get calls() {
      return peer.calls.filter(({ path }) => !path.startsWith('/api/v2/mix/market/contracts'));
    },
    async close() {
      await venue.close();
      await peer.close();
    },
  };
}

const emptyPage = { data: { entrustedList: null, fillList: null, bills: null, list: null, endId: null, cursor: null } };
export const SETTINGS = {
  marginMode: 'crossed',
  posMode: 'one_way_mode',
  crossedMarginLeverage: 20,
  isolatedLongLever: 20,
  isolatedShortLever: 20,
};
export const UNIFIED_SETTINGS = {
  assetMode: 'single',
  holdMode: 'one_way_mode',
  symbolConfigList: [{ category: 'USDT-FUTURES', symbol: 'BTCUSDT', marginMode: 'crossed', leverage: '20' }],
  coinConfigList: [],
};

const DEFAULTS: Readonly<Record<string, { data: unknown }>> = {
  '/api/v2/mix/account/account': { data: SETTINGS },
  '/api/v3/account/settings': { data: UNIFIED_SETTINGS },
  '/api/v3/account/fee-rate': { data: { makerFeeRate: '0.0002', takerFeeRate: '0.0006' } },
  '/api/v2/mix/order/orders-pending': emptyPage,
  '/api/v2/mix/order/orders-plan-pending': emptyPage,
  '/api/v2/mix/order/fills': emptyPage,
  '/api/v2/mix/account/bill': emptyPage,
  '/api/v3/trade/unfilled-orders': emptyPage,
  '/api/v3/trade/unfilled-strategy-orders': emptyPage,
  '/api/v3/trade/fills': emptyPage,
  '/api/v3/account/financial-records': emptyPage,
};
