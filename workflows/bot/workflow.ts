/**
 * Supervises one bot process for good.
 *
 *   starting --> running <--> paused | frozen | hard_stopped      (what operators want; the process lives)
 *   any --process ends--> restarting --backoff--> starting         (too many short runs: gave_up, until approveRestart)
 *   any --stop or cancel--> stopping --> stopped                   (orders cancelled, process ended, workflow completes)
 *
 * Handlers write down what is wanted and tell the process at once when there is one; this loop alone starts, watches and
 * ends it. A process that was started quotes only once it is pinged, and it is pinged only once it was told what holds.
 * Before continue-as-new the watching activity ends and leaves the bot running: the next run adopts it.
 */
import {
  ActivityFailure,
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  condition,
  continueAsNew,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  sleep,
  TimeoutFailure,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { BotActivities, DesiredBot } from '../../activities/bots.ts';
import { decideRestart, type BotExit } from '../../core/supervision/restart.ts';
import { botHostTaskQueue, DeskBot, DeskId, DeskKind, DeskPhase, DeskSeverity } from '../desk-attributes.ts';
import { parseInput } from '../parse-input.ts';
import * as contract from './contract.ts';
import { botDetails } from './details.ts';

export async function bot(raw: unknown): Promise<contract.BotWorkflowResult> {
  const input = parseInput(contract.BotWorkflowInput, raw);
  const { carried } = input;
  const status: contract.BotWorkflowStatus = {
    ...carried,
    bot: input.bot,
    host: input.host,
    phase: 'starting',
    phaseSinceMs: Date.now(),
    pid: null,
    epoch: null,
    adopted: false,
    lastExit: null,
    stopBy: null,
  };
  const taskQueue = botHostTaskQueue(input.host);
  const { startBot, stopBot } = proxyActivities<BotActivities>({
    taskQueue,
    scheduleToStartTimeout: '10 seconds',
    startToCloseTimeout: '60 seconds',
    retry: { initialInterval: '500ms', maximumInterval: '5s', maximumAttempts: 5 },
  });
  // A try outlives every answer it waits for, so that none takes effect after a newer one.
  const { alignBot } = proxyActivities<BotActivities>({
    taskQueue,
    scheduleToStartTimeout: '5 seconds',
    startToCloseTimeout: '20 seconds',
    scheduleToCloseTimeout: '25 seconds',
    retry: { initialInterval: '200ms', maximumInterval: '1s' },
  });
  const { superviseBot } = proxyActivities<BotActivities>({
    taskQueue,
    startToCloseTimeout: '30 days',
    heartbeatTimeout: '5 seconds',
    // Said outright: left out, the server is asked to cancel and nobody waits, and the activity would ping on beside the next run's.
    cancellationType: 'WAIT_CANCELLATION_COMPLETED',
    retry: { initialInterval: '200ms', backoffCoefficient: 1.5, maximumInterval: '2s' },
  });

  const show = (phase: contract.BotWorkflowPhase): void => {
    if (phase !== status.phase) status.phaseSinceMs = Date.now();
    status.phase = phase;
    const severity = phase === 'gave_up' || phase === 'hard_stopped' ? 'page' : phase === 'restarting' ? 'warn' : 'ok';
    upsertSearchAttributes([
      { key: DeskId, value: input.desk },
      { key: DeskBot, value: input.bot },
      { key: DeskKind, value: 'bot' },
      { key: DeskPhase, value: phase },
      { key: DeskSeverity, value: severity },
    ]);
    setCurrentDetails(botDetails(status));
  };
  const livePhase = (): contract.BotWorkflowPhase => {
    if (status.hardStoppedBy !== null) return 'hard_stopped';
    if (status.frozenBy !== null) return 'frozen';
    return status.pausedBy !== null ? 'paused' : 'running';
  };

  /** Who spoke last: whose word it is when nothing is held. */
  let spokenBy: contract.Attribution = { operator: 'desk', reason: 'as the desk wants it' };
  const desired = (): DesiredBot => {
    const { operator, reason } = status.hardStoppedBy ?? status.frozenBy ?? status.pausedBy ?? spokenBy;
    const { approval } = status;
    return {
      bot: input.bot,
      paused: status.pausedBy !== null || status.frozenBy !== null,
      hardStopped: status.hardStoppedBy !== null,
      approval: approval === null ? null : { operator: approval.operator, reason: approval.reason },
      operator,
      reason,
    };
  };

  /** False while something that is wanted could not be told to a living process. */
  let isTold = true;
  const tellNow = async (): Promise<contract.CommandResult> => {
    if (status.pid === null) return { applied: false, phase: status.phase, detail: 'kept for when the bot is back' };
    const { approval } = status;
    try {
      const { applied, detail } = await alignBot(desired());
      isTold = true;
      if (applied && status.approval === approval) status.approval = null;
      if (status.pid !== null) show(livePhase());
      return { applied, phase: status.phase, detail };
    } catch (error) {
      if (!(error instanceof ActivityFailure)) throw error;
      isTold = false;
      const detail = `kept and told again; the bot's host did not answer: ${error.cause?.message ?? error.message}`;
      return { applied: false, phase: status.phase, detail };
    }
  };
  let turn: Promise<unknown> = Promise.resolve();
  /** One at a time, and each tells all that is wanted by then: an older word never lands after a newer one. */
  const tell = (): Promise<contract.CommandResult> => {
    const answer = turn.then(tellNow);
    turn = answer.catch(() => undefined);
    return answer;
  };
  const untilTold = async (): Promise<void> => {
    for (;;) {
      await tell();
      if (isTold) return;
      await sleep('1 second');
    }
  };
  const keepTold = async (): Promise<never> => {
    for (;;) {
      await condition(() => !isTold);
      await untilTold();
    }
  };

  const recorded = (message: unknown): contract.Recorded => {
    const { operator, reason } = parseInput(contract.Attribution, message);
    spokenBy = { operator, reason };
    return { operator, reason, atMs: Date.now() };
  };
  const validator = (message: unknown): void => void parseInput(contract.Attribution, message);
  const freeze = async (message: unknown): Promise<contract.CommandResult> => {
    status.frozenBy = recorded(message);
    return tell();
  };
  const thaw = async (message: unknown): Promise<contract.CommandResult> => {
    recorded(message);
    status.frozenBy = null;
    return tell();
  };

  setHandler(contract.statusQuery, () => status);
  setHandler(
    contract.pauseUpdate,
    async (message) => {
      status.pausedBy = recorded(message);
      return tell();
    },
    { validator },
  );
  setHandler(
    contract.resumeUpdate,
    async (message) => {
      recorded(message);
      status.pausedBy = null;
      return tell();
    },
    { validator },
  );
  setHandler(
    contract.hardStopUpdate,
    async (message) => {
      status.hardStoppedBy = recorded(message);
      status.approval = null;
      return tell();
    },
    { validator },
  );
  setHandler(
    contract.approveRestartUpdate,
    async (message) => {
      status.approval = recorded(message);
      status.hardStoppedBy = null;
      status.gaveUp = null;
      status.shortRuns = 0;
      return tell();
    },
    { validator },
  );
  setHandler(
    contract.stopUpdate,
    async (message) => {
      status.stopBy = parseInput(contract.Attribution, message);
      await condition(() => status.phase === 'stopped');
      return { applied: true, phase: status.phase, detail: status.lastExit?.detail ?? 'stopped' };
    },
    { validator },
  );
  setHandler(contract.freezeUpdate, freeze, { validator });
  setHandler(contract.thawUpdate, thaw, { validator });
  // A signal has nobody to tell that it was wrong: a malformed one changes nothing.
  const isAttributed = (message: unknown): boolean => contract.Attribution.safeParse(message).success;
  setHandler(contract.freezeSignal, async (message) => void (isAttributed(message) && (await freeze(message))));
  setHandler(contract.thawSignal, async (message) => void (isAttributed(message) && (await thaw(message))));

  /** One life of the process: from start or adoption to its end, or to our letting go. Null when we let go. */
  const live = async (): Promise<BotExit | null> => {
    show('starting');
    try {
      const started = await startBot({ bot: input.bot });
      status.pid = started.pid;
      status.epoch = started.epoch;
      status.adopted = started.adopted;
      show(livePhase());
      await untilTold();
      const keeper = new CancellationScope({ cancellable: true });
      void keeper.run(keepTold).catch((error: unknown) => {
        if (!isCancellation(error)) throw error;
      });
      try {
        return await superviseBot({ bot: input.bot });
      } finally {
        keeper.cancel();
      }
    } catch (error) {
      if (isCancellation(error)) return null;
      return exitOf(error);
    } finally {
      status.pid = null;
    }
  };

  show('starting');
  try {
    while (status.stopBy === null) {
      if (status.gaveUp !== null) {
        show('gave_up');
        await condition(
          () => status.gaveUp === null || status.stopBy !== null || workflowInfo().continueAsNewSuggested,
        );
        if (status.gaveUp !== null && status.stopBy === null && (await mayRollOver())) return await rollOver();
        continue;
      }
      const scope = new CancellationScope({ cancellable: true });
      const life = scope.run(live);
      const isOver = await Promise.race([
        life.then(() => true),
        condition(() => status.stopBy !== null || workflowInfo().continueAsNewSuggested).then(() => false),
      ]);
      if (!isOver) scope.cancel();
      const exit = await life;
      if (status.stopBy !== null) break;
      if (exit === null && !workflowInfo().continueAsNewSuggested) break; // The workflow itself is being cancelled.
      if (exit === null) {
        if (await mayRollOver()) return await rollOver();
        break;
      }
      status.lastExit = exit;
      const decision = decideRestart(exit, status.shortRuns, input.restart);
      status.shortRuns = decision.shortRuns;
      if (!decision.restart) {
        status.gaveUp = { reason: decision.reason, atMs: Date.now() };
        continue;
      }
      status.restarts += 1;
      show('restarting');
      await condition(() => status.stopBy !== null, decision.delayMs);
    }
  } catch (error) {
    if (!isCancellation(error)) throw error;
  }
  return CancellationScope.nonCancellable(async () => {
    status.stopBy ??= { operator: 'temporal', reason: 'the workflow was cancelled' };
    show('stopping');
    status.lastExit = await stopBot({ bot: input.bot, reason: status.stopBy.reason });
    show('stopped');
    await condition(allHandlersFinished);
    return { bot: input.bot, stoppedBy: status.stopBy, lastExit: status.lastExit };
  });

  /** Every handler has ended, but for one of `stop`, which ends with the workflow: then this run goes on to its stop. */
  async function mayRollOver(): Promise<boolean> {
    await condition(() => allHandlersFinished() || status.stopBy !== null);
    return status.stopBy === null;
  }

  function rollOver(): Promise<never> {
    const { pausedBy, frozenBy, hardStoppedBy, approval, gaveUp, shortRuns, restarts } = status;
    return continueAsNew<typeof bot>({
      ...input,
      carried: { pausedBy, frozenBy, hardStoppedBy, approval, gaveUp, shortRuns, restarts },
    });
  }
}

/** A failed activity as the end of a life: what the host refused, could not start, or did not take. */
function exitOf(error: unknown): BotExit {
  if (!(error instanceof ActivityFailure)) throw error;
  const { cause } = error;
  const detail = cause?.message ?? error.message;
  const none = { code: null, signal: null, ranMs: 0, detail };
  if (cause instanceof TimeoutFailure) {
    return { ...none, cause: 'host_missing', detail: `no worker of the bot's host answers: ${detail}` };
  }
  const [failed] = cause instanceof ApplicationFailure ? ((cause.details ?? []) as { exitCode?: number | null }[]) : [];
  const isRefused =
    cause instanceof ApplicationFailure && (cause.type === 'UnknownBot' || cause.type === 'BotDisabled');
  return { ...none, code: failed?.exitCode ?? null, cause: isRefused ? 'refused' : 'start_failed' };
}
