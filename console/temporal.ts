/** What the console asks Temporal: whether it is there, and what each bot's workflow says of its bot. Read-only. */
import { Client, type Connection, type ConnectionOptions, WorkflowNotFoundError } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { z } from 'zod';
import { botWorkflowId, statusQuery } from '../workflows/bot/contract.ts';

const Recorded = z.object({ operator: z.string(), reason: z.string(), atMs: z.number() }).nullable();

const WorkflowStatus = z.object({
  phase: z.string(),
  phaseSinceMs: z.number(),
  pid: z.number().nullable(),
  restarts: z.number(),
  pausedBy: Recorded,
  frozenBy: Recorded,
  hardStoppedBy: Recorded,
  gaveUp: z.object({ reason: z.string(), atMs: z.number() }).nullable(),
});

export type WorkflowView =
  | ({ readonly state: 'answered' } & z.infer<typeof WorkflowStatus>)
  /** Nothing with this id was ever started, or its history is gone. */
  | { readonly state: 'missing' }
  /** Temporal has it, but no worker answers for it. */
  | { readonly state: 'silent' };

export interface TemporalTarget {
  readonly address: string;
  readonly namespace: string;
  readonly connectionOptions: ConnectionOptions;
}

const ALIVE_MS = 1_000;
const QUERY_MS = 1_500;

/** The server that TEMPORAL_ADDRESS or a profile names, as the SDK's environment configuration reads them. */
export function temporalTarget(env: NodeJS.ProcessEnv): TemporalTarget {
  const set = Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => !!entry[1]));
  // The profile file in the user's home counts only when a variable asks for it, as for every process of the desk.
  const asksForFile = set['TEMPORAL_PROFILE'] !== undefined || set['TEMPORAL_CONFIG_FILE'] !== undefined;
  const config = loadClientConnectConfig({ overrideEnvVars: set, disableFile: !asksForFile, configFileStrict: true });
  const address = config.connectionOptions.address ?? '127.0.0.1:7233';
  return {
    address,
    namespace: config.namespace ?? 'default',
    connectionOptions: {
      ...config.connectionOptions,
      address,
      // A server that comes back is seen within seconds; gRPC's own pause grows to two minutes.
      channelArgs: { 'grpc.initial_reconnect_backoff_ms': 200, 'grpc.max_reconnect_backoff_ms': 2_000 },
    },
  };
}

/** Rejects when the server does not answer. */
export async function readWorkflows(
  connection: Connection,
  namespace: string,
  bots: readonly string[],
): Promise<ReadonlyMap<string, WorkflowView>> {
  await connection.withDeadline(Date.now() + ALIVE_MS, () => connection.workflowService.getSystemInfo({}));
  const client = new Client({ connection, namespace });
  const views = await Promise.all(
    bots.map(async (bot): Promise<[string, WorkflowView]> => [bot, await askWorkflow(client, connection, bot)]),
  );
  return new Map(views);
}

async function askWorkflow(client: Client, connection: Connection, bot: string): Promise<WorkflowView> {
  try {
    const answer: unknown = await connection.withDeadline(Date.now() + QUERY_MS, () =>
      client.workflow.getHandle(botWorkflowId(bot)).query(statusQuery),
    );
    return { state: 'answered', ...WorkflowStatus.parse(answer) };
  } catch (error) {
    return { state: error instanceof WorkflowNotFoundError ? 'missing' : 'silent' };
  }
}
