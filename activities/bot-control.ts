/** The asking side of a bot's control socket. */
import { createConnection, type Socket } from 'node:net';
import { ControlResponse, type BotStatus, type ControlRequest } from '../core/control/protocol.ts';
import type { ControlCommand } from '../core/bot/input.ts';
import { describeFaults } from '../core/faults.ts';

export type BotCommand = Exclude<ControlCommand, { command: 'ping' }>;

/** The bot did not answer. */
export class BotControlError extends Error {
  override readonly name = 'BotControlError';
}

/** The bot answered, and its answer was no. */
export class BotControlRefused extends Error {
  override readonly name = 'BotControlRefused';
}

export interface BotControl {
  status(): Promise<BotStatus>;
  /** `storedAgeMs` as in `ControlRequest`. */
  ping(storedAgeMs?: number | null): Promise<BotStatus>;
  command(command: BotCommand): Promise<BotStatus>;
  /** True once nothing can be asked over this connection any more. */
  isClosed(): boolean;
  close(): void;
}

const ANSWER_MS = 2_000;

interface Waiting {
  resolve: (status: BotStatus) => void;
  reject: (error: Error) => void;
  timer: NodeJS.Timeout;
}

type WithoutId<T> = T extends ControlRequest ? Omit<T, 'id'> : never;

/** One connection, requests answered in order of their ids. Throws `BotControlError` when nobody listens on `path`. */
export async function connectBotControl(path: string): Promise<BotControl> {
  const socket = await new Promise<Socket>((resolve, reject) => {
    const opening = createConnection(path);
    opening.once('connect', () => resolve(opening));
    opening.once('error', (error) => reject(new BotControlError(`${path}: ${error.message}`)));
  });
  const waiting = new Map<number, Waiting>();
  let lastId = 0;
  let pending = '';

  const failAll = (reason: string): void => {
    for (const { reject, timer } of waiting.values()) {
      clearTimeout(timer);
      reject(new BotControlError(reason));
    }
    waiting.clear();
  };
  const take = (line: string): void => {
    let raw: unknown;
    try {
      raw = JSON.parse(line);
    } catch {
      return failAll('answer: expected one JSON object a line');
    }
    const parsed = ControlResponse.safeParse(raw);
    if (!parsed.success) return failAll(`answer: ${describeFaults(parsed.error, raw)}`);
    const entry = waiting.get(parsed.data.id);
    if (entry === undefined) return;
    waiting.delete(parsed.data.id);
    clearTimeout(entry.timer);
    if (parsed.data.ok) entry.resolve(parsed.data.status);
    else entry.reject(new BotControlRefused(parsed.data.error));
  };
  socket.setEncoding('utf8');
  socket.on('error', () => {});
  socket.on('close', () => failAll('the bot closed its control socket'));
  socket.on('data', (chunk: string) => {
    pending += chunk;
    for (let end = pending.indexOf('\n'); end >= 0; end = pending.indexOf('\n')) {
      const line = pending.slice(0, end);
      pending = pending.slice(end + 1);
      take(line);
    }
  });

  const ask = (request: WithoutId<ControlRequest>): Promise<BotStatus> =>
    new Promise((resolve, reject) => {
      if (socket.destroyed) return reject(new BotControlError('the control socket is closed'));
      lastId += 1;
      const id = lastId;
      const timer = setTimeout(() => {
        waiting.delete(id);
        reject(new BotControlError(`no answer to ${request.command} within ${ANSWER_MS} ms`));
      }, ANSWER_MS);
      waiting.set(id, { resolve, reject, timer });
      socket.write(`${JSON.stringify({ id, ...request })}\n`);
    });
  return {
    status: () => ask({ command: 'status' }),
    ping: (storedAgeMs) => ask({ command: 'ping', storedAgeMs }),
    command: (command) => ask(command),
    isClosed: () => socket.destroyed,
    close: () => socket.destroy(),
  };
}
