/** Reads `/api/stream` as a browser would, batch by batch. */
import { request, type IncomingMessage } from 'node:http';

export interface Batch {
  readonly id: string;
  readonly nowMs: number;
  readonly parts: readonly { id: string; data: unknown }[];
}

export class StreamReader {
  private readonly response: IncomingMessage;
  private readonly batches: Batch[] = [];
  private wake: () => void = () => {};
  private text = '';
  private parts: { id: string; data: unknown }[] = [];
  isEnded = false;

  private constructor(response: IncomingMessage) {
    this.response = response;
    response.setEncoding('utf8');
    response.on('data', (chunk: string) => this.take(chunk));
    for (const end of ['end', 'error', 'aborted'] as const) {
      response.on(end, () => {
        this.isEnded = true;
        this.wake();
      });
    }
  }

  static open(port: number, lastEventId?: string): Promise<StreamReader> {
    const headers = lastEventId === undefined ? {} : { 'last-event-id': lastEventId };
    return new Promise((resolve, reject) => {
      const asked = request({ host: '127.0.0.1', port, path: '/api/stream', headers, agent: false }, (response) =>
        resolve(new StreamReader(response)),
      );
      asked.once('error', reject);
      asked.end();
    });
  }

  async next(): Promise<Batch> {
    for (;;) {
      const batch = this.batches.shift();
      if (batch !== undefined) return batch;
      if (this.isEnded) throw new Error('the stream has ended');
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }

  async nextWith(part: string): Promise<Batch> {
    for (;;) {
      const batch = await this.next();
      if (batch.parts.some(({ id }) => id === part)) return batch;
    }
  }

  close(): void {
    this.response.destroy();
  }

  private take(chunk: string): void {
    this.text += chunk;
    const messages = this.text.split('\n\n');
    this.text = messages.pop() ?? '';
    for (const message of messages) {
      const fields = new Map(
        message
          .split('\n')
          .map((line): [string, string] => [line.slice(0, line.indexOf(': ')), line.slice(line.indexOf(': ') + 2)]),
      );
      const data = fields.get('data');
      if (data === undefined) continue;
      if (fields.get('event') === 'part') this.parts.push(JSON.parse(data) as { id: string; data: unknown });
      if (fields.get('event') === 'mark') {
        this.batches.push({
          id: fields.get('id') ?? '',
          ...(JSON.parse(data) as { nowMs: number }),
          parts: this.parts,
        });
        this.parts = [];
        this.wake();
      }
    }
  }
}
