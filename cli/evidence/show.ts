/** Records on a screen. */
import pc from 'picocolors';
import { gistOf } from '../../core/evidence/gist.ts';
import type { EvidenceRecord } from '../../core/evidence/record.ts';
import { stamp } from '../why/words.ts';

/** One line a record. */
export function listLine({
  number,
  atMs,
  kind,
  subject,
  dataSource,
  rehearsal,
  codeVersion,
  hash,
  payload,
}: EvidenceRecord): string {
  const told = [dataSource, ...(rehearsal.length > 0 ? ['rehearsal'] : []), codeVersion, hash.slice(0, 12)].join('  ');
  const { text } = gistOf(kind, payload);
  const line = `${String(number).padStart(6)}  ${stamp(atMs)}  ${kind.padEnd(24)} ${subject.padEnd(12)} ${told}`;
  return text === '' ? line : `${line}  ${text}`;
}

export function showRecord(record: EvidenceRecord): string[] {
  const { number, kind, subject, atMs, workflow, range, venue, account, dataSource, rehearsal, payload } = record;
  const lines: [string, string][] = [
    ['at', stamp(atMs)],
    ['asked by', workflow === null ? 'a command' : `${workflow.id} (run ${workflow.runId}) at ${stamp(workflow.atMs)}`],
    ['looked at', `${stamp(range.fromMs)} to ${stamp(range.toMs)}`],
    ...range.sources.map(({ source, fromSequence, toSequence }): [string, string] => ['', `${source}: events ${fromSequence} to ${toSequence}`]), // prettier-ignore
    ['venue', `${venue}, ${account ?? 'no account'}, data from ${dataSource}`],
    ['rehearsal', rehearsal.length === 0 ? 'no' : rehearsal.join('; ')],
    ['code', `${record.codeVersion}, configuration ${record.configHash.slice(0, 16)}`],
    ['release', record.releaseId ?? 'none'],
    ['hash', record.hash],
    ['before it', record.previousHash],
    ['payload', record.payloadHash],
  ];
  return [
    pc.bold(`${number}: ${kind.replaceAll('_', ' ')} of ${subject}`),
    ...lines.map(([name, text]) => `  ${name.padEnd(10)}${text}`),
    ...JSON.stringify(payload, null, 2).split('\n').map((line) => `  ${line}`), // prettier-ignore
  ];
}
