/** `desk bot ...`: each command is one message to the bot's workflow, and `--show-temporal` prints the plain one. */
import { userInfo } from 'node:os';
import type { UpdateDefinition } from '@temporalio/common';
import type { Command } from 'commander';
import { loadConfig } from '../config/load.ts';
import {
  approveRestartUpdate,
  botWorkflowId,
  freezeUpdate,
  hardStopUpdate,
  pauseUpdate,
  resumeUpdate,
  statusQuery,
  stopUpdate,
  thawUpdate,
  type CommandResult,
} from '../workflows/bot/contract.ts';
import { acceptLoss } from './accept-loss.ts';
import { registerParameterCommands } from './bot-parameters.ts';
import { orNotRunning, plainCommand, sendUpdate } from './bot-update.ts';
import { ensureBotWorkflow } from './bot-workflows.ts';
import type { Context } from './context.ts';
import { CommandFailure, EXIT } from './exit-codes.ts';
import { givenUp } from './remedies.ts';
import { withTemporal } from './temporal-client.ts';

interface BotVerb {
  readonly verb: string;
  readonly update: UpdateDefinition<CommandResult, [unknown]>;
  readonly description: string;
  /** Towards more risk: a person has to say why. */
  readonly isUnsafe: boolean;
}

const VERBS: readonly BotVerb[] = [
  { verb: 'pause', update: pauseUpdate, description: 'cancel its orders and quote no more', isUnsafe: false },
  { verb: 'resume', update: resumeUpdate, description: 'quote again', isUnsafe: true },
  {
    verb: 'freeze',
    update: freezeUpdate,
    description: 'the manual freeze: like a pause, and ended by thaw alone',
    isUnsafe: false,
  },
  { verb: 'thaw', update: thawUpdate, description: 'end the manual freeze', isUnsafe: true },
  {
    verb: 'hard-stop',
    update: hardStopUpdate,
    description: 'cancel everything of its symbol and stay out until approved',
    isUnsafe: false,
  },
  {
    verb: 'approve',
    update: approveRestartUpdate,
    description: 'lift a hard stop, or allow restarts again',
    isUnsafe: true,
  },
  { verb: 'stop', update: stopUpdate, description: 'end its process in order, and its workflow', isUnsafe: false },
];

interface MessageOptions {
  reason?: string;
  operator: string;
  showTemporal?: boolean;
  dryRun?: boolean;
}

export function registerBotCommands(program: Command, context: Context, parseBot: (name: string) => string): void {
  const bot = program.command('bot').description('one bot: start, pause, resume, stop');
  const known = (name: string): string => {
    const parsed = parseBot(name);
    const { bots } = loadConfig(context.configDir);
    if (!bots.has(parsed))
      throw new CommandFailure(EXIT.usage, `bot: expected one of ${[...bots.keys()].join(', ')}, was "${parsed}"`);
    return parsed;
  };
  for (const { verb, update, description, isUnsafe } of VERBS) {
    bot
      .command(`${verb} <bot>`)
      .description(description)
      .option('--reason <text>', isUnsafe ? 'why (required)' : 'why')
      .option('--operator <name>', 'who', userInfo().username)
      .option('--show-temporal', 'also print the equal temporal command')
      .option('--dry-run', 'say what would be sent, send nothing')
      .action(async (name: string, options: MessageOptions) => {
        const target = known(name);
        if (isUnsafe && options.reason === undefined)
          throw new CommandFailure(EXIT.usage, `--reason: expected why ${target} may ${verb}, was missing`);
        const message = { operator: options.operator, reason: options.reason ?? `desk bot ${verb}` };
        const plain = plainCommand(context, target, update.name, message);
        if (options.showTemporal === true) console.error(plain);
        if (options.dryRun === true) return console.log(`would run: ${plain}`);
        const result = await withTemporal(context, (client) => sendUpdate(client, target, update, message));
        console.log(`${target}: ${result.phase}${result.applied ? '' : ' (not applied yet)'}: ${result.detail}`);
      });
  }
  registerParameterCommands(bot, context, (name) => loadConfig(context.configDir).bots.get(known(name))!);
  bot
    .command('start <bot>')
    .description('start its workflow, which keeps its process running')
    .action(async (name: string) => {
      const config = loadConfig(context.configDir);
      const target = config.bots.get(known(name));
      if (target === undefined) return;
      if (target.mode === 'disabled')
        throw new CommandFailure(EXIT.notAllowed, `${target.bot}: mode: expected live or paper_only, was "disabled"`);
      const { state, reason } = await withTemporal(context, (client) =>
        ensureBotWorkflow(client, config.desk, target.bot),
      );
      if (reason !== null) throw new CommandFailure(EXIT.failure, givenUp(target.bot, reason).join('\n'));
      console.log(`${target.bot}: ${state}`);
    });
  bot
    .command('accept-loss <bot>')
    .description('accept that part of its damaged journal is gone (docs/runbooks/damaged-journal.md)')
    .option('--reason <text>', 'why (required)')
    .option('--operator <name>', 'who', userInfo().username)
    .action(async (name: string, { reason, operator }: { reason?: string; operator: string }) => {
      const target = known(name);
      if (reason === undefined)
        throw new CommandFailure(EXIT.usage, '--reason: expected why the loss may be accepted, was missing');
      console.log(await acceptLoss(context.home, target, { operator, reason }));
      console.log(`then: ./desk bot approve ${target} --reason ...`);
    });
  bot
    .command('show <bot>')
    .description('its workflow status as JSON')
    .action(async (name: string) => {
      const target = known(name);
      const status = await withTemporal(context, (client) =>
        orNotRunning(target, client.workflow.getHandle(botWorkflowId(target)).query(statusQuery)),
      );
      console.log(JSON.stringify(status, null, 2));
    });
}
