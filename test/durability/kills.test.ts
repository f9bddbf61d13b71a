/**
 * P1, on a whole desk of real processes under load. SIGKILL strikes at random instants whatever runs, and only the desk's own
 * supervision brings it back. Witnesses of what was acknowledged: the programs beside the bots tell each word of their journal
 * in a file; bots are asked over their control sockets; who appends evidence remembers each answer.
 */
import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { connectBotControl } from '../../activities/bot-control.ts';
import { botJournalDir } from '../../config/home.ts';
import type { BotStatus } from '../../core/control/protocol.ts';
import { SILENT } from '../../core/log.ts';
import { createLedger, type Ledger } from '../../ledger/ledger.ts';
import { localDatabaseUrl } from '../../stack/postgres.ts';
import { seeded } from '../journal/helpers.ts';
import { MIGRATIONS_DIR } from '../ledger/helpers.ts';
import { configAtSpeed, TestDesk, until } from '../support/desk.ts';
import { IS_LONG_RUN, tellProof, trials } from '../support/trials.ts';
import { watchEvidence, type EvidenceWitness } from './evidence-witness.ts';
import { startLoad, type Load } from './load.ts';
import { targetsOf } from './strikes.ts';
import { countJournal, countStored, projectionPrints } from './whole-store.ts';

const KILLS = trials({ ci: 50, long: 500 });
/** Long enough for what was hit to be back most times; in seconds' time much is hit while it still recovers. */
const PAUSE_MS = IS_LONG_RUN ? { min: 500, spread: 9_000 } : { min: 100, spread: 700 };
const SOURCES = ['load-1', 'load-2', 'load-3'];
const BOTS = ['bot1', 'bot3', 'bot4'];
const SEED = Number(process.env['TEST_SEED'] ?? Date.now() % 1e9);

const config = configAtSpeed(6);
const desk = new TestDesk({ DESK_CONFIG: config });
let databaseUrl = '';
let load: Load;
let evidence: EvidenceWitness;
let ledger: Ledger;

beforeAll(async () => {
  await desk.up('--profile', 'no-console');
  databaseUrl = localDatabaseUrl(desk.home, desk.ports?.postgres ?? 0) ?? '';
  ledger = createLedger({ databaseUrl, migrationsDir: MIGRATIONS_DIR, log: SILENT });
  await ledger.migrate();
  load = await startLoad(desk.home.journalsDir, SOURCES);
  evidence = watchEvidence(desk, databaseUrl);
}, 180_000);
afterAll(async () => {
  await load?.stop();
  load?.remove();
  await evidence?.close();
  await ledger?.close();
  await desk.dispose();
  rmSync(config, { recursive: true });
}, 120_000);

/** Up to where each bot has said that its journal is on disk. */
const durableOf = new Map<string, number>();

/** What those say of themselves that can say anything now. */
async function askBots(): Promise<Map<string, BotStatus>> {
  const said = new Map<string, BotStatus>();
  for (const bot of BOTS) {
    try {
      const control = await connectBotControl(desk.botRun(bot).socket);
      const status = await control.status().finally(() => control.close());
      said.set(bot, status);
      durableOf.set(bot, Math.max(durableOf.get(bot) ?? 0, status.durableSequence));
    } catch {
      // It was hit.
    }
  }
  return said;
}

/** Everything that was hit is there again; for bots that have been given up, a person says so. How many those were. */
async function allBack(): Promise<number> {
  const approved: string[] = [];
  const isBack = async (): Promise<boolean> => {
    await desk.query('select 1');
    const said = await askBots();
    return (
      load.sources.every((source) => source.pid() !== null) && BOTS.every((bot) => said.get(bot)?.phase === 'running')
    );
  };
  const backOrApproved = async (): Promise<boolean> => {
    if (await isBack()) return true;
    for (const bot of BOTS) {
      if ((await desk.bot(bot)).phase !== 'gave_up') continue;
      approved.push(bot);
      await desk.desk('bot', 'approve', bot, '--reason', 'hit often');
    }
    return false;
  };
  await until('the whole desk to be back', isBack, 20_000, 200).catch(() =>
    until('the whole desk to be back', backOrApproved, 180_000, 1_000),
  );
  return approved.length;
}

