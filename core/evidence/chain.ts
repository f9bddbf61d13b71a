/**
 * Whether records are the chain that they claim to be, and where they stop being it. A chain that was rewritten from some
 * record to its end is whole in itself: only a head that was kept elsewhere tells.
 */
import type { HashOf } from './json.ts';
import { EvidenceRecord, faultOf, headOf, NO_HASH, type EvidenceHead } from './record.ts';
import { headerOf } from './seal.ts';

export type ChainRule =
  'malformed' | 'number' | 'payload_hash' | 'hash' | 'previous_hash' | 'release' | 'kept_head' | 'head';

/** The first bad record. */
export interface ChainFault {
  /** Which it is, counted from the chain's beginning; of a cut tail the first that is missing. */
  readonly number: number;
  readonly rule: ChainRule;
  readonly expected: string;
  readonly found: string;
}

export interface ChainOptions {
  /** The record before the first; without it the chain begins at 1. */
  readonly after?: EvidenceHead | null;
  /** Where the chain ends. */
  readonly expectedHead?: EvidenceHead | null;
  /** Heads of earlier times: each lies on the chain, wherever that ends by now. */
  readonly keptHeads?: readonly EvidenceHead[];
}

export type ChainVerdict =
  | { readonly ok: true; readonly records: number; readonly head: EvidenceHead | null }
  | { readonly ok: false; readonly records: number; readonly fault: ChainFault };

export function verifyChain(records: Iterable<unknown>, hashOf: HashOf, options: ChainOptions = {}): ChainVerdict {
  const chain = new ChainCheck(hashOf, options);
  for (const record of records) {
    const fault = chain.next(record);
    if (fault !== null) return { ok: false, records: chain.records, fault };
  }
  const fault = chain.end();
  return fault === null
    ? { ok: true, records: chain.records, head: chain.head }
    : { ok: false, records: chain.records, fault };
}

/** `verifyChain` for records that come page by page. */
export class ChainCheck {
  /** The last good record; of none, what the chain follows. */
  head: EvidenceHead | null;
  /** Good ones. */
  records = 0;
  private readonly hashOf: HashOf;
  private readonly expectedHead: EvidenceHead | null | undefined;
  private readonly kept: readonly EvidenceHead[];
  private nextKept = 0;
  /** From its beginning: then every release id has its manifest. */
  private readonly isWhole: boolean;
  private readonly releases = new Set<string>();
  private readonly startFault: ChainFault | null;

  constructor(hashOf: HashOf, { after = null, expectedHead, keptHeads = [] }: ChainOptions = {}) {
    this.hashOf = hashOf;
    this.head = after;
    this.isWhole = after === null;
    this.expectedHead = expectedHead;
    const start = after?.number ?? 0;
    this.kept = keptHeads.filter(({ number }) => number > start).sort((a, b) => a.number - b.number);
    const unlike = keptHeads.find(({ number, hash }) => number === start && hash !== after?.hash);
    this.startFault =
      unlike === undefined
        ? null
        : { number: start, rule: 'kept_head', expected: unlike.hash, found: after?.hash ?? NO_HASH };
  }

  /** Null when `raw` is the next record of the chain. After a fault there is no next. */
  next(raw: unknown): ChainFault | null {
    if (this.startFault !== null) return this.startFault;
    const number = (this.head?.number ?? 0) + 1;
    const refuse = (rule: ChainRule, expected: string, found: string): ChainFault => ({
      number,
      rule,
      expected,
      found,
    });
    const parsed = EvidenceRecord.safeParse(raw);
    if (!parsed.success) {
      const { path, rule, value } = faultOf(EvidenceRecord, raw)!;
      return refuse('malformed', `${path}: ${rule}`, value);
    }
    const record = parsed.data;
    if (record.number !== number) return refuse('number', String(number), String(record.number));
    // What came is hashed, and no copy of it.
    const payloadHash = this.hashOf(record.payload);
    if (payloadHash !== record.payloadHash) return refuse('payload_hash', record.payloadHash, payloadHash);
    const hash = this.hashOf(headerOf(raw as EvidenceRecord));
    if (hash !== record.hash) return refuse('hash', record.hash, hash);
    const previousHash = this.head?.hash ?? NO_HASH;
    if (record.previousHash !== previousHash) return refuse('previous_hash', previousHash, record.previousHash);
    for (; this.kept[this.nextKept]?.number === number; this.nextKept += 1) {
      const kept = this.kept[this.nextKept]!;
      if (kept.hash !== hash) return refuse('kept_head', kept.hash, hash);
    }
    if (record.kind === 'release_manifest') this.releases.add(payloadHash);
    if (this.isWhole && record.releaseId !== null && !this.releases.has(record.releaseId))
      return refuse('release', 'the id of a release manifest on the chain', record.releaseId);
    this.head = headOf(record);
    this.records += 1;
    return null;
  }

  /** What is missing behind the last record, or should not be there. */
  end(): ChainFault | null {
    if (this.startFault !== null) return this.startFault;
    const kept = this.kept[this.nextKept];
    const reached = this.head?.number ?? 0;
    if (kept !== undefined)
      return { number: reached + 1, rule: 'kept_head', expected: place(kept), found: place(this.head) };
    const { expectedHead } = this;
    if (expectedHead === undefined || sameHead(expectedHead, this.head)) return null;
    const expected = expectedHead?.number ?? 0;
    // Longer than it should be: the first too many. Shorter: the first that is missing. Else another one at the same place.
    const number = reached === expected ? reached : Math.min(reached, expected) + 1;
    return { number: Math.max(1, number), rule: 'head', expected: place(expectedHead), found: place(this.head) };
  }
}

function sameHead(a: EvidenceHead | null, b: EvidenceHead | null): boolean {
  return a?.number === b?.number && a?.hash === b?.hash;
}

function place(head: EvidenceHead | null): string {
  return head === null ? 'no record' : `record ${head.number} with hash ${head.hash}`;
}
