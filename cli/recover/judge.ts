/** Holds what stands now against what was known before, and puts the verdict on the evidence chain. */
import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { evidenceHeadsFile, recoveryDir, reportsDir } from '../../config/home.ts';
import type { EvidenceHead, EvidenceRange } from '../../core/evidence/record.ts';
import { headOf } from '../../core/evidence/record.ts';
import { SILENT } from '../../core/log.ts';
import { restartMarkdown } from '../../core/recovery/report.ts';
import { knownBy, type Known, type RestartSnapshot } from '../../core/recovery/snapshot.ts';
import { judgeRestart, RESTART_RULES, type DeltaMode, type RestartReport } from '../../core/recovery/verdict.ts';
import { createPool } from '../../ledger/connect.ts';
import { readKeptHeads } from '../../ledger/evidence/heads-file.ts';
import { createEvidenceStore } from '../../ledger/evidence/store.ts';
import { readLastIntegrity } from '../../ledger/recovery.ts';
import { readSnapshots, unjudged, writeSnapshot } from '../../ledger/recovery-snapshots.ts';
import { writeReport } from '../../ledger/report-files.ts';
import type { Context } from '../context.ts';
import { deskFacts } from '../evidence/store.ts';
import { takeSnapshot } from './snapshot.ts';

export interface Judged {
  readonly report: RestartReport;
  readonly snapshot: RestartSnapshot;
  /** Null where nothing was recorded. */
  readonly recorded: { readonly evidence: EvidenceHead; readonly report: string; readonly snapshot: string } | null;
}

export interface JudgeOptions {
  readonly databaseUrl: string | null;
  readonly mode: DeltaMode;
  readonly dryRun: boolean;
}

/** Every snapshot that no verdict has taken into account, and the last that one has. */
export function knownSnapshots({ home }: Context): RestartSnapshot[] {
  return unjudged(readSnapshots(recoveryDir(home)).snapshots).map(({ snapshot }) => snapshot);
}

/**
 * Recorded in this order: evidence, report, `post_restart` snapshot. A crash in between leaves the verdict to the next one.
 * Throws `LedgerUnavailable` when the store goes meanwhile, and what the disk says.
 */
export async function judgeNow(context: Context, { databaseUrl, mode, dryRun }: JudgeOptions): Promise<Judged> {
  const earlier = knownSnapshots(context);
  const snapshot = await takeSnapshot(context, { label: 'post_restart', databaseUrl, checks: mode });
  const torn = tornOf(earlier);
  const rules = { ...RESTART_RULES, mode };
  const judge = (before: Known[], chain: RestartReport['chain']): RestartReport =>
    judgeRestart({ before, torn, after: snapshot, chain }, rules);
  const known = earlier.map(knownBy);
  if (databaseUrl === null || snapshot.storeUnread !== null)
    return { report: judge(known, null), snapshot, recorded: null };
  const pool = createPool({ databaseUrl, role: 'desk_writer', connections: 1, log: SILENT });
  try {
    const store = createEvidenceStore({ pool, headsFile: evidenceHeadsFile(context.home), log: SILENT });
    const integrity = await readLastIntegrity(pool);
    const verified = await store.verify({ keptHeads: readKeptHeads(evidenceHeadsFile(context.home)).heads });
    const chain = verified.ok
      ? { ok: true as const, records: verified.records, head: verified.head }
      : { ok: false as const, records: verified.records, fault: { ...verified.fault } };
    const report = judge(integrity === null ? known : [...known, integrity], chain);
    return { report, snapshot, recorded: dryRun ? null : await record(context, pool, report, snapshot, earlier) };
  } finally {
    await pool.end();
  }
}

async function record(
  context: Context,
  pool: Pool,
  report: RestartReport,
  snapshot: RestartSnapshot,
  earlier: readonly RestartSnapshot[],
): Promise<NonNullable<Judged['recorded']>> {
  const { home } = context;
  const facts = deskFacts(context);
  const store = createEvidenceStore({ pool, headsFile: evidenceHeadsFile(home), log: SILENT });
  const payload = JSON.parse(JSON.stringify(report)) as Record<string, never>;
  const evidence = headOf(
    await store.append({
      ...facts,
      key: `restart/${randomUUID()}`,
      kind: 'restart_regression',
      atMs: Date.now(),
      range: rangeOf(snapshot, earlier),
      releaseId: await store.releaseOf(facts.codeVersion),
      payload,
    }),
  );
  const file = writeReport(reportsDir(home), {
    family: 'restart_regression',
    atMs: snapshot.atMs,
    json: { ...report, evidence },
    markdown: `${restartMarkdown(report)}\nEvidence ${evidence.number}, \`${evidence.hash}\`\n`,
  });
  return { evidence, report: file, snapshot: writeSnapshot(recoveryDir(home), snapshot) };
}

/** All of the journals that are here, from the first moment that it was held against. */
function rangeOf({ atMs, sources }: RestartSnapshot, earlier: readonly RestartSnapshot[]): EvidenceRange {
  return {
    fromMs: Math.min(atMs, ...earlier.map((one) => one.atMs)),
    toMs: atMs,
    sources: sources.map(({ source, journal }) => ({
      source,
      fromSequence: 1,
      toSequence: journal?.eventSequence ?? 0,
    })),
  };
}

/** By the last snapshot that saw the journals before they were opened. */
function tornOf(earlier: readonly RestartSnapshot[]): ReadonlyMap<string, number> {
  const last = earlier.findLast(({ label }) => label === 'pre_restart');
  return new Map(last?.sources.map(({ source, journal }) => [source, journal?.tornBytes ?? 0]) ?? []);
}
