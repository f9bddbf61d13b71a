/** Long work of an activity: the server hears that its process lives, and a cancellation reaches it. */
import { Context } from '@temporalio/activity';

/** With the answer to a beat comes a cancellation. */
const BEAT_MS = 1_000;

/** `told` is what the next beat says. What was cancelled ends with the signal's reason, when `work` heeds it. */
export async function beating<T>(
  work: (signal: AbortSignal, told: (progress: object) => void) => Promise<T>,
): Promise<T> {
  const context = Context.current();
  let progress: object = {};
  const timer = setInterval(() => context.heartbeat(progress), BEAT_MS);
  context.heartbeat(progress);
  try {
    return await work(context.cancellationSignal, (next) => void (progress = next));
  } finally {
    clearInterval(timer);
  }
}

/** Of the workflow that asked: the same in each try of an activity. */
export function runIdOf(): string {
  const { workflowExecution } = Context.current().info;
  if (workflowExecution === undefined) throw new Error('only a workflow asks for this');
  return workflowExecution.runId;
}
