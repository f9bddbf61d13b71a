/** Whether the re-run decided as the journal says, for JSON and in words. */
import type { Divergence } from '../../journal/rerun.ts';
import type { Replay } from '../../journal/machine-replay.ts';
import { clock, plural, sentence } from './words.ts';

export interface Verdict {
  readonly agrees: boolean;
  /** Where the re-run began. */
  readonly fromSequence: number | null;
  readonly fromAtMs: number | null;
  readonly inputs: number;
  readonly eventsEqual: number;
  readonly divergence: Divergence | null;
  /** The first snapshot that is not the state of the re-run; its events may still be equal. */
  readonly stateDiffersAt: number | null;
  /** Of the bot when it decided, and of the code that re-ran it. */
  readonly recordedBy: string | null;
  readonly reRunBy: string;
}

export function verdictOf(replay: Replay, codeVersion: string): Verdict {
  const { begin, inputs, eventsEqual, divergence, stateDiffersAt, run } = replay;
  return {
    agrees: divergence === null && stateDiffersAt === null,
    fromSequence: begin?.sequence ?? null,
    fromAtMs: begin?.atMs ?? null,
    inputs,
    eventsEqual,
    divergence,
    stateDiffersAt,
    recordedBy: run?.codeVersion ?? null,
    reRunBy: codeVersion,
  };
}

export function verdictLines(verdict: Verdict, dayMs: number): string[] {
  const { inputs, eventsEqual, divergence, stateDiffersAt, fromAtMs } = verdict;
  const from = fromAtMs === null ? '' : ` from ${clock(fromAtMs, dayMs)}`;
  const extent = `${plural(inputs, 'input')}${from}`;
  if (divergence !== null) return [...divergenceLines(divergence, dayMs), ...versionLines(verdict)];
  if (stateDiffersAt !== null)
    return [
      ...sentence(
        `The re-run of ${extent} gave all ${plural(eventsEqual, 'event')} byte for byte, but not the state that was ` +
          `journaled as record ${stateDiffersAt}.`,
      ),
      ...versionLines(verdict),
    ];
  return sentence(`The re-run decided the same: ${extent}, ${plural(eventsEqual, 'event')} byte for byte.`);
}

function divergenceLines({ sequence, causeSequence, atMs, decided, journaled }: Divergence, dayMs: number): string[] {
  const lines = sentence(
    `The re-run differs from record ${sequence} on (${clock(atMs, dayMs)}; both speak of input ${causeSequence}):`,
  );
  const was = fieldsOf(journaled?.payload);
  const is = fieldsOf(decided?.payload);
  lines.push(`    journaled  ${headOf(was)}`, `    re-run     ${headOf(is)}`);
  if (was === null || is === null || was['type'] !== is['type']) return lines;
  for (const name of new Set([...Object.keys(was), ...Object.keys(is)])) {
    const [before, now] = [JSON.stringify(was[name]), JSON.stringify(is[name])];
    if (before !== now) lines.push(`      ${name}: journaled ${before ?? 'nothing'}, re-run ${now ?? 'nothing'}`);
  }
  return lines;
}

function versionLines({ recordedBy, reRunBy }: Verdict): string[] {
  return recordedBy === reRunBy
    ? sentence(`Both by the same version (${reRunBy}): this is a fault, please keep the journal.`)
    : sentence(`It was recorded by version ${recordedBy ?? 'unknown'} and re-run by ${reRunBy}.`);
}

function fieldsOf(payload: string | undefined): Record<string, unknown> | null {
  return payload === undefined ? null : (JSON.parse(payload) as Record<string, unknown>);
}

function headOf(fields: Record<string, unknown> | null): string {
  if (fields === null) return 'nothing';
  const { type, clientOrderId, reason, state } = fields;
  return [type, clientOrderId, state, reason].filter((part) => typeof part === 'string' && part !== '').join(' ');
}
