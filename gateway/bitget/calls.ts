/**
 * One request of the venue: its turn in the rate budget, its total deadline, its answer. Nothing is sent twice, and
 * nothing that the world does is thrown by `send`.
 */
import type { Log } from '../../core/log.ts';
import type { RateBudget } from '../rates/rate-budget.ts';
import { VenueRefused, VenueUnavailable } from '../venue.ts';
import { meaningOf, troubleOf, type CallFailure } from './answer-codes.ts';
import type { BitgetCall } from './endpoints.ts';
import { GROUP_OF_CALL, type BitgetRateGroup } from './limits.ts';
import type { Redact } from './redact.ts';
import { BitgetAnswer, type Answer, type BitgetSession, type Params } from './session.ts';

export type CallResult =
  | { ok: true; answer: Answer }
  | { ok: false; failure: CallFailure }
  /** The request never left. */
  | { ok: false; failure: 'not_sent' };

export interface Calls {
  /** Over by the deadline. A request whose turn does not come before `sendUntilMs` is not sent. */
  send(name: BitgetCall, params: Params, sendUntilMs?: number): Promise<CallResult>;
  /** The same for a read: its failures are thrown, as `VenueUnavailable` or `VenueRefused`. */
  readonly read: (name: BitgetCall, params: Params) => Promise<Answer>;
  /** Nothing is sent any more. */
  close(): void;
}

export interface CallsOptions {
  readonly session: BitgetSession;
  readonly budget: RateBudget<BitgetRateGroup>;
  readonly callDeadlineMs: number;
  readonly now: () => number;
  readonly log: Log;
  readonly redact: Redact;
}

export function createCalls({ session, budget, callDeadlineMs, now, log, redact }: CallsOptions): Calls {
  let closed = false;

  async function send(name: BitgetCall, params: Params, sendUntilMs = Infinity): Promise<CallResult> {
    const deadlineAtMs = now() + callDeadlineMs;
    const granted = budget.acquire(GROUP_OF_CALL[name], Math.min(deadlineAtMs, sendUntilMs));
    if (closed || !(granted === true || (await granted)) || now() >= sendUntilMs || closed) {
      return { ok: false, failure: 'not_sent' };
    }
    try {
      return { ok: true, answer: await within(session.call(name, params), deadlineAtMs - now(), callDeadlineMs) };
    } catch (error) {
      const failure = failureOf(error);
      if (troubleOf(failure) === 'rate') {
        budget.tooMany(GROUP_OF_CALL[name]);
        log.warn('venue asks for fewer requests', { call: name });
      }
      return { ok: false, failure: { ...failure, reason: redact(failure.reason) } };
    }
  }

  return {
    send,
    async read(name, params) {
      const result = await send(name, params);
      if (result.ok) return result.answer;
      throw readError(name, result.failure);
    },
    close() {
      closed = true;
    },
  };
}

/** Anything that is not the venue's own answer is "no answer", whoever threw it: it proves nothing. */
function failureOf(error: unknown): CallFailure {
  if (error instanceof BitgetAnswer) {
    return { kind: 'answered', status: error.status, code: error.code, reason: error.message };
  }
  return { kind: 'no_answer', reason: error instanceof Error ? error.message : String(error) };
}

export function readError(name: BitgetCall, failure: CallFailure | 'not_sent'): Error {
  if (failure === 'not_sent') return new VenueUnavailable(`${name}: no turn within the deadline`);
  const meaning = meaningOf(failure);
  if (failure.kind === 'answered' && failure.code !== null && (meaning === 'refused' || meaning === 'gone')) {
    return new VenueRefused(failure.code, `${name}: ${failure.reason}`, troubleOf(failure));
  }
  return new VenueUnavailable(`${name}: ${failure.reason}`, troubleOf(failure));
}

async function within<T>(work: Promise<T>, leftMs: number, deadlineMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no whole answer within ${deadlineMs} ms`)), Math.max(0, leftMs));
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
