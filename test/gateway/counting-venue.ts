/** A venue of which only the counting is real: it stamps every request by path, and answers 429 when it is told to. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface CountingVenue {
  readonly port: number;
  /** When requests arrived, ms, by path without the slash. */
  readonly arrivals: ReadonlyMap<string, readonly number[]>;
  /** The next `count` requests to `path` are refused. */
  refuse(path: string, count: number): void;
  close(): Promise<void>;
}

export async function startCountingVenue(): Promise<CountingVenue> {
  const arrivals = new Map<string, number[]>();
  const refusals = new Map<string, number>();
  const server = createServer((request, response) => {
    const path = (request.url ?? '/').slice(1);
    const seen = arrivals.get(path) ?? [];
    seen.push(performance.now());
    arrivals.set(path, seen);
    const refusalsLeft = refusals.get(path) ?? 0;
    if (refusalsLeft > 0) refusals.set(path, refusalsLeft - 1);
    response.statusCode = refusalsLeft > 0 ? 429 : 200;
    response.end('{}');
  });
  // A connection that ends while a request is on its way would look like a fault of the client.
  server.keepAliveTimeout = 0;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    arrivals,
    refuse: (path, count) => refusals.set(path, count),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Most arrivals in any `windowMs`, its end not included. */
export function mostIn(arrivals: readonly number[], windowMs: number): number {
  let [most, from] = [0, 0];
  arrivals.forEach((atMs, index) => {
    while ((arrivals[from] as number) <= atMs - windowMs) from += 1;
    most = Math.max(most, index - from + 1);
  });
  return most;
}
