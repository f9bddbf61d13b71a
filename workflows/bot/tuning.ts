/** Live-tunable parameters of a bot: they belong to its process, which keeps them over restarts; nothing is kept here. */
import { ActivityFailure, ApplicationFailure, setHandler } from '@temporalio/workflow';
import { parseInput } from '../parse-input.ts';
import type { RollOver } from '../roll-over.ts';
import * as contract from './contract.ts';
import type { BotHands } from './hands.ts';

export function handleTuning(
  status: contract.BotWorkflowStatus,
  { tuneBot }: Pick<BotHands, 'tuneBot'>,
  rollOver: Pick<RollOver, 'note'>,
): void {
  setHandler(
    contract.setParametersUpdate,
    async (message): Promise<contract.CommandResult> => {
      rollOver.note();
      const { operator, reason, changes } = parseInput(contract.SetParameters, message);
      if (status.pid === null) throw refused('the bot process is not running; nothing was changed');
      try {
        const { detail } = await tuneBot({ bot: status.bot, operator, reason, changes });
        return { applied: true, phase: status.phase, detail };
      } catch (error) {
        if (!(error instanceof ActivityFailure)) throw error;
        throw error.cause instanceof ApplicationFailure && error.cause.nonRetryable === true
          ? refused(error.cause.message)
          : unanswered(error);
      } finally {
        rollOver.note();
      }
    },
    { validator: (message) => void parseInput(contract.SetParameters, message) },
  );
}

function refused(message: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(message, 'ParametersRefused');
}

/** It may have been heard all the same: an answer can be lost on its way back. */
function unanswered({ cause, message }: ActivityFailure): ApplicationFailure {
  return ApplicationFailure.nonRetryable(
    `the bot did not answer: whether it was changed, its status tells; the same again is safe (${cause?.message ?? message})`,
    'ParametersUnanswered',
  );
}
