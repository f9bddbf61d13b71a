/**
 * Judges how a call to Bitget ended, by raw code and HTTP status. UNKNOWN is the default: for a code that nobody lists,
 * for one that answers another question than the call asked, for a status that the venue's business layer does not use.
 *
 * A NO speaks of the one request that it answers. An intent whose earlier request is still unknown stays unknown: the
 * money may be short, the stop may "already exist", because that earlier request arrived.
 */
import type { CancelAnswer, No, PlaceAnswer, SettingAnswer, Unknown, VenueTrouble } from '../venue.ts';
import { KIND_OF_CODE, type AnswerKind } from './answer-kinds.ts';

/** How a call ended short of a success, in raw terms. `code` is null when the answer carried none. */
export type CallFailure =
  { kind: 'answered'; status: number; code: string | null; reason: string } | { kind: 'no_answer'; reason: string };

/**
 * What a failure proves, whatever was asked.
 * - `gone`: there is no such open order (any more).
 * - `duplicate`: this client order id was used before, so an earlier try arrived.
 * - `refused`: checked and turned down before anything happened.
 * - `unknown`: the venue may have acted.
 */
export type CodeMeaning = 'gone' | 'duplicate' | 'refused' | 'unknown';

type ChangingCall = 'place' | 'cancel' | 'setting';

interface Proof {
  readonly meaning: CodeMeaning;
  /** The calls that this kind turns down. To the others it is no answer: balance says nothing about a cancel. */
  readonly turnsDown: readonly ChangingCall[];
  readonly trouble: VenueTrouble | null;
}

const EVERY_CALL: readonly ChangingCall[] = ['place', 'cancel', 'setting'];
const NOTHING: Proof = { meaning: 'unknown', turnsDown: [], trouble: null };
const refusalOf = (turnsDown: readonly ChangingCall[], trouble: VenueTrouble | null = null): Proof => ({
  meaning: 'refused',
  turnsDown,
  trouble,
});

const PROOFS: Readonly<Record<AnswerKind, Proof>> = {
  gone: { ...NOTHING, meaning: 'gone' },
  duplicate: { ...NOTHING, meaning: 'duplicate' },
  unchanged: refusalOf([]),
  request: refusalOf(EVERY_CALL),
  rule: refusalOf(['place']),
  money: refusalOf(['place', 'setting']),
  no_position: refusalOf(['place']),
  setting: refusalOf(['setting']),
  mode: refusalOf(EVERY_CALL, 'mode'),
  auth: refusalOf(EVERY_CALL, 'auth'),
  clock: refusalOf(EVERY_CALL, 'clock'),
  account: { ...NOTHING, trouble: 'auth' },
  rate: { ...NOTHING, trouble: 'rate' },
  maintenance: { ...NOTHING, trouble: 'maintenance' },
  vague: NOTHING,
  elsewhere: NOTHING,
};

/**
 * HTTP statuses under which Bitget's business layer answers. Anything else (a proxy, a rate limiter, a broken server)
 * may wrap a code that belongs to another request or to none, so its code proves nothing.
 */
const STATUSES_OF_THE_VENUE: ReadonlySet<number> = new Set([200, 400, 401, 403]);
const TOO_MANY_REQUESTS = 429;

/** Null where the code proves nothing, is not listed, or is not the venue's own. */
function kindOf(failure: CallFailure): AnswerKind | null {
  if (failure.kind === 'no_answer' || failure.code === null) return null;
  if (!STATUSES_OF_THE_VENUE.has(failure.status)) return null;
  return KIND_OF_CODE.get(failure.code) ?? null;
}

const proofOf = (kind: AnswerKind | null): Proof => (kind === null ? NOTHING : PROOFS[kind]);

/** For reads. A changing call is judged by its own function: what a code proves depends on what was asked. */
export function meaningOf(failure: CallFailure): CodeMeaning {
  return proofOf(kindOf(failure)).meaning;
}

/** The failure of a place or amend call. To an amend, NO means that the new order is not there: the old one may be. */
export function judgePlace(failure: CallFailure): PlaceAnswer {
  if (meaningOf(failure) === 'duplicate') return { answer: 'duplicate' };
  // "No such order" answers no question that a place asks, and an amended order may be gone because it filled.
  return refusal('place', failure) ?? unknown(failure);
}

/**
 * The failure of a change in place of something that waits. Where that is gone nothing was changed and nothing placed: a
 * stop that a price or a cancel took away is no open question.
 */
export function judgeReplace(failure: CallFailure): PlaceAnswer {
  if (meaningOf(failure) !== 'gone') return judgePlace(failure);
  return noOf(failure) ?? unknown(failure);
}

export function judgeCancel(failure: CallFailure): CancelAnswer {
  if (meaningOf(failure) === 'gone') return { answer: 'gone' };
  return refusal('cancel', failure) ?? unknown(failure);
}

/** The failure of a change of leverage, margin or position mode. */
export function judgeSetting(failure: CallFailure): SettingAnswer {
  if (kindOf(failure) === 'unchanged') return { answer: 'yes' };
  return refusal('setting', failure) ?? unknown(failure);
}

/**
 * What to do about more than this call. Slowing down and freezing need no proof, so a 429 or the code of a maintenance
 * counts under any status; stopping a bot for good does.
 */
export function troubleOf(failure: CallFailure): VenueTrouble | null {
  if (failure.kind === 'no_answer') return null;
  if (failure.status === TOO_MANY_REQUESTS) return 'rate';
  const listed = troubleOfCode(failure.code ?? '');
  return listed === 'rate' || listed === 'maintenance' ? listed : proofOf(kindOf(failure)).trouble;
}

export const troubleOfCode = (code: string): VenueTrouble | null => proofOf(KIND_OF_CODE.get(code) ?? null).trouble;

function unknown(failure: CallFailure): Unknown {
  return { answer: 'unknown', reason: failure.reason, trouble: troubleOf(failure) };
}

function refusal(call: ChangingCall, failure: CallFailure): No | null {
  return proofOf(kindOf(failure)).turnsDown.includes(call) ? noOf(failure) : null;
}

/** Null for a failure that carries no code. */
function noOf(failure: CallFailure): No | null {
  if (failure.kind !== 'answered' || failure.code === null) return null;
  return { answer: 'no', code: failure.code, reason: failure.reason, trouble: troubleOf(failure) };
}
