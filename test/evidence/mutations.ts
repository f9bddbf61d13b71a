/** What somebody may do to an exported chain: by chance in place and content, by seed the same again. */
import { headOf, type EvidenceHead, type EvidenceRecord } from '../../core/evidence/record.ts';
import { createChance } from '../../core/simulation/chance.ts';
import { exportOf, type EvidenceExport } from '../../ledger/evidence/export.ts';
import { canonicalText } from '../../ledger/evidence/hash.ts';
import { chainOf, draft, resealed } from '../core/evidence/builders.ts';

export interface Mutated {
  readonly files: EvidenceExport;
  /** The first record that it touched; null where it touched what speaks for the records. */
  readonly number: number | null;
}

export interface Original {
  readonly records: readonly EvidenceRecord[];
  readonly files: EvidenceExport;
  readonly head: EvidenceHead;
}

type Pick = (count: number) => number;
type Mutation = (original: Original, pick: Pick) => Mutated;

const lines = ({ records }: Original): string[] => records.map(canonicalText);
const joined = ({ files }: Original, all: readonly string[]): EvidenceExport => ({
  ...files,
  records: Buffer.from(all.map((line) => `${line}\n`).join('')),
});
/** The record whose line has this byte. */
function recordAt(bytes: Uint8Array, at: number): number {
  return bytes.subarray(0, at).filter((byte) => byte === 0x0a).length + 1;
}
function otherByte(byte: number, pick: Pick): number {
  return (byte + 1 + pick(255)) % 256;
}
/** The files that an honest export of these records has: nothing in them speaks against it. */
function written(records: readonly EvidenceRecord[], number: number): Mutated {
  return { files: exportOf(records, null), number };
}

