/**
 * `desk mutate`: plants faults in a folder of `core/`, one at a time, and asks core's tests to find each. Stryker's full report
 * and the faults that nobody found go to `reports/mutation/`, the score to the page.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join, posix } from 'node:path';
import type { Command } from 'commander';
import { z } from 'zod';
import { codeVersion } from './code-version.ts';
import type { Context } from './context.ts';
import { CommandFailure, EXIT } from './exit-codes.ts';
import { run } from './test.ts';

const PAGE = join('docs', 'mutation.md');
/** Of the faults planted in a folder, how many its tests have to find, in percent. */
const TARGET_PCT = 85;

const Position = z.object({ line: z.int(), column: z.int() });
const Mutant = z.object({
  mutatorName: z.string(),
  replacement: z.string().optional(),
  status: z.enum(['Killed', 'Survived', 'NoCoverage', 'Timeout', 'RuntimeError', 'CompileError', 'Ignored', 'Pending']),
  location: z.object({ start: Position, end: Position }),
});
type Mutant = z.infer<typeof Mutant>;
/** What the page needs of a report in the mutation-testing-report-schema. */
const Report = z.object({
  files: z.record(z.string(), z.object({ source: z.string(), mutants: z.array(Mutant) })),
});
type Report = z.infer<typeof Report>;

export function registerMutate(program: Command, context: Context): void {
  program
    .command('mutate')
    .description("plant faults in core and count those that core's tests find (minutes a folder)")
    .argument('[path...]', 'folders or files of core/; without one all its folders, one after the other (an hour)')
    .action(async (paths: string[]) => process.exit(await mutate(context, paths)));
}

async function mutate(context: Context, paths: readonly string[]): Promise<number> {
  const targets = (paths.length > 0 ? paths : folders(context.root)).map((path) => target(context.root, path));
  let isReached = true;
  for (const { name, pattern } of targets) {
    const report = await mutateOne(context, name, pattern);
    const { found, planted } = countsOf(Object.values(report.files).flatMap(({ mutants }) => mutants));
    isReached &&= 100 * found >= TARGET_PCT * planted;
    writeSection(join(context.root, PAGE), name, section(name, report, codeVersion(context)));
    const left = Object.entries(report.files).flatMap(([file, { source, mutants }]) =>
      survivors(file, source, mutants),
    );
    const list = join('reports', 'mutation', `${name.replaceAll('/', '-')}.survivors.md`);
    writeFileSync(join(context.root, list), `${left.join('\n')}\n`);
    console.log(`${name}: ${found} of ${planted} found, ${percent(found, planted)}; the others: ${list}`);
  }
  return isReached ? EXIT.ok : EXIT.failure;
}

function folders(root: string): string[] {
  const entries = readdirSync(join(root, 'core'), { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => `core/${name}`);
}

function target(root: string, path: string): { name: string; pattern: string } {
  const name = posix.normalize(path).replace(/\/$/, '');
  if (!/^core(\/|$)/.test(name) || !existsSync(join(root, name)))
    throw new CommandFailure(EXIT.usage, `mutate: expected a folder or file of core/, was "${path}"`);
  return { name, pattern: statSync(join(root, name)).isDirectory() ? `${name}/**/*.ts` : name };
}

async function mutateOne({ root, env }: Context, name: string, pattern: string): Promise<Report> {
  const file = join(root, 'reports', 'mutation', `${name.replaceAll('/', '-')}.json`);
  mkdirSync(join(root, 'reports', 'mutation'), { recursive: true });
  rmSync(file, { force: true });
  const stryker = join(root, 'node_modules', '@stryker-mutator', 'core', 'bin', 'stryker.js');
  const config = join(root, 'tools', 'mutation', 'stryker.config.mjs');
  const code = await run(process.execPath, [stryker, 'run', config, '--mutate', pattern], root, {
    ...env,
    DESK_MUTATION_REPORT: file,
  });
  if (code !== 0 || !existsSync(file)) throw new CommandFailure(EXIT.failure, `mutate: ${name} ended without a report`);
  return Report.parse(JSON.parse(readFileSync(file, 'utf8')));
}

function countsOf(mutants: readonly Mutant[]): { found: number; planted: number } {
  const count = (...statuses: readonly Mutant['status'][]): number =>
    mutants.filter(({ status }) => statuses.includes(status)).length;
  const found = count('Killed', 'Timeout');
  return { found, planted: found + count('Survived', 'NoCoverage') };
}

const percent = (found: number, planted: number): string =>
  planted === 0 ? '-' : `${((100 * found) / planted).toFixed(1)} %`;

function section(name: string, { files }: Report, commit: string): string {
  const all = Object.entries(files).sort(([a], [b]) => (a < b ? -1 : 1));
  const { found, planted } = countsOf(all.flatMap(([, { mutants }]) => mutants));
  const when = `${new Date().toISOString().slice(0, 10)}, ${commit}, ${cpus().length} CPUs, Node ${process.versions.node}`;
  return [
    `### ${name}: ${percent(found, planted)}`,
    '',
    when,
    '',
    '| file | found | planted | score |',
    '|---|---|---|---|',
    ...all.map(([file, { mutants }]) => {
      const counts = countsOf(mutants);
      return `| ${posix.relative(name, file) || file} | ${counts.found} | ${counts.planted} | ${percent(counts.found, counts.planted)} |`;
    }),
  ].join('\n');
}

/** One line a fault that nobody found: `file:line`, what stands there, what was put there. */
function survivors(file: string, source: string, mutants: readonly Mutant[]): string[] {
  const left = mutants.filter(({ status }) => status === 'Survived' || status === 'NoCoverage');
  const lines = source.split('\n');
  return left.map(({ location: { start, end }, replacement, status }) => {
    const line = lines[start.line - 1] ?? '';
    const was = line.slice(start.column - 1, start.line === end.line ? end.column - 1 : undefined);
    const unreached = status === 'NoCoverage' ? ' (no test comes here)' : '';
    return `- ${file}:${start.line} ${code(was)} → ${code(replacement ?? '')}${unreached}`;
  });
}

function code(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  const short = line.length > 90 ? `${line.slice(0, 89)}…` : line;
  return short.includes('`') ? `\`\` ${short} \`\`` : `\`${short}\``;
}

/** Replaces what stands between the marks of the name, or adds it at the end of the page. */
function writeSection(file: string, name: string, text: string): void {
  const [from, to] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const page = readFileSync(file, 'utf8');
  const [start, end] = [page.indexOf(from), page.indexOf(to)];
  const block = `${from}\n\n${text}\n\n${to}`;
  writeFileSync(
    file,
    start < 0 || end < start
      ? `${page.trimEnd()}\n\n${block}\n`
      : page.slice(0, start) + block + page.slice(end + to.length),
  );
}
