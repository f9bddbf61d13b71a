/**
 * What people want of a bot (pauses, freezes, hard stops and their ends), kept here and told to its process. Telling states
 * all that holds by then, one at a time, and is repeated until it was heard: an older word never lands after a newer one.
 */
import { ActivityFailure, condition, setHandler, sleep } from '@temporalio/workflow';
import type { DesiredBot } from '../../activities/bots.ts';
import { showValue } from '../../core/faults.ts';
import { Attribution, attributed, REASON_LENGTH_MAX } from '../attribution.ts';
import { parseInput } from '../parse-input.ts';
import * as contract from './contract.ts';
import type { BotHands } from './hands.ts';
import { refuseApproval, refuseResume } from './refusals.ts';

export interface Holds {
  /** Resolves when a living process has heard all that holds. */
  untilTold(): Promise<void>;
  /** Tells again whatever could not be told; runs until it is cancelled. */
  keepTold(): Promise<never>;
}

/** Registers every message of the workflow but its query and `stop`. `onChange` is called when a command has taken hold. */
export function handleHolds(
  status: contract.BotWorkflowStatus,
  { alignBot }: Pick<BotHands, 'alignBot'>,
  onChange: () => void,
): Holds {
  /** Who spoke last: whose word it is when nothing is held. */
  let spokenBy: Attribution = { operator: 'desk', reason: 'as the desk wants it' };
  /** Who resumed the bot and was not told to it yet; a pause that comes later takes it back, and in a freeze it waits. */
  let resumedBy: contract.Recorded | null = null;
  /** False while something that is wanted could not be told to a living process. */
  let isTold = true;
  let turn: Promise<unknown> = Promise.resolve();

  function desired(): DesiredBot {
    const { operator, reason } = status.hardStoppedBy ?? asFreeze(status.frozenBy) ?? status.pausedBy ?? spokenBy;
    const { approval } = status;
    return {
      bot: status.bot,
      paused: status.pausedBy !== null || status.frozenBy !== null,
      hardStopped: status.hardStoppedBy !== null,
      approval,
      resumedBy,
      operator,
      reason,
    };
  }

  async function tellNow(): Promise<contract.CommandResult> {
    if (status.pid === null) return { applied: false, phase: status.phase, detail: 'kept for when the bot is back' };
    const { approval } = status;
    const wanted = desired();
    try {
      const { applied, detail, risk } = await alignBot(wanted);
      isTold = true;
      if (risk !== undefined && status.pid !== null) status.risk = risk;
      if (applied && status.approval === approval) status.approval = null;
      if (applied && !wanted.paused && resumedBy === wanted.resumedBy) resumedBy = null;
      if (status.pid !== null) onChange();
      return { applied, phase: status.phase, detail };
    } catch (error) {
      if (!(error instanceof ActivityFailure)) throw error;
      isTold = false;
      const detail = `kept and told again; the bot's host did not answer: ${error.cause?.message ?? error.message}`;
      return { applied: false, phase: status.phase, detail };
    }
  }

  function tell(): Promise<contract.CommandResult> {
    const answer = turn.then(tellNow);
    turn = answer.catch(() => undefined);
    return answer;
  }

  async function untilTold(): Promise<void> {
    for (;;) {
      await tell();
      if (isTold) return;
      await sleep('1 second', { summary: `${status.bot}: told again` });
    }
  }

  async function keepTold(): Promise<never> {
    for (;;) {
      await condition(() => !isTold);
      await untilTold();
    }
  }

  function recorded(message: unknown): contract.Recorded {
    const { operator, reason } = parseInput(Attribution, message);
    spokenBy = { operator, reason };
    return { operator, reason, atMs: Date.now() };
  }

  const changes = {
    pause: (by: contract.Recorded) => {
      status.pausedBy = by;
      resumedBy = null;
    },
    resume: (by: contract.Recorded) => {
      status.pausedBy = null;
      resumedBy = by;
    },
    freeze: (by: contract.Recorded) => void (status.frozenBy = by),
    thaw: () => void (status.frozenBy = null),
    hardStop: (by: contract.Recorded) => {
      status.hardStoppedBy = by;
      status.approval = null;
    },
    approveRestart: (by: contract.Recorded) => {
      status.approval = by;
      status.hardStoppedBy = null;
      status.gaveUp = null;
      status.shortRuns = 0;
    },
  };
  const apply = (change: (by: contract.Recorded) => void) => async (message: unknown) => {
    change(recorded(message));
    return tell();
  };
  const validator = attributed;
  setHandler(contract.pauseUpdate, apply(changes.pause), { validator });
  setHandler(contract.resumeUpdate, apply(changes.resume), {
    validator: (message) => {
      attributed(message);
      refuseResume(status.bot, status);
    },
  });
  setHandler(contract.freezeUpdate, apply(changes.freeze), { validator });
  setHandler(contract.thawUpdate, apply(changes.thaw), { validator });
  setHandler(contract.hardStopUpdate, apply(changes.hardStop), { validator });
  setHandler(contract.approveRestartUpdate, apply(changes.approveRestart), {
    validator: (message) => {
      attributed(message);
      refuseApproval(status.bot, status);
    },
  });
  // A signal has nobody to tell that it was wrong. The safe direction is taken all the same, the other one is not.
  setHandler(contract.freezeSignal, async (message) => {
    const isAttributed = Attribution.safeParse(message).success;
    const reason = `a freeze signal that does not say who and why: ${showValue(message)}`;
    await apply(changes.freeze)(isAttributed ? message : { operator: 'unattributed', reason });
  });
  setHandler(contract.thawSignal, async (message) => {
    if (Attribution.safeParse(message).success) await apply(changes.thaw)(message);
  });

  return { untilTold, keepTold };
}

/** To its process a freeze is a pause: the reason keeps them apart on record. */
function asFreeze(by: contract.Recorded | null): Attribution | null {
  return by && { operator: by.operator, reason: `${contract.FREEZE}${by.reason}`.slice(0, REASON_LENGTH_MAX) };
}
