import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import {
  judgeEvidence,
  type EvidenceVerdict,
  type Judging,
  type WantedEvidence,
} from '../../../core/evidence/judge.ts';
import { headOf, type EvidenceDraft, type EvidenceRecord } from '../../../core/evidence/record.ts';
import { DATA_SOURCES } from '../../../core/evidence/record.ts';
import { mayEarnLease, worthFor, type Purpose } from '../../../core/evidence/worth.ts';
import { hashOf } from '../../../ledger/evidence/hash.ts';
import { chainOf, COMMIT, CONFIG_HASH, draft, HOUR_MS, resealed, T0 } from './builders.ts';

const RELEASE = hashOf({ release: 1 });
const WANTED: WantedEvidence = {
  kind: 'event_store_integrity',
  subject: 'bot1',
  venue: 'bitget',
  account: 'mm-btc',
  codeVersion: COMMIT,
  configHash: CONFIG_HASH,
  releaseId: RELEASE,
  ageMsMax: HOUR_MS,
  spanMsMin: 24 * HOUR_MS - 100,
  sources: ['bot1'],
  payload: z.looseObject({ passed: z.literal(true), gaps: z.literal(0) }),
};

function judged(records: readonly unknown[], changes: Partial<Judging> = {}, wanted = [WANTED]): EvidenceVerdict {
  const last = (records as EvidenceRecord[]).findLast((each) => typeof each?.number === 'number');
  const keptHeads = last === undefined ? [] : [{ number: last.number, hash: last.hash }];
  return judgeEvidence(records, wanted, { purpose: 'live_lease', nowMs: T0 + 60_000, hashOf, keptHeads, ...changes });
}

const codes = (verdict: EvidenceVerdict): string[] => (verdict.verdict === 'pass' ? [] : verdict.broken.map(({ code }) => code)); // prettier-ignore
const good = (changes: Partial<EvidenceDraft> = {}) => draft({ releaseId: RELEASE, ...changes });

test('good evidence passes and is named', () => {
  const records = chainOf([good({ subject: 'bot2' }), good()]);
  expect(judged(records)).toEqual({ verdict: 'pass', evidence: [headOf(records[1]!)] });
});

test('the newest speaks, also where an older one was better', () => {
  const records = chainOf([good(), good({ payload: { passed: false, gaps: 2 } })]);
  expect(judged(records)).toMatchObject({
    verdict: 'fail',
    broken: [{ code: 'payload', wanted: { kind: 'event_store_integrity', subject: 'bot1' }, number: 2, found: "passed: expected true, was false" }], // prettier-ignore
    evidence: [{ number: 2 }],
  });
});

