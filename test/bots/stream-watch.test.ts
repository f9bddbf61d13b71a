/** What a bot tells of its streams is what the venue sent: a real runtime, its journal on disk, the simulator and its faults. */
import { expect, test } from '@jest/globals';
import type { MarketStreamsEvent } from '../../core/market/stream-report.ts';
import { STREAMS, type StreamName } from '../../core/market/streams.ts';
import { StreamReportReader } from '../../journal/stream-reports.ts';
import { until } from '../support/desk.ts';
import { RESTING, withWorld, type BoundaryBot } from './boundary/world.ts';

/** A report comes every 1.5 s of the wall's time. */
const SPEED = 10;
const OPTIONS = { config: RESTING, clockSpeed: SPEED, simulator: { speed: SPEED } };

async function told(bot: BoundaryBot): Promise<readonly MarketStreamsEvent[]> {
  await bot.journal.durable();
  const all = { afterEventSequence: 0, sinceMs: 0, untilMs: 0, waitMs: 0 };
  return (await new StreamReportReader().read(bot.journalDir, all)).told;
}

function streamOf(report: MarketStreamsEvent | undefined, name: StreamName) {
  return report?.streams.find(({ stream }) => stream === name);
}

/** The first report that begins behind those there are and says so. */
async function reported(
  bot: BoundaryBot,
  name: StreamName,
  is: (stream: NonNullable<ReturnType<typeof streamOf>>) => boolean,
) {
  const before = (await told(bot)).length;
  return until(`${name} to be told so`, async () => {
    const found = (await told(bot)).slice(before).find((report) => is(streamOf(report, name)!));
    return found !== undefined && streamOf(found, name)!;
  });
}

test('every stream of a market that moves is alive, and the reports follow each other', async () => {
  await withWorld(OPTIONS, async ({ bot }) => {
    await bot.quoting();
    await until('four reports', async () => (await told(bot)).length >= 4);
    bot.runtime.reportLast();
    const reports = await told(bot);
    for (const [index, { fromMs, toMs, symbol, isFinal, clockOffsetMs, streams }] of reports.entries()) {
      if (index > 0) expect(fromMs).toBe(reports[index - 1]!.toMs);
      expect(toMs).toBeGreaterThanOrEqual(fromMs);
      expect([symbol, isFinal]).toEqual(['BTCUSDT', index === reports.length - 1]);
      expect(clockOffsetMs).not.toBeNull();
      expect(streams.map(({ stream }) => stream)).toEqual(STREAMS);
    }
    const last = reports.at(-1);
    for (const name of ['book', 'trades', 'ticker', 'funding'] as const)
      expect(streamOf(last, name)).toMatchObject({
        newestAtMs: expect.any(Number),
        newestVenueAtMs: expect.any(Number),
      });
    const messages = (name: StreamName) => reports.reduce((sum, one) => sum + streamOf(one, name)!.messages, 0);
    expect(messages('book')).toBeGreaterThan(messages('ticker') / 2);
    // Two quotes were placed.
    expect(messages('orders')).toBeGreaterThanOrEqual(2);
    for (const name of ['orders', 'positions'] as const)
      expect(streamOf(last, name)).toMatchObject({ darkMs: 0, freshMs: last!.toMs - last!.fromMs, downs: 0 });
  });
});

test('a book that is not sent any more is dark, and lost when the connection is', async () => {
  await withWorld(OPTIONS, async ({ admin, bot }) => {
    await bot.quoting();
    await admin.faults({ kind: 'silent', pong: true, where: { channel: 'books' } });
    const dark = await reported(bot, 'book', ({ darkMs }) => darkMs > 30_000);
    expect(dark.freshMs).toBeLessThan(5_000);
    const trades = await reported(bot, 'trades', ({ darkMs }) => darkMs < 10_000);
    expect(trades.freshMs).toBeGreaterThan(0);
    await admin.faults({ kind: 'close_now', where: { socket: 'private' } });
    expect((await reported(bot, 'orders', ({ downs }) => downs > 0)).downs).toBeGreaterThan(0);
    await reported(bot, 'orders', ({ freshMs, darkMs }) => freshMs > 0 && darkMs === 0);
    await reported(bot, 'book', ({ freshMs, darkMs }) => freshMs > 10_000 && darkMs < 5_000);
  });
});

test("a ticker that is held up on its way is old by the venue's clock", async () => {
  await withWorld(OPTIONS, async ({ admin, bot }) => {
    await bot.quoting();
    const before = await reported(bot, 'ticker', ({ messages }) => messages > 0);
    expect(before.lagMsMax).toBeLessThan(30_000);
    await admin.faults({ kind: 'delay_frames', ms: 7_000, where: { channel: 'ticker' } });
    const late = await reported(bot, 'ticker', ({ messages, lagMsMax }) => messages > 0 && (lagMsMax ?? 0) > 60_000);
    expect(late.aliveAtMs).toBeLessThan(late.newestAtMs!);
  });
});
