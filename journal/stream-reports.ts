/**
 * What a bot told of its streams, read out of its journal from where somebody stopped reading. The journal is read a chunk
 * at a time and asynchronously, so that whoever reads does other work meanwhile; of a chunk only these reports are decoded,
 * and nothing else is kept.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { MARKET_STREAMS_START, MarketStreamsEvent } from '../core/market/stream-report.ts';
import { RecordKind } from '../core/events/record.ts';
import { JournalMismatch } from './errors.ts';
import type { JournalRecord } from './frame.ts';
import { JournalTail, type JournalBookmark } from './reader.ts';
import { segmentFacts } from './segment-facts.ts';

export interface StreamReportsWanted {
  /** Read before, up to this event; 0 before the first reading. */
  readonly afterEventSequence: number;
  /** What was told up to then is left out, however much of it there is. */
  readonly sinceMs: number;
  /** A report that reaches here is waited for, so long. */
  readonly untilMs: number;
  readonly waitMs: number;
}

export interface StreamReports {
  readonly told: readonly MarketStreamsEvent[];
  /** Events that were looked at, both ends included; `toSequence` is one below `fromSequence` where there was none. */
  readonly fromSequence: number;
  readonly toSequence: number;
}

const LOOK_AGAIN_MS = 500;
/** Enough of a chunk of telemetry; `JournalTail` waits for the disk between two of them. */
const RECORDS_AT_ONCE = 500;
const START = Buffer.from(MARKET_STREAMS_START);

/** Reads the journals of one host again and again, and remembers where: a place that is gone is found anew. */
export class StreamReportReader {
  private readonly places = new Map<string, JournalBookmark>();

  /** Throws `JournalDamaged`. A journal that does not exist says nothing. */
  async read(dir: string, wanted: StreamReportsWanted): Promise<StreamReports> {
    const place = this.places.get(dir);
    const isKnown = place !== undefined && place.eventSequence <= wanted.afterEventSequence;
    try {
      return await this.readFrom(dir, wanted, isKnown ? place : null);
    } catch (error) {
      // Its segment went into the archive, or the journal is another one.
      if (!isKnown || !(error instanceof JournalMismatch || isGone(error))) throw error;
      this.places.delete(dir);
      return this.readFrom(dir, wanted, null);
    }
  }

  private async readFrom(
    dir: string,
    wanted: StreamReportsWanted,
    place: JournalBookmark | null,
  ): Promise<StreamReports> {
    const { sinceMs, untilMs, waitMs, afterEventSequence } = wanted;
    const tail = new JournalTail(dir, {
      ...(place === null ? { fromSequence: firstSequenceToRead(dir, wanted) } : { after: place }),
      wanted: (kind) => kind === RecordKind.telemetryEvent,
    });
    const told: MarketStreamsEvent[] = [];
    let firstSequence = 0;
    try {
      for (const untilAt = performance.now() + waitMs; ;) {
        const { records, atEnd } = await tail.read(RECORDS_AT_ONCE);
        for (const record of records) {
          if (record.eventSequence <= afterEventSequence || record.atMs <= sinceMs) continue;
          firstSequence ||= record.eventSequence;
          const report = reportOf(record);
          if (report !== null) told.push(report);
        }
        const last = records.at(-1);
        if (last !== undefined) this.places.set(dir, bookmarkOf(last));
        if (!atEnd) continue;
        if ((told.at(-1)?.toMs ?? 0) >= untilMs || performance.now() >= untilAt) break;
        await sleep(Math.min(LOOK_AGAIN_MS, Math.max(1, untilAt - performance.now())));
      }
      // A journal that was set back is read from where it stands.
      const isSetBack = tail.sequence > 0 && tail.eventSequence < afterEventSequence;
      if (isSetBack) return await this.readFrom(dir, { ...wanted, afterEventSequence: 0 }, null);
    } finally {
      await tail.close();
    }
    const before =
      afterEventSequence > 0 ? afterEventSequence : firstSequence > 0 ? firstSequence - 1 : tail.eventSequence;
    return { told, fromSequence: before + 1, toSequence: Math.max(before, tail.eventSequence) };
  }
}

/** The first segment that may hold something wanted. */
function firstSequenceToRead(dir: string, { afterEventSequence, sinceMs }: StreamReportsWanted): number {
  const { segments } = segmentFacts(dir);
  const isOver = (lastEventSequence: number | null, writtenAtMs: number): boolean =>
    lastEventSequence !== null && (lastEventSequence <= afterEventSequence || writtenAtMs < sinceMs);
  return segments.find((one) => !isOver(one.lastEventSequence, one.writtenAtMs))?.firstSequence ?? 1;
}

/** Null for other telemetry, and for a report that is not one of this version: it says nothing. */
function reportOf({ payload }: JournalRecord): MarketStreamsEvent | null {
  if (!payload.subarray(0, START.length).equals(START)) return null;
  try {
    return MarketStreamsEvent.safeParse(JSON.parse(payload.toString('utf8'))).data ?? null;
  } catch {
    return null;
  }
}

function bookmarkOf({ position, sequence, eventSequence }: JournalRecord): JournalBookmark {
  return { position, sequence, eventSequence };
}

function isGone(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}
