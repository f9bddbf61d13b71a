/** A console over real parts: Postgres with shipped events, the exchange simulator, and Temporal where a test asks for it. */
import { rmSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { loadConfig } from '../../config/load.ts';
import { ConsoleDesk } from '../../console/desk.ts';
import { startConsole, type ConsoleServer } from '../../console/server.ts';
import type { JournalRecord } from '../../journal/reader.ts';
import { createLedger, type Ledger } from '../../ledger/ledger.ts';
import { freePort } from '../../stack/ports.ts';
import { postgresSettings, startPostgres, type Postgres } from '../../stack/postgres.ts';
import { startSimulator, type RunningSimulator } from '../../simulator/server.ts';
import { markets, simulatorOptions } from '../simulator/harness.ts';
import { declaration, keptLog, PROJECT_ROOT, tempDir, tempHome, type KeptLog } from '../stack/helpers.ts';

export interface StoreUnderTest {
  readonly postgres: Postgres;
  readonly ledger: Ledger;
  readonly log: KeptLog;
  ship(bot: string, records: readonly JournalRecord[]): Promise<void>;
  /** Starts the same database again on its port. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

const settings = postgresSettings(declaration());

export async function openStore(): Promise<StoreUnderTest> {
  const { home, remove } = tempHome();
  const log = keptLog();
  let postgres = await startPostgres({ home, port: 0, settings, log });
  const { databaseUrl, port } = postgres;
  const ledger = createLedger({ databaseUrl, migrationsDir: join(PROJECT_ROOT, 'ledger', 'migrations'), log });
  return {
    get postgres() {
      return postgres;
    },
    ledger,
    log,
    async ship(bot, records) {
      await ledger.ship(bot, records);
      await ledger.project(100_000);
    },
    async restart() {
      postgres = await startPostgres({ home, port, samePort: true, settings, log });
    },
    async close() {
      await ledger.close();
      await postgres.stop();
      await remove();
    },
  };
}

export async function openSimulator(speed = 1): Promise<RunningSimulator> {
  const stateDir = tempDir();
  const both = markets('BTCUSDT', 'ETHUSDT');
  const simulator = await startSimulator(simulatorOptions(stateDir, { speed, markets: both }));
  return {
    ...simulator,
    async stop() {
      await simulator.stop();
      rmSync(stateDir, { recursive: true, force: true });
    },
  };
}

export interface ConsoleUnderTest extends ConsoleServer {
  readonly url: string;
  close(): Promise<void>;
}

export interface ConsoleParts {
  readonly store: StoreUnderTest;
  readonly simulatorPort: number | null;
  /** Default: a port on which nobody listens. */
  readonly temporalAddress?: string;
  readonly temporalUi?: string | null;
  readonly port?: number;
}

/** The project's own configuration: bot1, bot3 and bot4 trade, bot2 is disabled. */
export async function openConsole(parts: ConsoleParts): Promise<ConsoleUnderTest> {
  const address = parts.temporalAddress ?? `127.0.0.1:${await freePort()}`;
  const connection = Connection.lazy({ address });
  const log = keptLog();
  const server = await startConsole({
    desk: new ConsoleDesk({
      config: loadConfig(join(PROJECT_ROOT, 'config')),
      codeVersion: 'test',
      ledger: parts.store.ledger,
      temporal: { connection, namespace: 'default' },
      temporalUi: parts.temporalUi ?? null,
      simulatorPort: parts.simulatorPort,
      log,
    }),
    publicDir: join(PROJECT_ROOT, 'console', 'public'),
    port: parts.port ?? 0,
    log,
  });
  return {
    port: server.port,
    url: `http://127.0.0.1:${server.port}`,
    async close() {
      await server.close();
      await connection.close();
    },
  };
}

export interface Answer {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: string;
}

/** A plain request, for headers that `fetch` would not send. */
export function ask(port: number, path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path, method, headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks).toString('utf8'),
        }),
      );
      response.once('error', reject);
    });
    asked.once('error', reject);
    asked.end();
  });
}

export async function askJson<T>(port: number, path: string): Promise<{ status: number; json: T }> {
  const { status, body } = await ask(port, path);
  return { status, json: JSON.parse(body) as T };
}
