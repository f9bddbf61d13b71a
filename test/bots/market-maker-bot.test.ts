/** The market maker of the default desk as a real process on a real simulator: warm from the venue's own bars. */
import { afterEach, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { LiveBot } from '../../activities/bot-host.ts';
import { startBotWorld, type BotWorld } from '../support/bot-world.ts';
import { until } from '../support/desk.ts';

let world: BotWorld;
afterEach(async () => world.stop(), 30_000);

const { strategy, risk } = parse(readFileSync(join('config', 'bots', 'bot1.yml'), 'utf8')) as Record<string, object>;

async function quotes(): Promise<LiveBot> {
  const { live } = await world.host.startOrAdopt('bot1');
  world.supervise(live);
  await until('it quotes', async () => (await live.control.status()).reason === 'quoted', 45_000);
  await until('a bid and an ask at the venue', async () => (await world.account()).openOrders === 2);
  return live;
}

test('it quotes within seconds of its start, and within seconds of its death', async () => {
  world = await startBotWorld({ strategy, risk });
  const live = await quotes();
  await world.host.kill('bot1');
  const back = await quotes();
  expect(back.run.pid).not.toBe(live.run.pid);
}, 150_000);
