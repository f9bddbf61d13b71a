/** The activities of one bot's host, each with the patience it needs. */
import { proxyActivities } from '@temporalio/workflow';
import type { BotActivities } from '../../activities/bots.ts';
import { botHostTaskQueue } from '../desk-attributes.ts';
import type { BotWorkflowInput } from './contract.ts';

export type BotHands = BotActivities;

export function botHands({ bot, host }: Pick<BotWorkflowInput, 'bot' | 'host'>): BotHands {
  const taskQueue = botHostTaskQueue(host);
  // A host without a worker is noticed by the task that nobody takes.
  const once = {
    taskQueue,
    scheduleToStartTimeout: '10 seconds',
    startToCloseTimeout: '60 seconds',
    retry: { initialInterval: '500ms', maximumInterval: '5s', maximumAttempts: 5 },
  } as const;
  const { startBot } = proxyActivities<BotActivities>({ ...once, summary: `starts ${bot}, or finds it alive` });
  const { stopBot } = proxyActivities<BotActivities>({ ...once, summary: `ends ${bot} in order` });
  const { clearBook } = proxyActivities<BotActivities>({ ...once, summary: `clears the book of ${bot}` });
  const { alignBot } = proxyActivities<BotActivities>({
    taskQueue,
    summary: `tells ${bot} what holds`,
    scheduleToStartTimeout: '5 seconds',
    // A try outlives every answer it waits for, so that none takes effect after a newer one.
    startToCloseTimeout: '20 seconds',
    scheduleToCloseTimeout: '25 seconds',
    retry: { initialInterval: '200ms', maximumInterval: '1s' },
  });
  const { tuneBot } = proxyActivities<BotActivities>({
    ...once,
    summary: `changes parameters of ${bot}`,
    startToCloseTimeout: '10 seconds',
  });
  const { superviseBot } = proxyActivities<BotActivities>({
    taskQueue,
    summary: `watches ${bot}`,
    startToCloseTimeout: '30 days',
    heartbeatTimeout: '5 seconds',
    // Left out, the server is asked to cancel and nobody waits: the activity would ping on beside the next run's.
    cancellationType: 'WAIT_CANCELLATION_COMPLETED',
    retry: { initialInterval: '200ms', backoffCoefficient: 1.5, maximumInterval: '2s' },
  });
  return { startBot, stopBot, clearBook, alignBot, tuneBot, superviseBot };
}
