/** One update to a workflow, and the plain command that does the same. */
import { ApplicationFailure, WorkflowNotFoundError, WorkflowUpdateFailedError, type Client } from '@temporalio/client';
import type { UpdateDefinition } from '@temporalio/common';
import { readPorts } from '../stack/ports.ts';
import { botWorkflowId, NOT_ALLOWED, type CommandResult } from '../workflows/bot/contract.ts';
import type { Context } from './context.ts';
import { CommandFailure, EXIT } from './exit-codes.ts';

/** The equal `temporal` command, ready for a shell, against this desk's server. */
export function plainCommand({ home, env }: Context, workflowId: string, update: string, message: object): string {
  const address = env['TEMPORAL_ADDRESS'] ?? `127.0.0.1:${readPorts(home)?.temporal ?? 7233}`;
  const input = JSON.stringify(message).replaceAll("'", `'\\''`);
  return `temporal workflow update execute --address ${address} --workflow-id ${workflowId} --name ${update} --input '${input}'`;
}

/** With the line to type: `rest` is what follows the bot's name. */
export function reasonMissing(verb: string, bot: string, rest = ''): CommandFailure {
  const line = `./desk bot ${verb} ${bot}${rest} --reason "..."`;
  return new CommandFailure(EXIT.usage, `--reason: expected why, was missing\n  → ${line}`);
}

export async function orNotRunning<T>(bot: string, asked: Promise<T>): Promise<T> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError)
      throw new CommandFailure(
        EXIT.failure,
        `${bot}: its workflow does not run; start it with ./desk bot start ${bot}`,
      );
    throw error;
  }
}

export function sendUpdate(
  client: Client,
  bot: string,
  update: UpdateDefinition<CommandResult, [unknown]>,
  message: object,
): Promise<CommandResult> {
  return orNotRunning(bot, executeUpdate(client, botWorkflowId(bot), update, message, bot));
}

/** What the workflow refuses is told in its own words, after `name`. */
export async function executeUpdate<Result, Message>(
  client: Client,
  workflowId: string,
  update: UpdateDefinition<Result, [Message]>,
  message: Message,
  name: string,
): Promise<Result> {
  try {
    return await client.workflow.getHandle(workflowId).executeUpdate<Result, [Message]>(update, { args: [message] });
  } catch (error) {
    if (error instanceof WorkflowUpdateFailedError && error.cause instanceof ApplicationFailure) {
      const { message: told, type } = error.cause;
      throw new CommandFailure(type === NOT_ALLOWED ? EXIT.notAllowed : EXIT.usage, `${name}: ${told}`);
    }
    throw error;
  }
}
