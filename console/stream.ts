/**
 * The live stream behind the page. What is shown is cut into parts (the desk, each bot, each curve); a part is sent when
 * it has changed, and a client that comes back says what it saw last and is sent only what has changed since. Modes: idle
 * (nobody watches, nothing is read) -> watching (one look a period for all clients) -> idle or closed.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

/** `data` is JSON text. */
export interface Part {
  readonly id: string;
  readonly data: string;
}

export interface StreamClient {
  /** False when it takes no more: it is then dropped, and comes back by itself. */
  send(text: string): boolean;
  end(): void;
}

export interface StreamOptions {
  /** Never rejects: what cannot be read is part of what is shown. */
  readonly look: () => Promise<readonly Part[]>;
  readonly everyMs: number;
}

/** So often a client hears from the server at least; one that does not knows that the line is dead. */
const ALIVE_MS = 5_000;
const CLIENTS_MAX = 64;
/** How long a browser waits before it comes back. */
const RETRY_MS = 1_000;

interface Place {
  /** Revision that the client has seen; -1 before the first. */
  seen: number;
  toldAt: number;
}

export class Stream {
  private readonly options: StreamOptions;
  /** Ids of another run of the console mean nothing here. */
  private readonly run = randomUUID().slice(0, 8);
  private readonly parts = new Map<string, { data: string; revision: number }>();
  private readonly clients = new Map<StreamClient, Place>();
  private revision = 0;
  private isWatching = false;
  private isClosed = false;

  constructor(options: StreamOptions) {
    this.options = options;
  }

  /** Null when there are too many clients. The returned function ends the subscription. */
  subscribe(client: StreamClient, lastEventId: string | undefined): (() => void) | null {
    if (this.isClosed || this.clients.size >= CLIENTS_MAX) return null;
    this.clients.set(client, { seen: this.revisionOf(lastEventId), toldAt: Number.NEGATIVE_INFINITY });
    client.send(`retry: ${RETRY_MS}\n\n`);
    // What was kept from the last watch is old by now: the first look is awaited.
    if (this.isWatching) this.tell(client);
    else void this.watch();
    return () => void this.clients.delete(client);
  }

  close(): void {
    this.isClosed = true;
    for (const client of this.clients.keys()) client.end();
    this.clients.clear();
  }

  private async watch(): Promise<void> {
    this.isWatching = true;
    while (!this.isClosed && this.clients.size > 0) {
      const startedAt = performance.now();
      this.take(await this.options.look());
      for (const client of [...this.clients.keys()]) this.tell(client);
      await sleep(Math.max(50, this.options.everyMs - (performance.now() - startedAt)), undefined, { ref: false });
    }
    this.isWatching = false;
  }

  private take(parts: readonly Part[]): void {
    const changed = parts.filter(({ id, data }) => this.parts.get(id)?.data !== data);
    if (changed.length > 0) this.revision += 1;
    for (const { id, data } of changed) this.parts.set(id, { data, revision: this.revision });
  }

  /** Whatever the client has not seen, then a mark: its place in the stream, and the server's clock for the ages it shows. */
  private tell(client: StreamClient): void {
    const place = this.clients.get(client);
    if (place === undefined || this.revision === 0) return;
    const unseen = [...this.parts].filter(([, { revision }]) => revision > place.seen);
    if (unseen.length === 0 && performance.now() - place.toldAt < ALIVE_MS) return;
    const parts = unseen.map(([id, { data }]) => `event: part\ndata: {"id":${JSON.stringify(id)},"data":${data}}\n\n`);
    const mark = `id: ${this.run}-${this.revision}\nevent: mark\ndata: {"nowMs":${Date.now()}}\n\n`;
    place.seen = this.revision;
    place.toldAt = performance.now();
    if (client.send(parts.join('') + mark)) return;
    this.clients.delete(client);
    client.end();
  }

  private revisionOf(lastEventId: string | undefined): number {
    const match = /^([0-9a-f]{8})-(\d{1,15})$/.exec(lastEventId ?? '');
    return match !== null && match[1] === this.run ? Number(match[2]) : -1;
  }
}
