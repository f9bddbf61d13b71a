/** `desk evidence`: what the desk can prove, and whether anybody changed it. */
import { userInfo } from 'node:os';
import { join, relative } from 'node:path';
import type { Command } from 'commander';
import pc from 'picocolors';
import { evidenceHeadsFile } from '../config/home.ts';
import { EVIDENCE_KINDS, EvidenceKind, Sha256, type EvidenceRecord } from '../core/evidence/record.ts';
import { exportOf, verifyExport } from '../ledger/evidence/export.ts';
import { readKeptHeads } from '../ledger/evidence/heads-file.ts';
import { recordOf } from '../ledger/evidence/stored.ts';
import type { EvidenceStore } from '../ledger/evidence/store.ts';
import type { Context } from './context.ts';
import { freezeBaseline } from './evidence/baseline.ts';
import { fileStamp, writeExport } from './evidence/files.ts';
import { recordRelease, releaseOf } from './evidence/release.ts';
import { listLine, showRecord } from './evidence/show.ts';
import { withEvidence } from './evidence/store.ts';
import { verdictLines, verify, type VerifyFlags } from './evidence/verify.ts';
import { checkOutput, CommandFailure, EXIT, type ExitCode } from './exit-codes.ts';
import { wholeNumber } from './whole-number.ts';

const LIST_MAX = 10_000;

export function registerEvidence(program: Command, context: Context): void {
  const evidence = program.command('evidence').description('what the desk can prove, and whether anybody changed it');
  const finish = (code: ExitCode): never => process.exit(code);
  evidence
    .command('list')
    .description('records, newest first')
    .option('--kind <kind>', EVIDENCE_KINDS.join(', '))
    .option('--subject <name>', 'of this desk, bot or symbol')
    .option('--before <number>', 'older than this record')
    .option('--limit <count>', `at most so many, up to ${LIST_MAX}`, '20')
    .option('-o, --output <format>', 'text, json or jsonl', 'text')
    .action(async (flags: ListFlags) => finish(await list(context, flags)));
  evidence
    .command('show <record>')
    .description('one record, by its number or hash')
    .option('-o, --output <format>', 'text or json', 'text')
    .action(async (record: string, { output }: { output: string }) => finish(await show(context, record, output)));
  evidence
    .command('export')
    .description('the chain as files that need no database: JSON Lines, head, Markdown index')
    .option('--to <dir>', 'where (default reports/evidence/<UTC>)')
    .option('--from <number>', 'first record (default 1)')
    .option('--until <number>', 'last record (default the newest)')
    .action(async (flags: ExportFlags) => finish(await exportTo(context, flags)));
  evidence
    .command('verify [path]')
    .description('an export (folder or file) without database and network; without a path the store. Exit 1: broken')
    .option('--head <number:hash>', 'a head kept elsewhere that has to lie on the chain; repeatable', append, [])
    .option('--heads <file>', 'a file of such heads (for the store by default the one in DESK_HOME)')
    .option('-o, --output <format>', 'text or json', 'text')
    .action(async (path: string | undefined, flags: VerifyFlags) => finish(await verify(context, path, flags)));
  evidence
    .command('manifest')
    .description('record what runs here as a release: its id is the hash of the manifest')
    .option('--dry-run', 'say what would be recorded, record nothing')
    .option('-o, --output <format>', 'text or json', 'text')
    .action(async (flags: { dryRun?: true; output: string }) => finish(await manifest(context, flags)));
  evidence
    .command('baseline')
    .description('freeze a baseline: counts of every source and stream that is stored now')
    .option('--reason <text>', 'why (required)')
    .option('--operator <name>', 'who', userInfo().username)
    .option('--dry-run', 'say what would be recorded, record nothing')
    .option('-o, --output <format>', 'text or json', 'text')
    .action(async (flags: BaselineFlags) => finish(await baseline(context, flags)));
}

function append(value: string, before: string[]): string[] {
  return [...before, value];
}

interface ListFlags {
  kind?: string;
  subject?: string;
  before?: string;
  limit: string;
  output: string;
}

async function list(context: Context, { kind, subject, before, limit, output }: ListFlags): Promise<ExitCode> {
  if (output !== 'jsonl') checkOutput(output);
  const known = kind === undefined ? undefined : EvidenceKind.safeParse(kind).data;
  if (kind !== undefined && known === undefined)
    throw new CommandFailure(EXIT.usage, `--kind: expected one of ${EVIDENCE_KINDS.join(', ')}, was "${kind}"`);
  const filter = {
    limit: wholeNumber('--limit', limit, LIST_MAX),
    ...(known !== undefined && { kind: known }),
    ...(subject !== undefined && { subject }),
    ...(before !== undefined && { before: wholeNumber('--before', before) }),
  };
  const records = await withEvidence(context, 'desk_reader', (store) => store.list(filter));
  if (output === 'json') console.log(JSON.stringify({ v: 1, data: records }));
  else if (output === 'jsonl') for (const record of records) console.log(JSON.stringify(record));
  else console.log(records.length === 0 ? 'no records' : records.map(listLine).join('\n'));
  return EXIT.ok;
}

