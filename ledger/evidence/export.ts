/**
 * The chain, or a part of it, as files that need no database: `evidence.jsonl` has a record a line in its canonical text,
 * `head.json` where the part begins and ends, `index.md` the list for people. One content has one spelling, so that no byte
 * of the three can be another one unnoticed.
 */
import { z } from 'zod';
import { ChainCheck, type ChainOptions } from '../../core/evidence/chain.ts';
import { indexPage } from '../../core/evidence/index-page.ts';
import { EVIDENCE_SCHEMA, EvidenceHead, headOf, type EvidenceRecord } from '../../core/evidence/record.ts';
import { canonicalText, hashOf } from './hash.ts';
import { shown, textFault, type EvidenceFault } from './stored.ts';

export const EXPORT_FILES = { records: 'evidence.jsonl', head: 'head.json', index: 'index.md' } as const;

/** Contents; the files about the records may be missing, and then cannot vouch for them. */
export interface EvidenceExport {
  readonly records: Uint8Array;
  readonly head: Uint8Array | null;
  readonly index: Uint8Array | null;
}

/** `after` is the record before the first, null at the chain's beginning; `head` the last. */
const HeadFile = z.strictObject({
  schema: z.literal(EVIDENCE_SCHEMA),
  after: EvidenceHead.nullable(),
  head: EvidenceHead.nullable(),
});
type HeadFile = z.infer<typeof HeadFile>;

export type EvidenceChainVerdict =
  | {
      readonly ok: true;
      readonly records: number;
      readonly after: EvidenceHead | null;
      readonly head: EvidenceHead | null;
    }
  | { readonly ok: false; readonly records: number; readonly fault: EvidenceFault };

/** `records` follow `after`. Nothing is checked. */
export function exportOf(records: readonly EvidenceRecord[], after: EvidenceHead | null): EvidenceExport {
  const last = records.at(-1);
  const head = last === undefined ? after : headOf(last);
  const bytes = (text: string): Uint8Array => Buffer.from(text);
  return {
    records: bytes(records.map((record) => `${canonicalText(record)}\n`).join('')),
    head: bytes(headText({ schema: EVIDENCE_SCHEMA, after, head })),
    index: bytes(indexPage(records, head)),
  };
}

/**
 * Without `head.json` the records have to begin at 1, and a cut tail shows only where `keptHeads` know of it. A single pass:
 * what was read is what is judged.
 */
export function verifyExport(
  { records: bytes, head: headBytes, index: indexBytes }: EvidenceExport,
  { keptHeads = [] }: Pick<ChainOptions, 'keptHeads'> = {},
): EvidenceChainVerdict {
  const ends = headBytes === null ? null : readHead(headBytes);
  if (ends !== null && 'rule' in ends) return { ok: false, records: 0, fault: ends };
  const after = ends?.after ?? null;
  const chain = new ChainCheck(hashOf, { after, keptHeads, ...(ends !== null && { expectedHead: ends.head }) });
  const records: EvidenceRecord[] = [];
  const fault = linesFault(chain, bytes, records) ?? chain.end() ?? pageFault(chain, indexBytes, records);
  return fault === null
    ? { ok: true, records: chain.records, after, head: chain.head }
    : { ok: false, records: chain.records, fault };
}

const NEWLINE = 0x0a;
/** A byte order mark is a byte like any other. */
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function linesFault(chain: ChainCheck, bytes: Uint8Array, records: EvidenceRecord[]): EvidenceFault | null {
  for (let from = 0; from < bytes.length;) {
    const to = bytes.indexOf(NEWLINE, from);
    const number = (chain.head?.number ?? 0) + 1;
    if (to < 0) return { number, rule: 'no_newline', expected: 'a newline at its end', found: 'the end of the file' };
    const fault = lineFault(chain, number, textOf(bytes.subarray(from, to)), records);
    if (fault !== null) return fault;
    from = to + 1;
  }
  return null;
}

function lineFault(
  chain: ChainCheck,
  number: number,
  line: string | null,
  records: EvidenceRecord[],
): EvidenceFault | null {
  if (line === null) return { number, rule: 'not_utf8', expected: 'UTF-8', found: 'other bytes' };
  const raw = parsed(line);
  if (raw === undefined) return { number, rule: 'not_json', expected: 'JSON', found: shown(line) };
  const fault = chain.next(raw);
  if (fault !== null) return fault;
  const record = raw as EvidenceRecord;
  records.push(record);
  return textFault(number, canonicalText(record), line);
}

function pageFault(
  chain: ChainCheck,
  bytes: Uint8Array | null,
  records: readonly EvidenceRecord[],
): EvidenceFault | null {
  if (bytes === null) return null;
  const fault = textFault(chain.head?.number ?? 0, indexPage(records, chain.head), textOf(bytes) ?? '');
  return fault === null ? null : { ...fault, rule: 'index_page' };
}

function headText(file: HeadFile): string {
  return `${canonicalText(file)}\n`;
}

function readHead(bytes: Uint8Array): HeadFile | EvidenceFault {
  const text = textOf(bytes);
  const file = HeadFile.safeParse(text === null ? undefined : parsed(text));
  if (file.success && headText(file.data) === text) return file.data;
  return {
    number: 0,
    rule: 'head_file',
    expected: 'the canonical text of after, head, schema',
    found: shown(text ?? 'no UTF-8'),
  };
}

function textOf(bytes: Uint8Array): string | null {
  try {
    return UTF8.decode(bytes);
  } catch {
    return null;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
