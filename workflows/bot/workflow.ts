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
  setCurrentDetails,
  setHandler,
  sleep,
  TimeoutFailure,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import { LADDER } from '../../core/escalation/ladder.ts';
import { decideRestart, type BotExit } from '../../core/supervision/restart.ts';
import { DeskBot, DeskId, DeskKind, DeskPhase, DeskSeverity } from '../desk-attributes.ts';
import { Attribution, attributed } from '../attribution.ts';
import { parseInput } from '../parse-input.ts';
import { watchRollOver } from '../roll-over.ts';
import * as contract from './contract.ts';
import { botDetails } from './details.ts';
import { botHands } from './hands.ts';
import { handleHolds, type Holds } from './holds.ts';
import { handleTuning } from './tuning.ts';

export async function bot(raw: unknown): Promise<contract.BotWorkflowResult> {
  const input = parseInput(contract.BotWorkflowInput, raw);
  const status = freshStatus(input);
  const hands = botHands(input);
  const rollOver = watchRollOver();

  /** Comes with each thing that happened. */
  const show = (phase: contract.BotWorkflowPhase): void => {
    rollOver.note();
    if (phase !== status.phase) status.phaseSinceMs = Date.now();
    status.phase = phase;
    upsertSearchAttributes([
      { key: DeskId, value: input.desk },
      { key: DeskBot, value: input.bot },
      { key: DeskKind, value: 'bot' },
      { key: DeskPhase, value: phase },
      { key: DeskSeverity, value: severityOf(phase, status.risk) },
    ]);
    setCurrentDetails(botDetails(status));
  };
  const holds = handleHolds(status, hands, rollOver, () => show(livePhase(status)));
  handleTuning(status, hands, rollOver);
  setHandler(contract.statusQuery, () => status);
  setHandler(
    contract.stopUpdate,
    async (message) => {
      status.stopBy = parseInput(Attribution, message);
      await condition(() => status.phase === 'stopped');
      return { applied: true, phase: status.phase, detail: status.lastExit?.detail ?? 'stopped' };
    },
    { validator: attributed },
  );

  /** One life of the process: from start or adoption to its end, or to our letting go. Null when we let go. */
  const live = async (): Promise<BotExit | null> => {
    show('starting');
    try {
      const started = await hands.startBot({ bot: input.bot });
      status.pid = started.pid;
      status.epoch = started.epoch;
      status.adopted = started.adopted;
      show(livePhase(status));
      await holds.untilTold();
      // Beside this life and not below it: while its watching activity lets go, a freeze is still told at once.
      const keeper = await CancellationScope.nonCancellable(async () => new CancellationScope({ cancellable: true }));
      void keeper
        .run(() => holds.keepTold())
        .catch((error: unknown) => {
          if (!isCancellation(error)) throw error;
        });
      try {
        return await watch();
      } finally {
        keeper.cancel();
      }
    } catch (error) {
      if (isCancellation(error)) return null;
      return exitOf(error);
    } finally {
      status.pid = null;
      status.risk = null;
    }
  };

  /** Until the process has ended; where it stands on the ladder of risk meanwhile is shown. */
  const watch = async (): Promise<BotExit> => {
    for (;;) {
      const seen = await hands.superviseBot({ bot: input.bot, known: status.risk });
      if (seen.cause !== 'risk_changed') return seen;
      status.risk = seen.risk;
      show(livePhase(status));
    }
  };

  try {
    while (status.stopBy === null) {
      if (status.gaveUp !== null) {
        if (status.phase !== 'gave_up') show('gave_up');
        await condition(() => status.gaveUp === null || status.stopBy !== null || rollOver.isDue());
        if (status.gaveUp !== null && status.stopBy === null && (await mayRollOver(status, holds))) return await goOn();
        continue;
      }
      const scope = new CancellationScope({ cancellable: true });
      const life = scope.run(live);
      const isOver = await Promise.race([
        life.then(() => true),
        condition(() => status.stopBy !== null || rollOver.isDue()).then(() => false),
      ]);
      if (!isOver) scope.cancel();
      const exit = await life;
      rollOver.note();
      if (status.stopBy !== null) break;
      if (exit === null && !rollOver.isDue()) break; // The workflow itself is being cancelled.
      if (exit === null) {
        if (await mayRollOver(status, holds)) return await goOn();
        break;
      }
      status.lastExit = exit;
      const decision = decideRestart(exit, status.shortRuns, input.restart);
      status.shortRuns = decision.shortRuns;
      if (!decision.restart) {
        status.gaveUp = { reason: decision.reason, atMs: Date.now() };
        show('gave_up');
        // Nobody looks after its orders any more.
        if (exit.cause !== 'refused') await clearBook(status.gaveUp);
        continue;
      }
      status.restarts += 1;
      show('restarting');
      await condition(() => status.stopBy !== null, decision.delayMs, {
        summary: `${input.bot}: restart after a pause`,
      });
    }
  } catch (error) {
    if (!isCancellation(error)) throw error;
  }
  return CancellationScope.nonCancellable(async () => {
    status.stopBy ??= { operator: 'temporal', reason: 'the workflow was cancelled' };
    show('stopping');
    status.lastExit = await untilStopped(status.stopBy.reason);
    show('stopped');
    await condition(allHandlersFinished);
    return { bot: input.bot, stoppedBy: status.stopBy, lastExit: status.lastExit };
  });

  async function clearBook(gaveUp: { reason: string }): Promise<void> {
    try {
      await hands.clearBook({ bot: input.bot });
    } catch (error) {
      gaveUp.reason += `; its orders may still rest: ${exitOf(error).detail}`;
      setCurrentDetails(botDetails(status));
    }
  }

  /** A bot that nobody could end is not left behind: its host is asked until it answers. */
  async function untilStopped(reason: string): Promise<BotExit> {
    for (;;) {
      try {
        return await hands.stopBot({ bot: input.bot, reason });
      } catch (error) {
        status.lastExit = exitOf(error);
        show('stopping');
        await sleep(STOP_AGAIN_MS, { summary: `${input.bot}: its host is asked again to end it` });
      }
    }
  }

  function goOn(): Promise<never> {
    const { pausedBy, frozenBy, hardStoppedBy, approval, resumedBy, gaveUp, shortRuns, restarts } = status;
    return continueAsNew<typeof bot>({
      ...input,
      carried: { pausedBy, frozenBy, hardStoppedBy, approval, resumedBy, gaveUp, shortRuns, restarts },
    });
  }
}

