/**
 * The one way HTTP leaves the gateway: keep-alive connections to one origin, a total deadline for each request (not one
 * for each byte), and an answer only when the whole body arrived. Nothing here is ever sent twice.
 */
import { Agent as HttpAgent, request as requestHttp, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { invariant } from '../core/invariant.ts';

/** No whole answer came back. What the venue did with the request is not known. */
export class TransportFailure extends Error {
  override readonly name = 'TransportFailure';
}

export interface HttpReply {
  readonly status: number;
  readonly body: string;
}

export interface HttpRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

export interface HttpClient {
  /** Rejects with `TransportFailure` only. */
  send(url: string, request: HttpRequest): Promise<HttpReply>;
  /** Ends every open connection; requests under way fail. */
  close(): void;
}

/** The list of all contracts is about 1 MB; anything far above that is no answer of this API. */
const BODY_BYTES_MAX = 32 * 1024 * 1024;
/** Shorter than the venue's own idle limit, so that a request does not meet a connection that is just closing. */
const IDLE_MS = 30_000;

/** `origin` is the only place this client talks to, for example `https://api.bitget.com`. */
export function createHttpClient(origin: string, deadlineMs: number): HttpClient {
  const base = new URL(origin);
  const secure = base.protocol === 'https:';
  invariant(secure || base.protocol === 'http:', 'a venue address is http or https');
  const options = { keepAlive: true, maxSockets: 16, timeout: IDLE_MS, noDelay: true } as const;
  const agent = secure ? new HttpsAgent(options) : new HttpAgent(options);
  const start = secure ? requestHttps : requestHttp;

  return {
    send(url, { method, headers, body }) {
      const target = new URL(url);
      invariant(target.origin === base.origin, 'the gateway talks to the origin of its venue only');
      return new Promise((resolve, reject) => {
        const fail = (reason: string): void => {
          clearTimeout(timer);
          reject(new TransportFailure(reason));
          request.destroy();
        };
        const length = body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) };
        const request = start(target, { method, agent, headers: { ...headers, ...length } }, (response) => {
          collect(response, fail, (text) => {
            clearTimeout(timer);
            resolve({ status: response.statusCode ?? 0, body: text });
          });
        });
        const timer = setTimeout(() => fail(`no whole answer within ${deadlineMs} ms`), deadlineMs);
        request.on('error', (error: NodeJS.ErrnoException) =>
          fail(`connection failed: ${error.code ?? error.message}`),
        );
        request.end(body);
      });
    },
    close: () => agent.destroy(),
  };
}

function collect(response: IncomingMessage, fail: (reason: string) => void, done: (text: string) => void): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) fail(`answer larger than ${BODY_BYTES_MAX} bytes`);
    else chunks.push(chunk);
  });
  response.on('error', (error: NodeJS.ErrnoException) => fail(`answer broke off: ${error.code ?? error.message}`));
  response.on('end', () => {
    if (response.complete) done(Buffer.concat(chunks).toString('utf8'));
    else fail('answer broke off: body incomplete');
  });
}
