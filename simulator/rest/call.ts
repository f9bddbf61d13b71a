/** A request as it came in, and what it is about: known before it is checked, so that faults and limits can tell calls apart. */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { CallKind } from '../../core/simulation/fault-plan.ts';

export interface Call {
  readonly method: string;
  /** Path with query. */
  readonly target: string;
  readonly path: string;
  /** `GET /api/v2/...`, the key of the route tables. */
  readonly route: string;
  readonly body: string;
  readonly headers: IncomingHttpHeaders;
  readonly address: string;
}

export function createCall(request: IncomingMessage, body: string): Call {
  const method = request.method ?? 'GET';
  const target = request.url ?? '/';
  const path = target.split('?')[0] ?? '/';
  const { headers } = request;
  return {
    method,
    target,
    path,
    route: `${method} ${path}`,
    body,
    headers,
    address: request.socket.remoteAddress ?? '',
  };
}

/** Kind by the words of the path, which all of the venue's dialects share. */
export function callKind({ method, path }: Pick<Call, 'method' | 'path'>): CallKind {
  if (/\/market\/|\/public\//.test(path)) return 'market';
  if (method === 'GET') return 'read';
  if (/\/(order|trade)\//.test(path)) {
    if (/cancel/.test(path)) return 'cancel';
    if (/modify/.test(path)) return 'amend';
    if (/place|close-positions|click-backhand/.test(path)) return 'place';
  }
  return 'set';
}

/** The symbol a request names, in its query or its body, null when it names none. A batch is known by its first order. */
export function callSymbol({ method, target, body }: Call): string | null {
  if (method !== 'POST') return new URLSearchParams(target.split('?')[1] ?? '').get('symbol')?.toUpperCase() ?? null;
  return /"symbol"\s*:\s*"([A-Za-z0-9]+)"/.exec(body)?.[1]?.toUpperCase() ?? null;
}
