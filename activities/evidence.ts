/**
 * What a host can say of its journals and the event store, and the chain that it is written down on. Measured clocks and the
 * server's word on skipped time decide what is a rehearsal; no input can talk it out of that.
 */
import { ApplicationFailure, Context } from '@temporalio/activity';
import type { EvidenceHead, EvidenceKind, EvidenceRange } from '../core/evidence/record.ts';
import type { JsonObject } from '../core/evidence/json.ts';
import { headOf } from '../core/evidence/record.ts';
import type { ClockFacts, IntegrityFacts, SourceFacts } from '../core/gates/day2/facts.ts';
import { factsAt, type Scenario } from '../core/gates/day2/scenario.ts';
import type { DeskIdentity } from '../ledger/evidence/identity.ts';
import type { EvidenceStore } from '../ledger/evidence/store.ts';

export interface MeasureIntegrity {
  /** Looked at before, and up to which event of each source. */
  fromMs: number;
  known: { source: string; sequence: number }[];
  /** Workflow time of asking. */
  atMs: number;
  /** Name of a file under `config/rehearsals` that makes the sources up; null where they are measured. */
  scenario: string | null;
  /** Where the scenario's time line begins. */
  startMs: number;
}

export interface IntegrityBefore {
  /** Null before the first. */
  fromMs: number | null;
  known: { source: string; sequence: number }[];
  /** The evidence that froze the last baseline. */
  baseline: { number: number; atMs: number } | null;
}

export interface RecordEvidence {
  kind: EvidenceKind;
  subject: string;
  range: EvidenceRange;
  /** Why the caller calls it a rehearsal; more may be found here. */
  rehearsal: string[];
  payload: JsonObject;
  /** Workflow time. */
  atMs: number;
  /** Tells the records of one workflow run apart. */
  key: string;
  /** Beside the record, for people. */
  markdown: string | null;
}

export interface EvidenceActivityDeps {
  /** Bots whose journals lie on this host. */
  readonly sources: () => readonly string[];
  readonly measure: (source: string, sinceSequence: number) => Promise<SourceFacts>;
  /** Throws an `Error` that says what is wrong with the file. */
  readonly scenario: (name: string) => Scenario;
  readonly evidence: Pick<EvidenceStore, 'append' | 'list' | 'releaseOf'>;
  readonly identity: DeskIdentity;
  readonly venueTimeMs: () => Promise<number | null>;
  readonly report: (family: string, atMs: number, json: object, markdown: string) => void;
  readonly processId: string;
}

/** Between the workflow's time and this host's. */
const CLOCK_TOLERANCE_MS = 5_000;

export type EvidenceActivities = ReturnType<typeof createEvidenceActivities>;

export function createEvidenceActivities(deps: EvidenceActivityDeps) {
  /** All clocks, read together; the workflow puts its own in place. */
  async function clocks(atMs: number): Promise<ClockFacts> {
    const [venueMs, skips] = await Promise.all([deps.venueTimeMs(), timeSkips()]);
    return {
      workflowMs: atMs,
      hostMs: Date.now(),
      monotonicMs: Math.round(performance.now()),
      processId: deps.processId,
      venueMs,
      timeSkips: skips,
    };
  }

  function scenarioOf(name: string): Scenario {
    try {
      return deps.scenario(name);
    } catch (error) {
      throw ApplicationFailure.nonRetryable((error as Error).message, 'InvalidInput');
    }
  }

  return {
    /** Throws while the store is away: what cannot be measured is no evidence. */
    async measureIntegrity({ fromMs, known, atMs, scenario, startMs }: MeasureIntegrity): Promise<IntegrityFacts> {
      if (scenario !== null) {
        const made = factsAt(scenarioOf(scenario), { startMs, fromMs, atMs });
        if ('failed' in made) throw ApplicationFailure.nonRetryable(made.failed, 'EvidenceUnavailable');
        return { ...made, clock: await clocks(atMs) };
      }
      const sinceOf = new Map(known.map(({ source, sequence }) => [source, sequence]));
      const sources: SourceFacts[] = [];
      for (const source of deps.sources()) sources.push(await deps.measure(source, sinceOf.get(source) ?? 0));
      return { fromMs, atMs, sources, clock: await clocks(atMs) };
    },

    /** Where the integrity check before this one ended, and what it is held against. */
    async integrityBefore({ subject }: { subject: string }): Promise<IntegrityBefore> {
      const [last] = await deps.evidence.list({ kind: 'event_store_integrity', subject, limit: 1 });
      const [baseline] = await deps.evidence.list({ kind: 'baseline_freeze', subject, limit: 1 });
      return {
        fromMs: last?.range.toMs ?? null,
        known: last?.range.sources.map(({ source, toSequence }) => ({ source, sequence: toSequence })) ?? [],
        baseline: baseline === undefined ? null : { number: baseline.number, atMs: baseline.atMs },
      };
    },

    /** Once a key, however often it is tried. */
    async recordEvidence(told: RecordEvidence): Promise<EvidenceHead> {
      const { workflowExecution } = Context.current().info;
      if (workflowExecution === undefined) throw ApplicationFailure.nonRetryable('only a workflow records evidence');
      const { workflowId, runId } = workflowExecution;
      const { identity } = deps;
      const rehearsal = [...told.rehearsal];
      const offMs = Math.abs(Date.now() - told.atMs);
      const retriedForMs = Date.now() - Context.current().info.scheduledTimestampMs;
      if (offMs > CLOCK_TOLERANCE_MS + Math.max(0, retriedForMs))
        rehearsal.push(`recorded ${offMs} ms off the workflow's time, allowed ${CLOCK_TOLERANCE_MS}`);
      const skips = await timeSkips();
      if (skips > 0) rehearsal.push(`the server skipped time (${skips} skips)`);
      const record = await deps.evidence.append({
        key: `${workflowId}/${runId}/${told.key}`,
        kind: told.kind,
        subject: told.subject,
        atMs: Date.now(),
        workflow: { id: workflowId, runId, atMs: told.atMs },
        range: told.range,
        ...identity,
        account: null,
        rehearsal: [...new Set(rehearsal)],
        releaseId: await deps.evidence.releaseOf(identity.codeVersion),
        payload: told.payload,
      });
      const head = headOf(record);
      if (told.markdown !== null) {
        const json = { ...record.payload, rehearsal: record.rehearsal, evidence: head };
        deps.report(told.kind, told.atMs, json, `${told.markdown}\nEvidence ${head.number}, \`${head.hash}\`\n`);
      }
      return head;
    },
  };
}

/** How often the server skipped time in this workflow; 1 where it only says that it did. */
async function timeSkips(): Promise<number> {
  const { client, info } = Context.current();
  if (info.workflowExecution === undefined) return 0;
  const { workflowId, runId } = info.workflowExecution;
  const { raw } = await client.workflow.getHandle(workflowId, runId).describe();
  const told = raw.workflowExtendedInfo?.timeSkippingInfo;
  if (told === null || told === undefined) return 0;
  const virtualMs = Number(told.currentTime?.seconds ?? 0) * 1_000;
  const isAhead = virtualMs > Date.now() + CLOCK_TOLERANCE_MS;
  return Math.max(told.currentSessionSkipCount ?? 0, isAhead || told.effectiveConfig?.enabled === true ? 1 : 0);
}
