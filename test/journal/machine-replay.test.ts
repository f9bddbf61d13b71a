/** A journal replays from what it holds itself, and a change of anything that decides shows as the first event that differs. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { StartInput } from '../../core/bot/input.ts';
import { decodeInput, encodeInput } from '../../core/bot/input-codec.ts';
import { encodeState } from '../../core/bot/state.ts';
import { isEvent, RecordKind } from '../../core/events/record.ts';
import { JournalDamaged } from '../../journal/errors.ts';
import { JournalIndex } from '../../journal/journal-index.ts';
import { replayJournal, ReplayImpossible } from '../../journal/machine-replay.ts';
import { recoverMachine } from '../../journal/recover-machine.ts';
import type { JournalRecord } from '../../journal/reader.ts';
import { recordBench, rewriteJournal, trade } from '../support/bot-journal.ts';
import { botConfig, BTC } from '../support/bots.ts';
import { copyOf, open, readAll, removeTempDirs, segmentFiles, tempDir } from './helpers.ts';

afterAll(removeTempDirs);

/** Two runs with a kill between them, over several segments; the second one with another configuration. */
let dir = '';
let records: JournalRecord[] = [];
let finalState = '';
const SEGMENT_BYTES = 128 * 1024;

beforeAll(async () => {
  dir = tempDir();
  const bench = await recordBench(dir, { snapshotInputs: 200, segmentBytes: SEGMENT_BYTES });
  bench.run();
  await trade(bench, 900);
  await bench.close();
  const wider = { ...botConfig().strategy, halfSpreadBps: 3 };
  const again = await recordBench(dir, {
    snapshotInputs: 200,
    segmentBytes: SEGMENT_BYTES,
    config: botConfig({ strategy: wider }),
    state: bench.state,
  });
  again.nowMs = bench.nowMs + 20_000;
  again.restart([{ leg: 'net', qty: bench.state.holdings.net.qty, entryPrice: '60000' }], []);
  await trade(again, 600, 2);
  await again.close();
  finalState = encodeState(again.state);
  records = await readAll(dir);
});

const asIs = ({ kind, payload }: JournalRecord): Pick<JournalRecord, 'kind' | 'payload'> => ({ kind, payload });
const json = (payload: Buffer): Record<string, unknown> =>
  JSON.parse(payload.toString('utf8')) as Record<string, unknown>;
const isInput = ({ kind }: JournalRecord): boolean => !isEvent(kind) && kind !== RecordKind.stateSnapshot;

describe('a journal', () => {
  test('replays from its beginning to the same events and the same state, over runs and configurations', async () => {
    expect(segmentFiles(dir).length).toBeGreaterThan(2);
    const whole = await replayJournal(dir);
    const inputs = records.filter(isInput).length;
    expect(whole).toMatchObject({ divergence: null, stateDiffersAt: null, inputs, inputsPassed: 0 });
    expect(whole.eventsEqual).toBe(records.filter(({ kind }) => isEvent(kind)).length);
    expect(whole.eventsEqual).toBeGreaterThan(300);
    expect(whole.machine === null ? '' : encodeState(whole.machine.state)).toBe(finalState);
    expect(whole.run).toMatchObject({ epoch: 8, config: { strategy: { halfSpreadBps: 3 } } });
  });

  test('replays from the snapshot before any record to the same place', async () => {
    for (const { sequence } of records.filter((_, place) => place % 97 === 0)) {
      const replay = await replayJournal(dir, { from: sequence });
      expect(replay).toMatchObject({ divergence: null, stateDiffersAt: null, inputsPassed: 0 });
      expect(replay.begin?.sequence).toBeLessThanOrEqual(sequence);
      expect(replay.machine === null ? '' : encodeState(replay.machine.state)).toBe(finalState);
    }
  });

  test('tells every step up to the last one asked for, with the events that were journaled behind it', async () => {
    const until = records.findLast(({ kind }) => kind === RecordKind.fillInput)?.sequence ?? 0;
    const steps: number[] = [];
    const events: number[] = [];
    const { begin } = await replayJournal(dir, {
      from: until,
      until,
      onStep: ({ record }) => void steps.push(record.sequence),
      onEvent: ({ sequence }) => void events.push(sequence),
    });
    const next = records.find((record) => isInput(record) && record.sequence > until)?.sequence ?? Infinity;
    const told = records.filter(({ sequence }) => sequence >= (begin?.sequence ?? 0) && sequence < next);
    expect(steps).toEqual(told.filter(isInput).map(({ sequence }) => sequence));
    expect(events).toEqual(told.filter(({ kind }) => isEvent(kind)).map(({ sequence }) => sequence));
    expect(events.at(-1)).toBeGreaterThan(until);
  });

  test('of an older version, without configurations, is told as that', async () => {
    const old = tempDir();
    const bench = await recordBench(old, { isOld: true });
    bench.run();
    await bench.close();
    await expect(replayJournal(old)).rejects.toThrow(ReplayImpossible);
    await expect(replayJournal(old)).rejects.toThrow('recorded by an older version, without its configuration');
  });

  test("whose configuration today's version does not take is told with path and rule", async () => {
    const changed = tempDir();
    await rewriteJournal(dir, changed, (record) =>
      record.kind === RecordKind.startInput ? withConfig(record, { deadmanS: 1 }) : asIs(record),
    );
    await expect(replayJournal(changed)).rejects.toThrow(/config\.deadmanS: .*>=3/);
  });
});

