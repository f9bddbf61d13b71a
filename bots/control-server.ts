/** The bot's control socket: one JSON request a line, one answer each. Readable and writable by its owner only. */
import { chmodSync, existsSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { ControlRequest, type BotStatus, type ControlResponse } from '../core/control/protocol.ts';
import type { ControlCommand } from '../core/bot/input.ts';
import { describeFaults, faultLine, type Fault } from '../core/faults.ts';

/** A longer request is no request. */
const LINE_BYTES_MAX = 16 * 1024;

export interface Controlled {
  status(): BotStatus;
  control(command: ControlCommand): void;
  /** Why a command is refused as a whole; none when it is obeyed. */
  judge(command: ControlCommand): readonly Fault[];
  /** Resolves when everything told so far survives a crash. */
  durable(): Promise<void>;
  /** Ends the process in order. */
  shutdown(reason: string): void;
}

async function answer(line: string, bot: Controlled): Promise<ControlResponse> {
  let raw: unknown;
  try {
    raw = JSON.parse(line);
  } catch {
    return { id: 0, ok: false, error: 'request: expected one JSON object a line' };
  }
  const parsed = ControlRequest.safeParse(raw);
  if (!parsed.success) return { id: idOf(raw), ok: false, error: describeFaults(parsed.error, raw) };
  const { id, ...command } = parsed.data;
  if (command.command === 'shutdown') bot.shutdown(command.reason);
  else if (command.command !== 'status') {
    const faults = bot.judge(command);
    if (faults.length > 0) return { id, ok: false, error: faults.map(faultLine).join('\n') };
    bot.control(command);
  }
  // A stop that was answered is a stop for good, also for the process after this one.
  if (command.command !== 'status' && command.command !== 'ping' && command.command !== 'shutdown') {
    try {
      await bot.durable();
    } catch (error) {
      return { id, ok: false, error: `not recorded: ${error instanceof Error ? error.message : String(error)}` };
    }
  }
  return { id, ok: true, status: bot.status() };
}

/** Of a request that is none: whoever waits for its answer is not left waiting. */
function idOf(raw: unknown): number {
  const id = typeof raw === 'object' && raw !== null && 'id' in raw ? raw.id : null;
  return typeof id === 'number' && Number.isSafeInteger(id) && id >= 0 ? id : 0;
}

function serve(socket: Socket, bot: Controlled): void {
  let pending = '';
  socket.setEncoding('utf8');
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk: string) => {
    pending += chunk;
    for (let end = pending.indexOf('\n'); end >= 0; end = pending.indexOf('\n')) {
      const line = pending.slice(0, end);
      pending = pending.slice(end + 1);
      void answer(line, bot).then((response) => socket.write(`${JSON.stringify(response)}\n`));
    }
    if (pending.length > LINE_BYTES_MAX) socket.destroy();
  });
}

/** Listens on `path`. A file left there by a dead process is replaced: the caller holds the bot's journal lock. */
export async function listenControl(path: string, bot: Controlled): Promise<Server> {
  if (existsSync(path)) rmSync(path);
  const server = createServer((socket) => serve(socket, bot));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  chmodSync(path, 0o600);
  return server;
}
