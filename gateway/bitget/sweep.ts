/**
 * Cancels everything in a scope and proves it: what a venue answers to a batch cancel is its intention, so the list of
 * what is open has the last word. Every call may be repeated without harm.
 */
import type { CancelAnswer } from '../venue.ts';
import { judgeCancel } from './answer-codes.ts';
import type { Calls } from './calls.ts';
import type { OpenEntry, Request, Sweep } from './dialect.ts';

/** A call for the whole scope that gets no turn before `wholeUntilMs` is done without: what is listed goes by name. */
export async function sweepFamily(
  calls: Pick<Calls, 'send'>,
  sweep: Sweep,
  symbol: string | null,
  wholeUntilMs: number,
): Promise<CancelAnswer> {
  let tookAny = false;
  let sentAny = false;
  /** Null when the sweep may go on. */
  async function cancel(request: Request, untilMs?: number): Promise<CancelAnswer | null> {
    const result = await calls.send(request.call, request.params, untilMs);
    if (!result.ok && result.failure === 'not_sent') return NOT_SENT;
    sentAny = true;
    if (result.ok) {
      tookAny ||= namesAny(result.answer.data);
      return null;
    }
    const judged = judgeCancel(result.failure);
    return judged.answer === 'gone' ? null : judged;
  }
  async function cancelAll(requests: readonly Request[]): Promise<CancelAnswer | null> {
    for (const request of requests) {
      const ended = await cancel(request);
      if (ended !== null) return ended;
    }
    return null;
  }

  const whole = sweep.whole(symbol);
  const ended = whole === null ? null : await cancel(whole, wholeUntilMs);
  if (ended !== null && ended !== NOT_SENT) return ended;
  const hadNoTurn = ended === NOT_SENT;
  try {
    let open: OpenEntry[] = await sweep.listOpen(symbol);
    if (open.length > 0) {
      const stopped = await cancelAll(sweep.cancel(open, hadNoTurn && symbol !== null));
      tookAny = true;
      if (stopped !== null) return hadNoTurn && !sentAny ? stopped : asUnknown(stopped);
      open = await sweep.listOpen(symbol);
    }
    if (open.length > 0) return { answer: 'unknown', reason: `${open.length} orders are still listed as open` };
  } catch (error) {
    if (hadNoTurn && !sentAny) return NOT_SENT;
    return { answer: 'unknown', reason: `what is left could not be read: ${(error as Error).message}` };
  }
  return { answer: tookAny ? 'yes' : 'gone' };
}

const NOT_SENT: CancelAnswer = { answer: 'no', code: 'not_sent', reason: 'no turn within the deadline' };

/** Of several families: the worst answer counts. */
export function foldAnswers(answers: readonly CancelAnswer[]): CancelAnswer {
  const worst = (['unknown', 'no', 'yes'] as const).map((kind) => answers.find(({ answer }) => answer === kind));
  return worst.find((answer) => answer !== undefined) ?? { answer: 'gone' };
}

/** A refusal halfway: what came before it was done. */
function asUnknown(answer: CancelAnswer): CancelAnswer {
  return answer.answer === 'no' ? { answer: 'unknown', reason: `${answer.code}: ${answer.reason}` } : answer;
}

function namesAny(data: unknown): boolean {
  const { successList, list } = (data ?? {}) as { successList?: unknown; list?: unknown };
  const named = successList ?? list;
  return Array.isArray(named) && named.length > 0;
}
