/** Takes a restart snapshot of this desk: from the disk, and from the event store where one answers. */
import type { Pool } from 'pg';
import { botJournalDir, evidenceHeadsFile, type DeskHome } from '../../config/home.ts';
import { loadConfig } from '../../config/load.ts';
import type { EvidenceHead } from '../../core/evidence/record.ts';
import { SILENT } from '../../core/log.ts';
import type { JournalPart, RestartSnapshot, SourceStanding } from '../../core/recovery/snapshot.ts';
import type { DeltaMode } from '../../core/recovery/verdict.ts';
import { journalStanding, type JournalStanding } from '../../journal/standing.ts';
import { createPool } from '../../ledger/connect.ts';
import { readKeptHeads } from '../../ledger/evidence/heads-file.ts';
import { caughtUp } from '../../ledger/integrity.ts';
import { botFolders } from '../../ledger/journal-shipper.ts';
import { readChainEnd, readOffsets, readSource } from '../../ledger/recovery.ts';
import { codeVersion } from '../code-version.ts';
import type { Context } from '../context.ts';

export interface SnapshotOptions {
  readonly label: RestartSnapshot['label'];
  /** Null where no store can be asked, or `storeUnread` says why. */
  readonly databaseUrl: string | null;
  readonly storeUnread?: string;
  /** Also wait for what is on its way, and look for gaps and missing correlation ids. */
  readonly checks: DeltaMode | null;
}

/** Bots that the configuration lets trade, and whoever left a journal. */
export function sourcesOf({ home, configDir }: Context): string[] {
  const enabled = [...loadConfig(configDir).bots.values()].filter(({ mode }) => mode !== 'disabled');
  return [...new Set([...enabled.map(({ bot }) => bot), ...botFolders(home.journalsDir)])].sort();
}

/** What cannot be asked is left out and said so: a snapshot never fails for the store's sake. */
export async function takeSnapshot(context: Context, options: SnapshotOptions): Promise<RestartSnapshot> {
  const { label, databaseUrl, checks } = options;
  const sources = sourcesOf(context);
  const base = { version: 1, label, atMs: Date.now(), codeVersion: codeVersion(context) } as const;
  const kept = highestKeptHead(context.home);
  const withoutStore = async (storeUnread: string): Promise<RestartSnapshot> => ({
    ...base,
    storeUnread,
    sources: await Promise.all(sources.map((source) => fromDisk(context.home, source))),
    evidence: { stored: null, kept },
    baseline: null,
  });
  if (databaseUrl === null) return withoutStore(options.storeUnread ?? 'no database is known');
  const pool = createPool({ databaseUrl, role: 'desk_reader', connections: 2, log: SILENT });
  try {
    return await withStore(pool);
  } catch (error) {
    return await withoutStore(messageOf(error));
  } finally {
    void pool.end();
  }

  async function withStore(reader: Pool): Promise<RestartSnapshot> {
    // The store before the journals: what is stored was in them.
    const [offsets, { head, baseline }] = [await readOffsets(reader), await readChainEnd(reader)];
    const found: SourceStanding[] = [];
    for (const source of sources) {
      const disk = await fromDisk(context.home, source);
      const eventSequence = disk.journal?.eventSequence ?? 0;
      const offset = offsets.get(source);
      // What is just on its way is not missing. A damaged journal cannot be shipped.
      if (checks !== null && disk.journal?.damage === null) await caughtUp(reader, source, eventSequence);
      found.push({ ...disk, store: await readSource(reader, { source, eventSequence, offset, baseline, checks }) });
    }
    return {
      ...base,
      storeUnread: null,
      sources: found,
      evidence: { stored: head, kept },
      baseline: baseline === null ? null : { number: baseline.number, atMs: baseline.atMs },
    };
  }
}

async function fromDisk(home: DeskHome, source: string): Promise<SourceStanding> {
  try {
    // A snapshot is a lower bound: what it tells has to survive the next power cut.
    const standing = await journalStanding(botJournalDir(home, source), { sync: true });
    return { source, journal: standing === null ? null : partOf(standing), journalUnread: null, store: null };
  } catch (error) {
    return { source, journal: null, journalUnread: messageOf(error), store: null };
  }
}

function partOf({ owner: _, ...part }: JournalStanding): JournalPart {
  return part;
}

function highestKeptHead(home: DeskHome): EvidenceHead | null {
  const { heads } = readKeptHeads(evidenceHeadsFile(home));
  return heads.reduce<EvidenceHead | null>(
    (most, head) => (most === null || head.number > most.number ? head : most),
    null,
  );
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
