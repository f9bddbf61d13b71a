/** Which Temporal the desk talks to: the one that the standard environment variables name, or else its own. */
import { loadClientConnectConfig } from '@temporalio/envconfig';
import type { ClientConnectConfig } from '@temporalio/envconfig';

/** What `Connection.connect`, `NativeConnection.connect` and `Client` need. */
export interface TemporalTarget {
  readonly address: string;
  readonly namespace: string;
  /** Address, TLS, API key and headers, for either kind of connection. */
  readonly connectionOptions: ClientConnectConfig['connectionOptions'];
}

const NAMES_A_CLUSTER = ['TEMPORAL_ADDRESS', 'TEMPORAL_PROFILE', 'TEMPORAL_CONFIG_FILE'] as const;
const ADDRESS_DEFAULT = 'localhost:7233';
const NAMESPACE_DEFAULT = 'default';

/**
 * The cluster that `env` names; null when it names none, and then the desk runs its own server. The profile file in the
 * user's home counts only when a variable asks for it: a desk must not start trading on a cluster that was set up there for
 * another purpose. The desk gives its child processes TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE, so they ask here, too.
 * Throws when a named profile or file is missing or malformed.
 */
export function temporalConnection(env: NodeJS.ProcessEnv): TemporalTarget | null {
  if (NAMES_A_CLUSTER.every((name) => (env[name] ?? '') === '')) return null;
  const set = Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => !!entry[1]));
  const asksForFile = set['TEMPORAL_PROFILE'] !== undefined || set['TEMPORAL_CONFIG_FILE'] !== undefined;
  let config: ClientConnectConfig;
  try {
    config = loadClientConnectConfig({ overrideEnvVars: set, disableFile: !asksForFile, configFileStrict: true });
  } catch (error) {
    const named = NAMES_A_CLUSTER.filter((name) => set[name] !== undefined).map((name) => `${name}=${set[name]}`);
    throw new Error(`Temporal profile (${named.join(', ')}): ${(error as Error).message}`, { cause: error });
  }
  const address = config.connectionOptions.address ?? ADDRESS_DEFAULT;
  return {
    address,
    namespace: config.namespace ?? NAMESPACE_DEFAULT,
    connectionOptions: { ...config.connectionOptions, address },
  };
}

/** The variables that point a child process at `target`'s server; TLS and profile variables pass through by themselves. */
export function temporalEnv({ address, namespace }: Pick<TemporalTarget, 'address' | 'namespace'>): NodeJS.ProcessEnv {
  return { TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: namespace };
}
