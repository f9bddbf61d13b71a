/** The `desk` command. */
import { Command, CommanderError } from 'commander';
import { ConfigError } from '../config/load.ts';
import { BotName } from '../core/names.ts';
import { registerAccountCommands } from './account.ts';
import { registerBackup } from './backup.ts';
import { registerBench } from './bench.ts';
import { registerBotCommands } from './bot.ts';
import { check } from './check.ts';
import { createContext } from './context.ts';
import { doctor } from './doctor.ts';
import { down } from './down.ts';
import { registerEvidence } from './evidence.ts';
import { CommandFailure, EXIT } from './exit-codes.ts';
import { registerGate } from './gate.ts';
import { registerMutate } from './mutate.ts';
import { registerProve } from './prove.ts';
import { registerQuery } from './query.ts';
import { registerRecover } from './recover.ts';
import { registerRehearse } from './rehearse.ts';
import { registerReplayCommands } from './replay.ts';
import { registerReport } from './report.ts';
import { registerSchedules } from './schedules.ts';
import { registerRetention } from './retention.ts';
import { printStatus, watchStatus } from './status.ts';
import { test } from './test.ts';
import { up, type Profile } from './up.ts';
import { registerWhy } from './why.ts';

export async function main(root: string, buildDir: string, argv: readonly string[]): Promise<void> {
  const context = createContext(root, buildDir, process.env);
  const program = new Command('desk').description('A multi-bot crypto trading desk on Temporal').exitOverride();
  program.configureOutput({ writeErr: (text) => process.stderr.write(text) });
  const finish = (code: number): void => process.exit(code);

  program
    .command('up')
    .description('start the desk and stay in the foreground; Ctrl-C ends it')
    .option('--profile <profile>', 'all, no-console, no-bots, or stack (only Temporal and Postgres)', 'all')
    .action(async ({ profile }: { profile: string }) => {
      const profiles: readonly string[] = ['all', 'no-console', 'no-bots', 'stack'] satisfies Profile[];
      if (!profiles.includes(profile))
        throw new CommandFailure(EXIT.usage, `--profile: expected one of ${profiles.join(', ')}, was "${profile}"`);
      finish(await up(context, profile as Profile));
    });
  program
    .command('down')
    .description('end the desk, wherever it was started')
    .action(async () => finish(await down(context)));
  program
    .command('status')
    .description('what runs, and how each bot is')
    .option('-o, --output <format>', 'text or json', 'text')
    .action(async ({ output }: { output: string }) => finish(await printStatus(context, output)));
  program
    .command('watch')
    .description('the status again and again, until Ctrl-C')
    .option('--every <s>', 'seconds between two looks, 1 to 3600', '2')
    .option('-o, --output <format>', 'text, or jsonl: one JSON object a look', 'text')
    .action(async ({ every, output }: { every: string; output: string }) => {
      const s = Number(every);
      if (!(s >= 1 && s <= 3_600))
        throw new CommandFailure(EXIT.usage, `--every: expected 1 to 3600 (s), was "${every}"`);
      finish(await watchStatus(context, output, s * 1_000));
    });
  program
    .command('test')
    .description('run the tests: all that need neither root, a browser nor ClickHouse, or the suite or the paths named')
    .argument('[suite...]', 'browser, clickhouse, root, or paths under test/')
    .action(async (suite: string[]) => finish(await test(context, suite)));
  program
    .command('doctor')
    .description('what is needed, what runs, and what to do about what is not right')
    .option('-o, --output <format>', 'text or json', 'text')
    .action(async ({ output }: { output: string }) => finish(await doctor(context, output)));
  program
    .command('check')
    .description("the developer's minute: types, lint, fast units, a desk that fills an order")
    .action(async () => finish(await check(context)));
  registerWhy(program, context);
  registerReport(program, context);
  registerEvidence(program, context);
  registerRecover(program, context);
  registerBackup(program, context);
  registerRetention(program, context);
  registerGate(program, context);
  registerSchedules(program, context);
  registerQuery(program, context);
  registerBench(program, context);
  registerProve(program, context);
  registerMutate(program, context);
  registerReplayCommands(program, context);
  registerRehearse(program, context);
  registerAccountCommands(program, context);
  registerBotCommands(program, context, (name) => {
    const parsed = BotName.safeParse(name);
    if (!parsed.success) throw new CommandFailure(EXIT.usage, `bot: ${parsed.error.issues[0]?.message}, was "${name}"`);
    return parsed.data;
  });

  try {
    await program.parseAsync(argv, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) finish(error.exitCode === 0 ? EXIT.ok : EXIT.usage);
    if (error instanceof CommandFailure) {
      console.error(error.message);
      finish(error.exitCode);
    }
    console.error(
      error instanceof ConfigError ? error.message : error instanceof Error ? error.message : String(error),
    );
    finish(error instanceof ConfigError ? EXIT.usage : EXIT.failure);
  }
}
