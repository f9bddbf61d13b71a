/**
 * Runs of the report families: a row each in Postgres and the same report as files. Postgres first: a file is there only for a
 * run that is stored, and a run that is tried again writes its files again.
 */
import type { Pool } from 'pg';
import { z } from 'zod';
import { canonicalText } from './evidence/hash.ts';
import { withClient } from './connect.ts';
import { writeReport } from './report-files.ts';
import { AtMs, SafeInt } from './rows.ts';

export const REPORT_FAMILIES = [
  'exchange_snapshot',
  'reconciliation_report',
  'parity_report',
  'portfolio_risk_report',
  'promotion_gate_run',
  'accounting_snapshot',
] as const;
export type ReportFamily = (typeof REPORT_FAMILIES)[number];

export interface ReportRun {
  /** Makes it one: a workflow's run and activity, or what else names this run alone. */
  readonly runId: string;
  readonly atMs: number;
  /** The desk, bot, account or symbol that it is about. */
  readonly subject: string;
  readonly status: 'pass' | 'fail' | 'info';
  readonly codeVersion: string;
  /** The record that it earned; null where it is no evidence. */
  readonly evidence: number | null;
  /** Canonical JSON is made of it: no NaN, Infinity or undefined. */
  readonly payload: object;
  readonly markdown: string;
}

export interface FamilyStatus {
  readonly family: ReportFamily;
  readonly rows: number;
  readonly lastAtMs: number | null;
  /** Of this process: why the last write failed; null after a good one. */
  readonly lastError: string | null;
}

export interface ReportRuns {
  /** Idempotent by `runId`: true when it was new. Throws `LedgerUnavailable`, `ReportRunDiffers`, or what the disk says. */
  write(family: ReportFamily, run: ReportRun): Promise<boolean>;
  status(): Promise<FamilyStatus[]>;
}

/** The run is stored already, and said something else. */
export class ReportRunDiffers extends Error {
  override readonly name = 'ReportRunDiffers';
}

const CountRow = z.object({ rows: SafeInt, last: AtMs.nullable() });

/** `pool` is in the role `desk_writer`. */
export function createReportRuns({ pool, reportsDir }: { pool: Pool; reportsDir: string }): ReportRuns {
  const errors = new Map<ReportFamily, string>();

  async function store(family: ReportFamily, run: ReportRun): Promise<boolean> {
    const { runId, atMs, subject, status, codeVersion, evidence } = run;
    const payload = canonicalText({ ...run.payload });
    return withClient(pool, async (client) => {
      const { rowCount } = await client.query(
        `insert into ${family} (run_id, at, subject, status, code_version, evidence_number, payload)
         values ($1, $2, $3, $4, $5, $6, $7) on conflict (run_id) do nothing`,
        [runId, new Date(atMs), subject, status, codeVersion, evidence, payload],
      );
      if (rowCount === 1) return true;
      const { rows } = await client.query<{ same: boolean }>(
        `select (subject, status, payload) = ($2, $3, $4::jsonb) as same from ${family} where run_id = $1`,
        [runId, subject, status, payload],
      );
      if (rows[0]?.same !== true)
        throw new ReportRunDiffers(`${family}: run ${runId} is stored already and says something else`);
      return false;
    });
  }

  return {
    async write(family, run) {
      try {
        const isNew = await store(family, run);
        const { runId, atMs, subject, status, codeVersion, evidence, payload, markdown } = run;
        const json = { family, runId, atMs, subject, status, codeVersion, evidence, payload };
        writeReport(reportsDir, { family, atMs, json, markdown });
        errors.delete(family);
        return isNew;
      } catch (error) {
        errors.set(family, error instanceof Error ? error.message : String(error));
        throw error;
      }
    },
    status: () =>
      withClient(pool, async (client) => {
        const found: FamilyStatus[] = [];
        for (const family of REPORT_FAMILIES) {
          const { rows } = await client.query(`select count(*) as rows, max(at) as last from ${family}`);
          const { rows: count, last } = CountRow.parse(rows[0]);
          found.push({ family, rows: count, lastAtMs: last, lastError: errors.get(family) ?? null });
        }
        return found;
      }),
  };
}
