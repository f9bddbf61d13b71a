/** The running desk's Temporal, for commands. */
import { Client, Connection } from '@temporalio/client';
import { readPorts } from '../stack/ports.ts';
import { temporalConnection } from '../stack/temporal-connection.ts';
import type { Context } from './context.ts';
import { CommandFailure, EXIT } from './exit-codes.ts';

const CONNECT_MS = 3_000;

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