describe('what is never a pass', () => {
  const range = good().range;
  const workflow = good().workflow!;
  test.each<[string, Partial<EvidenceDraft>, string[]]>([
    ['of another bot', { subject: 'bot2' }, ['missing']],
    ['of another kind', { kind: 'retention' }, ['missing']],
    ['of another venue', { venue: 'okx' }, ['other_venue']],
    ['of another account', { account: 'mm-eth' }, ['other_account']],
    ['of another commit', { codeVersion: 'aaaaaaaaaaaa' }, ['other_code']],
    ['of changed files', { codeVersion: `${COMMIT}+` }, ['other_code', 'uncommitted_code']],
    ['of another configuration', { configHash: 'f'.repeat(16) }, ['other_config']],
    ['of another release', { releaseId: 'f'.repeat(64) }, ['other_release']],
    ['of no release', { releaseId: null }, ['no_release', 'other_release']],
    ['old', { atMs: T0 - HOUR_MS, workflow: null }, ['stale']],
    ['new about old facts', { range: { ...range, fromMs: 1, toMs: T0 - HOUR_MS } }, ['stale']],
    ['ahead of the clock', { atMs: T0 + 65_001 }, ['future_dated']],
    ['about what is to come', { range: { ...range, toMs: T0 + 65_001 } }, ['future_dated']],
    ['of a workflow that skips time', { workflow: { ...workflow, atMs: T0 + 5_001 } }, ['time_skipped']],
    ['a millisecond short', { range: { ...range, fromMs: range.fromMs + 1 } }, ['partial_range']],
    ['without a source', { range: { ...range, sources: [] } }, ['partial_sources']],
    [
      'of a source without events',
      { range: { ...range, sources: [{ source: 'bot1', fromSequence: 5, toSequence: 4 }] } },
      ['partial_sources'],
    ],
    ['of a rehearsal', { rehearsal: ['scenario'] }, ['rehearsal']],
    ['from the simulator', { dataSource: 'simulator' }, ['data_source']],
    ['from a recording', { dataSource: 'recorded' }, ['data_source']],
    ['from the demo', { dataSource: 'demo' }, ['data_source']],
    ['that says no', { payload: { passed: false, gaps: 0 } }, ['payload']],
    ['that says nothing', { payload: {} }, ['payload']],
  ])('%s', (_name, changes, expected) => {
    expect(codes(judged(chainOf([good(changes)])))).toEqual(expected);
  });

  test('at the edges it still passes', () => {
    const edges = good({ account: null, atMs: T0 + 65_000, workflow: { ...workflow, atMs: T0 + 65_000 }, range: { ...range, toMs: T0 + 60_000 - HOUR_MS, fromMs: 1 } }); // prettier-ignore
    expect(judged(chainOf([edges])).verdict).toBe('pass');
  });

  const [record] = chainOf([good()]) as [EvidenceRecord];
  test.each<[string, readonly unknown[], Partial<Judging>, string[]]>([
    ['nothing', [], { keptHeads: [headOf(record)] }, ['missing']],
    ['no head kept', [record], { keptHeads: [] }, ['beyond_kept_head', 'no_kept_head']],
    [
      'a head that is none',
      [record],
      { keptHeads: [{ number: Number.NaN, hash: record.hash }] },
      ['beyond_kept_head', 'malformed'],
    ],
    ['beyond the kept head', chainOf([good(), good()]), { keptHeads: [headOf(record)] }, ['beyond_kept_head']],
    ['no clock', [record], { nowMs: Number.NaN }, ['clock_unknown', 'future_dated', 'stale']],
    ['a changed payload', [{ ...record, payload: { passed: true, gaps: 0, more: 1 } }], {}, ['changed', 'missing']],
    ['a changed field', [{ ...record, atMs: T0 + 1 }], {}, ['changed', 'missing']],
    [
      'changed and sealed again',
      [resealed(record, { atMs: T0 + 1 })],
      { keptHeads: [headOf(record)] },
      ['changed', 'missing'],
    ],
    [
      'two of one number',
      [record, resealed(record, { atMs: T0 + 1 })],
      { keptHeads: [{ number: 2, hash: 'a'.repeat(64) }] },
      ['forked'],
    ],
    [
      'a link that does not hold',
      [record, resealed(chainOf([good(), good()])[1]!, { previousHash: 'a'.repeat(64) })],
      {},
      ['forked'],
    ],
    ['good and something malformed', [{ number: 1 }, record], {}, ['malformed']],
    ['NaN', [{ ...record, payload: { passed: true, gaps: Number.NaN } }], {}, ['malformed', 'missing']],
    ['null', [null], { keptHeads: [headOf(record)] }, ['malformed', 'missing']],
  ])('%s', (_name, records, changes, expected) => {
    const verdict = judged(records, changes);
    expect(verdict.verdict).toBe('fail');
    expect([...new Set(codes(verdict))].sort()).toEqual(expected);
  });

  test('no wishes', () => expect(codes(judged([record], {}, []))).toEqual(['nothing_wanted']));
  test('a limit that is no number', () => {
    const wanted = [{ ...WANTED, ageMsMax: Number.NaN, spanMsMin: Number.NaN }];
    expect(codes(judged([record], {}, wanted))).toEqual(['partial_range', 'stale']);
  });
});

describe('what evidence is worth', () => {
  const earned = (origin: Partial<EvidenceDraft>): Purpose[] =>
    (['rehearsal', 'simulator_lease', 'demo_lease', 'live_lease'] as const).filter((purpose) => worthFor(purpose, chainOf([good(origin)])[0]!).worthy); // prettier-ignore

  test.each(DATA_SOURCES)('%s', (dataSource) => {
    const real = { simulator: [], recorded: [], demo: ['demo_lease'], live: ['demo_lease', 'live_lease'] }[dataSource];
    expect(earned({ dataSource })).toEqual(['rehearsal', 'simulator_lease', ...real]);
    expect(earned({ dataSource, rehearsal: ['short_window'] })).toEqual(['rehearsal']);
  });

  test('a simulator can never earn a lease on a real venue, whatever else is right', () => {
    const [record] = chainOf([good({ dataSource: 'simulator' })]) as [EvidenceRecord];
    expect(mayEarnLease('simulator_lease', record)).toBe(true);
    expect(mayEarnLease('demo_lease', record)).toBe(false);
    expect(worthFor('live_lease', record)).toEqual({ worthy: false, reasons: ['data_source'] });
  });
});
