/** What the venue says reaches the machine: a real runtime, its journal on disk, the client library, the simulator. */
import { describe, expect, test } from '@jest/globals';
import type { BotInput } from '../../core/bot/input.ts';
import { decodeInput } from '../../core/bot/input-codec.ts';
import { isEvent, RecordKind } from '../../core/events/record.ts';
import { parseQuote } from '../../core/money/decimal.ts';
import { SILENT } from '../../core/log.ts';
import { createBitgetVenue } from '../../gateway/bitget/venue.ts';
import { JournalTail } from '../../journal/reader.ts';
import { markets } from '../simulator/harness.ts';
import { botConfig } from '../support/bots.ts';
import { until } from '../support/desk.ts';
import { BUSY, RESTING, withWorld, type BoundaryBot, type BoundaryWorld } from './boundary/world.ts';

const MINUTE_MS = 60_000;
const CANDLES = '/api/v2/mix/market/candles';

const maker = (regime: Record<string, unknown> = {}) => ({
  strategy: {
    name: 'epp_v2_4',
    size: { orderQuote: '250', inventoryQuoteMax: '1000', skewBps: 2 },
    spread: { minNetEdgeBps: 1, atrFactor: 0.5, adverseSelectionBps: 1, market: 'range' },
    regime,
    requoteBps: 1,
    requoteMsMin: 500,
  },
  risk: botConfig().risk,
});

type Kind = BotInput['kind'];
type InputOf<K extends Kind> = Extract<BotInput, { kind: K }>;

/** Inputs of a kind that the bot has journaled so far, oldest first. */
async function inputs<K extends Kind>(bot: BoundaryBot, kind: K): Promise<InputOf<K>[]> {
  await bot.journal.durable();
  const tail = new JournalTail(bot.journalDir, { fromSequence: 1, wanted: (wanted) => wanted === kind });
  const found: InputOf<K>[] = [];
  try {
    for (let isMore = true; isMore;) {
      const { records, atEnd } = await tail.read(10_000);
      for (const { sequence, atMs, payload } of records) {
        found.push(decodeInput(kind, sequence, atMs, payload) as InputOf<K>);
      }
      isMore = !atEnd;
    }
  } finally {
    await tail.close();
  }
  return found;
}

const synced = (bot: BoundaryBot): Promise<unknown> => until('the venue is known', () => bot.state.synced);

describe('bars of before the start', () => {
  const told = async (bot: BoundaryBot) => {
    const [input] = await until('bars', async () => {
      const found = await inputs(bot, RecordKind.barsInput);
      return found.length > 0 && found;
    });
    return input!;
  };

  test('are those of the venue, in ticks: a maker need not wait for new ones', async () => {
    await withWorld({ config: maker() }, async (world) => {
      const { bot, endpoint } = world;
      const { bars, atMs } = await told(bot);
      // Three times what the slowest of its averages needs.
      expect(bars).toHaveLength(63);
      expect(bars.at(-1)!.openAtMs).toBe(Math.floor(atMs / MINUTE_MS) * MINUTE_MS - MINUTE_MS);
      const { apiKey, secret, passphrase } = world.keysOf(bot.account);
      const venue = await createBitgetVenue({ endpoint, keys: { apiKey, secret, passphrase }, log: SILENT });
      const listed = await venue.recentBars('BTCUSDT', MINUTE_MS, 70);
      await venue.close();
      const inTicks = (price: string): number => Math.round(Number(price) * 10);
      const expected = listed
        .filter(({ openAtMs }) => bars.some((bar) => bar.openAtMs === openAtMs))
        .map(({ openAtMs, open, high, low, close }) => ({
          openAtMs,
          open: inTicks(open),
          high: inTicks(high),
          low: inTicks(low),
          close: inTicks(close),
        }));
      expect(bars).toEqual(expected);
      const early = ['none', 'startup_position_sync_pending', 'clock_unknown', 'book_missing', 'indicators_warming_up'];
      await until('a decision of a warm maker', () => {
        const { phase, reason } = bot.runtime.status();
        return phase === 'running' && !early.includes(reason);
      });
    });
  });

  test('are asked for again when the venue does not answer, and the start does not wait', async () => {
    const before = async ({ admin }: BoundaryWorld): Promise<void> =>
      void (await admin.faults({ kind: 'error_not_applied', where: { path: CANDLES }, when: { next: 2 } }));
    await withWorld({ config: maker(), before }, async ({ admin, bot }) => {
      await synced(bot);
      const { bars, sequence } = await told(bot);
      expect(bars).toHaveLength(63);
      expect((await admin.report())[0]).toMatchObject({ struck: 2 });
      const [sync] = await inputs(bot, RecordKind.positionInput);
      expect(sync!.sequence).toBeLessThan(sequence);
      expect(bot.logged.filter((line) => line.includes('bars of before the start not read'))).toHaveLength(2);
    });
  });

  test('that the venue does not have are not asked for twice: the bot builds its own', async () => {
    await withWorld({ config: maker({ barS: 10 }) }, async ({ bot }) => {
      await synced(bot);
      await until('the refusal', () => bot.logged.some((line) => line.includes('bitget has no bars of 10000 ms')));
      await until('the wait for its own', () => bot.runtime.status().reason === 'indicators_warming_up');
      expect(await inputs(bot, RecordKind.barsInput)).toEqual([]);
      expect(bot.logged.filter((line) => line.includes('not read'))).toHaveLength(1);
    });
  });

  test('are asked for again after a silence that a bar fell into', async () => {
    const speed = 20;
    const options = { config: maker(), clockSpeed: speed, simulator: { speed } };
    await withWorld(options, async ({ admin, bot }) => {
      const first = await told(bot);
      await until('a warm start', () => bot.state.synced);
      await admin.faults({ kind: 'silent', pong: true, where: { channel: 'books' } });
      const heardAtMs = await until('two minutes of silence', () => {
        return Date.now() - bot.state.bookAtMs > 2 * MINUTE_MS && bot.state.bookAtMs;
      });
      await admin.clear();
      // A busy machine is silent for a bar as well, at this speed: it may have asked before.
      const again = await until('bars of the silence', async () => {
        const found = await inputs(bot, RecordKind.barsInput);
        return found.find(({ bars }) => bars.some(({ openAtMs }) => openAtMs > heardAtMs)) ?? false;
      });
      expect(again.bars).toHaveLength(first.bars.length);
      const measured = (): boolean => bot.runtime.status().reason !== 'indicators_warming_up';
      await until('a decision that needs no warm-up', () => bot.state.bookAtMs > again.atMs && measured());
    });
  });

  test('a strategy that looks at none asks for none', async () => {
    await withWorld({ config: RESTING }, async ({ admin, bot }) => {
      await bot.quoting();
      expect(await inputs(bot, RecordKind.barsInput)).toEqual([]);
      expect(JSON.stringify(await admin.truth())).not.toContain('candles');
    });
  });
});