/** A start record with other values in its configuration. */
function withConfig(record: JournalRecord, changes: object): Pick<JournalRecord, 'kind' | 'payload'> {
  const start = decodeInput(record.kind, record.sequence, record.atMs, record.payload) as StartInput;
  const config = { ...start.config, ...changes } as StartInput['config'] & object;
  return { kind: record.kind, payload: Buffer.from(encodeInput({ ...start, config })) };
}

describe('the first difference', () => {
  async function divergenceOf(change: Parameters<typeof rewriteJournal>[2]) {
    const changed = tempDir();
    await rewriteJournal(dir, changed, change);
    return (await replayJournal(changed)).divergence;
  }
  const placed = (place: number): JournalRecord => {
    const found = records.filter(({ kind, payload }) => kind === 103 && json(payload)['type'] === 'place')[place];
    if (found === undefined) throw new Error('no such intent');
    return found;
  };

  test('is an event that was changed', async () => {
    const at = placed(20);
    const price = '1.5';
    const divergence = await divergenceOf((record) =>
      record.sequence === at.sequence
        ? { kind: record.kind, payload: Buffer.from(JSON.stringify({ ...json(record.payload), price })) }
        : asIs(record),
    );
    expect(divergence).toMatchObject({ sequence: at.sequence, causeSequence: at.causeSequence, atMs: at.atMs });
    expect(JSON.parse(divergence?.journaled?.payload ?? '')).toMatchObject({ price });
    expect(divergence?.decided).toEqual({ kind: at.kind, payload: at.payload.toString('utf8') });
  });

  test('is an event that is gone: the re-run has it, and the next record is another', async () => {
    const at = records.findLast(
      ({ kind, sequence }) => isEvent(kind) && !isEvent(records[sequence]?.kind ?? 0) && sequence < 2_000,
    );
    if (at === undefined) throw new Error('no such event');
    const divergence = await divergenceOf((record) => (record.sequence === at.sequence ? null : asIs(record)));
    expect(divergence).toMatchObject({ sequence: at.sequence, journaled: null });
    expect(divergence?.decided?.payload).toBe(at.payload.toString('utf8'));
  });

  test('is the first event that a changed book led to', async () => {
    const { causeSequence } = records.find(
      ({ kind, payload, causeSequence: cause }) =>
        kind === 103 && json(payload)['type'] === 'cancel' && records[cause - 1]?.kind === RecordKind.bookInput,
    ) as JournalRecord;
    const other = records.findLast(({ kind, sequence }) => kind === RecordKind.bookInput && sequence < causeSequence);
    const divergence = await divergenceOf((record) =>
      record.sequence === causeSequence
        ? { kind: record.kind, payload: other?.payload ?? record.payload }
        : asIs(record),
    );
    expect(divergence?.causeSequence).toBe(causeSequence);
  });

  test('shows a configuration that was not the one', async () => {
    const wider = { ...botConfig().strategy, halfSpreadBps: 2.5 };
    const divergence = await divergenceOf((record) =>
      record.kind === RecordKind.startInput ? withConfig(record, { strategy: wider }) : asIs(record),
    );
    expect(divergence?.sequence).toBe(placed(0).sequence);
    expect(JSON.parse(divergence?.journaled?.payload ?? '{}')).toMatchObject({ type: 'place' });
  });

  test('of the state alone is a snapshot that says something else', async () => {
    const changed = tempDir();
    const at = records.filter(({ kind }) => kind === RecordKind.stateSnapshot)[2]?.sequence;
    await rewriteJournal(dir, changed, (record) => {
      if (record.sequence !== at) return asIs(record);
      const state = record.payload.toString('utf8').replace(/"alerts":(\d+)/, (_, n) => `"alerts":${Number(n) + 1}`);
      return { kind: record.kind, payload: Buffer.from(state) };
    });
    // Telemetry tells the alerts, too: from there on what is journaled is the true bot's.
    expect(await replayJournal(changed)).toMatchObject({ stateDiffersAt: at });
  });
});

