/** The HTTP side: reads a request, checks who sent it, finds its handler and answers in Bitget's envelope. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Log } from '../../core/log.ts';
import type { SimulatedAccount } from '../../core/simulation/options.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { Refusal, refuse } from '../exchange/refusal.ts';
import type { OrderRate } from './order-rate.ts';
import { ORDER_RATE_PATHS, PRIVATE_ROUTES } from './private-routes.ts';
import { PUBLIC_ROUTES } from './public-routes.ts';
import { Parameters } from './request.ts';
import { verifyRequest } from './signature.ts';

export interface HttpParts {
  readonly exchange: Exchange;
  readonly keys: ReadonlyMap<string, SimulatedAccount>;
  readonly orderRate: OrderRate | null;
  readonly nowMs: () => number;
  readonly log: Log;
  /** Pages outside the protocol, by path: `/simulator/...`. */
  readonly pages: Readonly<Record<string, () => object>>;
}

const BODY_BYTES_MAX = 256 * 1024;

export function createRequestListener(parts: HttpParts) {
  return (request: IncomingMessage, response: ServerResponse): void => {
    readBody(request)
      .then((body) => respond(parts, request, body, response))
      .catch((error: unknown) => {
        parts.log.error('request failed', { url: request.url, error: String(error) });
        if (!response.headersSent) send(response, 500, { code: '40015', msg: 'System is abnormal', data: null });
      });
  };
}

function respond(parts: HttpParts, request: IncomingMessage, body: string, response: ServerResponse): void {
  const target = request.url ?? '/';
  const path = target.split('?')[0] ?? '/';
  const page = request.method === 'GET' ? parts.pages[path] : undefined;
  if (page !== undefined) return send(response, 200, page());
  const requestTime = parts.nowMs();
  try {
    const data = handle(parts, { method: request.method ?? 'GET', target, path, body, headers: request.headers });
    send(response, 200, { code: '00000', msg: 'success', requestTime, data });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    send(response, error.httpStatus, { code: error.code, msg: error.message, requestTime, data: null });
  }
}

interface Call {
  readonly method: string;
  readonly target: string;
  readonly path: string;
  readonly body: string;
  readonly headers: IncomingMessage['headers'];
}

function handle(parts: HttpParts, call: Call): unknown {
  const route = `${call.method} ${call.path}`;
  const nowMs = parts.nowMs();
  const { exchange } = parts;
  const publicHandler = PUBLIC_ROUTES[route];
  if (publicHandler !== undefined) return publicHandler({ exchange, nowMs, parameters: parametersOf(call) });
  const privateHandler = PRIVATE_ROUTES[route];
  if (privateHandler === undefined) throw refuse.unknownPath();
  const name = verifyRequest(call, parts.keys, nowMs);
  const account = exchange.accounts.get(name);
  if (account === undefined) throw new Refusal('40006', 'Invalid ACCESS_KEY');
  if (parts.orderRate !== null && ORDER_RATE_PATHS.has(route) && !parts.orderRate.take(name, nowMs)) {
    throw refuse.tooManyRequests();
  }
  return privateHandler({ exchange, account, nowMs, parameters: parametersOf(call) });
}

function parametersOf({ method, target, body }: Call): Parameters {
  if (method !== 'POST') {
    return new Parameters(Object.fromEntries(new URLSearchParams(target.split('?')[1] ?? '')));
  }
  try {
    const parsed: unknown = JSON.parse(body === '' ? '{}' : body);
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

function send(response: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body);
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
  response.end(text);
}
