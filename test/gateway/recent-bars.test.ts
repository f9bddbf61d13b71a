/** Bars as the venue's pages tell them, against its candle endpoints on a loopback port. */
import { afterEach, describe, expect, test } from '@jest/globals';
import type { Venue } from '../../gateway/venue.ts';
import { openFixturePeer, type FixturePeer } from './fixture-peer.ts';

const MINUTE_MS = 60_000;
const NEWEST_AT_MS = 1_750_417_800_000;
const CANDLES = { classic: '/api/v2/mix/market/candles', unified: '/api/v3/market/candles' } as const;

let peer: FixturePeer | null = null;
afterEach(async () => {
  await peer?.close();
  peer = null;
});

type Row = [string, string, string, string, string, string, string];

const row = (openAtMs: number, change: Partial<Record<1 | 2 | 3 | 4 | 5, string>> = {}): Row => {
  const price = 100 + ((openAtMs / MINUTE_MS) % 7);
  const whole: Row = [String(openAtMs), `${price}.5`, `${price + 2}`, `${price}`, `${price + 1}`, '3.5', '350'];
  return Object.assign(whole, change);
};

interface Told {
  readonly kind?: 'classic' | 'unified';
  /** Minutes that the venue knows, the one that grows among them. */
  readonly known?: number;
  readonly rowsMax?: number;
  /** Whether the candle that `endTime` names is told. */
  readonly isEndTold?: boolean;
  readonly askedAtMs?: number;
  readonly rows?: unknown;
}

/** A venue whose newest candle, opened at `NEWEST_AT_MS`, still grows. */
async function venueThatTells(options: Told = {}): Promise<{ venue: Venue; asked: () => URLSearchParams[] }> {
  const { kind = 'classic', known = 500, rowsMax = 1_000, isEndTold = true } = options;
  const { askedAtMs = NEWEST_AT_MS + 20_000 } = options;
  const all = Array.from({ length: known }, (_, ago) => row(NEWEST_AT_MS - ago * MINUTE_MS)).reverse();
  const path = CANDLES[kind];
  const opened = await openFixturePeer(
    {
      [path]: (call) => {
        const query = new URL(call.path, 'http://venue').searchParams;
        const endMs = Number(query.get('endTime') ?? Infinity);
        const until = all.filter(([at]) => (isEndTold ? Number(at) <= endMs : Number(at) < endMs));
        const data =
          options.rows !== undefined ? options.rows : until.slice(-Math.min(rowsMax, Number(query.get('limit'))));
        return { body: { code: '00000', msg: 'success', requestTime: askedAtMs, data } };
      },
    },
    { accountKind: kind },
  );
  peer = opened;
  const asked = () =>
    opened.calls
      .filter((call) => call.path.startsWith(path))
      .map((call) => new URL(call.path, 'http://venue').searchParams);
  return { venue: opened.venue, asked };
}

describe('pages', () => {
  test.each([
    ['classic', true, 1],
    ['unified', true, 4],
    ['unified', false, 4],
  ] as const)('of a %s account, the end told again: %s, add up to %i requests', async (kind, isEndTold, requests) => {
    const { venue, asked } = await venueThatTells({ kind, isEndTold, rowsMax: kind === 'unified' ? 100 : 1_000 });
    const bars = await venue.recentBars('BTCUSDT', MINUTE_MS, 350);
    expect(bars.map(({ openAtMs }) => openAtMs)).toEqual(
      Array.from({ length: 350 }, (_, index) => NEWEST_AT_MS - (350 - index) * MINUTE_MS),
    );
    expect(asked()).toHaveLength(requests);
  });

  test('end where the venue knows no more', async () => {
    const { venue, asked } = await venueThatTells({ kind: 'unified', known: 130 });
    expect(await venue.recentBars('BTCUSDT', MINUTE_MS, 400)).toHaveLength(129);
    expect(asked()).toHaveLength(2);
  });

  test.each([true, false])('end with a page that brings nothing new, the end told again: %s', async (isEndTold) => {
    const { venue, asked } = await venueThatTells({ kind: 'unified', known: 100, isEndTold });
    expect(await venue.recentBars('BTCUSDT', MINUTE_MS, 400)).toHaveLength(99);
    expect(asked()).toHaveLength(2);
  });

  test.each([[null], [[]]])('%j is no bars', async (rows) => {
    const { venue } = await venueThatTells({ rows });
    expect(await venue.recentBars('BTCUSDT', MINUTE_MS, 5)).toEqual([]);
  });
});

