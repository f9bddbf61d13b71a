/**
 * P35: what cannot be recorded is not traded. A real bot that quotes all the time, and a disk that says no to its journal, or
 * an event store that is not there for longer than the policy bears. The judge is the exchange's own list of orders.
 */
import { mkdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { MockActivityEnvironment } from '@temporalio/testing';
import type { LiveBot } from '../../activities/bot-host.ts';
import { createBotActivities, type RiskChanged } from '../../activities/bots.ts';
import { botJournalDir, deskHome } from '../../config/home.ts';
import { SILENT } from '../../core/log.ts';
import type { BotExit } from '../../core/supervision/restart.ts';
import { createJournalShipper, type JournalShipper } from '../../ledger/journal-shipper.ts';
import { leftPostgres } from '../../stack/postgres.ts';
import type { TrueOrder } from '../../simulator/admin/truth.ts';
import { BUSY, recordedEvents } from '../bots/boundary/world.ts';
import { seeded } from '../journal/helpers.ts';
import { startDatabase, type TestDatabase } from '../ledger/helpers.ts';
import { connectAdmin, type Admin } from '../simulator/admin.ts';
import { BOT1 } from '../simulator/harness.ts';
import { startBotWorld, type BotWorld } from '../support/bot-world.ts';
import { until } from '../support/desk.ts';
import { tellProof, trials } from '../support/trials.ts';
import { diskFaults, mountDisk, unmountDisk, type FaultTarget } from './disk-faults.ts';
import { childrenOf } from './strikes.ts';

const DISK_TRIALS = trials({ ci: 5, long: 80 });
const STORE_TRIALS = trials({ ci: 2, long: 20 });
/** The shortest that the policy takes. */
const UNSTORED_MS_MAX = 2_000;
const SEED = Number(process.env['TEST_SEED'] ?? Date.now() % 1e9);
const random = seeded(SEED);

let world: BotWorld;
let database: TestDatabase;
let shipper: JournalShipper;
let admin: Admin;
let journalDir = '';
let isOnOwnDisk = false;

beforeAll(async () => {
  const risk = { ...BUSY.risk, eventsUnstoredMsMax: UNSTORED_MS_MAX, cancelBudgetBreachesMax: 100 };
  [world, database] = await Promise.all([
    startBotWorld({ ...BUSY, risk, deadmanS: 600 }, SILENT, { simulator: { adminPort: 0 } }),
    startDatabase(),
  ]);
  admin = connectAdmin(world.simulator().adminPort);
  journalDir = botJournalDir(world.home, 'bot1');
  mkdirSync(journalDir, { recursive: true });
  isOnOwnDisk = mountDisk(journalDir);
  shipper = createJournalShipper({
    ledger: database.ledger,
    journalsDir: world.home.journalsDir,
    log: SILENT,
    pollMs: 50,
  });
  shipper.start();
}, 60_000);
afterAll(async () => {
  await shipper?.stop();
  // The bot first: it keeps its files open.
  await world?.host.kill('bot1');
  if (isOnOwnDisk) unmountDisk(journalDir);
  await world?.stop();
  await database?.remove();
}, 60_000);

/** The hands of its workflow: tell it again and again how the store is, and how it ended. */
function supervise(): { ended: Promise<BotExit>; cancel: () => void } {
  const storedAgeMs = (bot: string): number | null => shipper.status()[bot]?.storedAgeMs ?? null;
  const hands = createBotActivities({ host: world.host, isTemporalHealthy: () => true, storedAgeMs });
  const environment = new MockActivityEnvironment();
  const run = (): Promise<BotExit | RiskChanged> =>
    environment.run((input: { bot: string }) => hands.superviseBot(input), { bot: 'bot1' });
  const ended = (async () => {
    for (;;) {
      const end = await run();
      if (end.cause !== 'risk_changed') return end;
    }
  })();
  // Let go of, it ends with an error that nobody waits for.
  ended.catch(() => {});
  return { ended, cancel: () => environment.cancel() };
}

async function orders(): Promise<readonly TrueOrder[]> {
  // Asked again when its connection has just been closed for idling: making a disk full keeps this process busy for long.
  const truth = await admin.truth().catch(() => admin.truth());
  return truth.accounts[BOT1.account]?.orders ?? [];
}
/** How many orders the exchange has ever taken from the bot. */
const accepted = async (): Promise<number> => (await orders()).filter(isOwn).length;
const isOwn = ({ clientOid }: TrueOrder): boolean => clientOid !== '';
const emptyBook = (): Promise<unknown> =>
  until('an empty book', async () => (await world.account()).openOrders === 0, 60_000);

async function quoting(live: LiveBot): Promise<void> {
  const before = await accepted();
  await until('new quotes', async () => (await live.control.status()).ordersActive > 0 && (await accepted()) > before);
}

/** Orders of the exchange that no journal knows to have been decided. */
async function unrecorded(): Promise<string[]> {
  const decided = new Set(
    (await recordedEvents(journalDir)).flatMap((event) => ('clientOrderId' in event ? [event.clientOrderId] : [])),
  );
  return (await orders())
    .filter((order) => isOwn(order) && !decided.has(order.clientOid))
    .map(({ clientOid }) => clientOid);
}

test(`${DISK_TRIALS} disks that refuse: the bot clears its book and ends, and nothing unrecorded was traded`, async () => {
  const faults = diskFaults(isOnOwnDisk);
  const found: Record<string, number> = { onTheirWay: 0, restartsRefused: 0, restartsEnded: 0 };
  const broken: string[] = [];
  for (let trial = 0; trial < DISK_TRIALS; trial += 1) {
    const fault = faults[trial % faults.length]!;
    const { live } = await world.host.startOrAdopt('bot1');
    const { ended } = supervise();
    await quoting(live);
    await sleep(random(1_500));
    const target: FaultTarget = { pid: live.run.pid, journalDir, random };
    await fault.begin(target);
    try {
      const acceptedBefore = await accepted();
      const exit = await ended;
      const acceptedAtEnd = await accepted();
      found[fault.name] = (found[fault.name] ?? 0) + 1;
      found['onTheirWay']! += acceptedAtEnd - acceptedBefore;
      if (exit.signal === null && (exit.code !== 1 || !exit.detail.includes(fault.errno)))
        broken.push(`${fault.name}: ended with ${JSON.stringify(exit)}`);
      if (exit.signal === null) await emptyBook();
      if (fault.staysOnDisk) {
        // What its workflow does with one that ended: it starts it again, and takes what a dead one left off the book.
        const again = await world.host.startOrAdopt('bot1').catch(() => null);
        if (again === null) found['restartsRefused']! += 1;
        else {
          await supervise().ended;
          found['restartsEnded']! += 1;
        }
        await world.host.clearBook('bot1');
        await emptyBook();
        if (again === null && (await accepted()) !== acceptedAtEnd) broken.push(`${fault.name}: traded while refused`);
      } else if ((await accepted()) !== acceptedAtEnd) broken.push(`${fault.name}: traded after its end`);
    } finally {
      fault.end(target);
    }
    broken.push(...(await unrecorded()).map((id) => `${fault.name}: ${id} is in no journal`));
  }
  const { live } = await world.host.startOrAdopt('bot1');
  const last = supervise();
  await quoting(live);
  last.cancel();
  tell('disks that refuse the journal of a bot that quotes', DISK_TRIALS, broken, found);
  expect({ seed: SEED, broken }).toEqual({ seed: SEED, broken: [] });
}, 7_200_000);

interface StoreFault {
  readonly name: string;
  begin(): Promise<void>;
  end(): Promise<void>;
}

/** What a store does that does not store; each lasts until its `end`. */
function storeFaults(): StoreFault[] {
  let isBack: () => void = () => {};
  let restarted: Promise<void> = Promise.resolve();
  const signalAll = (signal: NodeJS.Signals): void => {
    const pid = leftPostgres(deskHome(database.root))!.identity.pid;
    for (const each of [pid, ...childrenOf(pid)]) process.kill(each, signal);
  };
  const readOnly = async (isOn: boolean): Promise<void> => {
    await database.query(`alter system set default_transaction_read_only = ${isOn ? 'on' : 'off'}`);
    await database.query('select pg_reload_conf()');
  };
  return [
    {
      name: 'Postgres is not there',
      begin: () =>
        new Promise((resolve) => {
          restarted = database.restart(() => new Promise((back) => ((isBack = back), resolve())));
        }),
      end: async () => {
        isBack();
        await restarted;
      },
    },
    {
      name: 'Postgres hangs',
      begin: async () => signalAll('SIGSTOP'),
      end: async () => signalAll('SIGCONT'),
    },
    { name: 'Postgres takes nothing new', begin: () => readOnly(true), end: () => readOnly(false) },
  ];
}

test(`${STORE_TRIALS} stores that take nothing: past its limit the bot stands aside and says why, and goes on by itself`, async () => {
  const found: Record<string, number> = { onTheirWay: 0 };
  const broken: string[] = [];
  const { live } = await world.host.startOrAdopt('bot1');
  const supervision = supervise();
  const faults = storeFaults();
  for (let trial = 0; trial < STORE_TRIALS; trial += 1) {
    const fault = faults[trial % faults.length]!;
    await quoting(live);
    await sleep(random(1_000));
    await fault.begin();
    try {
      const because = async (): Promise<boolean> => (await live.control.status()).reason === 'events_not_stored';
      await until('the bot to stand aside', because);
      const acceptedThen = await accepted();
      await emptyBook();
      await sleep(500 + random(2_000));
      const acceptedLater = await accepted();
      // Those were decided before, and what was decided is recorded.
      found['onTheirWay']! += acceptedLater - acceptedThen;
      if (acceptedLater - acceptedThen > 2)
        broken.push(`${fault.name}: ${acceptedLater - acceptedThen} orders after it`);
      if (!(await because())) broken.push(`${fault.name}: ${(await live.control.status()).reason} while it lasts`);
      found[fault.name] = (found[fault.name] ?? 0) + 1;
    } finally {
      await fault.end();
    }
  }
  await quoting(live);
  supervision.cancel();
  await shipper.drain(30_000);
  const told = await database.query(`select payload->>'reason' as reason from event where payload->>'type' = 'alert'`);
  found['alerts'] = told.filter(({ reason }) => reason === 'events_not_stored').length;
  broken.push(...(await unrecorded()).map((id) => `${id} is in no journal`));
  tell('event stores that take nothing for longer than the limit', STORE_TRIALS, broken, found);
  expect({ seed: SEED, broken }).toEqual({ seed: SEED, broken: [] });
  // A machine that is busy enough makes one more.
  expect(found['alerts']).toBeGreaterThanOrEqual(STORE_TRIALS);
}, 3_600_000);

function tell(proof: string, count: number, broken: readonly string[], found: Record<string, number>): void {
  tellProof({ promise: 'P35', proof, trials: count, failures: broken.length, found, examples: broken.slice(0, 5) });
  if (process.env['DESK_SHOW'] !== undefined) console.log(JSON.stringify({ seed: SEED, ...found }));
}