async function show(context: Context, which: string, output: string): Promise<ExitCode> {
  checkOutput(output);
  const key = Sha256.safeParse(which).success ? which : wholeNumber('record', which);
  const record = await withEvidence(context, 'desk_reader', (store) => store.get(key));
  if (record === null) throw new CommandFailure(EXIT.failure, `no record ${which}: ./desk evidence list`);
  console.log(output === 'json' ? JSON.stringify({ v: 1, data: record }) : showRecord(record).join('\n'));
  return EXIT.ok;
}

interface ExportFlags {
  to?: string;
  from?: string;
  until?: string;
}

/** What was written is also checked: a broken chain is exported as it is, and said to be broken. */
async function exportTo(context: Context, { to, from, until }: ExportFlags): Promise<ExitCode> {
  const first = from === undefined ? 1 : wholeNumber('--from', from);
  const last = until === undefined ? Number.MAX_SAFE_INTEGER : wholeNumber('--until', until);
  const dir = to ?? join(context.root, 'reports', 'evidence', fileStamp(Date.now()));
  const { records, after } = await withEvidence(context, 'desk_reader', (store) => readRange(store, first, last));
  const files = exportOf(records, after);
  writeExport(dir, files);
  const end = records.at(-1)?.number ?? 0;
  const keptHeads = readKeptHeads(evidenceHeadsFile(context.home)).heads.filter(
    ({ number }) => number <= end || until === undefined,
  );
  const verdict = verifyExport(files, { keptHeads });
  console.log(verdictLines(verdict, { keptHeads: keptHeads.length, knowsItsEnd: true }).join('\n'));
  console.log(`written: ${relative(process.cwd(), dir) || '.'}`);
  return verdict.ok ? EXIT.ok : EXIT.failure;
}

async function readRange(store: EvidenceStore, from: number, to: number) {
  const before = from === 1 ? null : await store.get(from - 1);
  if (from > 1 && before === null)
    throw new CommandFailure(EXIT.usage, `--from: no record ${from - 1} comes before it`);
  const records: EvidenceRecord[] = [];
  for await (const page of store.pages({ from, to })) records.push(...page.map(recordOf));
  return { records, after: before === null ? null : { number: before.number, hash: before.hash } };
}

async function manifest(context: Context, { dryRun, output }: { dryRun?: true; output: string }): Promise<ExitCode> {
  checkOutput(output);
  if (dryRun === true) {
    const release = releaseOf(context);
    if (output === 'json') console.log(JSON.stringify({ v: 1, data: release }));
    else console.log(`would record: release ${release.releaseId} of code ${release.manifest.codeVersion}`);
    return EXIT.ok;
  }
  const { releaseId, manifest: made, record, file } = await recordRelease(context);
  if (output === 'json') console.log(JSON.stringify({ v: 1, data: { releaseId, manifest: made, record, file } }));
  else {
    console.log(`release ${releaseId} of code ${made.codeVersion}, record ${record.number}:${record.hash}`);
    console.log(`written: ${file}`);
    if (made.codeVersion.endsWith('+'))
      console.log(pc.yellow('files differ from the commit: its evidence earns no lease on a real venue'));
  }
  return EXIT.ok;
}

interface BaselineFlags {
  reason?: string;
  operator: string;
  dryRun?: true;
  output: string;
}

async function baseline(context: Context, { reason, operator, dryRun, output }: BaselineFlags): Promise<ExitCode> {
  checkOutput(output);
  if (reason === undefined || reason.trim() === '')
    throw new CommandFailure(EXIT.usage, '--reason: expected why, was missing: ./desk evidence baseline --reason ...');
  const made = await freezeBaseline(context, { operator, reason, dryRun: dryRun === true });
  const { counts } = made.baseline;
  const events = counts.reduce((sum, each) => sum + each.events, 0);
  const sources = new Set(counts.map(({ source }) => source)).size;
  const told = `baseline of ${events} events from ${sources} sources`;
  if (output === 'json') console.log(JSON.stringify({ v: 1, data: made }));
  else if (made.record === null) console.log(`would record: ${told}`);
  else console.log(`${told}, record ${made.record.number}:${made.record.hash}`);
  return EXIT.ok;
}
