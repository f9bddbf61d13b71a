/** Hands that tidy a host's folders and the event store, as far as `config/retention.yml` allows. */
import { Context } from '@temporalio/activity';
import type { JsonObject } from '../core/evidence/json.ts';
import {
  planCounts,
  planMarkdown,
  planReport,
  resultMarkdown,
  retentionCounts,
  retentionPayload,
  type PlanCounts,
} from '../core/retention/evidence.ts';
import type { RetentionPolicy } from '../core/retention/policy.ts';
import type { Log } from '../core/log.ts';
import { carriedOut, carryOut, forgetRun, planNow, type CarriedOut } from '../ledger/retention/carry-out.ts';
import type { RetentionPlaces } from '../ledger/retention/facts.ts';
import { beating, runIdOf } from './housekeeping-beat.ts';

export interface RetentionDeps {
  readonly databaseUrl: string;
  readonly places: RetentionPlaces;
  /** As the file is now. Throws `ConfigError`. */
  readonly policy: () => RetentionPolicy;
  readonly report: (family: string, atMs: number, json: object, markdown: string) => void;
  readonly log: Log;
}

export interface PlannedRetention {
  /** What is to be done with it: as asked, or else as the policy says. */
  mode: 'plan' | 'run';
  planned: PlanCounts;
  markdown: string;
}

export interface RetentionDone {
  done: number;
  refused: number;
  /** Of what was done. */
  bytes: number;
  /** Of the evidence. */
  payload: JsonObject;
  markdown: string;
}

export function createRetentionActivities({ databaseUrl, places, policy, report, log }: RetentionDeps) {
  const options = { databaseUrl, places, log };

  function told({ results, held }: CarriedOut, reason: string): RetentionDone {
    const operator = Context.current().info.workflowType ?? 'workflow';
    return {
      ...retentionCounts(results),
      payload: retentionPayload({ operator, reason }, policy(), held, results),
      markdown: resultMarkdown(results, held),
    };
  }

  const carriedOutNow = (reason: string, only?: 'backups'): Promise<RetentionDone> =>
    beating(async (signal, tell) => {
      let items = 0;
      const done = await carryOut({
        ...options,
        policy: policy(),
        runId: runIdOf(),
        signal,
        ...(only !== undefined && { only }),
        onResult: ({ target }) => tell({ items: (items += 1), last: target }),
      });
      return told(done, reason);
    });

  return {
    /** Read-only but for its report, which a second try writes again. `atMs` is workflow time. */
    planRetention: (asked: { mode: 'plan' | 'run' | null; atMs: number }): Promise<PlannedRetention> =>
      beating(async () => {
        const known = policy();
        const plan = await planNow({ ...options, policy: known });
        const mode = asked.mode ?? known.scheduled;
        const planned = planCounts(plan);
        const next = mode === 'plan' && planned.items > 0 ? '\nNothing is removed: this was a plan.\n' : '';
        const markdown = planMarkdown(plan) + next;
        report('retention_plan', asked.atMs, planReport(mode, known, plan), markdown);
        return { mode, planned, markdown };
      }),

    /** Safe to repeat: each try makes a new plan of what is left, and answers what all tries of this workflow's run did. */
    carryOutRetention: ({ reason }: { reason: string }): Promise<RetentionDone> => carriedOutNow(reason),

    /** As `carryOutRetention`, of backups alone. */
    thinOutBackups: ({ reason }: { reason: string }): Promise<RetentionDone> => carriedOutNow(reason, 'backups'),

    /** Read-only: what the tries of this workflow's run did. For one that was cancelled, or ran out of patience. */
    retentionDone: async ({ reason }: { reason: string }): Promise<RetentionDone> =>
      told(await carriedOut({ ...options, runId: runIdOf() }), reason),

    /** Idempotent. Comes when what was done is on the evidence chain. */
    forgetRetention: (): Promise<void> => forgetRun(places, runIdOf()),
  };
}
