/** An export as people read it: which records, in Markdown. A function of the records alone, so that it can be checked, too. */
import type { EvidenceHead, EvidenceRecord } from './record.ts';

export function indexPage(records: readonly EvidenceRecord[], head: EvidenceHead | null): string {
  const lines = records.map(
    ({ number, atMs, kind, subject, venue, account, dataSource, rehearsal, codeVersion, hash }) =>
      `| ${[number, new Date(atMs).toISOString(), kind, subject, venue, account ?? '–', dataSource, rehearsal.length > 0 ? 'yes' : 'no', codeVersion, `\`${hash}\``].join(' | ')} |`, // prettier-ignore
  );
  return [
    '# Evidence',
    '',
    head === null ? 'No records.' : `${records.length} records up to ${head.number}. Head: \`${head.hash}\``,
    '',
    'Check it with `./desk evidence verify <this folder>`: no database, no network.',
    '',
    '| number | at (UTC) | kind | subject | venue | account | data | rehearsal | code | hash |',
    '|--:|---|---|---|---|---|---|---|---|---|',
    ...lines,
    '',
  ].join('\n');
}
