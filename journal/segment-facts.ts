/** What the segments of a journal hold, by their headers alone. */
import { closeSync, existsSync, openSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { SegmentFacts } from '../core/retention/facts.ts';
import { HEADER_BYTES, readSegmentHeader, type SegmentHeader } from './frame.ts';
import { quarantinedIn, readFully, segmentFirstSequence, segmentsIn } from './segment.ts';

/** In order. A segment that goes into the archive meanwhile is left out. */
export function segmentFacts(dir: string): { segments: SegmentFacts[]; isQuarantined: boolean } {
  if (!existsSync(dir)) return { segments: [], isQuarantined: false };
  const found = segmentsIn(dir).flatMap((file) => {
    const stat = statSync(join(dir, file), { throwIfNoEntry: false });
    return stat === undefined
      ? []
      : [{ file, bytes: stat.size, writtenAtMs: stat.mtimeMs, header: headerOf(dir, file) }];
  });
  const segments = found.map(({ file, bytes, writtenAtMs }, index): SegmentFacts => {
    const next = found[index + 1]?.header ?? null;
    return {
      file,
      bytes,
      writtenAtMs,
      firstSequence: segmentFirstSequence(file),
      lastSequence: next === null ? null : lastBefore(next),
      lastEventSequence:
        next === null ? null : next.lostFromSequence === 0 ? next.eventSequenceBefore : next.eventSequenceBeforeLoss,
    };
  });
  return { segments, isQuarantined: quarantinedIn(dir).length > 0 };
}

function lastBefore({ firstSequence, lostFromSequence }: SegmentHeader): number {
  return (lostFromSequence === 0 ? firstSequence : lostFromSequence) - 1;
}

function headerOf(dir: string, file: string): SegmentHeader | null {
  let fd: number;
  try {
    fd = openSync(join(dir, file), 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  try {
    const bytes = Buffer.alloc(HEADER_BYTES);
    const header = readSegmentHeader(bytes.subarray(0, readFully(fd, bytes, 0)), 0);
    return 'broken' in header ? null : header;
  } finally {
    closeSync(fd);
  }
}
