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
  type BotWorkflowPhase,
  type CommandResult,
} from '../workflows/bot/contract.ts';
import { acceptLoss } from './accept-loss.ts';
import { registerParameterCommands } from './bot-parameters.ts';
import { orNotRunning, plainCommand, reasonMissing, sendUpdate } from './bot-update.ts';
import { ensureBotWorkflow } from './bot-workflows.ts';
import type { Context } from './context.ts';
import { CommandFailure, EXIT } from './exit-codes.ts';
import { givenUp } from './remedies.ts';
import { withTemporal } from './temporal-client.ts';

interface BotVerb {
  readonly verb: string;
  readonly update: UpdateDefinition<CommandResult, [unknown]>;
  readonly description: string;
  /** Towards more risk, or not undone by a word: a person has to say why. */
  readonly needsReason: boolean;
  /** Phases that it shall lead out of. */
  readonly ends: readonly BotWorkflowPhase[];
}

const VERBS: readonly BotVerb[] = [
  {
    verb: 'pause',
    update: pauseUpdate,
    description: 'cancel its orders and quote no more',
    needsReason: false,
    ends: [],
  },
  {
    verb: 'resume',
    update: resumeUpdate,
    description: 'end a pause: quote again',
    needsReason: true,
    ends: ['frozen', 'hard_stopped', 'gave_up'],
  },
  {
    verb: 'freeze',
    update: freezeUpdate,
    description: 'the manual freeze: like a pause, and ended by thaw alone',
    needsReason: false,
    ends: [],
  },
  { verb: 'thaw', update: thawUpdate, description: 'end the manual freeze', needsReason: true, ends: ['frozen'] },
  {
    verb: 'hard-stop',
    update: hardStopUpdate,
    description: 'cancel everything of its symbol and stay out until approved',
    needsReason: true,
    ends: [],
  },
  {
    verb: 'approve',
    update: approveRestartUpdate,
    description: 'lift a hard stop, or allow restarts again',
    needsReason: true,
    ends: ['hard_stopped', 'gave_up'],
  },
  {
    verb: 'stop',
    update: stopUpdate,
    description: 'end its process in order, and its workflow',
    needsReason: false,
    ends: [],
  },
];

interface MessageOptions {
  reason?: string;
  operator: string;
  showTemporal?: boolean;
  dryRun?: boolean;
}

/** `bot4: paused: paused_by_operator`: its phase and, where that says more, the bot's own word. */
function told(bot: string, { phase, applied, detail }: CommandResult): string {
  const parts = [`${phase}${applied ? '' : ' (not applied yet)'}`, ...detail.split(': ')];
  return [bot, ...parts.filter((part, place) => part !== parts[place - 1])].join(': ');
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
  for (const { verb, update, description, needsReason, ends } of VERBS) {
    bot
      .command(`${verb} <bot>`)
      .description(description)
      .option('--reason <text>', needsReason ? 'why (required)' : 'why')
      .option('--operator <name>', 'who', userInfo().username)
      .option('--show-temporal', 'also print the equal temporal command')
      .option('--dry-run', 'say what would be sent, send nothing')
      .action(async (name: string, options: MessageOptions) => {
        const target = known(name);
        if (needsReason && options.reason === undefined) throw reasonMissing(verb, target);
        const message = { operator: options.operator, reason: options.reason ?? `desk bot ${verb}` };
        const plain = plainCommand(context, botWorkflowId(target), update.name, message);
        if (options.showTemporal === true) console.error(plain);
        if (options.dryRun === true) return console.log(`would run: ${plain}`);
        const result = await withTemporal(context, (client) => sendUpdate(client, target, update, message));
        // What came between, or stands in spite of it.
        if (result.applied && ends.includes(result.phase))
          throw new CommandFailure(EXIT.notAllowed, `${told(target, result)}\n  → ./desk status`);
        console.log(told(target, result));
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
      if (reason === undefined) throw reasonMissing('accept-loss', target);
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