describe('after a crash', () => {
  /** The last input of the first run that led to several events: the process dies with one of them on the disk. */
  function death(): { cause: number; survivor: number; lost: JournalRecord[] } {
    const told = (cause: number): JournalRecord[] => records.filter(({ causeSequence }) => causeSequence === cause);
    const last = records.findLast(
      (record) => record.epoch === 7 && isInput(record) && told(record.sequence).length > 1,
    );
    const [survivor, ...lost] = told(last?.sequence ?? -1);
    expect(lost.length).toBeGreaterThan(0);
    return { cause: last?.sequence ?? 0, survivor: survivor?.sequence ?? 0, lost };
  }

  async function deadAt(survivor: number): Promise<string> {
    const dead = tempDir();
    await rewriteJournal(dir, dead, (record) => (record.sequence > survivor ? null : asIs(record)));
    return dead;
  }

  test('events that never reached the disk are given to the next process, and are no difference', async () => {
    const { cause, survivor, lost } = death();
    const dead = await deadAt(survivor);
    const recovered = await recoverMachine(dead, 1, botConfig(), BTC);
    expect(recovered).toMatchObject({ divergedAt: null, missing: { causeSequence: cause, epoch: 7 } });
    expect(recovered.missing.events).toEqual(
      lost.map(({ kind, payload }) => ({ kind, payload: payload.toString('utf8') })),
    );
    expect(await replayJournal(dead)).toMatchObject({ divergence: null, stateDiffersAt: null });
  });

  test('what another configuration decides is no record of the run that ended', async () => {
    const dead = await deadAt(death().survivor);
    const wider = botConfig({ strategy: { ...botConfig().strategy, halfSpreadBps: 3 } });
    const { divergedAt, missing } = await recoverMachine(dead, 1, wider, BTC);
    expect(divergedAt).not.toBeNull();
    expect(missing.events).toEqual([]);
  });

  test('the run behind one that lost its last events replays all the same', async () => {
    const { survivor } = death();
    const later = tempDir();
    await rewriteJournal(dir, later, (record) =>
      record.epoch === 7 && record.sequence > survivor ? null : asIs(record),
    );
    const replay = await replayJournal(later);
    expect(replay).toMatchObject({ divergence: null, stateDiffersAt: null, run: { epoch: 8 } });
    expect(replay.machine === null ? '' : encodeState(replay.machine.state)).toBe(finalState);
  });
});

describe('a damaged part', () => {
  /** One bit of a record in the second half of a segment is another. */
  function damaged(place: number): { copy: string; lostFrom: number } {
    const copy = copyOf(dir);
    const segment = segmentFiles(copy)[place] ?? '';
    const victim = records.find(({ position }) => position.segment === segment && position.offset > 60_000);
    const path = join(copy, segment);
    const bytes = readFileSync(path);
    bytes.writeUInt8(bytes.readUInt8((victim?.position.offset ?? 0) + 50) ^ 1, (victim?.position.offset ?? 0) + 50);
    writeFileSync(path, bytes);
    return { copy, lostFrom: victim?.sequence ?? 0 };
  }

  test('is told, and not passed over in silence', async () => {
    const { copy, lostFrom } = damaged(0);
    await expect(replayJournal(copy)).rejects.toThrow(JournalDamaged);
    await expect(replayJournal(copy)).rejects.toThrow(`record ${lostFrom} `);
  });

  async function accepted(place: number): Promise<string> {
    const { copy, lostFrom } = damaged(place);
    const { journal } = await open(copy, { acknowledgeDamage: true, segmentBytes: SEGMENT_BYTES });
    await journal.close();
    const [loss] = new JournalIndex(copy).losses;
    expect(loss?.before?.sequence).toBeLessThan(lostFrom);
    expect(loss?.after.sequence).toBeGreaterThan(lostFrom);
    return copy;
  }

  test('that was accepted is passed: the replay goes on with the next state of the same run', async () => {
    const replay = await replayJournal(await accepted(0));
    expect(replay).toMatchObject({ divergence: null, stateDiffersAt: null });
    expect(replay.inputs).toBeLessThan(records.filter(isInput).length);
    expect(replay.machine === null ? '' : encodeState(replay.machine.state)).toBe(finalState);
  });

  test('with a start in it leaves that run unexplained: nobody knows what it was configured to do', async () => {
    const replay = await replayJournal(await accepted(1));
    expect(replay).toMatchObject({ divergence: null, machine: null });
    expect(replay.inputsPassed).toBeGreaterThan(300);
  });
});

test('what is compared is more than books: orders, fills and what people did', () => {
  const { fillEvent, executionIntentEvent, orderEvent, controlEvent } = RecordKind;
  const kinds = new Set(records.map(({ kind }) => kind));
  for (const kind of [fillEvent, executionIntentEvent, orderEvent, controlEvent]) expect(kinds).toContain(kind);
});