describe('mark and funding', () => {
  test('are told about once a second, and a new rate at once', async () => {
    await withWorld({ config: RESTING }, async ({ admin, bot }) => {
      await bot.quoting();
      const tickers = (): Promise<InputOf<typeof RecordKind.tickerInput>[]> => inputs(bot, RecordKind.tickerInput);
      const known = await until('four marks', async () => {
        const found = (await tickers()).filter(({ fundingIntervalMs }) => fundingIntervalMs !== null);
        return found.length >= 4 && found;
      });
      for (const { atMs, markTicks, fundingRate, fundingIntervalMs, fundingAtMs } of known) {
        expect({ fundingRate, fundingIntervalMs }).toEqual({ fundingRate: 0.0001, fundingIntervalMs: 8 * 3_600_000 });
        expect(fundingAtMs! % (8 * 3_600_000)).toBe(0);
        expect(fundingAtMs).toBeGreaterThan(atMs);
        expect(Math.abs(markTicks! / bot.state.book.bidTicks[0]! - 1)).toBeLessThan(0.01);
      }
      const gaps = known.slice(1).map(({ atMs }, index) => atMs - known[index]!.atMs);
      expect(Math.min(...gaps)).toBeGreaterThanOrEqual(1_000);
      expect(bot.state).toMatchObject({ fundingRate: 0.0001, fundingIntervalMs: 8 * 3_600_000 });

      await admin.call('POST', '/funding', { symbol: 'BTCUSDT', rate: '-0.0007' });
      await until('the new rate', () => bot.state.fundingRate === -0.0007);
      const all = await tickers();
      expect(all.filter(({ fundingRate }) => fundingRate === -0.0007).length).toBeGreaterThan(0);
      expect(all.length).toBeLessThan(40);
    });
  });
});

describe('margin', () => {
  test('of the account and share of the position come with each read', async () => {
    const leverage = { ...BUSY, risk: { ...BUSY.risk, exposureQuoteMax: '4000' } };
    await withWorld({ config: leverage }, async ({ bot }) => {
      await until('a position', () => bot.position() !== '0', 60_000);
      await bot.crash();
      await bot.start();
      await synced(bot);
      const read = (await inputs(bot, RecordKind.positionInput)).at(-1)!;
      const held = read.positions.reduce((sum, { qty }) => sum + Math.abs(qty), 0);
      expect(held).toBeGreaterThan(0);
      expect(read.maintenanceRatio).toBe(0.004);
      const notional = held * 0.001 * Number(read.positions[0]!.entryPrice);
      // The simulator counts the fee of closing in, and marks at its mid.
      const kept = (notional * 0.0046) / (Number(read.equity) / 1e12);
      expect(read.marginRatio! / kept).toBeGreaterThan(0.95);
      expect(read.marginRatio! / kept).toBeLessThan(1.05);
      expect(bot.state.risk.marginTold).toEqual({ ratio: read.marginRatio, maintenanceRatio: 0.004 });
    });
  });
});