test('a bar is told as the venue wrote it', async () => {
  const { venue, asked } = await venueThatTells();
  const [bar] = await venue.recentBars('BTCUSDT', MINUTE_MS, 1);
  const [openAt, open, high, low, close, volume] = row(NEWEST_AT_MS - MINUTE_MS);
  expect(bar).toEqual({ openAtMs: Number(openAt), open, high, low, close, volume });
  expect(Object.fromEntries(asked()[0]!)).toEqual({
    symbol: 'BTCUSDT',
    productType: 'USDT-FUTURES',
    granularity: '1m',
    limit: '3',
  });
});

test.each([
  ['a millisecond before its end it grows yet', MINUTE_MS - 1, NEWEST_AT_MS - MINUTE_MS],
  ['at its end it is closed', MINUTE_MS, NEWEST_AT_MS],
])("whose newest bar is closed is told by the venue's clock: %s", async (_name, ageMs, lastOpenAtMs) => {
  const { venue } = await venueThatTells({ askedAtMs: NEWEST_AT_MS + ageMs });
  const bars = await venue.recentBars('BTCUSDT', MINUTE_MS, 10);
  expect(bars).toHaveLength(10);
  expect(bars.at(-1)!.openAtMs).toBe(lastOpenAtMs);
});

test('rows may come in any order, and twice', async () => {
  const rows = [3, 1, 2, 3].map((ago) => row(NEWEST_AT_MS - ago * MINUTE_MS));
  const { venue } = await venueThatTells({ rows });
  const bars = await venue.recentBars('BTCUSDT', MINUTE_MS, 2);
  expect(bars.map(({ openAtMs }) => (NEWEST_AT_MS - openAtMs) / MINUTE_MS)).toEqual([2, 1]);
});

test.each([
  ['a close above the high', [row(NEWEST_AT_MS, { 4: '120' })]],
  ['a low above the open', [row(NEWEST_AT_MS, { 3: '120' })]],
  ['a price of nothing', [row(NEWEST_AT_MS, { 3: '0' })]],
  ['a price that is a word', [row(NEWEST_AT_MS, { 1: 'NaN' })]],
  ['a volume below nothing', [row(NEWEST_AT_MS, { 5: '-1' })]],
  ['a time that is none', [['yesterday', '1', '1', '1', '1', '1']]],
  ['a short row', [[String(NEWEST_AT_MS), '1', '1']]],
  ['no list', { candles: [] }],
])('%s is malformed', async (_name, rows) => {
  const { venue } = await venueThatTells({ rows });
  await expect(venue.recentBars('BTCUSDT', MINUTE_MS, 5)).rejects.toMatchObject({ name: 'VenueMalformed' });
});

test.each([1_000, 10_000, 45_000, 7 * MINUTE_MS, 86_400_000, 0, -60_000, Number.NaN])(
  'bars of %d ms are refused before anything is asked',
  async (barMs) => {
    const { venue, asked } = await venueThatTells();
    await expect(venue.recentBars('BTCUSDT', barMs, 5)).rejects.toMatchObject({
      name: 'VenueRefused',
      code: 'interval_not_offered',
      message: `bitget has no bars of ${barMs} ms, only 1m, 3m, 5m, 15m, 30m, 1H, 2H, 4H`,
    });
    expect(asked()).toEqual([]);
  },
);
