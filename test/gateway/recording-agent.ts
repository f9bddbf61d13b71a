/** Watches where the gateway goes: every request and every connection is noted. */
import { Agent as HttpAgent, type AgentOptions, type ClientRequest } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { Socket } from 'node:net';
import type { HttpClient } from '../../gateway/http.ts';

interface Destination {
  readonly host?: string;
  readonly port?: number | string;
}

const ADD_REQUEST = (HttpAgent.prototype as unknown as { addRequest: (request: ClientRequest, options: object) => void }).addRequest; // prettier-ignore

/** Connects like any agent. */
export class RecordingAgent extends HttpAgent {
  /** Host names. */
  readonly dialled: string[] = [];
  override createConnection(options: AgentOptions & Destination, callback?: never) {
    this.dialled.push(options.host ?? '');
    return super.createConnection(options, callback);
  }
}

/** Refuses to connect anywhere: what would have been dialled is all there is. */
export class RefusingAgent extends HttpsAgent {
  /** Addresses. */
  readonly dialled: string[] = [];
  private readonly paths: string[] = [];

  /** Node hands each request to this before it needs a connection. */
  addRequest(request: ClientRequest, options: object): void {
    this.paths.push(request.path);
    ADD_REQUEST.call(this, request, options);
  }

  override createConnection(options: AgentOptions & Destination): Socket {
    this.dialled.push(`wss://${options.host}:${options.port}${this.paths.at(-1)}`);
    const socket = new Socket();
    setImmediate(() => socket.destroy(new Error('no connection leaves this test')));
    return socket;
  }
}

export function recordHttp(inner: HttpClient): HttpClient & { readonly urls: string[] } {
  const urls: string[] = [];
  return {
    urls,
    send(url, request) {
      urls.push(url);
      return inner.send(url, request);
    },
    close: () => inner.close(),
  };
}
