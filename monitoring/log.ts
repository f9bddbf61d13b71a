/** The log of every process: one JSON line an entry, constant text plus fields. */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { destination, pino } from 'pino';
import type { Log } from '../core/log.ts';

/** To stdout; a supervisor has pointed that at the process's log file. */
export function createLog(name: string): Log {
  // Synchronous: the last words before an exit are the ones that count.
  return logTo(name, destination({ dest: 1, sync: true }));
}

/** To a file of its own, for a process whose terminal shows something else. */
export function createFileLog(name: string, path: string): Log {
  mkdirSync(dirname(path), { recursive: true });
  return logTo(name, destination({ dest: path, sync: true }));
}

function logTo(name: string, stream: ReturnType<typeof destination>): Log {
  const logger = pino({ base: { name, pid: process.pid }, timestamp: pino.stdTimeFunctions.isoTime }, stream);
  return {
    info: (msg, fields) => logger.info(fields ?? {}, msg),
    warn: (msg, fields) => logger.warn(fields ?? {}, msg),
    error: (msg, fields) => logger.error(fields ?? {}, msg),
  };
}
