/** One request under the fault plan: what strikes it, and how it is then applied and answered. */
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CallFault, FaultOf } from '../../core/simulation/fault-plan.ts';
import { refuse } from '../exchange/refusal.ts';
import { send, sendEmpty, sendHtml, sendSlowly, sendTruncated, type Answer } from '../rest/answer.ts';
import type { FaultBook, Occasion } from './fault-book.ts';

type Outcome = Exclude<CallFault, { kind: 'delay' }>;

export interface CallStrike {
  readonly beforeMs: number;
  readonly afterMs: number;
  readonly outcome: Outcome | null;
}

export interface FaultedCall {
  /** Does what the request asks for and answers what the client would hear. */
  readonly apply: () => Answer;
  /** The venue's envelope around a refusal. */
  readonly envelope: (code: string, msg: string, status: number) => Answer;
  /** Fills the order that `answer` speaks of in part, and cuts the account's sockets. */
  readonly fillInPart: (answer: Answer, fault: FaultOf<'partial_fill_then_disconnect'>) => void;
}

const OUTCOMES: ReadonlySet<Outcome['kind']> = new Set([
  'drop_request',
  'drop_reply',
  'error_applied',
  'error_not_applied',
  'code',
  'truncate_body',
  'html_body',
  'empty_body',
  'slow_trickle',
  'too_many_requests',
  'maintenance',
  'partial_fill_then_disconnect',
]);
/** What a gateway in front of the venue says when the venue did not answer it. */
const GATEWAY_CODE = '40015';
const GATEWAY_MESSAGE = 'System is abnormal, please try again later';
const MAINTENANCE_MESSAGE = 'Server upgrade, please try again later';

/** Null when nothing strikes. */
export function strikeCall(book: FaultBook, occasion: Occasion): CallStrike | null {
  if (book.isEmpty) return null;
  const delays = book.strikeAll('delay', occasion);
  const outcome = book.strike(OUTCOMES, occasion);
  if (delays.length === 0 && outcome === null) return null;
  const sum = (at: 'before' | 'after') => delays.reduce((ms, delay) => ms + (delay.at === at ? delay.ms : 0), 0);
  return { beforeMs: sum('before'), afterMs: sum('after'), outcome };
}

export async function answerFaulted(strike: CallStrike, call: FaultedCall, response: ServerResponse): Promise<void> {
  const { beforeMs, afterMs, outcome } = strike;
  if (beforeMs > 0) await sleep(beforeMs);
  const instead = outcome === null ? null : insteadOfApplying(outcome, call);
  if (instead === 'hang up') return void response.socket?.destroy();
  const answer = instead ?? call.apply();
  if (outcome?.kind === 'partial_fill_then_disconnect') call.fillInPart(answer, outcome);
  if (afterMs > 0) await sleep(afterMs);
  await reply(outcome, answer, call, response);
}

/** What is answered without applying the request; null when it is applied. */
function insteadOfApplying(outcome: Outcome, { envelope }: FaultedCall): Answer | 'hang up' | null {
  switch (outcome.kind) {
    case 'drop_request':
      return 'hang up';
    case 'error_not_applied':
      return envelope(GATEWAY_CODE, GATEWAY_MESSAGE, outcome.status);
    case 'code':
      return outcome.applied ? null : envelope(outcome.code, outcome.msg, outcome.status);
    case 'html_body':
      return outcome.applied ? null : envelope(GATEWAY_CODE, GATEWAY_MESSAGE, outcome.status);
    case 'too_many_requests': {
      const { code, message, httpStatus } = refuse.tooManyRequests();
      return envelope(code, message, httpStatus);
    }
    case 'maintenance':
      return envelope(outcome.code, MAINTENANCE_MESSAGE, 400);
    default:
      return null;
  }
}

async function reply(
  outcome: Outcome | null,
  answer: Answer,
  { envelope }: FaultedCall,
  response: ServerResponse,
): Promise<void> {
  switch (outcome?.kind) {
    case 'drop_reply':
    case 'partial_fill_then_disconnect':
      response.socket?.destroy();
      return;
    case 'error_applied':
      return send(response, envelope(GATEWAY_CODE, GATEWAY_MESSAGE, outcome.status));
    case 'code':
      return send(response, envelope(outcome.code, outcome.msg, outcome.status));
    case 'truncate_body':
      return sendTruncated(response, answer, outcome);
    case 'html_body':
      return sendHtml(response, outcome.status);
    case 'empty_body':
      return sendEmpty(response, outcome.status);
    case 'slow_trickle':
      return sendSlowly(response, answer, outcome);
    default:
      return send(response, answer);
  }
}
