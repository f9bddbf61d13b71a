import { describe, expect, test } from '@jest/globals';
import { crc32 } from 'node:zlib';
import {
  ColumnsError,
  ColumnsFile,
  ColumnsOrigin,
  encodeColumns,
  type Contents,
} from '../../../core/recording/columns.ts';
import { encodeFeed, openFeed } from '../../../core/recording/feed-columns.ts';
import { BTC } from '../../support/bots.ts';
import { changed, takes } from '../schemas.ts';

describe('a file of columns', () => {
  const contents: Contents = {
    kind: 'feed',
    instrument: BTC.spec,
    origins: [{ file: 'a', sha256: '0'.repeat(64), venue: 'v', source: 's', licence: 'MIT' }],
    facts: { startedAtMs: 5 },
    columns: {
      frameAtMs: Float64Array.of(0, 1),
      firstOp: Uint32Array.of(0, 1, 3),
      opKind: Uint8Array.of(0, 1, 2),
      opTicks: Int32Array.of(7, 8, 7),
      opLots: Float64Array.of(1, 2, 3),
      markAtMs: Float64Array.of(1),
      markPriceE8: Float64Array.of(70),
      markRateE8: Float64Array.of(-3),
      markFundingAtMs: Float64Array.of(9),
    },
  };
  const encode = (columns: Partial<Contents['columns']> = {}) =>
    encodeColumns({ ...contents, columns: { ...contents.columns, ...columns } as Contents['columns'] }, crc32);
  const open = (bytes: Uint8Array) => openFeed(new ColumnsFile(bytes, 'x.cols', crc32));

  test('is read where it lies, also at an odd place in memory', () => {
    const bytes = encode();
    const shifted = new Uint8Array(bytes.length + 3).subarray(3);
    shifted.set(bytes);
    expect([...open(shifted).opTicks]).toEqual([7, 8, 7]);
    const feed = open(bytes);
    expect(feed.opLots.buffer).toBe(bytes.buffer);
    expect([...feed.opLots]).toEqual([1, 2, 3]);
    expect(feed.startedAtMs).toBe(5);
  });

  const damaged = (at: number, byte: number): Uint8Array => {
    const bytes = encode();
    bytes[at] = byte;
    return bytes;
  };
  test.each([
    [
      'another kind of file',
      () => damaged(0, 88),
      'x.cols: magic: expected a file that begins with DESKCOLS, was "XESKCOLS"',
    ],
    ['nothing', () => new Uint8Array(0), 'x.cols: magic: expected a file that begins with DESKCOLS, was ""'],
    ['another version', () => damaged(8, 9), 'x.cols: version: expected 1, was 9'],
    [
      'one bit in a column',
      () => damaged(encode().length - 1, 1),
      /^x\.cols: checksum: expected the stated \w{8}, was "\w{8}"$/,
    ],
    ['a part of it', () => encode().subarray(0, 100), /^x\.cols: checksum: /],
    [
      'a time that falls',
      () => encode({ frameAtMs: Float64Array.of(1, 0) }),
      'x.cols: columns.frameAtMs[1]: expected no time before the one before it, was 0',
    ],
    ['a time that is none', () => encode({ frameAtMs: Float64Array.of(0, NaN) }), /frameAtMs\[1\]/],
    [
      'marks of different number',
      () => encode({ markRateE8: Float64Array.of() }),
      'x.cols: columns: expected 1 marks, was 0',
    ],
    [
      'a change that is nowhere',
      () => encode({ opKind: Uint8Array.of(0, 1, 4) }),
      'x.cols: columns.opKind[2]: expected at most 3, was 4',
    ],
    [
      'times that fall from the first on',
      () => encode({ frameAtMs: Float64Array.of(-1, 0) }),
      'x.cols: columns.frameAtMs[0]: expected no time before the one before it, was -1',
    ],
    [
      'a snapshot alone',
      () => encode({ frameAtMs: Float64Array.of(0), firstOp: Uint32Array.of(0, 3) }),
      'x.cols: columns.frameAtMs: expected a snapshot and frames after it, was 1',
    ],
    [
      'no row for the end',
      () => encode({ firstOp: Uint32Array.of(0, 3) }),
      'x.cols: columns.firstOp: expected 3 rows, was 2',
    ],
    [
      'marks without a price',
      () => encode({ markPriceE8: Float64Array.of() }),
      'x.cols: columns: expected 1 marks, was 0',
    ],
    [
      'marks without a time',
      () => encode({ markFundingAtMs: Float64Array.of(1, 2) }),
      'x.cols: columns: expected 1 marks, was 2',
    ],
    [
      'changes without a kind',
      () => encode({ opKind: Uint8Array.of(0) }),
      'x.cols: columns: expected 3 changes, was 1',
    ],
    [
      'changes without a price',
      () => encode({ opTicks: Int32Array.of(0) }),
      'x.cols: columns: expected 3 changes, was 1',
    ],
    ['bars', () => encodeColumns({ ...contents, kind: 'bars' }, crc32), 'x.cols: kind: expected feed, was "bars"'],
    [
      'no start',
      () => encodeColumns({ ...contents, facts: {} }, crc32),
      'x.cols: facts.startedAtMs: expected a number, was missing',
    ],
    ['no origin', () => encodeColumns({ ...contents, origins: [] }, crc32), /^x\.cols: header: origins: .*was \[\]/],
    [
      'half a prefix',
      () => encode().subarray(0, 23),
      'x.cols: magic: expected a file that begins with DESKCOLS, was "DESKCOLS"',
    ],
    ['too few changes', () => encode({ opLots: Float64Array.of(1) }), 'x.cols: columns: expected 3 changes, was 1'],
    [
      'rows that go back',
      () => encode({ firstOp: Uint32Array.of(0, 4, 3) }),
      'x.cols: columns.firstOp[2]: expected no row before the one before it, was 3',
    ],
    [
      'a column of another type',
      () => encode({ opTicks: Float64Array.of(7, 8, 7) }),
      'x.cols: columns.opTicks: expected a column of type i32, was "f64"',
    ],
  ] as const)('%s is refused with path, rule and value', (_name, bytes, message) => {
    expect(() => open(bytes())).toThrow(ColumnsError);
    expect(() => open(bytes())).toThrow(message);
  });

  test('of a feed is the feed', () => {
    const feed = open(encode());
    const { marks, sources, startedAtMs, frameCount, ...columns } = feed;
    expect([startedAtMs, frameCount]).toEqual([5, 2]);
    expect(sources).toEqual([{ file: 'a', sha256: '0'.repeat(64), venue: 'v' }]);
    const { frameAtMs, firstOp, opKind, opTicks, opLots } = contents.columns;
    expect(columns).toEqual({ frameAtMs, firstOp, opKind, opTicks, opLots });
    expect(marks).toEqual({
      atMs: Float64Array.of(1),
      priceE8: Float64Array.of(70),
      rateE8: Float64Array.of(-3),
      fundingAtMs: Float64Array.of(9),
    });
    const again = { ...feed, sources: [] };
    expect(encodeFeed(again, contents.instrument, contents.origins, crc32)).toEqual(encode());
  });

  /** A header as somebody else may have written it, with a checksum that fits. */
  function forged(header: unknown): Uint8Array {
    const text = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
    const bytes = new Uint8Array(24 + Math.ceil(text.length / 8) * 8 + 8);
    bytes.set(encode().subarray(0, 24));
    bytes.set(text, 24);
    const view = new DataView(bytes.buffer);
    view.setUint32(12, text.length, true);
    view.setUint32(16, crc32(bytes.subarray(20)), true);
    return bytes;
  }
  const { columns: _columns, ...facts } = contents;
  const forgedColumn = (column: object) => forged({ ...facts, columns: [{ name: 'c', type: 'f64', count: 1, offset: 512, ...column }] }); // prettier-ignore

  test.each([
    ['a header that is no JSON', () => forged('{"kind":'), /^x\.cols: header: .*was "\{\\"kind\\":"/],
    ['a header without columns', () => forged(facts), /^x\.cols: header: columns: .*was missing/],
    [
      'a column that begins anywhere',
      () => forgedColumn({ offset: 12 }),
      'x.cols: columns.c.offset: expected a multiple of 8, was 12',
    ],
    [
      'a column that ends behind the file',
      () => forgedColumn({ count: 100 }),
      /^x\.cols: columns\.c: expected 1312 bytes of file, was \d+$/,
    ],
    ['a column of no known type', () => forgedColumn({ type: 'f32' }), /^x\.cols: header: columns\[0\]\.type: /],
    ['a column of half a row', () => forgedColumn({ count: 0.5 }), /^x\.cols: header: columns\[0\]\.count: /],
    ['a column of less than nothing', () => forgedColumn({ count: -1 }), /^x\.cols: header: columns\[0\]\.count: /],
    ['a column before the file', () => forgedColumn({ offset: -8 }), /^x\.cols: header: columns\[0\]\.offset: /],
    ['a column without a name', () => forgedColumn({ name: '' }), /^x\.cols: header: columns\[0\]\.name: /],
    [
      'a column with more to it',
      () => forgedColumn({ unit: 'ms' }),
      /^x\.cols: header: columns\[0\]\.unit: unknown key, was "ms"$/,
    ],
  ])('with %s is refused', (_name, bytes, message) => {
    expect(() => open(bytes())).toThrow(ColumnsError);
    expect(() => open(bytes())).toThrow(message);
  });

  test('a column that ends with the file is whole', () => {
    const bytes = forgedColumn({ offset: 0, count: 1 });
    const count = bytes.length / 8;
    expect(new ColumnsFile(forgedColumn({ offset: 0, count }), 'x', crc32).column('c', 'f64')).toHaveLength(count);
  });

  test.each([
    ['file', ['a'], ['']],
    [
      'sha256',
      ['0123456789abcdef'.repeat(4)],
      ['0'.repeat(63), '0'.repeat(65), 'G'.repeat(64), `${'0'.repeat(64)}x`, `x${'0'.repeat(64)}`],
    ],
    ['venue', ['v'], ['', undefined]],
    ['source', ['s'], ['', undefined]],
    ['licence', ['MIT'], ['', undefined]],
    ['author', [undefined], ['ann']],
  ])('an origin tells where it is from: %s may be %j and not %j', (field, sound, unsound) => {
    const [origin] = contents.origins;
    for (const value of sound) expect(takes(ColumnsOrigin, changed(origin!, { [field]: value }))).toBe(true);
    for (const value of unsound) expect(takes(ColumnsOrigin, changed(origin!, { [field]: value }))).toBe(false);
  });

  test('the same contents are the same bytes, in whole words, little endian', () => {
    const bytes = encode();
    expect(encode()).toEqual(bytes);
    expect(bytes.length % 8).toBe(0);
    expect([...bytes.subarray(8, 12), ...bytes.subarray(20, 24)]).toEqual([1, 0, 0, 0, 0, 0, 0, 0]);
    expect(new TextDecoder().decode(bytes.subarray(0, 8))).toBe('DESKCOLS');
    const { header } = new ColumnsFile(bytes, 'x', crc32);
    expect(header.columns.map(({ name, type, count }) => [name, type, count])).toEqual([
      ['frameAtMs', 'f64', 2], ['firstOp', 'u32', 3], ['opKind', 'u8', 3], ['opTicks', 'i32', 3], ['opLots', 'f64', 3],
      ['markAtMs', 'f64', 1], ['markPriceE8', 'f64', 1], ['markRateE8', 'f64', 1], ['markFundingAtMs', 'f64', 1],
    ]);
    // One column right behind the other, from the first whole word after the header.
    const text = new DataView(bytes.buffer).getUint32(12, true);
    expect(header.columns[0]!.offset).toBe(Math.ceil((24 + text) / 8) * 8);
    expect(header.columns.slice(1).map(({ offset }, index) => offset - header.columns[index]!.offset)).toEqual([16, 16, 8, 16, 24, 8, 8, 8]);
    expect(bytes.length - header.columns.at(-1)!.offset).toBe(8);
  }); // prettier-ignore

  test('without columns is its header alone', () => {
    const { header } = new ColumnsFile(encodeColumns({ ...contents, columns: {} }, crc32), 'x', crc32);
    expect(header.columns).toEqual([]);
  });
});
