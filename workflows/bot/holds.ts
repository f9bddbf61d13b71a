/**
 * What people want of a bot (pauses, freezes, hard stops and their ends), kept here and told to its process. Telling states
 * all that holds by then, one at a time, and is repeated until it was heard: an older word never lands after a newer one.
 *
 * An update waits for its own telling. A signal only writes down what is wanted: one telling answers for as many as came
 * meanwhile, so that no storm of them grows the history faster than it rolls over, or keeps it from doing so.
 */
import {
  ActivityFailure,
  CancellationScope,
  CancelledFailure,
  condition,
  patched,
  setHandler,
  sleep,
} from '@temporalio/workflow';
import type { DesiredBot } from '../../activities/bots.ts';
import { showValue } from '../../core/faults.ts';
import { Attribution, attributed, REASON_LENGTH_MAX } from '../attribution.ts';
import { parseInput } from '../parse-input.ts';
import type { RollOver } from '../roll-over.ts';
import * as contract from './contract.ts';
import type { BotHands } from './hands.ts';
import { refuseApproval, refuseResume } from './refusals.ts';

export interface Holds {
  /** Resolves when a living process has heard all that holds. */
  untilTold(): Promise<void>;
  /** Tells what signals want, and again whatever could not be told; runs until it is cancelled. */
  keepTold(): Promise<never>;
  /** A word is on its way that the host may still carry out: no run may end before it is known to be over. */
  isTelling(): boolean;
}

/** Registers every message of the workflow but its query and `stop`. `onChange` is called when a command has taken hold. */
export function handleHolds(
  status: contract.BotWorkflowStatus,
  { alignBot }: Pick<BotHands, 'alignBot'>,
  rollOver: Pick<RollOver, 'note'>,
  onChange: () => void,
): Holds {
  /** Who spoke last: whose word it is when nothing is held. */
  let spokenBy: Attribution = { operator: 'desk', reason: 'as the desk wants it' };
  /** Counts what was wanted since this run began, and how much of that a living process has heard. */
  let [wanted, told] = [0, 0];
  /** The last word was not taken: the host is given time before it is told again. */
  let isUnheard = false;
  let tellings = 0;
  let turn: Promise<unknown> = Promise.resolve();

  function desired(): DesiredBot {
    const { operator, reason } = status.hardStoppedBy ?? asFreeze(status.frozenBy) ?? status.pausedBy ?? spokenBy;
    const { approval, resumedBy } = status;
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
    rollOver.note();
    if (status.pid === null) return { applied: false, phase: status.phase, detail: 'kept for when the bot is back' };
    const { approval, resumedBy } = status;
    const upTo = wanted;
    const word = desired();
    try {
      // Given up on, it would be carried out all the same, and perhaps after a newer one.
      const { applied, detail, risk } = await CancellationScope.nonCancellable(() => alignBot(word));
      rollOver.note();
      told = upTo;
      isUnheard = false;
      if (risk !== undefined && status.pid !== null) status.risk = risk;
      if (applied && status.approval === approval) status.approval = null;
      if (applied && !word.paused && status.resumedBy === resumedBy) status.resumedBy = null;
      if (status.pid !== null) onChange();
      return { applied, phase: status.phase, detail };
    } catch (error) {
      if (!(error instanceof ActivityFailure)) throw error;
      rollOver.note();
      isUnheard = true;
      const detail = `kept and told again; the bot's host did not answer: ${error.cause?.message ?? error.message}`;
      return { applied: false, phase: status.phase, detail };
    }
  }

  function tell(): Promise<contract.CommandResult> {
    tellings += 1;
    const answer = turn.then(tellNow).finally(() => (tellings -= 1));
    turn = answer.catch(() => undefined);
    return answer;
  }

  async function untilTold(): Promise<void> {
    for (;;) {
      await tell();
      if (isUnheard) await sleep('1 second', { summary: `${status.bot}: told again` });
      else if (told >= wanted) return;
      else if (CancellationScope.current().consideredCancelled) throw new CancelledFailure('no more to be told');
    }
  }

  async function keepTold(): Promise<never> {
    for (;;) {
      await condition(() => isUnheard || (told < wanted && tellings === 0));
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
      status.resumedBy = null;
    },
    resume: (by: contract.Recorded) => {
      status.pausedBy = null;
      status.resumedBy = by;
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
  const want = (change: (by: contract.Recorded) => void, message: unknown): void => {
    rollOver.note();
    change(recorded(message));
    wanted += 1;
  };
  const apply = (change: (by: contract.Recorded) => void) => async (message: unknown) => {
    want(change, message);
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
  const signalled = (change: (by: contract.Recorded) => void, message: unknown): void | Promise<void> => {
    want(change, message);
    // Histories from before the keeper told for signals have a telling of its own for each.
    if (!patched('signals-told-by-keeper')) return tell().then(() => undefined);
  };
  // No async functions: a thousand signals may come with one task, and each promise costs its stack trace.
  setHandler(contract.freezeSignal, (message) => {
    const isAttributed = Attribution.safeParse(message).success;
    const reason = (): string => `a freeze signal that does not say who and why: ${showValue(message)}`;
    return signalled(changes.freeze, isAttributed ? message : { operator: 'unattributed', reason: reason() });
  });
  setHandler(contract.thawSignal, (message) =>
    Attribution.safeParse(message).success ? signalled(changes.thaw, message) : undefined,
  );

  return { untilTold, keepTold, isTelling: () => tellings > 0 };
}

/** To its process a freeze is a pause: the reason keeps them apart on record. */
function asFreeze(by: contract.Recorded | null): Attribution | null {
  return by && { operator: by.operator, reason: `${contract.FREEZE}${by.reason}`.slice(0, REASON_LENGTH_MAX) };
}
