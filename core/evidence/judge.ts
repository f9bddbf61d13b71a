/**
 * Whether evidence is there that is good enough, and why not. Fail-closed: what is missing, old, ahead of the clock, malformed,
 * changed, of another bot, commit, configuration or account, or in doubt in any other way, is never a pass. The newest
 * record of a kind and subject speaks for it: an older one that was better does not count any more.
 */
import type { z } from 'zod';
import { faultLine } from '../faults.ts';
import { byText, type HashOf } from './json.ts';
import { EvidenceHead, EvidenceRecord, faultOf, headOf, type EvidenceKind } from './record.ts';
import { headerOf } from './seal.ts';
import { CLOCKS_AGREE_MS, worthFor, type Purpose, type Unworthy } from './worth.ts';

export interface WantedEvidence {
  readonly kind: EvidenceKind;
  readonly subject: string;
  readonly venue: string;
  /** Evidence about no account serves every account; evidence about one serves that one. */
  readonly account: string | null;
  readonly codeVersion: string;
  readonly configHash: string;
  /** Null where any release will do. */
  readonly releaseId: string | null;
  /** Of its record and of the newest fact that it looked at. */
  readonly ageMsMax: number;
  /** Least time that its range covers. */
  readonly spanMsMin: number;
  /** Each has to be in its range, with at least one event. */
  readonly sources: readonly string[];
  /** What its payload has to be like for a pass. */
  readonly payload: z.ZodType;
}

export interface Judging {
  readonly purpose: Purpose;
  readonly nowMs: number;
  readonly hashOf: HashOf;
  /** Heads that were kept elsewhere: at least one, and no record counts that lies behind the last. */
  readonly keptHeads: readonly EvidenceHead[];
}

export type BrokenCode =
  | Unworthy
  | 'nothing_wanted'
  | 'clock_unknown'
  | 'no_kept_head'
  | 'malformed'
  | 'changed'
  | 'forked'
  | 'beyond_kept_head'
  | 'missing'
  | 'future_dated'
  | 'stale'
  | 'partial_range'
  | 'partial_sources'
  | 'other_venue'
  | 'other_account'
  | 'other_code'
  | 'other_config'
  | 'other_release'
  | 'payload';

export interface BrokenEvidence {
  readonly code: BrokenCode;
  /** What it was wanted as; null for what is wrong with the evidence as a whole. */
  readonly wanted: { readonly kind: EvidenceKind; readonly subject: string } | null;
  /** The record's; null where there is none to name. */
  readonly number: number | null;
  readonly expected: string;
  readonly found: string;
}

export type EvidenceVerdict =
  | { readonly verdict: 'pass'; readonly evidence: readonly [EvidenceHead, ...EvidenceHead[]] }
  | {
      readonly verdict: 'fail';
      readonly broken: readonly [BrokenEvidence, ...BrokenEvidence[]];
      readonly evidence: readonly EvidenceHead[];
    };

/** The same verdict, byte for byte, for the same records and wishes in whatever order. */
export function judgeEvidence(
  raw: readonly unknown[],
  wanted: readonly WantedEvidence[],
  judging: Judging,
): EvidenceVerdict {
  const broken: BrokenEvidence[] = [];
  const breaks = (code: BrokenCode, expected: string, found: string, number: number | null = null): void => {
    broken.push({ code, wanted: null, number, expected, found });
  };
  const { nowMs, keptHeads } = judging;
  if (wanted.length === 0) breaks('nothing_wanted', 'at least one kind of evidence', 'none');
  if (!(Number.isSafeInteger(nowMs) && nowMs > 0)) breaks('clock_unknown', 'the time', String(nowMs));
  if (keptHeads.length === 0) breaks('no_kept_head', 'a head that was kept elsewhere', 'none');
  const records = soundRecords(raw, judging, breaks);
  const used = new Map<number, EvidenceHead>();
  for (const wish of wanted) {
    const record = newestOf(records, wish);
    if (record !== null) used.set(record.number, headOf(record));
    broken.push(...judgeOne(record, wish, judging));
  }
  const evidence = [...used.values()].sort((a, b) => a.number - b.number);
  const [first, ...others] = inOrder(broken);
  if (first !== undefined) return { verdict: 'fail', broken: [first, ...others], evidence };
  return { verdict: 'pass', evidence: evidence as [EvidenceHead, ...EvidenceHead[]] };
}

type Breaks = (code: BrokenCode, expected: string, found: string, number?: number) => void;

