/**
 * One record of evidence: what was measured, of what, by which code, and the hash of the record before it. The contract,
 * field by field, is docs/contracts/evidence.md.
 */
import { z } from 'zod';
import { faultsOf, type Fault } from '../faults.ts';
import { AccountName } from '../names.ts';
import { jsonFault, sortedKeys, type JsonObject } from './json.ts';

export const EVIDENCE_SCHEMA = 1;

/** Every kind there is; a new one is added here and in the contract's list. */
export const EVIDENCE_KINDS = [
  'event_store_integrity',
  'day2_gate',
  'baseline_freeze',
  'baseline_reanchor',
  'release_manifest',
  'market_data_freshness',
  'restart_regression',
  'retention',
  'database_backup',
] as const;
export const EvidenceKind = z.enum(EVIDENCE_KINDS);
export type EvidenceKind = z.infer<typeof EvidenceKind>;

/** From the least to the most real: a simulator fed with recordings, recordings alone, the venue's demo, the venue. */
export const DATA_SOURCES = ['simulator', 'recorded', 'demo', 'live'] as const;
export const DataSource = z.enum(DATA_SOURCES);
export type DataSource = z.infer<typeof DataSource>;

/** Before the first record. */
export const NO_HASH = '0'.repeat(64);

export const Sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'expected a SHA-256 of 64 hexadecimal digits');

const name = (what: string) =>
  z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,199}$/, `expected ${what} of 1 to 200 of A-Z a-z 0-9 . _ : / @ + -`);
/** Milliseconds of a `Date`, UTC. */
const AtMs = z.int().min(1).max(8_640_000_000_000_000);
const Sequence = z.int().nonnegative();
const SOURCES_MAX = 10_000;
const REHEARSAL_REASONS_MAX = 32;

/** Both ends belong to it; none at all when `toSequence` is one below `fromSequence`. */
export const SourceRange = z
  .strictObject({ source: name('a source'), fromSequence: Sequence, toSequence: Sequence })
  .refine(({ fromSequence, toSequence }) => toSequence >= fromSequence - 1, {
    path: ['toSequence'],
    message: 'expected at least fromSequence - 1',
  });
export type SourceRange = z.infer<typeof SourceRange>;

/** The time and the events that were looked at. Sources stand in order, each once: equal facts have equal bytes. */
export const EvidenceRange = z
  .strictObject({ fromMs: AtMs, toMs: AtMs, sources: z.array(SourceRange).max(SOURCES_MAX) })
  .refine(({ fromMs, toMs }) => fromMs <= toMs, { path: ['toMs'], message: 'expected no earlier than fromMs' })
  .refine(({ sources }) => sources.every(({ source }, at) => at === 0 || sources[at - 1]!.source < source), {
    path: ['sources'],
    message: 'expected each source once, in the order of their names',
  });
export type EvidenceRange = z.infer<typeof EvidenceRange>;

/** Kept as it came: a copy might drop what was hashed. */
const Payload = z
  .custom<JsonObject>(
    (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
    'expected an object',
  )
  .superRefine((value, context) => {
    const fault = jsonFault(value);
    if (fault !== null) context.addIssue({ code: 'custom', message: fault.rule });
  });

const measured = {
  kind: EvidenceKind,
  /** The desk, bot or symbol that it is about. */
  subject: name('a subject'),
  /** When it was collected, by the clock of the host that did. */
  atMs: AtMs,
  /** Who asked for it; `atMs` is workflow time. Null for a person's command. */
  workflow: z.strictObject({ id: name('a workflow id'), runId: name('a run id'), atMs: AtMs }).nullable(),
  range: EvidenceRange,
  venue: name('a venue'),
  /** Null where the evidence is about no account. */
  account: AccountName.nullable(),
  dataSource: DataSource,
  /** Why it is no more than a rehearsal; empty when it is not one. */
  rehearsal: z
    .array(z.string().regex(/^[\p{L}\p{N}\p{P}\p{S} ]{1,200}$/u, 'expected 1 to 200 printed characters'))
    .max(REHEARSAL_REASONS_MAX),
  codeVersion: name('a code version'),
  configHash: z.string().regex(/^[0-9a-f]{16,64}$/, 'expected 16 to 64 hexadecimal digits'),
  /** The hash of the release manifest that the code belongs to. */
  releaseId: Sha256.nullable(),
  payload: Payload,
};

/** What a collector hands in. `key` makes it one: the first draft of a key is appended, every later one answers that record. */
export const EvidenceDraft = z.strictObject({ key: name('a key'), ...measured });
export type EvidenceDraft = z.infer<typeof EvidenceDraft>;

export const EvidenceRecord = z.strictObject({
  schema: z.literal(EVIDENCE_SCHEMA),
  /** 1, 2, ... without a gap. */
  number: z.int().positive(),
  ...measured,
  payloadHash: Sha256,
  previousHash: Sha256,
  hash: Sha256,
});
export type EvidenceRecord = z.infer<typeof EvidenceRecord>;

/** What `hash` is made of. */
export type EvidenceHeader = Omit<EvidenceRecord, 'payload' | 'hash'>;

/** A place on the chain, small enough to be copied into reports, gates and messages. */
export const EvidenceHead = z.strictObject({ number: z.int().positive(), hash: Sha256 });
export type EvidenceHead = z.infer<typeof EvidenceHead>;

export function headOf({ number, hash }: EvidenceRecord): EvidenceHead {
  return { number, hash };
}

/** The first thing that `schema` has against `raw`, the same in whatever order its keys came; null when it has nothing. */
export function faultOf(schema: z.ZodType, raw: unknown): Fault | null {
  if (schema.safeParse(raw).success) return null;
  const sorted = sortedKeys(raw);
  return jsonFault(raw) ?? faultsOf(schema.safeParse(sorted).error!, sorted)[0]!;
}
