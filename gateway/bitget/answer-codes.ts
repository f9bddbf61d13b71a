/**
 * What Bitget's own answer codes prove. A code that is not listed proves nothing: the call stays UNKNOWN and is looked
 * up. The client library's error classes are never used for this (it files 40010, a time-out, under authentication).
 *
 * Sources: Bitget's REST error-code page; Bitget.Net `BitgetErrors.cs`; the messages in the client library's own table.
 */
import type { CancelAnswer, PlaceAnswer } from '../venue.ts';

/**
 * - `gone`: there is no such open order (any more).
 * - `duplicate`: this client order id was used before, so an earlier try arrived.
 * - `refused`: checked and turned down before anything happened.
 * - `unknown`: listed so that nobody lists it as a refusal: the venue may have acted.
 */
export type CodeMeaning = 'gone' | 'duplicate' | 'refused' | 'unknown';

const MEANINGS: Readonly<Record<CodeMeaning, Readonly<Record<string, string>>>> = {
  gone: {
    '40109': 'order data not found',
    '40768': 'order does not exist',
    '43025': 'plan order does not exist',
    '22001': 'no order to cancel',
    '25204': 'order does not exist (unified account)',
  },
  duplicate: {
    '40786': 'duplicate client order id',
    '40708': 'duplicate client order id, by its older number',
    '43118': 'client order id duplicate',
    '45034': 'client order id duplicate',
    '50060': 'client order id duplicate',
    '25212': 'client order id duplicate (unified account)',
  },
  refused: {
    '40762': 'order amount exceeds the balance',
    '43012': 'insufficient balance',
    '45110': 'below the minimum notional',
    '45111': 'below the minimum quantity',
    '43027': 'below the minimum quantity',
    '22002': 'no position to close',
    '25227': 'no position to close (unified account)',
    '22047': 'price outside the permitted band',
    '40774': 'order does not fit the position mode',
    '45117': 'not while positions or orders are open',
    '40017': 'parameter verification failed',
    '40019': 'parameter is empty',
    '40020': 'parameter is wrong',
    '40034': 'parameter does not exist',
    '40305': 'client order id is too long or has other characters',
    '40808': 'parameter verification exception',
    '41103': 'price has too many decimals',
    '45115': 'price is no multiple of the tick',
    '43011': 'parameter does not meet the specification',
    '40006': 'access key invalid',
    '40008': 'request timestamp expired',
    '40009': 'signature wrong',
    '40011': 'passphrase header missing',
    '40012': 'access key or passphrase wrong',
    '40014': 'access key lacks the permission',
    '40018': 'address not on the access key list',
    '40037': 'access key does not exist',
    '40038': 'address not on the access key list',
    '40084': 'classic account asked through a unified endpoint',
    '25245': 'classic account asked through a unified endpoint',
  },
  unknown: {
    '429': 'too many requests',
    '40010': 'request timed out inside the venue',
    '40015': 'system error, try again',
    '40200': 'venue upgrade',
    '40910': 'venue busy',
    '41114': 'pair under maintenance',
    '45001': 'unknown venue error',
    '50031': 'system error',
    '25001': 'system error (unified account)',
    '25003': 'system busy (unified account)',
  },
};

export const ANSWER_CODES: ReadonlyMap<string, CodeMeaning> = new Map(
  (Object.keys(MEANINGS) as CodeMeaning[]).flatMap((meaning) =>
    Object.keys(MEANINGS[meaning]).map((code): [string, CodeMeaning] => [code, meaning]),
  ),
);

/** How a call ended short of a success, in raw terms. `code` is null when the answer carried none. */
export type CallFailure =
  { kind: 'answered'; status: number; code: string | null; reason: string } | { kind: 'no_answer'; reason: string };

/**
 * HTTP statuses under which Bitget's business layer answers. Anything else (a proxy, a rate limiter, a broken server)
 * may wrap a code that belongs to another request or to none, so its code proves nothing.
 */
const STATUSES_OF_THE_VENUE: ReadonlySet<number> = new Set([200, 400, 401, 403]);

export function meaningOf(failure: CallFailure): CodeMeaning {
  if (failure.kind === 'no_answer' || failure.code === null) return 'unknown';
  if (!STATUSES_OF_THE_VENUE.has(failure.status)) return 'unknown';
  return ANSWER_CODES.get(failure.code) ?? 'unknown';
}

/** The failure of a place call as an answer. */
export function judgePlace(failure: CallFailure): PlaceAnswer {
  const meaning = meaningOf(failure);
  if (meaning === 'duplicate') return { answer: 'duplicate' };
  if (meaning === 'refused' && failure.kind === 'answered' && failure.code !== null) {
    return { answer: 'no', code: failure.code, reason: failure.reason };
  }
  // "No such order" answers no question that a place call asks.
  return { answer: 'unknown', reason: failure.reason };
}

/** The failure of a cancel call as an answer. */
export function judgeCancel(failure: CallFailure): CancelAnswer {
  const meaning = meaningOf(failure);
  if (meaning === 'gone') return { answer: 'gone' };
  if (meaning === 'refused' && failure.kind === 'answered' && failure.code !== null) {
    return { answer: 'no', code: failure.code, reason: failure.reason };
  }
  return { answer: 'unknown', reason: failure.reason };
}