/** Those that are whole, by number, each once. What is not is told: a doubtful record makes all of them doubtful. */
function soundRecords(raw: readonly unknown[], { hashOf, keptHeads }: Judging, breaks: Breaks): EvidenceRecord[] {
  const kept = new Map<number, Set<string>>();
  for (const head of keptHeads) {
    const fault = faultOf(EvidenceHead, head);
    if (fault !== null) breaks('malformed', `a kept head, ${fault.path}: ${fault.rule}`, fault.value);
    else kept.set(head.number, (kept.get(head.number) ?? new Set()).add(head.hash));
  }
  const last = Math.max(0, ...kept.keys());
  const byNumber = new Map<number, EvidenceRecord>();
  for (const each of raw) {
    const parsed = EvidenceRecord.safeParse(each);
    if (!parsed.success) {
      const { path, rule, value } = faultOf(EvidenceRecord, each)!;
      breaks('malformed', `${path}: ${rule}`, value);
      continue;
    }
    const record = parsed.data;
    const { number, hash } = record;
    const payloadHash = hashOf(record.payload);
    const found = hashOf(headerOf(each as EvidenceRecord));
    const claims = [
      [record.payloadHash, payloadHash],
      [hash, found],
      ...[...(kept.get(number) ?? [])].map((keptHash) => [keptHash, found] as const),
    ] as const;
    const unlike = claims.filter(([expected, measured]) => expected !== measured);
    for (const [expected, measured] of unlike) breaks('changed', expected, measured, number);
    // What was changed speaks for nothing: what it says would depend on which copy came first.
    if (unlike.length > 0) continue;
    if (number > last) breaks('beyond_kept_head', `at most record ${last}`, `record ${number}`, number);
    const twin = byNumber.get(number);
    if (twin !== undefined && twin.hash !== hash) {
      const [one, other] = [twin.hash, hash].sort(byText);
      breaks('forked', `one record ${number}`, `${one} and ${other}`, number);
    }
    // Of two that claim one number the same is taken in whatever order they come; the verdict fails anyway.
    if (twin === undefined || byText(hash, twin.hash) < 0) byNumber.set(number, record);
  }
  const records = [...byNumber.values()].sort((a, b) => a.number - b.number);
  for (const [at, record] of records.entries()) {
    const before = records[at - 1];
    if (before?.number === record.number - 1 && before.hash !== record.previousHash)
      breaks('forked', `previous hash ${before.hash}`, record.previousHash, record.number);
  }
  return records;
}

function newestOf(records: readonly EvidenceRecord[], { kind, subject }: WantedEvidence): EvidenceRecord | null {
  return records.findLast((record) => record.kind === kind && record.subject === subject) ?? null;
}

function judgeOne(record: EvidenceRecord | null, wish: WantedEvidence, { purpose, nowMs }: Judging): BrokenEvidence[] {
  const { kind, subject } = wish;
  const broken: BrokenEvidence[] = [];
  const breaks = (code: BrokenCode, expected: string | number, found: string | number): void => {
    broken.push({ code, wanted: { kind, subject }, number: record?.number ?? null, expected: String(expected), found: String(found) }); // prettier-ignore
  };
  if (record === null) {
    breaks('missing', `${kind} of ${subject}`, 'none');
    return broken;
  }
  const equal = (code: BrokenCode, expected: string | null, found: string | null): void => {
    if (expected !== found) breaks(code, expected ?? 'none', found ?? 'none');
  };
  equal('other_venue', wish.venue, record.venue);
  if (record.account !== null) equal('other_account', wish.account, record.account);
  equal('other_code', wish.codeVersion, record.codeVersion);
  equal('other_config', wish.configHash, record.configHash);
  if (wish.releaseId !== null) equal('other_release', wish.releaseId, record.releaseId);
  // Each comparison is written so that a limit that is no number is not met.
  const { range, atMs, workflow } = record;
  const latestMs = Math.max(atMs, range.toMs, workflow?.atMs ?? 0);
  if (!(latestMs <= nowMs + CLOCKS_AGREE_MS)) breaks('future_dated', nowMs + CLOCKS_AGREE_MS, latestMs);
  const ageMs = nowMs - Math.min(atMs, range.toMs);
  if (!(ageMs <= wish.ageMsMax)) breaks('stale', wish.ageMsMax, ageMs);
  const spanMs = range.toMs - range.fromMs;
  if (!(spanMs >= wish.spanMsMin)) breaks('partial_range', wish.spanMsMin, spanMs);
  const seen = new Set(
    range.sources.filter((each) => each.toSequence >= each.fromSequence).map(({ source }) => source),
  );
  const unseen = [...new Set(wish.sources)].filter((source) => !seen.has(source)).sort(byText);
  if (unseen.length > 0) breaks('partial_sources', 'events of every source', `none of ${unseen.join(', ')}`);
  const worth = worthFor(purpose, record);
  if (!worth.worthy) for (const reason of worth.reasons) breaks(reason, `worth a ${purpose}`, originOf(reason, record));
  const fault = faultOf(wish.payload, record.payload);
  if (fault !== null) breaks('payload', 'a payload that passes', faultLine(fault));
  return broken;
}

function originOf(reason: Unworthy, { dataSource, rehearsal, workflow, codeVersion }: EvidenceRecord): string {
  switch (reason) {
    case 'data_source':
      return dataSource;
    case 'rehearsal':
      return [...rehearsal].join('; ');
    case 'time_skipped':
      return `workflow time ${workflow?.atMs}`;
    case 'uncommitted_code':
      return codeVersion;
    case 'no_release':
      return 'none';
  }
}

/** By what they say, each once. */
function inOrder(broken: readonly BrokenEvidence[]): BrokenEvidence[] {
  const texts = new Map(broken.map((each) => [JSON.stringify(each), each]));
  return [...texts].sort(([a], [b]) => byText(a, b)).map(([, each]) => each);
}
