/** P4: same journal, same state. Each journal is replayed twice from its beginning, and once from each of its snapshots. */
import { rmSync } from 'node:fs';
import { afterAll, expect, test } from '@jest/globals';
import { stateHash } from '../../core/bot/state.ts';
import { RecordKind } from '../../core/events/record.ts';
import { replayJournal } from '../../journal/machine-replay.ts';
import { readAll, removeTempDirs, seeded, tempDir } from '../journal/helpers.ts';
import { recordBench, trade } from '../support/bot-journal.ts';
import { botConfig, EAGER_QUOTES } from '../support/bots.ts';
import { tellProof, trials } from '../support/trials.ts';

afterAll(removeTempDirs);

const JOURNALS = trials({ ci: 10, long: 1_000 });
const SEED = Number(process.env['TEST_SEED'] ?? Date.now() % 1e9);
const PROTECTED = { ...botConfig().risk, protectiveStopEnabled: true };
const CONFIGS = [
  botConfig(),
  botConfig({ strategy: EAGER_QUOTES, risk: { ...PROTECTED, cancelsPerMinuteMax: 600 } }),
  botConfig({ positionMode: 'hedge', risk: PROTECTED }),
];

/** One that a bot wrote in up to three runs, killed between them. The state it ended with. */
async function writeJournal(dir: string, seed: number): Promise<string> {
  const random = seeded(seed);
  const config = CONFIGS[random(CONFIGS.length)]!;
  const options = { config, snapshotInputs: 50 + random(150), segmentBytes: 64 * 1024 };
  let bench = await recordBench(dir, options);
  bench.run();
  await trade(bench, 80 + random(250), seed);
  for (let runs = random(3); runs > 0; runs -= 1) {
    await bench.close();
    const { state, nowMs } = bench;
    bench = await recordBench(dir, { ...options, state });
    bench.nowMs = nowMs + random(60_000);
    bench.restart([{ leg: 'net', qty: state.holdings.net.qty, entryPrice: '60000' }], []);
    await trade(bench, 50 + random(150), seed + runs);
  }
  await bench.close();
  return stateHash(bench.state);
}

test(`${JOURNALS} journals: every replay, from wherever it begins, ends in the state that the bot ended in`, async () => {
  const found = { records: 0, snapshots: 0, differentEnds: 0 };
  const ends = new Set<string>();
  const broken: string[] = [];
  for (let journal = 0; journal < JOURNALS; journal += 1) {
    const seed = SEED + 10 * journal;
    const dir = tempDir();
    const lived = await writeJournal(dir, seed);
    ends.add(lived);
    const records = await readAll(dir);
    const snapshots = records.filter(({ kind }) => kind === RecordKind.stateSnapshot);
    found.records += records.length;
    found.snapshots += snapshots.length;
    for (const from of [1, 1, ...snapshots.map(({ sequence }) => sequence)]) {
      const { machine, divergence, stateDiffersAt } = await replayJournal(dir, { from });
      const replayed = machine === null ? 'nothing' : stateHash(machine.state);
      if (replayed !== lived || divergence !== null || stateDiffersAt !== null)
        broken.push(`seed ${seed} from ${from}: ${replayed}, lived ${lived}, ${JSON.stringify(divergence)}`);
    }
    rmSync(dir, { recursive: true });
  }
  found.differentEnds = ends.size;
  tellProof({
    promise: 'P4',
    proof: 'journals replayed twice from the beginning and once from each snapshot',
    trials: JOURNALS,
    failures: broken.length,
    found,
    examples: broken.slice(0, 5),
  });
  expect(broken).toEqual([]);
  expect(ends.size).toBe(JOURNALS);
  expect(found.snapshots).toBeGreaterThan(2 * JOURNALS);
}, 3_600_000);
