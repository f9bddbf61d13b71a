/** What the doctor says of an account, and the probe as a user runs it: over the built program, with keys that must not show. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { accountFinding } from '../../cli/doctor/accounts.ts';
import { accountKeyFile, deskHome } from '../../config/home.ts';
import type { AccountReport } from '../../core/control/protocol.ts';
import { SimulatedAccount } from '../../core/simulation/options.ts';
import { startSimulator, type RunningSimulator } from '../../simulator/server.ts';
import { PORT_NAMES, writePorts, type Ports } from '../../stack/ports.ts';
import { simulatorOptions } from '../simulator/harness.ts';
import { runDesk, type Said } from '../support/desk-command.ts';

const REPORT: AccountReport = {
  status: 'ok',
  keyPrefix: 'bg_1',
  accountKind: 'classic',
  positionMode: 'hedge',
  problems: [],
};
const WITHDRAWS = { code: 'right_refused', message: 'the key may withdraw (wwow)' };

describe('the doctor', () => {
  test.each<[Partial<AccountReport>, 'simulator' | 'demo' | 'live', string, string]>([
    [{}, 'live', 'ok', 'one: ok (key bg_1…, classic, hedge)'],
    [{ status: 'paper_only', problems: [WITHDRAWS] }, 'demo', 'note', 'the key may withdraw (wwow) (right_refused)'],
    [{ status: 'paper_only', problems: [WITHDRAWS] }, 'live', 'bad', 'one: paper only (key bg_1…, classic, hedge): '],
    [
      { status: 'disabled', accountKind: null, positionMode: null, problems: [{ code: '40012', message: 'apikey' }] },
      'demo',
      'bad',
      'one: disabled (key bg_1…): apikey (40012)',
    ],
    [{ status: 'error', problems: [{ code: 'no_answer', message: 'silence' }] }, 'demo', 'bad', 'silence (no_answer)'],
  ])('%j at %s is %s', (changes, endpoint, mark, text) => {
    const finding = accountFinding('one', { ...REPORT, ...changes }, endpoint);
    expect(finding.mark).toBe(mark);
    expect(finding.text).toContain(text);
    expect(finding.remedy === undefined).toBe(mark === 'ok');
  });
});

describe('desk account probe', () => {
  const root = mkdtempSync(join(tmpdir(), 'probe-'));
  const home = deskHome(join(root, 'home'));
  const configDir = join(root, 'config');
  const KEYS = {
    apiKey: 'canary-api-key-0001',
    secret: 'canary-secret-0123456789',
    passphrase: 'canary-passphrase',
  };
  const env = { DESK_HOME: home.root, DESK_CONFIG: configDir };
  let simulator: RunningSimulator;
  let said = '';

  beforeAll(async () => {
    cpSync(join(process.cwd(), 'config'), configDir, { recursive: true });
    mkdirSync(home.secretsDir, { recursive: true });
    const authorities = ['coor', 'coow', 'cpor', 'cpow', 'wtow'];
    const account = SimulatedAccount.parse({ account: 'mm-btc', ...KEYS, balance: '100', authorities });
    simulator = await startSimulator(simulatorOptions(home.simulatorDir, { accounts: [account] }));
    writePorts(home, Object.fromEntries(PORT_NAMES.map((name) => [name, simulator.port])) as Ports);
  }, 60_000);
  afterAll(async () => {
    await simulator.stop();
    rmSync(root, { recursive: true, force: true });
  }, 30_000);

  async function probe(account: string, keys: object | null, ...args: string[]): Promise<Said> {
    if (keys !== null) writeFileSync(accountKeyFile(home, account), JSON.stringify(keys), { mode: 0o600 });
    const answer = await runDesk(env, 'account', 'probe', account, ...args);
    said += answer.text;
    return answer;
  }

  test('tells kind, mode, rights and what real money would refuse', async () => {
    const { code, text } = await probe('mm-btc', KEYS);
    expect(code).toBe(0);
    expect(text).toContain('mm-btc: paper only (key cana…, classic, one_way): the key may transfer (wtow)');
    expect(text).toMatch(
      /its key may read futures orders \(coor\), place futures orders \(coow\),.* transfer \(wtow\)\n/s,
    );
    expect(text).toContain('works from listed addresses only');
  }, 60_000);

  test('tells the same as JSON', async () => {
    const { code, text } = await probe('mm-btc', KEYS, '-o', 'json');
    expect(code).toBe(0);
    const { data } = JSON.parse(text.trim().split('\n').at(-1) ?? '') as { data: object };
    expect(data).toMatchObject({ account: 'mm-btc', endpoint: 'simulator', status: 'paper_only', ipRestricted: true });
  }, 60_000);

  test.each<[string, string, object | null, number, string]>([
    [
      'a key that is turned away',
      'mm-btc',
      { ...KEYS, secret: `${KEYS.secret}-old` },
      3,
      'mm-btc: disabled (key cana…',
    ],
    ['a key file that lacks a field', 'mm-btc', { apiKey: KEYS.apiKey }, 2, 'wrong: secret'],
    ['a paper account', 'paper-btc', null, 2, 'paper-btc: a paper account, which has no key to ask about'],
    ['an unknown account', 'x', null, 2, 'account: expected one of mm-btc, mm-eth, paper-btc, was "x"'],
  ])(
    '%s',
    async (_name, account, keys, code, text) => {
      const answer = await probe(account, keys);
      expect(answer.text).toContain(text);
      expect(answer.code).toBe(code);
    },
    60_000,
  );

  test('no secret was told or written', () => {
    const logs = readdirSync(home.logsDir).map((name) => readFileSync(join(home.logsDir, name), 'utf8'));
    const runFiles = readdirSync(home.runDir);
    expect(said).toContain('cana…');
    expect(runFiles.filter((name) => name.startsWith('probe'))).toEqual([]);
    for (const secret of Object.values(KEYS)) expect([said, ...logs].join('\n')).not.toContain(secret);
  });
});