describe('funding that was settled', () => {
  const [btc] = markets('BTCUSDT');
  const simulator = { markets: [{ ...btc!, fundingIntervalMs: 2_000, fundingRate: '0.001' }] };

  test('is read back, and counted once however often it is read', async () => {
    await withWorld({ config: BUSY, simulator }, async ({ bot }) => {
      await bot.quoting();
      await until('a position', () => bot.position() !== '0', 60_000);
      const settled = async () =>
        (await bot.truth()).bills.filter(({ businessType }) => businessType.includes('settle_fee'));
      await until('a settlement', async () => (await settled()).length > 1);
      for (let restart = 0; restart < 2; restart += 1) {
        const reads = (await inputs(bot, RecordKind.positionInput)).length;
        await bot.crash();
        await bot.start();
        await until('a read', async () => (await inputs(bot, RecordKind.positionInput)).length > reads);
      }
      const payments = new Map(
        (await inputs(bot, RecordKind.positionInput)).flatMap(({ fundingPayments }) =>
          fundingPayments.map(({ paymentId, amount, atMs }) => [paymentId, { amount, atMs }] as const),
        ),
      );
      expect(payments.size).toBeGreaterThan(1);
      const bills = (await settled()).map(({ amount, atMs }) => ({ amount: parseQuote(amount), atMs }));
      for (const payment of payments.values()) expect(bills).toContainEqual(payment);
      expect(bot.state.funding).toBe([...payments.values()].reduce((sum, { amount }) => sum + amount, 0n));
    });
  });
});

describe('a read that fails', () => {
  test('of the balance is named, is no zero, and is over when it is answered', async () => {
    const path = '/api/v2/mix/account/accounts';
    const before = async ({ admin }: BoundaryWorld): Promise<void> =>
      void (await admin.faults({ kind: 'error_not_applied', where: { path } }));
    await withWorld({ config: RESTING, before }, async ({ admin, bot }) => {
      await until('the reason', () => bot.runtime.status().reason === 'balance_read_failed');
      const failed = (await inputs(bot, RecordKind.connectorInput)).filter(({ channel }) => channel === 'sync');
      expect(failed[0]).toMatchObject({ status: 'down', part: 'balance', reason: expect.stringMatching(/^balance: VenueUnavailable: accounts: HTTP 5/) }); // prettier-ignore
      expect((await bot.truth()).accepted).toBe(0);
      expect(bot.state.wallet).toBe(0n);
      await admin.clear();
      await bot.quoting();
      expect(bot.state.wallet).toBeGreaterThan(0n);
    });
  });

  test.each([
    ['orders', '/api/v2/mix/order/orders-pending'],
    ['fills', '/api/v2/mix/order/fills'],
    ['stops', '/api/v2/mix/order/orders-plan-pending'],
    ['positions', '/api/v2/mix/position/single-position'],
    ['funding', '/api/v2/mix/account/bill'],
  ])('of the %s is named', async (part, path) => {
    const before = async ({ admin }: BoundaryWorld): Promise<void> =>
      void (await admin.faults({ kind: 'maintenance', where: { path }, when: { next: 1 } }));
    await withWorld({ config: RESTING, before }, async ({ bot }) => {
      const [failed] = await until('the failure', async () => {
        const found = (await inputs(bot, RecordKind.connectorInput)).filter(({ channel }) => channel === 'sync');
        return found.length > 0 && found;
      });
      expect(failed).toMatchObject({ part, trouble: 'maintenance' });
    });
  });
});

test('what was measured around the machine is told: the time that its work takes, and what paper would have filled', async () => {
  await withWorld({ config: BUSY, clockSpeed: 4, simulator: { speed: 4 } }, async ({ bot }) => {
    await bot.quoting();
    const timings = await until('timings with a cancel', async () => {
      const found = (await events(bot)).filter(({ type }) => type === 'TickTimings');
      return found.some(({ cancelAnswer }) => (cancelAnswer as { count: number }).count > 0) && found;
    });
    const counts = (of: string): number =>
      timings.reduce((sum, event) => sum + (event[of] as { count: number }).count, 0);
    expect(counts('syncRead')).toBeGreaterThan(0);
    expect(counts('evaluate')).toBeGreaterThan(0);
    expect(counts('tick')).toBeGreaterThan(counts('evaluate'));
    expect(counts('placeAnswer')).toBeGreaterThan(0);

    bot.runtime.reportLast();
    const report = (await events(bot)).filter(({ type }) => type === 'shadow_fills').at(-1);
    expect(report).toMatchObject({ symbol: 'BTCUSDT', sinceStart: { orders: expect.any(Number) } });
    expect((report!['sinceStart'] as { orders: number }).orders).toBeGreaterThan(0);
  });
});

async function events(bot: BoundaryBot): Promise<Record<string, unknown>[]> {
  await bot.journal.durable();
  const tail = new JournalTail(bot.journalDir, { fromSequence: 1, wanted: isEvent });
  try {
    const found: Record<string, unknown>[] = [];
    for (let isMore = true; isMore;) {
      const { records, atEnd } = await tail.read(10_000);
      for (const { payload } of records) found.push(JSON.parse(payload.toString('utf8')) as Record<string, unknown>);
      isMore = !atEnd;
    }
    return found;
  } finally {
    await tail.close();
  }
}
