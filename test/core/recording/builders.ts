/** Small recordings, told frame by frame. */
import { NO_MARKS, OpKind, type Recording } from '../../../core/recording/recording.ts';

export type Op = readonly [kind: keyof typeof OpKind, ticks: number, lots: number];
export type Frame = readonly [atMs: number, ...ops: Op[]];

export const STARTED_AT_MS = 1_723_161_600_000;

export function recordingOf(...frames: readonly Frame[]): Recording {
  const ops = frames.flatMap(([, ...told]) => told);
  let count = 0;
  const firstOp = [0, ...frames.map(([, ...told]) => (count += told.length))];
  return {
    sources: [{ file: 'small', sha256: '0'.repeat(64), venue: 'none' }],
    frameCount: frames.length,
    frameAtMs: Float64Array.from(frames.map(([atMs]) => atMs)),
    firstOp: Uint32Array.from(firstOp),
    opKind: Uint8Array.from(ops.map(([kind]) => OpKind[kind])),
    opTicks: Int32Array.from(ops.map(([, ticks]) => ticks)),
    opLots: Float64Array.from(ops.map(([, , lots]) => lots)),
    startedAtMs: STARTED_AT_MS,
    marks: NO_MARKS,
  };
}

/** Each frame of a recording as it was told. */
export function framesOf({ frameAtMs, firstOp, opKind, opTicks, opLots }: Recording): Frame[] {
  const kinds = Object.keys(OpKind) as (keyof typeof OpKind)[];
  return [...frameAtMs].map((atMs, frame) => {
    const ops: Op[] = [];
    for (let op = firstOp[frame]!; op < firstOp[frame + 1]!; op++) {
      ops.push([kinds[opKind[op]!]!, opTicks[op]!, opLots[op]!]);
    }
    return [atMs, ...ops];
  });
}
