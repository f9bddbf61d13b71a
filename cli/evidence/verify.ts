/** `desk evidence verify`: an export, with nothing but its files; or the desk's own store. */
import pc from 'picocolors';
import { evidenceHeadsFile } from '../../config/home.ts';
import { EvidenceHead } from '../../core/evidence/record.ts';
import { verifyExport, type EvidenceChainVerdict } from '../../ledger/evidence/export.ts';
import { readKeptHeads } from '../../ledger/evidence/heads-file.ts';
import type { Context } from '../context.ts';
import { checkOutput, CommandFailure, EXIT, type ExitCode } from '../exit-codes.ts';
import { readExport } from './files.ts';
import { withEvidence } from './store.ts';

export interface VerifyFlags {
  head: readonly string[];
  heads?: string;
  output: string;
}

/** What was checked besides the records themselves. */
interface Checked {
  readonly keptHeads: number;
  /** Whether something says where the chain ends: without it a cut tail does not show. */
  readonly knowsItsEnd: boolean;
}

export async function verify(context: Context, path: string | undefined, flags: VerifyFlags): Promise<ExitCode> {
  checkOutput(flags.output);
  const keptHeads = flags.head.map(parseHead);
  const headsFile = flags.heads ?? (path === undefined ? evidenceHeadsFile(context.home) : null);
  if (headsFile !== null) {
    const { heads, unreadable } = readKeptHeads(headsFile);
    if (unreadable > 0) console.error(pc.yellow(`${headsFile}: ${unreadable} lines are no heads and were left out`));
    keptHeads.push(...heads);
  }
  let verdict: EvidenceChainVerdict;
  let knowsItsEnd = keptHeads.length > 0;
  if (path === undefined) verdict = await withEvidence(context, 'desk_reader', (store) => store.verify({ keptHeads }));
  else {
    const files = readExport(path);
    knowsItsEnd ||= files.head !== null;
    verdict = verifyExport(files, { keptHeads });
  }
  const checked = { keptHeads: keptHeads.length, knowsItsEnd };
  if (flags.output === 'json') console.log(JSON.stringify({ v: 1, data: { ...verdict, ...checked } }));
  else console.log(verdictLines(verdict, checked).join('\n'));
  return verdict.ok ? EXIT.ok : EXIT.failure;
}

export function verdictLines(verdict: EvidenceChainVerdict, { keptHeads, knowsItsEnd }: Checked): string[] {
  if (!verdict.ok) {
    const { number, rule, expected, found } = verdict.fault;
    return [
      pc.red(`broken at record ${number}: ${rule.replaceAll('_', ' ')}`),
      `  expected ${expected}`,
      `  found    ${found}`,
      `  ${verdict.records} records before it are good`,
    ];
  }
  const { records, after, head } = verdict;
  const lines = [
    pc.green(head === null ? 'whole: no records' : `whole: ${records} records, head ${head.number}:${head.hash}`),
  ];
  if (after !== null) lines.push(`  begins after record ${after.number}: what came before is not in it`);
  if (keptHeads > 0) lines.push(`  ${keptHeads} heads that were kept elsewhere lie on it`);
  if (!knowsItsEnd) lines.push(pc.yellow('  nothing says where it ends: a cut tail would not show (--head, --heads)'));
  return lines;
}

/** `<number>:<hash>`, as reports and this command print it. */
function parseHead(text: string): EvidenceHead {
  const [number, hash, ...more] = text.split(':');
  const head = EvidenceHead.safeParse({ number: /^\d+$/.test(number ?? '') ? Number(number) : null, hash });
  if (!head.success || more.length > 0)
    throw new CommandFailure(EXIT.usage, `--head: expected <number>:<hash of 64 hexadecimal digits>, was "${text}"`);
  return head.data;
}
