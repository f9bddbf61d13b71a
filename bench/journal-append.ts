/**
 * Durable appends by 1, 64 and 1,024 writers, each of whom waits for its record before it writes the next. Beside them,
 * from the same run: what the disk gives to a bare loop of write and fdatasync (one record a sync), and what framing
 * alone costs the processor.
 */
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RecordKind } from '../core/events/record.ts';
import { sealRecord } from '../journal/frame.ts';
import { openJournal } from '../journal/journal.ts';

const PAYLOAD = JSON.stringify({ clientOrderId: 'bench-000001', state: 'open', note: 'x'.repeat(200) });
const RECORD_BYTES = 48 + Buffer.byteLength(PAYLOAD);
const RUN_MS = Number(process.env['BENCH_MS'] ?? 3000);
const WARM_UP_MS = 500;
const silent = { info() {}, warn: console.error, error: console.error };

interface Figures {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

function figures(latencies: Float64Array, elapsedMs: number): Figures {
  const sorted = latencies.slice().sort();
  const at = (ratio: number): number => Number((sorted[Math.floor(ratio * (sorted.length - 1))] ?? 0).toFixed(3));
  return {
    perSecond: Math.round((sorted.length / elapsedMs) * 1000),
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    maxMs: at(1),
  };
}

async function appendBy(writers: number, dir: string): Promise<Figures> {
  const { journal } = await openJournal({ dir, log: silent });
  const latencies = new Float64Array(4_000_000);
  let count = 0;
  const startMs = performance.now();
  const measureFromMs = startMs + WARM_UP_MS;
  const endMs = measureFromMs + RUN_MS;
  const writer = async (): Promise<void> => {
    for (;;) {
      const atMs = performance.now();
      if (atMs > endMs) return;
      journal.append(RecordKind.orderEvent, 1, 1, atMs, PAYLOAD);
      await journal.durable();
      if (atMs > measureFromMs && count < latencies.length) latencies[count++] = performance.now() - atMs;
    }
  };
  await Promise.all(Array.from({ length: writers }, writer));
  const elapsedMs = performance.now() - measureFromMs;
  await journal.close();
  return figures(latencies.subarray(0, count), elapsedMs);
}

function diskLimit(dir: string): Figures {
  const fd = openSync(join(dir, 'limit'), 'w');
  const record = Buffer.alloc(RECORD_BYTES, 1);
  const latencies = new Float64Array(200_000);
  let count = 0;
  const startMs = performance.now();
  while (performance.now() - startMs < RUN_MS / 2 && count < latencies.length) {
    const atMs = performance.now();
    writeSync(fd, record);
    fdatasyncSync(fd);
    latencies[count++] = performance.now() - atMs;
  }
  const elapsedMs = performance.now() - startMs;
  closeSync(fd);
  return figures(latencies.subarray(0, count), elapsedMs);
}

/** Frames a second when nothing is written: copy of the text, header and CRC. */
function frameLimit(): number {
  const bytes = Buffer.allocUnsafeSlow(1024 * 1024);
  const view = new DataView(bytes.buffer);
  const perBuffer = Math.floor(bytes.length / RECORD_BYTES);
  let frames = 0;
  const startMs = performance.now();
  while (performance.now() - startMs < 1000) {
    for (let i = 0; i < perBuffer; i += 1) {
      const at = i * RECORD_BYTES;
      const length = bytes.write(PAYLOAD, at + 48, 'utf8');
      sealRecord(bytes, view, at, length, frames + i, i, i, startMs, RecordKind.orderEvent, 1, 1);
    }
    frames += perBuffer;
  }
  return Math.round((frames / (performance.now() - startMs)) * 1000);
}

const root = mkdtempSync(join(process.env['BENCH_DIR'] ?? tmpdir(), 'journal-append-'));
try {
  const limit = diskLimit(root);
  const by = new Map<number, Figures>();
  for (const writers of [1, 64, 1024]) by.set(writers, await appendBy(writers, join(root, `w${writers}`)));
  console.log(
    JSON.stringify({
      bench: 'journal-append',
      recordBytes: RECORD_BYTES,
      writers: Object.fromEntries(by),
      limits: { fdatasyncLoop: limit, framesPerSecond: frameLimit() },
      ratios: {
        oneWriterOfFdatasyncLoop: Number(((by.get(1)?.perSecond ?? 0) / limit.perSecond).toFixed(2)),
        sixtyFourWritersOfFdatasyncLoop: Number(((by.get(64)?.perSecond ?? 0) / limit.perSecond).toFixed(1)),
      },
    }),
  );
} finally {
  rmSync(root, { recursive: true, force: true });
}
