/** A run of retention from its facts to its results, one at a time for each event store; and what an earlier try of it did. */
import type { PoolClient } from 'pg';
import type { Log } from '../../core/log.ts';
import type { RetentionResult } from '../../core/retention/evidence.ts';
import type { RetentionFacts } from '../../core/retention/facts.ts';
import { planRetention, type RetentionPlan } from '../../core/retention/plan.ts';
import type { RetentionPolicy } from '../../core/retention/policy.ts';
import { createPool } from '../connect.ts';
import { classified, isOfDisk, LedgerUnavailable } from '../errors.ts';
import { backupFacts, collectFacts, type RetentionPlaces } from './facts.ts';
import { forgetRunLogs, openRunLog, readRunLog, runLogFile, settled } from './run-log.ts';
import { runRetention } from './run.ts';

/** Advisory: two runs would archive one segment into one file. */
export const RETENTION_LOCK = 'desk_retention';

/** Trying again later is right. */
export class RetentionBusy extends Error {
  override readonly name = 'RetentionBusy';
}

export interface RetentionOptions {
  readonly databaseUrl: string;
  readonly places: RetentionPlaces;
  readonly policy: RetentionPolicy;
  readonly log: Log;
}

export interface CarryOutOptions extends RetentionOptions {
  /** Names the run: its second try goes on where the first one ended, and answers what both did. */
  readonly runId: string;
  /** `backups`: nothing else is looked at. */
  readonly only?: 'backups';
  readonly signal?: AbortSignal;
  readonly onResult?: (result: RetentionResult) => void;
}

export interface CarriedOut {
  readonly results: readonly RetentionResult[];
  /** Old enough, and still there. */
  readonly held: number;
}

/** Read-only. Throws `LedgerUnavailable`, or what the disk says. */
export async function planNow({ policy, places, ...options }: RetentionOptions): Promise<RetentionPlan> {
  return withOwner(options, async (client) =>
    planRetention(policy, await collectFacts(client, places, policy, Date.now())),
  );
}

/**
 * Makes a plan and carries it out. Safe to repeat by `runId`. Throws `RetentionBusy`, `LedgerUnavailable`, the signal's
 * reason, or what the disk says: what was done by then is on record, see `carriedOut`.
 */
export async function carryOut(options: CarryOutOptions): Promise<CarriedOut> {
  const { places, policy, runId, only, signal, onResult } = options;
  return withOwner(options, async (client) => {
    const { rows } = await client.query<{ mine: boolean }>('select pg_try_advisory_lock(hashtext($1)) as mine', [
      RETENTION_LOCK,
    ]);
    if (rows[0]?.mine !== true) throw new RetentionBusy('another run of retention is under way');
    const file = runLogFile(places.runsDir, runId);
    const { unsettled } = await readRunLog(file);
    const log = await openRunLog(file);
    try {
      for (const item of unsettled) {
        const result = await settled(item, places, client);
        if (result !== null) await log.result(result);
      }
      const facts = only === 'backups' ? await factsOfBackups(places) : await collectFacts(client, places, policy, Date.now()); // prettier-ignore
      const plan = planRetention(policy, facts);
      await log.plan(plan);
      await runRetention({
        client,
        places,
        facts,
        plan,
        ...(signal !== undefined && { signal }),
        onResult: async (result) => {
          await log.result(result);
          onResult?.(result);
        },
      });
    } finally {
      await log.close();
    }
    const { results, held } = await readRunLog(file);
    return { results, held };
  });
}

/** What all tries of a run did; nothing is removed any more. The event store may be away. */
export async function carriedOut(
  options: Omit<RetentionOptions, 'policy'> & { readonly runId: string },
): Promise<CarriedOut> {
  const { places, runId } = options;
  const { results, unsettled, held } = await readRunLog(runLogFile(places.runsDir, runId));
  const look = async (client: PoolClient | null): Promise<CarriedOut> => {
    const found: RetentionResult[] = [];
    for (const item of unsettled) {
      const result = await settled(item, places, client);
      if (result !== null) found.push(result);
    }
    return { results: [...results, ...found], held };
  };
  try {
    return await withOwner(options, look);
  } catch (error) {
    if (error instanceof LedgerUnavailable) return look(null);
    throw error;
  }
}

export function forgetRun(places: RetentionPlaces, runId: string): Promise<void> {
  return forgetRunLogs(places.runsDir, runId, Date.now());
}

async function factsOfBackups({ backupsDir }: RetentionPlaces): Promise<RetentionFacts> {
  const nothing = { journals: [], archives: [], eventDays: [], consumers: [], reports: [], logs: [] };
  return { ...nothing, nowMs: Date.now(), backups: await backupFacts(backupsDir) };
}

/** As the owner of the tables, on a connection that ends with the work: its locks end with it. */
async function withOwner<T>(
  { databaseUrl, log }: Pick<RetentionOptions, 'databaseUrl' | 'log'>,
  work: (client: PoolClient) => Promise<T>,
): Promise<T> {
  const pool = createPool({ databaseUrl, connections: 1, log });
  try {
    const client = await pool.connect();
    try {
      return await work(client);
    } finally {
      client.release(true);
    }
  } catch (error) {
    throw isOfDisk(error) ? error : classified(error);
  } finally {
    await pool.end();
  }
}
