/**
 * Who may talk to the console. It listens on loopback only, but a web page anywhere can send a browser there, and a name
 * can be pointed at 127.0.0.1 after the page has loaded (DNS rebinding): so the Host that the browser believes in, and the
 * page that asks, are both checked, for every route.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

const HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
  'cache-control': 'no-store',
};

export interface Refusal {
  readonly status: 403 | 405 | 421;
  readonly error: string;
}

export interface Asked {
  readonly method: string;
  readonly host: string | undefined;
  readonly origin: string | undefined;
  /** `Sec-Fetch-Site` and `-Mode`: the browser's own word on who asks, and for what. */
  readonly fetchSite: string | undefined;
  readonly fetchMode: string | undefined;
}

/** Null when it may pass. Pure. */
export function judgeRequest({ method, host, origin, fetchSite, fetchMode }: Asked, port: number): Refusal | null {
  const hosts = [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`];
  if (host === undefined || !hosts.includes(host.toLowerCase())) {
    return { status: 421, error: `Host: expected one of ${hosts.join(', ')}` };
  }
  if (origin !== undefined && !hosts.some((allowed) => origin.toLowerCase() === `http://${allowed}`)) {
    return { status: 403, error: 'Origin: expected this console' };
  }
  const isOwn = fetchSite === undefined || fetchSite === 'same-origin' || fetchSite === 'none';
  // A link from another page may lead here, but no other page may read from here.
  if (!isOwn && fetchMode !== 'navigate') return { status: 403, error: 'Sec-Fetch-Site: expected same-origin' };
  if (method !== 'GET' && method !== 'HEAD') {
    return { status: 405, error: 'method: expected GET or HEAD, for the console is read-only' };
  }
  return null;
}

/** The headers are on every answer, refusals included. */
export function guard(app: FastifyInstance, port: () => number): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(HEADERS);
    const refusal = judgeRequest(asked(request), port());
    if (refusal !== null) return refuse(reply, refusal);
  });
}

/** For answers that bypass `reply`. */
export function rawHeaders(reply: FastifyReply): Record<string, string> {
  return Object.fromEntries(Object.entries(reply.getHeaders()).map(([name, value]) => [name, String(value)]));
}

function asked({ method, headers }: FastifyRequest): Asked {
  const one = (name: string): string | undefined => {
    const value = headers[name];
    return Array.isArray(value) ? value.join(',') : value;
  };
  return {
    method,
    host: headers.host,
    origin: headers.origin,
    fetchSite: one('sec-fetch-site'),
    fetchMode: one('sec-fetch-mode'),
  };
}

function refuse(reply: FastifyReply, { status, error }: Refusal): FastifyReply {
  if (status === 405) void reply.header('allow', 'GET, HEAD');
  return reply.code(status).send({ v: 1, error });
}
