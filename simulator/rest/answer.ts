/** What goes back over HTTP, and the ways in which a reply can go wrong on its way. */
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FaultOf } from '../../core/simulation/fault-plan.ts';

export interface Answer {
  readonly status: number;
  /** The venue's envelope. */
  readonly body: object;
}

export function send(response: ServerResponse, { status, body }: Answer): void {
  sendText(response, status, 'application/json', JSON.stringify(body));
}

function sendText(response: ServerResponse, status: number, type: string, text: string): void {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

const HTML_PAGE =
  '<!DOCTYPE html><html><head><title>Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>\n';

export function sendHtml(response: ServerResponse, status: number): void {
  sendText(response, status, 'text/html', HTML_PAGE);
}

export function sendEmpty(response: ServerResponse, status: number): void {
  sendText(response, status, 'application/json', '');
}

export async function sendTruncated(
  response: ServerResponse,
  { status, body }: Answer,
  { ratio, announced }: FaultOf<'truncate_body'>,
): Promise<void> {
  const whole = Buffer.from(JSON.stringify(body));
  const cut = whole.subarray(0, Math.floor(whole.length * ratio));
  const length = announced ? whole.length : cut.length;
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': length });
  if (!announced) {
    response.end(cut);
    return;
  }
  await new Promise((resolve) => response.write(cut, resolve));
  response.socket?.destroySoon();
}

export async function sendSlowly(
  response: ServerResponse,
  { status, body }: Answer,
  { bytes, everyMs }: FaultOf<'slow_trickle'>,
): Promise<void> {
  const whole = Buffer.from(JSON.stringify(body));
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': whole.length });
  for (let at = 0; at < whole.length && !response.destroyed; at += bytes) {
    if (at > 0) await sleep(everyMs);
    response.write(whole.subarray(at, at + bytes));
  }
  response.end();
}
