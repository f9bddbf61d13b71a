/** The workers on their task queues, and the workflow of each bot. */
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { LoadedConfig } from '../../config/load.ts';
import type { BotConfig } from '../../core/bot/bot-config.ts';
import type { BotWorkflowStatus } from '../../workflows/bot/contract.ts';
import { botHostTaskQueue, DESK_TASK_QUEUE } from '../../workflows/desk-attributes.ts';
import { restartRemedy } from '../remedies.ts';
import { askBot } from '../temporal-client.ts';
import { bad, note, ok, type Finding } from './finding.ts';

const TASK_QUEUE_WORKFLOW = 1;
const TASK_QUEUE_ACTIVITY = 2;

export async function temporal(client: Client, { desk, bots }: LoadedConfig): Promise<Finding[]> {
  const findings: Finding[] = [];
  const { workflowService } = client.connection;
  for (const [queue, type] of [
    [DESK_TASK_QUEUE, TASK_QUEUE_WORKFLOW],
    [botHostTaskQueue(desk.host), TASK_QUEUE_ACTIVITY],
  ] as const) {
    const { pollers } = await workflowService.describeTaskQueue({
      namespace: client.options.namespace,
      taskQueue: { name: queue },
      taskQueueType: type,
    });
    findings.push(
      (pollers?.length ?? 0) > 0
        ? ok(`task queue ${queue} has a worker`)
        : bad(`task queue ${queue} has no worker`, 'see its log under DESK_HOME/logs; ./desk up restarts it'),
    );
  }
  return [...findings, ...(await Promise.all([...bots.values()].map((bot) => botFinding(client, bot))))];
}

async function botFinding(client: Client, { bot, mode }: BotConfig): Promise<Finding> {
  if (mode === 'disabled') return ok(`${bot}: disabled`);
  let status: BotWorkflowStatus;
  try {
    status = await askBot(client, bot);
  } catch (error) {
    return error instanceof WorkflowNotFoundError
      ? bad(`${bot}: its workflow does not run`, `./desk bot start ${bot}`)
      : bad(
          `${bot}: its workflow does not answer (${(error as Error).message})`,
          'first put right what is wrong above; then see DESK_HOME/logs/temporal.log and desk-worker.log',
        );
  }
  const { phase, restarts, gaveUp, lastExit } = status;
  if (gaveUp !== null) return bad(`${bot}: given up: ${gaveUp.reason}`, restartRemedy(bot, gaveUp.reason));
  if (phase === 'running') return ok(`${bot}: running${restarts > 0 ? `, ${restarts} restarts` : ''}`);
  if (phase === 'restarting')
    return bad(`${bot}: restarting after: ${lastExit?.detail}`, `see DESK_HOME/logs/bot-${bot}.log`);
  return note(`${bot}: ${phase.replaceAll('_', ' ')}`);
}
