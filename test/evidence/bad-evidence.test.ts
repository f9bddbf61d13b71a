/** P26: no item of a gate's evidence may be bad in any way, with all the others good, and the gate pass. */
import { expect, test } from '@jest/globals';
import type { JsonObject } from '../../core/evidence/json.ts';
import type { EvidenceDraft, EvidenceHead, EvidenceRecord } from '../../core/evidence/record.ts';
import { tellProof } from '../support/trials.ts';
import { chainOf, HOUR_MS, resealed, T0 } from '../core/evidence/builders.ts';
import { CYCLE_DRAFTS, cycleRecords, ITEMS, judge, keptHeadsOf, NOW_MS } from './cycle.ts';

/** Made so and recorded so: everything fits but what it says. */
const MEASURED: Readonly<Record<string, (good: EvidenceDraft) => Partial<EvidenceDraft>>> = {
  'stale record': () => ({ atMs: NOW_MS - HOUR_MS - 1, workflow: null }),
  'stale facts': ({ range }) => ({ range: { ...range, fromMs: 1, toMs: NOW_MS - HOUR_MS - 1 } }),
  'future-dated record': () => ({ atMs: NOW_MS + 5_001 }),
  'future-dated facts': ({ range }) => ({ range: { ...range, toMs: NOW_MS + 5_001 } }),
  'future-dated workflow': ({ workflow }) => ({ workflow: { ...workflow!, atMs: NOW_MS + 5_001 } }),
  'partial range': ({ range }) => ({ range: { ...range, fromMs: range.toMs - 22 * HOUR_MS } }),
  'partial sources': ({ range }) => ({ range: { ...range, sources: [] } }),
  'other bot': () => ({ subject: 'bot2' }),
  'other kind': ({ kind }) => ({ kind: kind === 'retention' ? 'day2_gate' : 'retention' }),
  'other commit': () => ({ codeVersion: '0123456789ab' }),
  'uncommitted files': ({ codeVersion }) => ({ codeVersion: `${codeVersion}+` }),
  'other configuration': () => ({ configHash: 'fedcba9876543210' }),
  'other account': () => ({ account: 'mm-eth' }),
  'other venue': () => ({ venue: 'okx' }),
  'no release': () => ({ releaseId: null }),
  'from the simulator': () => ({ dataSource: 'simulator' }),
  'from a recording': () => ({ dataSource: 'recorded' }),
  'from the demo': () => ({ dataSource: 'demo' }),
  rehearsal: () => ({ rehearsal: ['window of 60 s'] }),
  'workflow ahead of its host': ({ workflow, atMs }) => ({ workflow: { ...workflow!, atMs: atMs + 5_001 } }),
  'verdict no': () => ({ payload: { passed: false, deltaMax: 0, missing: 0, codeVersion: 'x' } }),
  'verdict missing': () => ({ payload: {} }),
  'a number as text': ({ payload }) => ({ payload: { ...payload, deltaMax: '0', codeVersion: 1 } }),
};

type Change = (records: readonly EvidenceRecord[], at: number) => readonly unknown[];
const swap = (records: readonly EvidenceRecord[], at: number, made: unknown): unknown[] => records.toSpliced(at, 1, made as EvidenceRecord); // prettier-ignore

/** Recorded well and changed on its way to the gate. */
const HANDED_IN: Readonly<Record<string, Change>> = {
  missing: (records, at) => records.toSpliced(at, 1),
  'nothing in its place': (records, at) => swap(records, at, null),
  'a text in its place': (records, at) => swap(records, at, JSON.stringify(records[at])),
  'NaN in its payload': (records, at) => swap(records, at, { ...records[at], payload: { ...records[at]!.payload, deltaMax: Number.NaN } as JsonObject }), // prettier-ignore
  'NaN for its time': (records, at) => swap(records, at, { ...records[at], atMs: Number.NaN }),
  'Infinity for its end': (records, at) => swap(records, at, { ...records[at], range: { ...records[at]!.range, toMs: Infinity } }), // prettier-ignore
  'a field gone': (records, at) => {
    const { rehearsal: _, ...rest } = records[at]!;
    return swap(records, at, rest);
  },
  'a field too many': (records, at) => swap(records, at, { ...records[at], passed: true }),
  'a later schema': (records, at) => swap(records, at, { ...records[at], schema: 2 }),
  'forged payload': (records, at) => swap(records, at, { ...records[at], payload: { ...records[at]!.payload, deltaMax: -1 } }), // prettier-ignore
  'forged time': (records, at) => swap(records, at, { ...records[at], atMs: records[at]!.atMs + 1 }),
  'forged and sealed again': (records, at) => swap(records, at, resealed(records[at]!, { atMs: T0 + 999 })),
  'beside a forged twin': (records, at) => [...records, resealed(records[at]!, { atMs: T0 + 999 })],
};

test('control: good evidence passes', () => {
  const records = cycleRecords();
  expect(judge(records, keptHeadsOf(records))).toMatchObject({ verdict: 'pass', evidence: keptHeadsOf(records) });
});

test('P26: each item bad in each way fails the gate', () => {
  const passed: string[] = [];
  const codes: Record<string, number> = {};
  let cases = 0;
  const hold = (name: string, records: readonly unknown[], keptHeads: readonly EvidenceHead[]): void => {
    cases += 1;
    const verdict = judge(records, keptHeads);
    if (verdict.verdict === 'pass') return void passed.push(name);
    for (const code of new Set(verdict.broken.map((each) => each.code))) codes[code] = (codes[code] ?? 0) + 1;
  };
  for (const [at, kind] of ITEMS.entries()) {
    for (const [name, change] of Object.entries(MEASURED)) {
      const good = CYCLE_DRAFTS[at]!;
      const records = chainOf(CYCLE_DRAFTS.toSpliced(at, 1, { ...good, ...change(good) }));
      hold(`${kind}: ${name}`, records, keptHeadsOf(records));
    }
    const records = cycleRecords();
    for (const [name, change] of Object.entries(HANDED_IN))
      hold(`${kind}: ${name}`, change(records, at), keptHeadsOf(records));
  }
  tellProof({ promise: 'P26', proof: `${ITEMS.length} items of evidence, each bad in ${cases / ITEMS.length} ways`, trials: cases, failures: passed.length, found: { failed: cases - passed.length, ...codes }, examples: passed.slice(0, 5) }); // prettier-ignore
  expect(cases).toBeGreaterThanOrEqual(200);
  expect(passed).toEqual([]);
});
