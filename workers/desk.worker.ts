/** Runs the desk's workflows and brings the schedules to what the configuration says. Any number of these may run side by side. */
import { Client } from '@temporalio/client';
import { createLog } from '../monitoring/log.ts';
import { DESK_TASK_QUEUE } from '../workflows/desk-attributes.ts';
import { readEnvironment } from './environment.ts';
import { bringSchedules } from './schedules.ts';
import { runWorker, workflowBundle } from './worker-run.ts';

/**
 * The SDK's own 5 s ends the whole process in the middle of a long task, and thousands of signals in one task take longer on a busy
 * machine. The server takes a task back after 10 s anyway; then the worker lives on and tries again.
 */
const TASK_SECONDS_MAX = '30s';
/** The desk has far fewer than 200 workflows; each costs about a megabyte while it is held. */
const WORKFLOWS_CACHED_MAX = 200;

async function main(): Promise<void> {
  const log = createLog('desk-worker');
  const { DESK_ROOT, DESK_BUILD, DESK_CONFIG_DIR } = readEnvironment(process.env);
  await runWorker({
    root: DESK_ROOT,
    log,
    options: ({ taskQueues }) => ({
      taskQueue: DESK_TASK_QUEUE,
      workflowBundle: workflowBundle(DESK_BUILD),
      maxCachedWorkflows: WORKFLOWS_CACHED_MAX,
      isolateExecutionTimeout: TASK_SECONDS_MAX,
      maxConcurrentWorkflowTaskExecutions: taskQueues.desk.concurrentWorkflowTasks,
      // A schema or an invariant that speaks inside a workflow ends it at once; any other bug waits for its fix.
      workflowFailureErrorTypes: { '*': ['ZodError', 'InvariantError'] },
    }),
    beside: (connection, namespace) => bringSchedules(new Client({ connection, namespace }), DESK_CONFIG_DIR, log),
  });
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : String(error));
  process.exit(1);
});
