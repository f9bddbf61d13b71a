/** What every worker does the same way: connect, say when ready, end in order on SIGTERM. */
import { join } from 'node:path';
import { DefaultLogger, NativeConnection, Runtime, Worker, type WorkerOptions } from '@temporalio/worker';
import type { Log } from '../core/log.ts';
import { readTemporalDev } from '../stack/temporal-dev.ts';
import { temporalConnection } from '../stack/temporal-connection.ts';

/** For running activities to let go of what they hold. */
const SHUTDOWN_GRACE_MS = 1_000;

export interface WorkerSetup {
  readonly root: string;
  readonly log: Log;
  readonly options: (declaration: ReturnType<typeof readTemporalDev>) => WorkerOptions;
  /** Runs beside the worker; its `stop` is awaited after the worker has drained. */
  readonly beside?: (connection: NativeConnection, namespace: string) => { stop(): Promise<void> };
}

export async function runWorker({ root, log, options, beside }: WorkerSetup): Promise<void> {
  Runtime.install({
    logger: new DefaultLogger('WARN', ({ level, message, meta }) => {
      const fields = { level, ...meta };
      if (level === 'ERROR') log.error(message, fields);
      else log.warn(message, fields);
    }),
    shutdownSignals: ['SIGTERM', 'SIGINT'],
  });
  const target = temporalConnection(process.env);
  if (target === null) throw new Error('TEMPORAL_ADDRESS: expected the address of a Temporal server, was missing');
  const connection = await NativeConnection.connect(target.connectionOptions);
  const declaration = readTemporalDev(process.env['DESK_STACK'] ?? join(root, 'temporal-dev.yml'));
  const worker = await Worker.create({
    connection,
    namespace: target.namespace,
    stickyQueueScheduleToStartTimeout: declaration.worker.stickyTimeoutMs,
    shutdownGraceTime: SHUTDOWN_GRACE_MS,
    ...options(declaration),
  });
  const running = worker.run();
  const companion = beside?.(connection, target.namespace);
  console.log(JSON.stringify({ ready: true, taskQueue: worker.options.taskQueue }));
  try {
    await running;
  } finally {
    await companion?.stop();
    await connection.close();
  }
}

/** The bundle that the build made. */
export function workflowBundle(buildDir: string): { codePath: string } {
  return { codePath: join(buildDir, 'workflows', 'bundle.js') };
}
