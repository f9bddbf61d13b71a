/**
 * `node dist/console/main.js`, started by `desk up`: prints `{"ready":true,"port":N}` once it listens. Nothing depends on
 * it. It starts whether or not Postgres and Temporal answer, and shows which of them does not. SIGTERM ends it within 1 s.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { loadConfig } from '../config/load.ts';
import { createLedger } from '../ledger/ledger.ts';
import { createLog } from '../monitoring/log.ts';
import { ConsoleDesk } from './desk.ts';
import { readEnvironment, temporalUiUrl } from './environment.ts';
import { startConsole } from './server.ts';
import { temporalTarget } from './temporal.ts';

const LEAVE_MS = 800;

async function main(): Promise<void> {
  const log = createLog('console');
  const { root, configDir, codeVersion, databaseUrl, ports } = readEnvironment(process.env);
  const config = loadConfig(configDir);
  const target = temporalTarget(process.env);
  const connection = Connection.lazy(target.connectionOptions);
  const ledger = createLedger({
    databaseUrl,
    migrationsDir: join(root, 'ledger', 'migrations'),
    log,
    connections: 4,
  });
  const server = await startConsole({
    desk: new ConsoleDesk({
      config,
      codeVersion,
      ledger,
      temporal: { connection, namespace: target.namespace },
      temporalUi: temporalUiUrl(target.address, ports),
      simulatorPort: config.desk.venue.endpoint === 'simulator' ? ports.simulator : null,
      log,
    }),
    publicDir: join(root, 'console', 'public'),
    port: ports.console,
    log,
  });
  const leave = async (signal: string): Promise<void> => {
    log.info('leaving', { signal });
    const closing = server.close().then(() => Promise.all([ledger.close(), connection.close()]));
    await Promise.race([closing.catch(() => {}), sleep(LEAVE_MS)]);
    process.exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void leave(signal));
  console.log(JSON.stringify({ ready: true, port: server.port }));
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : String(error));
  process.exit(1);
});
