/**
 * The admin port: faults, truth and what "somebody else" does on the exchange. Loopback only, JSON only: a page in a
 * browser cannot send `application/json` elsewhere without being asked first, and nobody here answers that question.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { z } from 'zod';
import { faultsOf } from '../../core/faults.ts';
import { FaultPlan } from '../../core/simulation/fault-plan.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { Refusal } from '../exchange/refusal.ts';
import {
  ExternalOrder,
  fillByForce,
  ForcedFill,
  ForcedReduction,
  FundingRate,
  placeExternal,
  PriceMove,
  reduceByForce,
} from './actions.ts';
import type { FaultBook } from './fault-book.ts';
import type { TruthTeller } from './truth.ts';

export interface AdminParts {
  readonly exchange: Exchange;
  readonly faults: FaultBook;
  readonly truth: TruthTeller;
}

export interface RunningAdmin {
  readonly port: number;
  stop(): Promise<void>;
}

type Handler = (parts: AdminParts, body: unknown, query: URLSearchParams) => object;

/** Answered with 400: one entry for each fault of the body. */
class BadBody extends Error {
  override readonly name = 'BadBody';
  readonly faults: readonly object[];
  constructor(faults: readonly object[]) {
    super('the body breaks its schema');
    this.faults = faults;
  }
}

const BODY_BYTES_MAX = 1024 * 1024;

const HANDLERS: Readonly<Record<string, Handler>> = {
  'GET /faults': ({ faults }) => ({ faults: faults.report() }),
  'PUT /faults': ({ faults }, body) => {
    faults.replace(parsed(FaultPlan, body));
    return { faults: faults.report() };
  },
  'DELETE /faults': ({ faults }) => {
    faults.clear();
    return { faults: [] };
  },
  'GET /truth': ({ truth }) => truth.truth(),
  'GET /truth/orders': ({ truth }, _body, query) => ({
    orders: truth.orders(query.get('clientOid'), query.get('account')),
  }),
  'POST /orders': ({ exchange }, body) => placeExternal(exchange, parsed(ExternalOrder, body)),
  'POST /fills': ({ exchange }, body) => fillByForce(exchange, parsed(ForcedFill, body)),
  'POST /reductions': ({ exchange }, body) => reduceByForce(exchange, parsed(ForcedReduction, body)),
  'POST /price': ({ exchange }, body) => {
    const { symbol, ticks } = parsed(PriceMove, body);
    return { symbol, ticks, ...exchange.shiftPrice(symbol, ticks) };
  },
  'POST /funding': ({ exchange }, body) => {
    const { symbol, rate } = parsed(FundingRate, body);
    exchange.setFundingRate(symbol, rate);
    return { symbol, rate };
  },
};

/** Listens on 127.0.0.1; 0 takes a free port. Throws the system's error when it cannot. */
export async function startAdmin(port: number, parts: AdminParts): Promise<RunningAdmin> {
  const server = createServer((request, response) => {
    respond(parts, request, response).catch((error: unknown) => send(response, 500, { error: String(error) }));
  });
  await listen(server, port);
  return {
    port: (server.address() as AddressInfo).port,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function respond(parts: AdminParts, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://127.0.0.1');
  const handler = HANDLERS[`${request.method} ${url.pathname}`];
  if (handler === undefined) {
    return send(response, 404, { error: `unknown request, expected one of ${Object.keys(HANDLERS).join(', ')}` });
  }
  try {
    const body = request.method === 'GET' || request.method === 'DELETE' ? undefined : await readJson(request);
    send(response, 200, handler(parts, body, url.searchParams));
  } catch (error) {
    if (error instanceof BadBody) return send(response, 400, { error: error.message, faults: error.faults });
    if (error instanceof Refusal) return send(response, 409, { error: error.message, code: error.code });
    throw error;
  }
}

function parsed<T>(schema: z.ZodType<T>, body: unknown): T {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  throw new BadBody(faultsOf(result.error, body));
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const type = request.headers['content-type'] ?? '';
  if (!type.startsWith('application/json')) {
    throw new BadBody([{ path: 'content-type', rule: 'expected application/json', value: type }]);
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) {
      throw new BadBody([{ path: '(whole)', rule: `expected at most ${BODY_BYTES_MAX} bytes`, value: 'more' }]);
    }
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString('utf8');
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new BadBody([
      { path: '(whole)', rule: `expected JSON: ${(error as Error).message}`, value: text.slice(0, 80) },
    ]);
  }
}

function send(response: ServerResponse, status: number, body: object): void {
  if (response.headersSent) return;
  const text = JSON.stringify(body);
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      resolve();
    });
  });
}
