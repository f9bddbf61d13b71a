/**
 * One a machine: starts, watches and commands this host's bots, and ships their journals to the event store, also while
 * Temporal is down; hands out their calls to the venue. Its end leaves the bots trading; the next one adopts them.
 */
import { join } from 'node:path';
import type { NativeConnection } from '@temporalio/worker';
import { createBotActivities } from '../activities/bots.ts';
import { deskHome } from '../config/home.ts';
import { loadConfig } from '../config/load.ts';
import type { Log } from '../core/log.ts';
import { createLedger } from '../ledger/ledger.ts';
import { createJournalShipper } from '../ledger/journal-shipper.ts';
import { createProjector } from '../ledger/projector.ts';
import { createLog } from '../monitoring/log.ts';
import { botHostTaskQueue } from '../workflows/desk-attributes.ts';
import { readEnvironment } from './environment.ts';
import { localEvidence } from './evidence-activities.ts';
import { BOT_HOST_HEARTBEATS, createLocalBotHost, venueEndpoint } from './local-bot-host.ts';
import { localHousekeeping } from './housekeeping-activities.ts';
import { localMarketData } from './market-data-activities.ts';
import { startRateBrokers } from './rate-brokers.ts';
import { runWorker } from './worker-run.ts';

/** A ping to a bot counts only while Temporal answered this recently: a bot must notice that nobody can reach it. */
const HEALTHY_MS = 5_000;
const HEALTH_EVERY_MS = 1_000;

/** Asks the server again and again whether it is there. */
function watchTemporal(log: Log): {
  isHealthy(): boolean;
  watch(connection: NativeConnection): { stop(): Promise<void> };
} {
  let answeredAt = Number.NEGATIVE_INFINITY;
  return {
    isHealthy: () => performance.now() - answeredAt < HEALTHY_MS,
    watch(connection) {
      let wasHealthy = true;
      let isAsking = false;
      const ask = async (): Promise<void> => {
        if (isAsking) return;
        isAsking = true;
        try {
          await connection.withDeadline(Date.now() + 2_000, () => connection.workflowService.getSystemInfo({}));
          answeredAt = performance.now();
        } catch {
          // Silence is what is measured here.
        } finally {
          isAsking = false;
        }
        const isHealthy = performance.now() - answeredAt < HEALTHY_MS;
        if (isHealthy !== wasHealthy) log.warn('Temporal connection', { isHealthy });
        wasHealthy = isHealthy;
      };
      const timer = setInterval(() => void ask(), HEALTH_EVERY_MS);
      void ask();
      return { stop: async () => clearInterval(timer) };
    },
  };
}

async function main(): Promise<void> {
  const log = createLog('bot-host');
  const env = readEnvironment(process.env);
  const home = deskHome(env.DESK_HOME);
  const config = loadConfig(env.DESK_CONFIG_DIR);
  const host = createLocalBotHost({ home, env, config, log });
  const ledger = createLedger({
    databaseUrl: env.DATABASE_URL,
    migrationsDir: join(env.DESK_ROOT, 'ledger', 'migrations'),
    log,
  });
  const shipper = createJournalShipper({ ledger, journalsDir: home.journalsDir, log });
  const projector = createProjector(ledger, log);
  shipper.start();
  projector.start();
  const evidence = localEvidence({ home, env, config, endpoint: venueEndpoint(env, config), log });
  const rateBrokers = startRateBrokers({ home, config, log });
  const temporal = watchTemporal(log);
  await runWorker({
    root: env.DESK_ROOT,
    log,
    options: ({ taskQueues }) => ({
      taskQueue: botHostTaskQueue(config.desk.host),
      activities: {
        ...createBotActivities({
          host,
          isTemporalHealthy: () => temporal.isHealthy(),
          storedAgeMs: (bot) => shipper.status()[bot]?.storedAgeMs ?? null,
        }),
        ...evidence.activities,
        ...localHousekeeping({ home, env, log }),
        ...localMarketData(home, config, evidence.store),
      },
      maxConcurrentActivityTaskExecutions: taskQueues.botHost.concurrentActivities,
      ...BOT_HOST_HEARTBEATS,
    }),
    beside: (connection) => temporal.watch(connection),
  });
  host.release();
  await rateBrokers.stop();
  await shipper.stop();
  await projector.stop();
  await evidence.close();
  await ledger.close();
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : String(error));
  process.exit(1);
});
