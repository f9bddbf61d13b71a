/** The typed search attributes of every desk workflow; declared for the server in `temporal-dev.yml`. */
import { defineSearchAttributeKey } from '@temporalio/common';

export const DeskId = defineSearchAttributeKey('DeskId', 'KEYWORD');
export const DeskBot = defineSearchAttributeKey('DeskBot', 'KEYWORD');
export const DeskKind = defineSearchAttributeKey('DeskKind', 'KEYWORD');
export const DeskPhase = defineSearchAttributeKey('DeskPhase', 'KEYWORD');
export const DeskVerdict = defineSearchAttributeKey('DeskVerdict', 'KEYWORD');
export const DeskSeverity = defineSearchAttributeKey('DeskSeverity', 'KEYWORD');

/** Where workflows run; hosts, venues and the kill switch have queues of their own. */
export const DESK_TASK_QUEUE = 'desk';

export function botHostTaskQueue(host: string): string {
  return `bot-host-${host}`;
}

/** Every workflow type by its name, as `workflows/index.ts` exports them: for whoever must not load workflow code. */
export const WORKFLOW_TYPES = [
  'bot',
  'day2Gate',
  'eventStoreIntegrity',
  'marketDataFreshness',
  'artifactRetention',
  'databaseBackup',
  'analyticsExport',
] as const;
