/**
 * The HTTP side: reads a request, checks who sent it, finds its handler and answers in Bitget's envelope. Unless the
 * fault plan strikes, a request is answered in the same turn in which its last byte was read.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FaultOf } from '../../core/simulation/fault-plan.ts';
import type { Log } from '../../core/log.ts';
import type { SimulatedAccount } from '../../core/simulation/options.ts';
import { answerFaulted, strikeCall } from '../admin/call-faults.ts';
import type { FaultBook } from '../admin/fault-book.ts';
import { NOBODY, type Traffic } from '../admin/traffic.ts';
import type { Account } from '../exchange/account.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { Refusal, refuse } from '../exchange/refusal.ts';
import { send, type Answer } from './answer.ts';
import { callKind, callSymbol, createCall, type Call } from './call.ts';
import { ORDER_ROUTES, PRIVATE_HANDLERS, PUBLIC_HANDLERS, refuseOtherDialect } from './dialects.ts';
import type { RestLimits } from './limits.ts';
import type { OrderRate } from './order-rate.ts';
import { Parameters } from './request.ts';
import type { Countdowns } from './unified-countdown.ts';
import { verifyRequest } from './signature.ts';

export interface HttpParts {
  readonly exchange: Exchange;
  readonly countdowns: Countdowns;
  readonly keys: ReadonlyMap<string, SimulatedAccount>;
  readonly orderRate: OrderRate | null;
  /** Null when the published limits do not hold. */
  readonly limits: RestLimits | null;
  readonly faults: FaultBook;
  readonly traffic: Traffic;
  /** The account as private reads see it: the true one, unless a fault says otherwise. */
  readonly told: (account: Account, path: string) => Account;
  readonly fillInPart: (account: string, answer: Answer, fault: FaultOf<'partial_fill_then_disconnect'>) => void;
  /** The venue's clock. */
  readonly nowMs: () => number;
  /** The host's clock, which no fault skews. */
  readonly steadyMs: () => number;
  readonly log: Log;
  /** Pages outside the protocol, by path: `/simulator/...`. */
  readonly pages: Readonly<Record<string, () => object>>;
}

const BODY_BYTES_MAX = 256 * 1024;
const FAILURE: Answer = { status: 500, body: { code: '40015', msg: 'System is abnormal', data: null } };

export function createRequestListener(parts: HttpParts) {
  return (request: IncomingMessage, response: ServerResponse): void => {
    readBody(request)
      .then((body) => respond(parts, createCall(request, body), response))
      .catch((error: unknown) => {
        parts.log.error('request failed', { url: request.url, error: String(error) });
        if (!response.headersSent) send(response, FAILURE);
      });
  };
}

function respond(parts: HttpParts, call: Call, response: ServerResponse): Promise<void> | void {
  const page = call.method === 'GET' ? parts.pages[call.path] : undefined;
  if (page !== undefined) return send(response, { status: 200, body: page() });
  const { faults, traffic } = parts;
  const caller = claimedAccount(parts, call);
  const kind = callKind(call);
  const route = PUBLIC_HANDLERS.has(call.route) || PRIVATE_HANDLERS.has(call.route) ? call.route : 'unknown';
  traffic.arrived(caller, route, kind, parts.steadyMs());
  const apply = () => {
    const answer = answerTo(parts, call);
    traffic.answered(caller, route, answer);
    return answer;
  };
  const strike = faults.isEmpty
    ? null
    : strikeCall(faults, { account: caller, symbol: callSymbol(call), call: kind, path: call.path });
  if (strike === null) return send(response, apply());
  const fillInPart = (answer: Answer, fault: FaultOf<'partial_fill_then_disconnect'>) =>
    parts.fillInPart(caller, answer, fault);
  const envelope = (code: string, msg: string, status: number) =>
    refused(new Refusal(code, msg, status), parts.nowMs());
  return answerFaulted(strike, { apply, fillInPart, envelope }, response);
}

/** Whose key the request carries, before anybody checked that it was signed with it. */
function claimedAccount({ keys }: HttpParts, { headers }: Call): string {
  const key = headers['access-key'];
  return (typeof key === 'string' ? keys.get(key)?.account : undefined) ?? NOBODY;
}

function answerTo(parts: HttpParts, call: Call): Answer {
  const requestTime = parts.nowMs();
  try {
    return { status: 200, body: { code: '00000', msg: 'success', requestTime, data: handle(parts, call) } };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return refused(error, requestTime);
  }
}

function refused({ code, message, httpStatus }: Refusal, requestTime: number): Answer {
  return { status: httpStatus, body: { code, msg: message, requestTime, data: null } };
}

function handle(parts: HttpParts, call: Call): unknown {
  const { route } = call;
  const nowMs = parts.nowMs();
  const { exchange } = parts;
  parts.limits?.admitAddress(call);
  const publicHandler = PUBLIC_HANDLERS.get(route);
  if (publicHandler !== undefined) parts.limits?.admit(call, null);
  if (publicHandler !== undefined) return publicHandler({ exchange, nowMs, parameters: parametersOf(call) });
  const privateHandler = PRIVATE_HANDLERS.get(route);
  if (privateHandler === undefined) throw refuse.unknownPath();
  const name = verifyRequest(call, parts.keys, nowMs);
  const account = exchange.accounts.get(name);
  if (account === undefined) throw new Refusal('40006', 'Invalid ACCESS_KEY');
  refuseOtherDialect(call.path, account);
  parts.limits?.admit(call, name);
  if (parts.orderRate !== null && ORDER_ROUTES.has(route) && !parts.orderRate.take(name, parts.steadyMs())) {
    throw refuse.tooManyRequests();
  }
  const { countdowns } = parts;
  const parameters = parametersOf(call);
  return privateHandler({ exchange, countdowns, account: parts.told(account, call.path), nowMs, parameters });
}

function parametersOf({ method, target, body }: Call): Parameters {
  if (method !== 'POST') {
    return new Parameters(Object.fromEntries(new URLSearchParams(target.split('?')[1] ?? '')));
  }
  try {
    const parsed: unknown = JSON.parse(body === '' ? '{}' : body);
    // A batch is a bare list in v3.
    if (Array.isArray(parsed)) return new Parameters({ list: parsed as unknown[] });
    return new Parameters(parsed !== null && typeof parsed === 'object' ? { ...parsed } : {});
  } catch {
    throw refuse.badParameter('body');
  }
}

function readBody(request: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > BODY_BYTES_MAX) request.destroy(new Error(`request body above ${BODY_BYTES_MAX} bytes`));
      else chunks.push(chunk);
    });
    request.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
    request.on('error', reject);
  });
}
