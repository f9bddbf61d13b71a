/** The export, run in a process that lives as long as it: see `analytics-export.worker.ts`. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants, setPriority } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Analytics, SinkReport } from '../ledger/analytics/analytics.ts';
import { LedgerUnavailable } from '../ledger/errors.ts';
import { ExportMessage } from './analytics-messages.ts';

export interface AnalyticsProcessOptions {
  /** The built code. */
  readonly buildDir: string;
  /** Its `DATABASE_URL`, `DESK_HOME` and, where there is one, `CLICKHOUSE_URL`. */
  readonly env: NodeJS.ProcessEnv;
}

export function analyticsProcess({ buildDir, env }: AnalyticsProcessOptions): Analytics {
  return {
    async ingest({ signal, onBatch } = {}) {
      signal?.throwIfAborted();
      const args = ['--enable-source-maps', join(buildDir, 'workers', 'analytics-export.worker.js')];
      const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
      const ended = once(child, 'close');
      // An export may be killed at any instant, and is whole again with the next one.
      const giveUp = (): void => void child.kill('SIGKILL');
      signal?.addEventListener('abort', giveUp);
      let last: ExportMessage | null = null;
      try {
        // Bots trade on this machine.
        if (child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_BELOW_NORMAL);
        for await (const line of createInterface({ input: child.stdout })) {
          last = ExportMessage.parse(JSON.parse(line));
          if (last.say === 'batch') onBatch?.(last.sink, last.events);
        }
        await ended;
      } finally {
        signal?.removeEventListener('abort', giveUp);
        giveUp();
      }
      signal?.throwIfAborted();
      return reportsOf(last, child.exitCode, child.signalCode);
    },
    close: () => Promise.resolve(),
  };
}

function reportsOf(last: ExportMessage | null, code: number | null, signal: NodeJS.Signals | null): SinkReport[] {
  if (last?.say === 'done') return last.reports;
  if (last?.say === 'unavailable') throw new LedgerUnavailable(last.message);
  if (last?.say === 'failed') throw new Error(last.message);
  throw new Error(`the process of the export ended without its report (${signal ?? `exit ${code}`})`);
}
