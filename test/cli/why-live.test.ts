/** `desk why` on a bot process that trades at this moment, after its death, and after its return; nothing else of the desk is there. */
import { afterEach, expect, test } from '@jest/globals';
import { botJournalDir } from '../../config/home.ts';
import { RecordKind } from '../../core/events/record.ts';
import { readJournal } from '../../journal/reader.ts';
import { startBotWorld, type BotWorld } from '../support/bot-world.ts';
import { EAGER_QUOTES } from '../support/bots.ts';
import { runDesk, type Said } from '../support/desk-command.ts';
import { until } from '../support/desk.ts';

let world: BotWorld;
afterEach(async () => world.stop(), 30_000);

interface Tick {
  readonly reason: string;
  readonly silence: object | null;
  readonly tick: { sequence: number; atMs: number };
  readonly verdict: { agrees: boolean; eventsEqual: number; inputs: number };
}

const dataOf = <T>({ code, text }: Said): T => {
  if (code !== 0) throw new Error(`exit ${code}: ${text}`);
  return (JSON.parse(text) as { data: T }).data;
};

async function eventsOf(dir: string, kind: number): Promise<Record<string, unknown>[]> {
  const found: Record<string, unknown>[] = [];
  for await (const { payload } of readJournal(dir, { kinds: [kind] }))
    found.push(JSON.parse(payload.toString('utf8')) as Record<string, unknown>);
  return found;
}

test('answers while it writes, when it was killed, and over its restart: always the same decision', async () => {
  world = await startBotWorld({ strategy: EAGER_QUOTES });
  const dir = botJournalDir(world.home, 'bot1');
  const why = (...args: string[]): Promise<Said> => runDesk({ DESK_HOME: world.home.root }, 'why', ...args);
  const { live } = await world.host.startOrAdopt('bot1');
  world.supervise(live);
  await until('a fill', async () => (await live.control.status()).fills > 0);

  let seen = 0;
  for (let question = 0; question < 5; question += 1) {
    const answer = dataOf<Tick>(await why('bot1', '-o', 'json'));
    expect(answer).toMatchObject({ silence: null, verdict: { agrees: true } });
    expect(answer.tick.sequence).toBeGreaterThan(seen);
    seen = answer.tick.sequence;
  }
  const [fill] = await eventsOf(dir, RecordKind.fillEvent);
  const order = await why(String(fill?.['clientOrderId']));
  expect(order).toMatchObject({ code: 0 });
  expect(order.text).toContain('risk      approved');
  expect(order.text).toContain('The re-run decided the same: ');

  const killedAtMs = Date.now();
  await world.host.kill('bot1');
  const dead = dataOf<Tick>(await why('bot1', '--at', new Date(killedAtMs).toISOString(), '-o', 'json'));
  expect(dead.verdict.agrees).toBe(true);
  expect(dead.tick.atMs).toBeLessThanOrEqual(killedAtMs);

  const again = await world.host.startOrAdopt('bot1');
  world.supervise(again.live);
  await until('it runs', async () => (await again.live.control.ping()).phase === 'running');
  const back = dataOf<Tick>(await why('bot1', '-o', 'json'));
  expect(back).toMatchObject({ silence: null, verdict: { agrees: true } });
  const window = dataOf<{ shares: { reason: string }[]; verdict: Tick['verdict'] }>(
    await why('bot1', '--from', new Date(killedAtMs - 3_000).toISOString(), '-o', 'json'),
  );
  expect(window.verdict.agrees).toBe(true);
  expect(window.verdict.eventsEqual).toBeGreaterThan(20);
  expect(window.shares.map(({ reason }) => reason)).toContain('not_running');
}, 180_000);
