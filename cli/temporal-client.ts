/** The running desk's Temporal, for commands. */
import { Client, Connection } from '@temporalio/client';
import { readPorts } from '../stack/ports.ts';
import { temporalConnection } from '../stack/temporal-connection.ts';
import { botWorkflowId, statusQuery, type BotWorkflowStatus } from '../workflows/bot/contract.ts';
import type { Context } from './context.ts';
import { CommandFailure, EXIT } from './exit-codes.ts';

const CONNECT_MS = 3_000;
/** A server that cannot write keeps a question open for much longer. */
const ANSWER_MS = 5_000;

/** How the bot's workflow says it is. Rejects when it does not run, or does not answer in time. */
export function askBot(client: Client, bot: string): Promise<BotWorkflowStatus> {
  return client.withDeadline(Date.now() + ANSWER_MS, () =>
    client.workflow.getHandle(botWorkflowId(bot)).query(statusQuery),
  );
}

/** Runs `work` with a client; the connection is closed when its calls have settled. */
export async function withTemporal<T>({ home, env }: Context, work: (client: Client) => Promise<T>): Promise<T> {
  const ports = readPorts(home);
  const target = temporalConnection(env) ?? {
    namespace: 'default',
    connectionOptions: { address: `127.0.0.1:${ports?.temporal ?? 7233}` },
  };
  let connection: Connection;
  try {
    connection = await Connection.connect({ ...target.connectionOptions, connectTimeout: CONNECT_MS });
  } catch {
    throw new CommandFailure(
      EXIT.unhealthy,
      `no Temporal server answers at ${target.connectionOptions.address}: is the desk up? (./desk up)`,
    );
  }
  try {
    return await work(new Client({ connection, namespace: target.namespace }));
  } finally {
    await connection.close();
  }
}