export const MUTATIONS: Readonly<Record<string, Mutation>> = {
  'a byte changed': ({ files }, pick) => {
    const records = Buffer.from(files.records);
    const at = pick(records.length);
    records[at] = otherByte(records[at]!, pick);
    return { files: { ...files, records }, number: recordAt(files.records, at) };
  },
  'a bit changed': ({ files }, pick) => {
    const records = Buffer.from(files.records);
    const at = pick(records.length);
    records[at] = records[at]! ^ (1 << pick(8));
    return { files: { ...files, records }, number: recordAt(files.records, at) };
  },
  'a byte removed': ({ files }, pick) => {
    const at = pick(files.records.length);
    const records = Buffer.concat([files.records.subarray(0, at), files.records.subarray(at + 1)]);
    return { files: { ...files, records }, number: recordAt(files.records, at) };
  },
  'a byte inserted': ({ files }, pick) => {
    const at = pick(files.records.length + 1);
    const records = Buffer.concat([
      files.records.subarray(0, at),
      Buffer.from([pick(256)]),
      files.records.subarray(at),
    ]);
    return { files: { ...files, records }, number: recordAt(files.records, at) };
  },
  'a blank inserted between tokens': (original, pick) => {
    const all = lines(original);
    const at = pick(all.length);
    all[at] = all[at]!.replace(/[,:](?=["{[\d])/g, (token, offset: number) => (offset % 7 === pick(7) ? `${token} ` : token)).replace(/\}$/, ' }'); // prettier-ignore
    return { files: joined(original, all), number: at + 1 };
  },
  'a character spelled otherwise': (original, pick) => {
    const all = lines(original);
    const at = pick(all.length);
    all[at] = all[at]!.replace('bitget', '\\u0062itget');
    return { files: joined(original, all), number: at + 1 };
  },
  'a number spelled otherwise': (original, pick) => {
    const all = lines(original);
    const at = pick(all.length);
    all[at] = all[at]!.replace('"schema":1', '"schema":1.0');
    return { files: joined(original, all), number: at + 1 };
  },
  'a key twice': (original, pick) => {
    const all = lines(original);
    const at = pick(all.length);
    all[at] = all[at]!.replace('{', '{"account":"mm-eth",');
    return { files: joined(original, all), number: at + 1 };
  },
  'a hidden prototype': (original, pick) => {
    const all = lines(original);
    const at = pick(all.length);
    all[at] = all[at]!.replace('{', '{"__proto__":{"rehearsal":[]},');
    return { files: joined(original, all), number: at + 1 };
  },
  'a record deleted': (original, pick) => {
    const all = lines(original);
    const at = pick(all.length);
    all.splice(at, 1);
    return { files: joined(original, all), number: at + 1 };
  },
  'a record doubled': (original, pick) => {
    const all = lines(original);
    const at = pick(all.length);
    all.splice(at, 0, all[at]!);
    return { files: joined(original, all), number: at + 2 };
  },
  'a record inserted': (original, pick) => {
    const all = lines(original);
    const at = pick(all.length);
    const before = original.records[at - 1];
    const [made] = chainOf([draft({ key: 'made up', payload: { n: pick(1_000_000) } })], before === undefined ? null : headOf(before)); // prettier-ignore
    all.splice(at, 0, canonicalText(made!));
    // It follows its predecessor; what followed that before, or the head, does not follow it.
    return { files: joined(original, all), number: Math.min(at + 2, original.records.length) };
  },
  'two records swapped': (original, pick) => {
    const all = lines(original);
    const at = pick(all.length - 1);
    const other = at + 1 + pick(all.length - 1 - at);
    [all[at], all[other]] = [all[other]!, all[at]!];
    return { files: joined(original, all), number: at + 1 };
  },
  'records in another order': (original, pick) => {
    const all = lines(original);
    const at = 1 + pick(all.length - 1);
    return { files: joined(original, [...all.slice(at), ...all.slice(0, at)]), number: 1 };
  },
  'the tail cut': (original, pick) => {
    const kept = pick(original.records.length);
    return { files: joined(original, lines(original).slice(0, kept)), number: kept + 1 };
  },
  'the tail cut in a record': ({ files }, pick) => {
    const at = pick(files.records.length - 1) + 1;
    return { files: { ...files, records: files.records.subarray(0, at - 1) }, number: recordAt(files.records, at - 1) };
  },
  'the tail cut, and head and index with it': ({ records }, pick) => {
    const kept = pick(records.length);
    return written(records.slice(0, kept), kept + 1);
  },
  'everything written anew from a record on': ({ records }, pick) => {
    const at = pick(records.length);
    const rewritten: EvidenceRecord[] = records.slice(0, at);
    for (const record of records.slice(at)) {
      const before = rewritten.at(-1);
      const changes = before === undefined ? {} : { previousHash: before.hash };
      const payload = rewritten.length === at ? { better: pick(1_000_000) } : record.payload;
      rewritten.push(resealed(record, { ...changes, payload }));
    }
    return written(rewritten, at + 1);
  },
  'a field changed, hashes not': (original, pick) => {
    const at = pick(original.records.length);
    const record = { ...original.records[at]!, dataSource: 'demo' as const };
    return { files: joined(original, lines(original).toSpliced(at, 1, canonicalText(record))), number: at + 1 };
  },
  'a field changed, its own hash too': (original, pick) => {
    const at = pick(original.records.length);
    const record = resealed(original.records[at]!, { rehearsal: [], codeVersion: 'aaaaaaaaaaaa' });
    // Nothing is wrong with the record itself: its successor, or the head, does not know it.
    return { files: joined(original, lines(original).toSpliced(at, 1, canonicalText(record))), number: Math.min(at + 2, original.records.length) }; // prettier-ignore
  },
  'a byte of the head changed': ({ files }, pick) => {
    const head = Buffer.from(files.head!);
    const at = pick(head.length);
    head[at] = otherByte(head[at]!, pick);
    return { files: { ...files, head }, number: null };
  },
  'a blank put into the head': ({ files }, pick) => {
    const text = Buffer.from(files.head!).toString();
    const places = [...text.matchAll(/[,:{}]/g)].map(({ index }) => index);
    const at = places[pick(places.length)]! + 1;
    return { files: { ...files, head: Buffer.from(`${text.slice(0, at)} ${text.slice(at)}`) }, number: null };
  },
  'a byte of the index changed': ({ files }, pick) => {
    const index = Buffer.from(files.index!);
    const at = pick(index.length);
    index[at] = otherByte(index[at]!, pick);
    return { files: { ...files, index }, number: null };
  },
};

/** The `trial`th one: kinds by turns, everything else by chance. Answers its kind, too. */
export function mutate(original: Original, trial: number): Mutated & { readonly kind: string } {
  const kinds = Object.keys(MUTATIONS);
  const kind = kinds[trial % kinds.length]!;
  const chance = createChance(0x5eed + trial);
  return { kind, ...MUTATIONS[kind]!(original, (count) => Math.floor(chance() * count)) };
}
