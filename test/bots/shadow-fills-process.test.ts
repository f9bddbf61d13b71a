/** A real bot process tells what the fill models said of its own orders, beside what its venue filled. */
import { afterEach, expect, test } from '@jest/globals';
import { rmSync } from 'node:fs';
import { accountKeyFile, botJournalDir } from '../../config/home.ts';
import type { ShadowFillsEvent } from '../../core/bot/events.ts';
import { RecordKind } from '../../core/events/record.ts';
import { readAll } from '../journal/helpers.ts';
import { BOT1 } from '../simulator/harness.ts';
import { startBotWorld, type BotWorld } from '../support/bot-world.ts';
import { EAGER_QUOTES } from '../support/bots.ts';
import { until } from '../support/desk.ts';

let world: BotWorld;
afterEach(async () => world.stop(), 30_000);

async function shadowFillsOf(bot: string): Promise<ShadowFillsEvent[]> {
  const decoder = new TextDecoder();
  return (await readAll(botJournalDir(world.home, bot)))
    .filter(({ kind }) => kind === RecordKind.telemetryEvent)
    .map(({ payload }) => JSON.parse(decoder.decode(payload)) as { type: string })
    .filter((event): event is ShadowFillsEvent => event.type === 'shadow_fills');
}

test.each(['paper_only', 'live'] as const)(
  'in mode %s: its maker fills are those of the graded orders, and none was lost on its way',
  async (mode) => {
    world = await startBotWorld({ mode, strategy: EAGER_QUOTES });
    if (mode === 'paper_only') rmSync(accountKeyFile(world.home, BOT1.account));
    const { live } = await world.host.startOrAdopt('bot1');
    world.supervise(live);
    await until('some fills', async () => (await live.control.status()).fills >= 4, 120_000);
    await world.host.stop('bot1', 'test');
    const last = (await shadowFillsOf('bot1')).at(-1)!;
    const { actual, touch, queue, strict, orders } = last.sinceStart;
    expect(last).toMatchObject({ symbol: 'BTCUSDT', droppedRelayCount: 0 });
    expect(orders).toBeGreaterThan(0);
    expect(actual.fills).toBeGreaterThan(0);
    // A paper account is the fill model itself: the same orders on the same market give the same fills.
    if (mode === 'paper_only') expect(queue).toEqual(actual);
    expect(Number(touch.qty) >= Number(queue.qty) && Number(queue.qty) >= Number(strict.qty)).toBe(true);
  },
  180_000,
);
