import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { Client, Connection } from '@temporalio/client';
import { choosePorts } from '../../stack/ports.ts';
import type { Ports } from '../../stack/ports.ts';
import { isAlive } from '../../stack/process.ts';
import { findTemporalCli } from '../../stack/temporal-cli.ts';
import type { TemporalCli } from '../../stack/temporal-cli.ts';
import { declaredPorts } from '../../stack/temporal-dev.ts';
import type { TemporalDev } from '../../stack/temporal-dev.ts';
import { leftTemporalPorts, renderServerFlags, startTemporalServer } from '../../stack/temporal-server.ts';
import type { TemporalServer, TemporalServerOptions } from '../../stack/temporal-server.ts';
import { declaration, keptLog, plainEnv, PROJECT_ROOT, runProgram, tempHome } from './helpers.ts';

const temp = tempHome();
const declared = declaration();
let cli: TemporalCli;
let ports: Ports;

beforeAll(async () => {
  cli = await findTemporalCli({ env: plainEnv(), projectRoot: PROJECT_ROOT, log: keptLog() });
  ({ ports } = await choosePorts(declaredPorts(declared)));
});
afterAll(() => temp.remove());

let running: TemporalServer[] = [];
afterEach(async () => {
  await Promise.all(running.map((server) => server.stop()));
  running = [];
});

async function start(more: Partial<TemporalServerOptions> = {}): Promise<TemporalServer> {
  const options = { home: temp.home, cli, declaration: declared, ports, log: keptLog(), ...more };
  const server = await startTemporalServer(options);
  running.push(server);
  return server;
}

function withAttributes(more: TemporalDev['temporal']['searchAttributes']): TemporalDev {
  const { temporal } = declared;
  return { ...declared, temporal: { ...temporal, searchAttributes: { ...temporal.searchAttributes, ...more } } };
}

async function connected<T>(server: TemporalServer, use: (client: Client) => Promise<T>): Promise<T> {
  const connection = await Connection.connect({ address: server.address });
  try {
    return await use(new Client({ connection, namespace: server.namespace }));
  } finally {
    await connection.close();
  }
}

const attributes = (server: TemporalServer) =>
  connected(server, async ({ connection, options: { namespace } }) => {
    const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
    return customAttributes;
  });

/** Starts the declared server in a Node of its own and kills that. */
async function leaveServerBehind(): Promise<{ pid: number }> {
  const source = `
    import { startTemporalServer } from './stack/temporal-server.ts';
    import { deskHome } from './config/home.ts';
    import { SILENT } from './core/log.ts';
    const { root, ...rest } = JSON.parse(process.argv[2]);
    const server = await startTemporalServer({ home: deskHome(root), log: SILENT, ...rest });
    console.log(JSON.stringify(server.identity));
    setInterval(() => {}, 1000);`;
  const options = { root: temp.home.root, cli, declaration: declared, ports };
  const desk = await runProgram(source, [JSON.stringify(options)]);
  const identity = JSON.parse(await desk.next()) as { pid: number };
  desk.child.kill('SIGKILL');
  await desk.exited;
  return identity;
}

describe('flags', () => {
  const flags = (tooOld: boolean) =>
    renderServerFlags({ declaration: declared, ports, dbFile: '/home/t.db', cli: { tooOld } }).join(' ');

  test('say what the file declares', () => {
    const rendered = flags(false);
    expect(rendered).toContain(`--ip 127.0.0.1 --port ${ports.temporal} --ui-port ${ports.temporalUi}`);
    expect(rendered).toContain('--db-filename /home/t.db');
    expect(rendered).toContain('--sqlite-pragma journal_mode=wal --sqlite-pragma synchronous=2');
    expect(rendered).toContain('--search-attribute DeskBot=Keyword');
    expect(rendered).toContain('--dynamic-config-value history.timerProcessorMaxTimeShift="20ms"');
    expect(rendered).toContain('--dynamic-config-value frontend.WorkflowTimeSkippingEnabled=true');
    expect(rendered).toContain('--dynamic-config-value history.transferProcessorMaxPollRPS=1000');
  });

  test('an older CLI is spared a flag that it does not know', () => {
    expect(flags(false)).toContain('--ui-disable-news-fetch');
    expect(flags(true)).not.toContain('--ui-disable-news-fetch');
  });
});

test('it serves, with its UI and metrics, and what it was told survives a restart that declares more', async () => {
  const first = await start();
  expect(Object.keys(await attributes(first)).sort()).toEqual(
    ['DeskBot', 'DeskId', 'DeskKind', 'DeskPhase', 'DeskSeverity', 'DeskVerdict'].sort(),
  );
  expect((await fetch(first.uiUrl)).status).toBe(200);
  expect((await fetch(`http://127.0.0.1:${ports.temporalMetrics}/metrics`)).status).toBe(200);
  await connected(first, (client) =>
    client.workflow.start('nobodyRunsThis', { taskQueue: 'none', workflowId: 'kept', args: [] }),
  );
  await first.stop();
  expect(isAlive(first.identity)).toBe(false);
  expect(leftTemporalPorts(temp.home)).toEqual({});

  const log = keptLog();
  const second = await start({ declaration: withAttributes({ DeskLater: 'Int' }), log });
  expect(await attributes(second)).toMatchObject({ DeskLater: 3, DeskBot: 2 });
  expect(log.lines.find(({ msg }) => msg.includes('added search attributes'))?.fields).toEqual({
    added: ['DeskLater'],
  });
  const { status } = await connected(second, (client) => client.workflow.getHandle('kept').describe());
  expect(status.name).toBe('RUNNING');
  await second.stop();

  const other = start({ declaration: withAttributes({ DeskLater: 'Text' }) });
  await expect(other).rejects.toThrow(/another type.*DeskLater is not Text/);
  expect(leftTemporalPorts(temp.home)).toEqual({});
});

test('a port that somebody has taken meanwhile: an early end with its last lines', async () => {
  const taker = createServer();
  await new Promise<void>((resolve) => taker.listen(0, '127.0.0.1', resolve));
  const { port } = taker.address() as AddressInfo;
  await expect(start({ ports: { ...ports, temporal: port } })).rejects.toThrow(
    /temporal ended at start \(exit code 1\).*address already in use/s,
  );
  await new Promise((resolve) => taker.close(resolve));
});

test('kill -9 of the desk: its server is adopted when it is as declared, and ended when it is not', async () => {
  const left = await leaveServerBehind();
  expect(leftTemporalPorts(temp.home)).toMatchObject({ temporal: ports.temporal, temporalUi: ports.temporalUi });
  const adopted = await start();
  expect(adopted).toMatchObject({ adopted: true, identity: { pid: left.pid } });

  const log = keptLog();
  const next = await start({ declaration: withAttributes({ DeskLater: 'Int' }), log });
  expect(next.adopted).toBe(false);
  expect(await adopted.exited).toEqual({ code: null, signal: null });
  expect(log.lines.find(({ msg }) => msg.startsWith('ending'))?.fields).toMatchObject({
    why: 'it was started differently',
  });
});
