/** Where a journal stands, whoever appends to it: what is whole, what is torn, what is damaged. Nothing in it is changed. */
import { existsSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { journalOwner } from './lock.ts';
import { JournalTail } from './reader.ts';
import { examineJournal } from './recovery.ts';
import { segmentFirstSequence, segmentsIn } from './segment.ts';

export interface JournalStanding {
  /** The living process that appends to it. */
  readonly owner: number | null;
  /** Of the last whole record in front of any damage. */
  readonly sequence: number;
  readonly eventSequence: number;
  /** The file that ends with that record, and how far it is whole; null without one. */
  readonly segment: string | null;
  readonly wholeBytes: number;
  /** Never acknowledged: cut at the next opening. */
  readonly tornBytes: number;
  readonly damage: { readonly file: string; readonly sequence: number; readonly reason: string } | null;
}

/**
 * Null where there is no journal. With `sync` all that is told survives a power cut from here on. Throws what the disk says,
 * and `JournalDamaged` of a journal that somebody appends to.
 */
export async function journalStanding(dir: string, { sync }: { sync: boolean }): Promise<JournalStanding | null> {
  if (!existsSync(dir)) return null;
  const owner = journalOwner(dir);
  if (owner !== null) return { owner, ...(await followed(dir, sync)) };
  const { counts, end, tornBytes, damage } = examineJournal(dir);
  // Opened meanwhile, what looked torn may have been a record on its way.
  const opened = journalOwner(dir);
  if (opened !== null) return { owner: opened, ...(await followed(dir, sync)) };
  if (sync && end !== null && existsSync(join(dir, end.segment))) await syncFile(join(dir, end.segment));
  return {
    owner: null,
    sequence: counts.sequence,
    eventSequence: counts.eventSequence,
    segment: end?.segment ?? null,
    wholeBytes: end?.offset ?? 0,
    tornBytes,
    damage: damage === null ? null : { file: damage.file, sequence: damage.sequence, reason: damage.reason },
  };
}

/** Of a journal that grows: from its newest segment with a header to what stands in it now. */
async function followed(dir: string, sync: boolean): Promise<Omit<JournalStanding, 'owner'>> {
  const standing = { sequence: 0, eventSequence: 0, segment: null, wholeBytes: 0, tornBytes: 0, damage: null };
  for (const segment of segmentsIn(dir).reverse()) {
    const tail = new JournalTail(dir, { fromSequence: segmentFirstSequence(segment), wanted: () => false });
    try {
      while (!(await tail.read()).atEnd);
      const { sequence, eventSequence, end } = tail;
      if (end === null) continue;
      if (sync) await tail.sync();
      return { ...standing, sequence, eventSequence, segment: end.segment, wholeBytes: end.offset };
    } finally {
      await tail.close();
    }
  }
  return standing;
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path);
  try {
    await file.datasync();
  } finally {
    await file.close();
  }
}
