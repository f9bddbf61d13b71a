/** Messages over a socket, one JSON object a line, checked by a schema. */
import type { Socket } from 'node:net';
import type { z } from 'zod';
import { describeFaults } from '../../core/faults.ts';
import { LINE_BYTES_MAX } from './protocol.ts';

/** Calls `onMessage` for each message; the first line that is none ends the reading with `onGarbage`. */
export function readLines<T extends z.ZodType>(
  socket: Socket,
  schema: T,
  onMessage: (message: z.infer<T>) => void,
  onGarbage: (reason: string) => void,
): void {
  let pending = '';
  let isOver = false;
  const refuse = (reason: string): void => {
    isOver = true;
    onGarbage(reason);
  };
  socket.setEncoding('utf8');
  socket.on('data', (chunk: string) => {
    pending += chunk;
    for (let end = pending.indexOf('\n'); end >= 0 && !isOver; end = pending.indexOf('\n')) {
      const line = pending.slice(0, end);
      pending = pending.slice(end + 1);
      const parsed = parse(line, schema);
      if ('fault' in parsed) return refuse(parsed.fault);
      onMessage(parsed.message);
    }
    if (pending.length > LINE_BYTES_MAX && !isOver) refuse(`a line above ${LINE_BYTES_MAX} bytes`);
  });
}

function parse<T extends z.ZodType>(line: string, schema: T): { message: z.infer<T> } | { fault: string } {
  let raw: unknown;
  try {
    raw = JSON.parse(line);
  } catch {
    return { fault: 'no JSON' };
  }
  const parsed = schema.safeParse(raw);
  return parsed.success ? { message: parsed.data } : { fault: describeFaults(parsed.error, raw) };
}
