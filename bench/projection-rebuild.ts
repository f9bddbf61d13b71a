/**
 * Every projection made anew from all events. The events are those of bots in a recorded market, journaled by replays and
 * shipped. Beside it, in turns in the same run: one reading of the same events, and the finished rows written once more by
 * the server itself into tables of the same form.
 */
import { join } from 'node:path';
import type pg from 'pg';
import { replayIntoJournal } from '../backtest/journaled-replay.ts';
import { BotConfig } from '../core/bot/bot-config.ts';
import { SILENT } from '../core/log.ts';
import { rebuildAll, shipAll, withStore, withStores } from './support/bench-stores.ts';
import { median, ratio, report } from './support/figures.ts';
import { inScratch } from './support/places.ts';
import { plainQuotes } from './support/plain-quotes.ts';
import { busyReplay } from './support/recorded-inputs.ts';
import { recordingOf } from './support/recorded-books.ts';

const EVENTS = Number(process.env['BENCH_EVENTS'] ?? 200_000);
const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 3);
const TABLES = ['orders', 'fills', 'positions', 'bot_snapshot_minute', 'bot_daily', 'stream_total'];

/** Journals of bots under `journalsDir`, until all of them have so many events. */
async function writeJournals(journalsDir: string): Promise<void> {
  const base = plainQuotes();
  const { instrument, recording } = recordingOf(base.symbol);
  for (let bot = 1, events = 0; events < EVENTS; bot += 1) {
    const config = BotConfig.parse({ ...base, bot: `bench${bot}` });
    const options = busyReplay(recording, instrument, config);
    const { events: made } = await replayIntoJournal(options, join(journalsDir, config.bot), SILENT);
    for (const count of Object.values(made)) events += count;
  }
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

/** What was projected, written once more. */
async function copyRows(client: pg.Client): Promise<void> {
  for (const table of TABLES) {
    await client.query(`create table copy_of (like ${table} including all)`);
    await client.query(`insert into copy_of select * from ${table}`);
    await client.query('drop table copy_of');
  }
}

await inScratch('projection-rebuild', async (root) => {
  const journalsDir = join(root, 'journals');
  await writeJournals(journalsDir);
  await withStores([], () =>
    withStore(async (client, url) => {
      await shipAll(url, journalsDir);
      await client.query('vacuum analyze');
      const rebuildMs: number[] = [];
      const readMs: number[] = [];
      const copyMs: number[] = [];
      let events = 0;
      for (let round = 0; round < ROUNDS; round += 1) {
        const rebuilt = await rebuildAll(url);
        events = rebuilt.events;
        rebuildMs.push(rebuilt.tookMs);
        readMs.push(await timed(() => client.query('select max(length(payload::text)) from event')));
        copyMs.push(await timed(() => copyRows(client)));
      }
      const counted = TABLES.map((table) => `(select count(*) from ${table})::int as ${table}`);
      const { rows } = await client.query<Record<string, number>>(`select ${counted.join(', ')}`);
      const perSecond = (ms: readonly number[]): number => Math.round((events / median(ms)) * 1_000);
      const floorMs = median(readMs) + median(copyMs);
      report('projection-rebuild', {
        events,
        rounds: ROUNDS,
        rows: rows[0] ?? {},
        eventsPerSecond: perSecond(rebuildMs),
        limits: { readPerSecond: perSecond(readMs), rowsWrittenAgainPerSecond: perSecond(copyMs) },
        ratios: { rebuildOfReadAndWrite: ratio(median(rebuildMs), floorMs) },
      });
    }),
  );
});
