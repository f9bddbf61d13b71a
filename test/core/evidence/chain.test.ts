import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { verifyChain } from '../../../core/evidence/chain.ts';
import { jsonFault, type JsonObject } from '../../../core/evidence/json.ts';
import { headOf, NO_HASH, type EvidenceRecord } from '../../../core/evidence/record.ts';
import { hashOf } from '../../../ledger/evidence/hash.ts';
import { chain, chainOf, draft, resealed } from './builders.ts';

const whole = chain(12);
const head = headOf(whole.at(-1)!);

function replaced(at: number, record: EvidenceRecord): EvidenceRecord[] {
  return whole.map((each, place) => (place === at ? record : each));
}

test('a chain is whole from its beginning to its head', () => {
  expect(whole[0]!.previousHash).toBe(NO_HASH);
  expect(verifyChain(whole, hashOf, { expectedHead: head })).toEqual({ ok: true, records: 12, head });
  expect(verifyChain([], hashOf)).toEqual({ ok: true, records: 0, head: null });
});

test('a part of it is whole after the record before it', () => {
  const options = { after: headOf(whole[4]!), expectedHead: head };
  expect(verifyChain(whole.slice(5), hashOf, options)).toEqual({ ok: true, records: 7, head });
});

describe('the first bad record is named', () => {
  const at5 = whole[5]!;
  const without = <T>(records: readonly T[], ...places: number[]): T[] =>
    records.filter((_, at) => !places.includes(at));
  const swapped = [...whole.slice(0, 5), whole[6]!, whole[5]!, ...whole.slice(7)];
  const inserted = [...whole.slice(0, 6), resealed(at5, { subject: 'bot9' }), ...whole.slice(6)];
  const rewritten = chainOf([
    draft({ subject: 'bot9' }),
    ...Array.from({ length: 11 }, (_, n) => draft({ key: `k${n}` })),
  ]);
  test.each<[string, readonly unknown[], object]>([
    [
      'changed payload',
      replaced(5, { ...at5, payload: { n: 5, note: 'better', ratio: 1 } }),
      { number: 6, rule: 'payload_hash' },
    ],
    [
      'changed payload with its hash',
      replaced(5, { ...at5, payload: {}, payloadHash: hashOf({}) }),
      { number: 6, rule: 'hash' },
    ],
    ['changed field', replaced(5, { ...at5, rehearsal: ['nothing to see'] }), { number: 6, rule: 'hash' }],
    [
      'changed and sealed again',
      replaced(5, resealed(at5, { dataSource: 'demo' })),
      { number: 7, rule: 'previous_hash' },
    ],
    ['unknown field', replaced(5, { ...at5, extra: 1 } as EvidenceRecord), { number: 6, rule: 'malformed' }],
    ['no number', replaced(5, { ...at5, atMs: Number.NaN }), { number: 6, rule: 'malformed' }],
    ['no object', [...whole.slice(0, 5), null, ...whole.slice(6)], { number: 6, rule: 'malformed' }],
    ['deleted', without(whole, 5), { number: 6, rule: 'number', expected: '6', found: '7' }],
    [
      'deleted, numbers closed up',
      [...whole.slice(0, 5), resealed(whole[6]!, { number: 6 })],
      { number: 6, rule: 'previous_hash' },
    ],
    ['first deleted', without(whole, 0), { number: 1, rule: 'number', expected: '1', found: '2' }],
    ['inserted', inserted, { number: 7, rule: 'number', expected: '7', found: '6' }],
    ['twice', [...whole.slice(0, 6), ...whole.slice(5)], { number: 7, rule: 'number' }],
    ['swapped', swapped, { number: 6, rule: 'number', expected: '6', found: '7' }],
    ['tail cut', whole.slice(0, 9), { number: 10, rule: 'head' }],
    ['all gone', [], { number: 1, rule: 'head', found: 'no record' }],
    ['rewritten from its beginning', rewritten, { number: 12, rule: 'head' }],
    ['goes on', [...whole, ...chainOf([draft()], head)], { number: 13, rule: 'head' }],
  ])('%s', (_name, records, fault) => {
    expect(verifyChain(records, hashOf, { expectedHead: head })).toMatchObject({ ok: false, fault });
  });
});

test('a tail cut or rewritten shows where a head was kept, and only there', () => {
  const keptHeads = [headOf(whole[8]!), headOf(whole[3]!)];
  const verify = (records: readonly EvidenceRecord[]) => verifyChain(records, hashOf, { keptHeads });
  expect(verify(whole).ok).toBe(true);
  expect(verify(whole.slice(0, 9)).ok).toBe(true);
  expect(verify(whole.slice(0, 8))).toMatchObject({ fault: { number: 9, rule: 'kept_head' } });
  const rewritten = [...whole.slice(0, 8), ...chainOf([draft()], headOf(whole[7]!))];
  expect(verify(rewritten)).toMatchObject({ fault: { number: 9, rule: 'kept_head', expected: whole[8]!.hash } });
  const after = { number: 4, hash: hashOf('another') };
  expect(verifyChain(whole.slice(4), hashOf, { after, keptHeads })).toMatchObject({
    fault: { number: 4, rule: 'kept_head' },
  });
});

test('two different heads kept of one number cannot both lie on a chain', () => {
  const keptHeads = [headOf(whole[3]!), { number: 4, hash: NO_HASH }];
  expect(verifyChain(whole, hashOf, { keptHeads })).toMatchObject({ fault: { number: 4, rule: 'kept_head' } });
});

test('a release id means a manifest that stands before it', () => {
  const payload = { codeVersion: 'd8239e7a1b2c' };
  const releaseId = hashOf(payload);
  const manifest = draft({ kind: 'release_manifest', payload, releaseId });
  expect(verifyChain(chainOf([manifest, draft({ releaseId })]), hashOf).ok).toBe(true);
  expect(verifyChain(chainOf([draft({ releaseId }), manifest]), hashOf)).toMatchObject({
    fault: { number: 1, rule: 'release' },
  });
});

/** Anything that JSON can say and the chain can keep. */
const json = fc
  .dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue())
  .map((value) => value as JsonObject)
  .filter((value) => jsonFault(value) === null);

test('law: what is sealed verifies, after JSON and back too, and any other payload does not', () => {
  fc.assert(
    fc.property(fc.array(json, { minLength: 1, maxLength: 8 }), json, fc.nat(), (payloads, other, pick) => {
      const records = chainOf(payloads.map((payload) => draft({ payload })));
      const expectedHead = headOf(records.at(-1)!);
      const copy = JSON.parse(JSON.stringify(records)) as EvidenceRecord[];
      expect(verifyChain(copy, hashOf, { expectedHead })).toMatchObject({ ok: true });
      const at = pick % records.length;
      fc.pre(hashOf(other) !== records[at]!.payloadHash);
      copy[at] = { ...copy[at]!, payload: other };
      expect(verifyChain(copy, hashOf, { expectedHead })).toMatchObject({
        fault: { number: at + 1, rule: 'payload_hash' },
      });
      copy[at] = resealed(copy[at], {});
      expect(verifyChain(copy, hashOf, { expectedHead }).ok).toBe(false);
    }),
    { numRuns: 200 },
  );
});