const STOP_AGAIN_MS = 5_000;

function freshStatus({ bot, host, carried }: contract.BotWorkflowInput): contract.BotWorkflowStatus {
  return {
    ...carried,
    bot,
    host,
    phase: 'starting',
    phaseSinceMs: Date.now(),
    pid: null,
    epoch: null,
    risk: null,
    adopted: false,
    lastExit: null,
    stopBy: null,
  };
}

function livePhase({ hardStoppedBy, frozenBy, pausedBy, risk }: contract.BotWorkflowStatus): contract.BotWorkflowPhase {
  if (hardStoppedBy !== null || (risk !== null && LADDER[risk.level].isLatched)) return 'hard_stopped';
  if (frozenBy !== null) return 'frozen';
  return pausedBy !== null || risk?.level === 'soft_pause' ? 'paused' : 'running';
}

function severityOf(phase: contract.BotWorkflowPhase, risk: contract.BotRisk | null): string {
  if (phase === 'gave_up' || phase === 'hard_stopped') return 'page';
  return phase === 'restarting' || risk?.level === 'soft_pause' ? 'warn' : 'ok';
}

/** Every handler has ended, but for one of `stop`, which ends with the workflow: then this run goes on to its stop. */
async function mayRollOver(status: contract.BotWorkflowStatus, holds: Pick<Holds, 'isTelling'>): Promise<boolean> {
  await condition(() => (allHandlersFinished() && !holds.isTelling()) || status.stopBy !== null);
  return status.stopBy === null;
}

/** A failed activity as the end of a life: what the host refused, could not start, or did not take. */
function exitOf(error: unknown): BotExit {
  if (!(error instanceof ActivityFailure)) throw error;
  const { cause } = error;
  const detail = cause?.message ?? error.message;
  const none = { code: null, signal: null, ranMs: 0, detail };
  if (cause instanceof TimeoutFailure) {
    return { ...none, cause: 'host_missing', detail: `its host did not answer (${cause.timeoutType}): ${detail}` };
  }
  const [failed] = cause instanceof ApplicationFailure ? ((cause.details ?? []) as { exitCode?: number | null }[]) : [];
  const isRefused =
    cause instanceof ApplicationFailure && (cause.type === 'UnknownBot' || cause.type === 'BotDisabled');
  return { ...none, code: failed?.exitCode ?? null, cause: isRefused ? 'refused' : 'start_failed' };
}
