/**
 * Supervises one bot process for good.
 *
 *   starting --> running <--> paused | frozen | hard_stopped      (what operators want; the process lives)
 *   any --process ends--> restarting --backoff--> starting         (too many short runs: gave_up, until approveRestart)
 *   any --stop or cancel--> stopping --> stopped                   (orders cancelled, process ended, workflow completes)
 *
 * Handlers write down what is wanted and tell the process at once when there is one; this loop alone starts, watches and
 * ends it. Before continue-as-new the watching activity ends and leaves the bot running: the next run adopts it.
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
  TimeoutFailure,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { BotActivities, DesiredBot } from '../../activities/bots.ts';
import type { BotCommand } from '../../activities/bot-control.ts';
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
    scheduleToStartTimeout: '30 seconds',
    startToCloseTimeout: '60 seconds',
    retry: { initialInterval: '500ms', maximumInterval: '5s', maximumAttempts: 5 },
  });
  const { commandBot } = proxyActivities<BotActivities>({
    taskQueue,
    startToCloseTimeout: '5 seconds',
    scheduleToCloseTimeout: '10 seconds',
    retry: { initialInterval: '200ms', maximumInterval: '1s' },
  });
  const { superviseBot } = proxyActivities<BotActivities>({
    taskQueue,
    startToCloseTimeout: '30 days',
    heartbeatTimeout: '5 seconds',
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

  /** Tells the process what holds now. What cannot be told takes hold when the process is back. */
  const tell = async (command: BotCommand): Promise<contract.CommandResult> => {
    if (status.pid === null) return { applied: false, phase: status.phase, detail: 'kept for when the bot is back' };
    try {
      const { applied, detail } = await commandBot({ bot: input.bot, command });
      if (status.pid !== null) show(livePhase());
      return { applied, phase: status.phase, detail };
    } catch (error) {
      if (!(error instanceof ActivityFailure)) throw error;
      return {
        applied: false,
        phase: status.phase,
        detail: `kept; the bot's host did not answer: ${error.cause?.message ?? error.message}`,
      };
    }
  };
  const recorded = (message: unknown): contract.Recorded => ({
    ...parseInput(contract.Attribution, message),
    atMs: Date.now(),
  });
  const validator = (message: unknown): void => void parseInput(contract.Attribution, message);
  const pauseOrResume = async (by: contract.Attribution): Promise<contract.CommandResult> => {
    const { operator, reason } = by;
    const isHeld = status.pausedBy !== null || status.frozenBy !== null;
    return tell({ command: isHeld ? 'pause' : 'resume', operator, reason });
  };
  const freeze = async (message: unknown): Promise<contract.CommandResult> => {
    status.frozenBy = recorded(message);
    return pauseOrResume(status.frozenBy);
  };
  const thaw = async (message: unknown): Promise<contract.CommandResult> => {
    const by = recorded(message);
    status.frozenBy = null;
    return pauseOrResume(by);
  };

  setHandler(contract.statusQuery, () => status);
  setHandler(
    contract.pauseUpdate,
    async (message) => {
      status.pausedBy = recorded(message);
      return pauseOrResume(status.pausedBy);
    },
    { validator },
  );
  setHandler(
    contract.resumeUpdate,
    async (message) => {
      const by = recorded(message);
      status.pausedBy = null;
      return pauseOrResume(by);
    },
    { validator },
  );
  setHandler(
    contract.hardStopUpdate,
    async (message) => {
      status.hardStoppedBy = recorded(message);
      const { operator, reason } = status.hardStoppedBy;
      return tell({ command: 'hardStop', operator, reason });
    },
    { validator },
  );
  setHandler(
    contract.approveRestartUpdate,
    async (message) => {
      const { operator, reason } = recorded(message);
      status.hardStoppedBy = null;
      status.gaveUp = null;
      status.shortRuns = 0;
      return tell({ command: 'approveRestart', operator, reason });
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

  const desired = (): DesiredBot => {
    const held = status.hardStoppedBy ?? status.frozenBy ?? status.pausedBy;
    return {
      bot: input.bot,
      paused: status.pausedBy !== null || status.frozenBy !== null,
      hardStopped: status.hardStoppedBy !== null,
      operator: held?.operator ?? 'desk',
      reason: held?.reason ?? 'as the desk wants it',
    };
  };

  /** One life of the process: from start or adoption to its end, or to our letting go. Null when we let go. */
  const live = async (): Promise<BotExit | null> => {
    show('starting');
    try {
      const started = await startBot({ bot: input.bot });
      status.pid = started.pid;
      status.epoch = started.epoch;
      status.adopted = started.adopted;
      show(livePhase());
      return await superviseBot(desired());
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
        await condition(() => status.gaveUp === null || status.stopBy !== null);
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
      if (exit === null && workflowInfo().continueAsNewSuggested) return await rollOver();
      if (exit === null) break; // The workflow itself is being cancelled.
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

  async function rollOver(): Promise<never> {
    await condition(allHandlersFinished);
    const { pausedBy, frozenBy, hardStoppedBy, gaveUp, shortRuns, restarts } = status;
    return continueAsNew<typeof bot>({
      ...input,
      carried: { pausedBy, frozenBy, hardStoppedBy, gaveUp, shortRuns, restarts },
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
  const isRefused =
    cause instanceof ApplicationFailure && (cause.type === 'UnknownBot' || cause.type === 'BotDisabled');
  return { ...none, cause: isRefused ? 'refused' : 'start_failed' };
}
