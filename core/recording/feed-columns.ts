/** A recorded feed as columns, and back without parsing. */
import type { InstrumentSpec } from '../market/instrument.ts';
import { ColumnsError, encodeColumns, type ColumnsFile, type ColumnsOrigin, type Crc32 } from './columns.ts';
import { OpKind, type Recording } from './recording.ts';

/** `origins` are the files of `recording`, in order. */
export function encodeFeed(
  recording: Recording,
  instrument: InstrumentSpec,
  origins: ColumnsOrigin[],
  crc32: Crc32,
): Uint8Array {
  const { startedAtMs, frameAtMs, firstOp, opKind, opTicks, opLots, marks } = recording;
  const columns = {
    frameAtMs,
    firstOp,
    opKind,
    opTicks,
    opLots,
    markAtMs: marks.atMs,
    markPriceE8: marks.priceE8,
    markRateE8: marks.rateE8,
    markFundingAtMs: marks.fundingAtMs,
  };
  return encodeColumns({ kind: 'feed', instrument, origins, facts: { startedAtMs }, columns }, crc32);
}

/** Throws `ColumnsError` when the file is none of a feed, or its columns do not fit together. */
export function openFeed(file: ColumnsFile): Recording {
  const { header, path } = file;
  if (header.kind !== 'feed') throw new ColumnsError(path, 'kind: expected feed', header.kind);
  const frameAtMs = file.column('frameAtMs', 'f64');
  const firstOp = file.column('firstOp', 'u32');
  const opKind = file.column('opKind', 'u8');
  const opTicks = file.column('opTicks', 'i32');
  const opLots = file.column('opLots', 'f64');
  const frameCount = frameAtMs.length;
  const expect = (isMet: boolean, rule: string, value: number | undefined): void => {
    if (!isMet) throw new ColumnsError(path, rule, value);
  };
  expect(frameCount >= 2, 'columns.frameAtMs: expected a snapshot and frames after it', frameCount);
  expect(firstOp.length === frameCount + 1, `columns.firstOp: expected ${frameCount + 1} rows`, firstOp.length);
  const fallAt = frameAtMs.findIndex((atMs, frame) => !(atMs >= (frame === 0 ? 0 : frameAtMs[frame - 1]!)));
  expect(fallAt < 0, `columns.frameAtMs[${fallAt}]: expected no time before the one before it`, frameAtMs[fallAt]);
  const backAt = firstOp.findIndex((op, frame) => op < (frame === 0 ? 0 : firstOp[frame - 1]!));
  expect(backAt < 0, `columns.firstOp[${backAt}]: expected no row before the one before it`, firstOp[backAt]);
  for (const column of [opKind, opTicks, opLots]) {
    expect(column.length === firstOp[frameCount], `columns: expected ${firstOp[frameCount]} changes`, column.length);
  }
  const strangeAt = opKind.findIndex((kind) => kind > OpKind.sellTrade);
  expect(strangeAt < 0, `columns.opKind[${strangeAt}]: expected at most ${OpKind.sellTrade}`, opKind[strangeAt]);
  const marks = {
    atMs: file.column('markAtMs', 'f64'),
    priceE8: file.column('markPriceE8', 'f64'),
    rateE8: file.column('markRateE8', 'f64'),
    fundingAtMs: file.column('markFundingAtMs', 'f64'),
  };
  for (const column of [marks.priceE8, marks.rateE8, marks.fundingAtMs]) {
    expect(column.length === marks.atMs.length, `columns: expected ${marks.atMs.length} marks`, column.length);
  }
  const sources = header.origins.map(({ file: name, sha256, venue }) => ({ file: name, sha256, venue }));
  const startedAtMs = file.fact('startedAtMs');
  return { sources, frameCount, frameAtMs, firstOp, opKind, opTicks, opLots, startedAtMs, marks };
}