/** How often each kind of process was hit. */
async function strike(): Promise<Record<string, number>> {
  const random = seeded(SEED);
  const targets = targetsOf(desk, load, BOTS);
  const hits: Record<string, number> = {};
  for (let kill = 0; kill < KILLS; kill += 1) {
    await sleep(PAUSE_MS.min + random(PAUSE_MS.spread));
    await askBots();
    let what: string | null = null;
    while (what === null) {
      const target = targets[random(targets.length)]!;
      const found = target.pids().filter((pid) => hit(pid, target.signal ?? 'SIGKILL'));
      if (found.length > 0) what = target.what;
      else await sleep(20);
      // It still says its last word.
      if (target.signal !== undefined)
        await until(`${target.what} to be gone`, () => found.every((pid) => !target.pids().includes(pid)), 20_000, 20);
    }
    hits[what] = (hits[what] ?? 0) + 1;
  }
  return hits;
}

function hit(pid: number, signal: 'SIGKILL' | 'SIGUSR2'): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false; // It has just ended.
  }
}

test(`${KILLS} kills: nothing that was acknowledged is lost, and all counts agree`, async () => {
  const startedAt = performance.now();
  const hits = await strike();
  const approvals = await allBack();
  const broken: string[] = [];
  const agree = (what: string, one: unknown, other: unknown): void => {
    if (JSON.stringify(one) !== JSON.stringify(other))
      broken.push(`${what}: ${JSON.stringify(one)}, and ${JSON.stringify(other)}`);
  };
  await askBots();
  await load.stop();
  for (const bot of BOTS) expect(await desk.desk('bot', 'stop', bot, '--reason', 'counted')).toMatchObject({ code: 0 });
  await evidence.rest();

  for (const source of load.sources) broken.push(...source.losses().map((loss) => `${source.name}: ${loss}`));
  let [acknowledged, events] = [0, 0];
  for (const source of [...SOURCES, ...BOTS]) {
    const inJournal = await countJournal(botJournalDir(desk.home, source));
    const stored = await until(`${source}: all of it stored`, async () => {
      const counted = await countStored(desk, source, SOURCES.includes(source));
      return counted.events >= inJournal.events ? counted : null;
    }, 60_000).catch(() => countStored(desk, source, SOURCES.includes(source))); // prettier-ignore
    const { records, ...countable } = inJournal;
    agree(`${source}, journal and store`, countable, stored);
    agree(`${source}, broken`, [inJournal.broken, stored.broken], [0, 0]);
    const told = load.sources.find(({ name }) => name === source)?.acknowledged();
    const sequence = told?.sequence ?? durableOf.get(source) ?? 0;
    if (sequence === 0 || sequence > records)
      broken.push(`${source}: ${sequence} acknowledged, ${records} in the journal`);
    if ((told?.eventSequence ?? 0) > stored.events)
      broken.push(`${source}: ${told?.eventSequence} events acknowledged`);
    acknowledged += sequence;
    events += stored.events;
  }

  const verdict = await evidence.store.verify({ keptHeads: [...evidence.answered, ...evidence.keptHeads()] });
  if (!verdict.ok) broken.push(`evidence: ${JSON.stringify(verdict.fault)}`);
  while ((await ledger.project(20_000)) > 0);
  const projected = await projectionPrints(desk);
  await ledger.rebuild();
  agree('projections, and made anew', projected, await projectionPrints(desk));

  const minutes = Math.round((performance.now() - startedAt) / 6_000) / 10;
  const restarts = load.sources.reduce((sum, source) => sum + source.starts() - 1, 0);
  const found = { ...hits, acknowledged, events, evidence: evidence.answered.length, lost: broken.length, approvals, minutes }; // prettier-ignore
  tellProof({
    promise: 'P1',
    proof: 'SIGKILL of any process of a desk under load',
    trials: KILLS,
    failures: broken.length,
    found,
    examples: broken.slice(0, 5),
  });
  if (process.env['DESK_SHOW'] !== undefined) console.log(JSON.stringify({ seed: SEED, ...found }));
  expect({ seed: SEED, broken }).toEqual({ seed: SEED, broken: [] });
  expect(restarts).toBe((hits['event source'] ?? 0) + (hits['event source at its word'] ?? 0));
  expect(evidence.answered.length).toBeGreaterThan(KILLS);
  expect(acknowledged).toBeGreaterThan(KILLS * (IS_LONG_RUN ? 1_000 : 100));
}, 7_200_000);
