/** `desk recover`: the desk up again after any crash, and what the crash has left of its records. */
import { join } from 'node:path';
import type { Command } from 'commander';
import { recoveryDir } from '../config/home.ts';
import type { RestartSnapshot } from '../core/recovery/snapshot.ts';
import type { DeltaMode } from '../core/recovery/verdict.ts';
import { writeSnapshot } from '../ledger/recovery-snapshots.ts';
import { tryLock } from '../stack/lock-file.ts';
import type { Context } from './context.ts';
import { databaseUrl } from './database-url.ts';
import { checkOutput, CommandFailure, EXIT, type ExitCode } from './exit-codes.ts';
import { diskLines, diskState } from './recover/disk.ts';
import { judgeNow } from './recover/judge.ts';
import { printRecovery, verdictLines, willStart } from './recover/page.ts';
import { recoverDesk } from './recover/run.ts';
import { takeSnapshot } from './recover/snapshot.ts';

interface Flags {
  output: string;
  dryRun?: true;
  absoluteDelta?: true;
}

const OUTPUT = ['-o, --output <format>', 'text or json', 'text'] as const;
const ABSOLUTE = [
  '--absolute-delta',
  'count all that the store lacks, also what it lacked when the baseline was frozen',
] as const;
const PATIENCE_S = { default: '300', min: 10, max: 3_600 };

export function registerRecover(program: Command, context: Context): void {
  const finish = (code: ExitCode): never => process.exit(code);
  const recover = program
    .command('recover')
    .description(
      'after any crash: bring the desk up, hold journals, event store and evidence against what was known before, and say ' +
        'what is lost. Exit 0: up and whole; 1: up, something is lost or damaged; 3: a part does not come up. ' +
        'Harmless on a desk that runs (docs/runbooks/after-a-crash.md)',
    )
    .option('--dry-run', 'say what lies on disk and what would be started; change nothing')
    .option(...ABSOLUTE)
    .option(
      '--patience <s>',
      `seconds for everything to answer, ${PATIENCE_S.min} to ${PATIENCE_S.max}`,
      PATIENCE_S.default,
    )
    .option(...OUTPUT)
    .action(async (flags: Flags & { patience: string }) => finish(await run(context, flags)));
  recover
    .command('snapshot')
    .description('write down what is known now, before a restart by other means; ./desk down does it by itself')
    .option('--dry-run', 'print it, write nothing')
    .option(...OUTPUT)
    .action(async (_flags: Flags, command: Command) => finish(await snapshot(context, command.optsWithGlobals())));
  recover
    .command('compare')
    .description('judge a restart by other means: what stands now against all that was known; recorded as evidence')
    .option('--dry-run', 'judge, record nothing')
    .option(...ABSOLUTE)
    .option(...OUTPUT)
    .action(async (_flags: Flags, command: Command) => finish(await compare(context, command.optsWithGlobals())));
}

async function run(
  context: Context,
  { output, dryRun, absoluteDelta, patience }: Flags & { patience: string },
): Promise<ExitCode> {
  checkOutput(output);
  const s = Number(patience);
  if (!(s >= PATIENCE_S.min && s <= PATIENCE_S.max))
    throw new CommandFailure(
      EXIT.usage,
      `--patience: expected ${PATIENCE_S.min} to ${PATIENCE_S.max} (s), was "${patience}"`,
    );
  if (dryRun === true) {
    const disk = await diskState(context);
    print(output, { disk, wouldStart: willStart(disk) }, [
      ...diskLines(disk),
      `would start: ${willStart(disk).join(', ') || 'nothing'}`,
    ]);
    return EXIT.ok;
  }
  return alone(context, async () =>
    printRecovery(await recoverDesk(context, { mode: modeOf(absoluteDelta), patienceMs: s * 1_000 }), output),
  );
}

async function snapshot(context: Context, { output, dryRun }: Flags): Promise<ExitCode> {
  checkOutput(output);
  const taken = await takeSnapshot(context, {
    label: 'pre_restart',
    databaseUrl: databaseUrl(context),
    checks: null,
  });
  const file = dryRun === true ? null : writeSnapshot(recoveryDir(context.home), taken);
  print(output, { file, snapshot: taken }, [
    ...snapshotLines(taken),
    file === null ? 'nothing is written' : `written: ${file}`,
  ]);
  return EXIT.ok;
}

async function compare(context: Context, { output, dryRun, absoluteDelta }: Flags): Promise<ExitCode> {
  checkOutput(output);
  return alone(context, async () => {
    const judged = await judgeNow(context, {
      databaseUrl: databaseUrl(context),
      mode: modeOf(absoluteDelta),
      dryRun: dryRun === true,
    });
    print(output, judged, verdictLines(judged));
    if (judged.snapshot.storeUnread !== null) return EXIT.unhealthy;
    return judged.report.pass ? EXIT.ok : EXIT.failure;
  });
}

/** Two would start the same things twice, and judge one restart by halves. */
async function alone(context: Context, work: () => Promise<ExitCode>): Promise<ExitCode> {
  const lock = tryLock(join(context.home.runDir, 'recover.lock'));
  if (!lock.taken)
    throw new CommandFailure(EXIT.notAllowed, `a recovery runs already (pid ${lock.by.pid}): wait for it to end`);
  try {
    return await work();
  } finally {
    lock.release();
  }
}

function snapshotLines({ sources, storeUnread, evidence }: RestartSnapshot): string[] {
  return [
    ...sources.map(({ source, journal, journalUnread, store }) => {
      const there =
        journalUnread ?? (journal === null ? 'no journal' : `event ${journal.eventSequence} in its journal`);
      return `${source}: ${there}${store === null ? '' : `, stored up to ${store.eventOffset}, ${store.storedEvents} stored`}`;
    }),
    ...(storeUnread === null ? [] : [`the event store was not asked: ${storeUnread}`]),
    `evidence: ${evidence.stored?.number ?? 'not asked'} in the store, ${evidence.kept?.number ?? 'none'} kept beside it`,
  ];
}

function modeOf(absoluteDelta: true | undefined): DeltaMode {
  return absoluteDelta === true ? 'absolute' : 'since_baseline';
}

function print(output: string, data: object, lines: readonly string[]): void {
  console.log(output === 'json' ? JSON.stringify({ v: 1, data }) : lines.join('\n'));
}
