/**
 * No order leaves before its intent is on disk. A line in front of the venue looks at the journal when the first byte of a
 * request arrives: the intent must be among its bytes, and its disk must have said so.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import type { ExecutionIntentEvent } from '../../../core/bot/events.ts';
import { RecordKind } from '../../../core/events/record.ts';
import { frameBytes, frameState, HEADER_BYTES, readRecord } from '../../../journal/frame.ts';
import type { Journal } from '../../../journal/journal.ts';
import { segmentName } from '../../../journal/segment.ts';
import { until } from '../../support/desk.ts';
import { IS_LONG_RUN, tellProof, trials } from '../../support/trials.ts';
import { BUSY, withWorld, type BoundaryBot } from './world.ts';
import { withDurable } from './disk.ts';
import { Wire, type SeenRequest } from './wire.ts';

const ORDERS = trials({ ci: 60, long: 10_000 });
const BOTS = IS_LONG_RUN ? 8 : 3;
const DISK_MS = 15;

/** The bytes of a bot's journal as they are on disk, read on from where the last look ended. */
class JournalBytes {
  /** Sequence of the record of each intent. */
  readonly intents = new Map<string, number>();
  private readonly fd: number;
  private readonly chunk = Buffer.alloc(256 * 1024);
  private offset = HEADER_BYTES;

  constructor(dir: string) {
    this.fd = openSync(join(dir, segmentName(1)), 'r');
  }

  look(): void {
    for (;;) {
      const end = readSync(this.fd, this.chunk, 0, this.chunk.length, this.offset);
      let at = 0;
      while (at + HEADER_BYTES <= end && frameState(this.chunk, at, end) === 'whole') {
        this.take(readRecord(this.chunk, at, '', at));
        at += frameBytes(this.chunk, at);
      }
      this.offset += at;
      if (at === 0) return;
    }
  }

  close(): void {
    closeSync(this.fd);
  }

  private take({ kind, sequence, payload }: ReturnType<typeof readRecord>): void {
    if (kind !== RecordKind.executionIntentEvent) return;
    const event = JSON.parse(payload.toString('utf8')) as ExecutionIntentEvent;
    if (event.type === 'place' || event.type === 'place_stop') this.intents.set(event.clientOrderId, sequence);
  }
}

interface AtFirstByte {
  /** Last sequence that the disk had acknowledged, by bot. */
  readonly acknowledged: ReadonlyMap<string, number>;
  /** Intents seen on disk so far, by bot: ids that come later were not there yet. */
  readonly onDisk: ReadonlyMap<string, number>;
}

test(`${ORDERS} orders, stops among them, on a slow disk: each intent was durable before the first byte left`, async () => {
  const journals = new Map<string, JournalBytes>();
  const acknowledged = new Map<string, number>();
  const early: string[] = [];
  const paths = new Map<string, number>();
  let seen = 0;
  const wire = new Wire<AtFirstByte>({
    onFirstByte() {
      for (const journal of journals.values()) journal.look();
      const onDisk = [...journals].map(([bot, { intents }]) => [bot, intents.size] as const);
      return { acknowledged: new Map(acknowledged), onDisk: new Map(onDisk) };
    },
    onRequest({ path, clientOrderId, mark }: SeenRequest<AtFirstByte>) {
      seen += 1;
      paths.set(path, (paths.get(path) ?? 0) + 1);
      const bot = clientOrderId.split('_')[0]!;
      const { intents } = journals.get(bot)!;
      const index = [...intents.keys()].indexOf(clientOrderId);
      const isOnDisk = index >= 0 && index < mark.onDisk.get(bot)!;
      const isAcknowledged = isOnDisk && intents.get(clientOrderId)! <= (mark.acknowledged.get(bot) ?? 0);
      if (!isAcknowledged) early.push(`${path} ${clientOrderId}: on disk ${isOnDisk}`);
      return 'pass';
    },
  });
  const disk = (journal: Journal, { account, journalDir }: BoundaryBot): Journal => {
    journals.set(account, new JournalBytes(journalDir));
    return slower(journal, (sequence) => acknowledged.set(account, Math.max(sequence, acknowledged.get(account) ?? 0)));
  };
  const risk = { ...BUSY.risk, protectiveStopEnabled: true };
  const options = { config: { ...BUSY, risk }, bots: BOTS, clockSpeed: 4, simulator: { speed: 4 }, wire, disk };
  await withWorld(options, async () => {
    await until('so many orders', () => seen >= ORDERS, 3_600_000);
    await wire.cut();
    journals.forEach((journal) => journal.close());
    const found = Object.fromEntries([...paths].map(([path, count]) => [path.split('/').at(-1)!, count]));
    tellProof({
      promise: 'P8',
      proof: 'intent durable before the first byte',
      trials: seen,
      failures: early.length,
      found,
    });
    expect(early).toEqual([]);
    expect(found['place-order']).toBeGreaterThan(0);
    expect(found['place-tpsl-order']).toBeGreaterThan(0);
  });
}, 3_700_000);

test('a disk that refuses at that moment: the intent does not leave', async () => {
  let isFull = false;
  let seen = 0;
  const wire = new Wire({ onFirstByte: () => null, onRequest: () => ((seen += 1), 'pass' as const) });
  const disk = (journal: Journal): Journal =>
    withDurable(journal, async () => {
      if (isFull) throw new Error('ENOSPC: no space left on device');
      await journal.durable();
    });
  await withWorld({ config: BUSY, wire, disk }, async ({ bot }) => {
    await bot.quoting();
    isFull = true;
    const { intentNumber } = bot.state;
    // What was durable before may still be on its way.
    await sleep(200);
    const before = seen;
    await until('another intent', () => bot.state.intentNumber > intentNumber);
    await sleep(1_000);
    expect(seen).toBe(before);
    isFull = false;
  });
}, 60_000);

/** A disk that takes its time, and tells when it has acknowledged what was appended up to then. */
function slower(journal: Journal, acknowledge: (sequence: number) => void): Journal {
  return withDurable(journal, async () => {
    const upTo = journal.nextSequence - 1;
    await sleep(DISK_MS);
    await journal.durable();
    acknowledge(upTo);
  });
}
