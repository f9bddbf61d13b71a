/**
 * One export of events, as a process of its own: the engine is 70 MB of machine code that takes a second to load, and what it
 * does to a process must not happen to the one that supervises bots. It says how far it is, and ends with its starter.
 */
import { join } from 'node:path';
import { z } from 'zod';
import { analyticsDir, deskHome } from '../config/home.ts';
import { createAnalytics } from '../ledger/analytics/analytics.ts';
import { LedgerUnavailable } from '../ledger/errors.ts';
import { createFileLog } from '../monitoring/log.ts';
import type { ExportMessage } from './analytics-messages.ts';

const Environment = z.object({
  DATABASE_URL: z.string().min(1),
  DESK_HOME: z.string().min(1),
  CLICKHOUSE_URL: z.string().optional(),
});

const say = (message: ExportMessage): void => void process.stdout.write(`${JSON.stringify(message)}\n`);

async function main(): Promise<void> {
  // Nobody listens any more: another export may begin, and this one is in its way.
  process.stdout.on('error', () => process.exit(1));
  const { DATABASE_URL: databaseUrl, DESK_HOME, CLICKHOUSE_URL: clickhouseUrl = '' } = Environment.parse(process.env);
  const home = deskHome(DESK_HOME);
  const analytics = createAnalytics({
    databaseUrl,
    dir: analyticsDir(home),
    log: createFileLog('analytics-export', join(home.logsDir, 'analytics-export.log')),
    ...(clickhouseUrl !== '' && { clickhouseUrl }),
  });
  try {
    const reports = await analytics.ingest({ onBatch: (sink, events) => say({ say: 'batch', sink, events }) });
    say({ say: 'done', reports: reports.map((each) => ({ ...each, ahead: [...each.ahead] })) });
  } catch (error) {
    const { message } = error as Error;
    say({ say: error instanceof LedgerUnavailable ? 'unavailable' : 'failed', message });
  } finally {
    await analytics.close();
  }
}

void main();
