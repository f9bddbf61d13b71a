import { afterEach, describe, expect, test } from '@jest/globals';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { ConfigError, loadConfig } from '../../config/load.ts';
import { botConfig } from '../support/bots.ts';

const dirs: string[] = [];
afterEach(() => dirs.splice(0).forEach((dir) => rmSync(dir, { recursive: true })));

const DESK = {
  version: 1,
  desk: 'test',
  host: 'local',
  venue: { name: 'bitget', endpoint: 'simulator' },
  accounts: { one: { openingBalance: '100' }, two: { openingBalance: '100' } },
  simulator: { speed: 1 },
};

function faults(bots: readonly Record<string, unknown>[], desk: object = DESK): readonly string[] {
  const dir = mkdtempSync(join(tmpdir(), 'config-'));
  dirs.push(dir);
  mkdirSync(join(dir, 'bots'));
  writeFileSync(join(dir, 'desk.yml'), stringify(desk));
  bots.forEach((changes, index) => {
    const bot = `bot${index + 1}`;
    writeFileSync(join(dir, 'bots', `${bot}.yml`), stringify(botConfig({ bot, account: 'one', ...changes })));
  });
  try {
    loadConfig(dir);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
}

describe('bots on one account', () => {
  test.each<[string, Record<string, unknown>, Record<string, unknown>, string[]]>([
    ['two contracts', {}, { symbol: 'ETHUSDT' }, []],
    [
      'one contract',
      {},
      {},
      ['bots/bot2.yml: account and symbol: expected to be its own, was that of bot1 (one BTCUSDT)'],
    ],
    ['one contract, one of them disabled', { mode: 'disabled' }, {}, []],
    [
      'one of them on paper',
      {},
      { symbol: 'ETHUSDT', mode: 'paper_only' },
      [
        'bots/bot2.yml: account: expected one of its own, since bots in mode paper_only share none (bot1: live), was "one"',
      ],
    ],
    [
      'two on paper',
      { mode: 'paper_only' },
      { symbol: 'ETHUSDT', mode: 'paper_only' },
      [
        'bots/bot2.yml: account: expected one of its own, since bots in mode paper_only share none (bot1: paper_only), was "one"',
      ],
    ],
    ['two on paper, an account each', { mode: 'paper_only' }, { account: 'two', mode: 'paper_only' }, []],
    [
      'two position modes',
      {},
      { symbol: 'ETHUSDT', positionMode: 'hedge' },
      ['bots/bot2.yml: positionMode: expected that of bot1 on the same account (one_way), was "hedge"'],
    ],
    ['two position modes, an account each', {}, { account: 'two', positionMode: 'hedge' }, []],
  ])('%s', (_name, first, second, expected) => expect(faults([first, second])).toEqual(expected));
});

test('an opening balance is a decimal amount under its own name', () => {
  const accounts = { one: { simulatorBalance: '100' }, two: { openingBalance: '1e5' } };
  expect(faults([{}], { ...DESK, accounts })).toEqual([
    expect.stringMatching(/^desk.yml: accounts.one.openingBalance: .*, was missing$/),
    'desk.yml: accounts.one.simulatorBalance: unknown key, was "100"',
    'desk.yml: accounts.two.openingBalance: expected a plain decimal amount of USDT in quotes, was "1e5"',
  ]);
});

describe('how a paper account judges and delays', () => {
  const accounts = (paper: object) => ({
    ...DESK,
    accounts: { ...DESK.accounts, two: { openingBalance: '1', paper } },
  });

  test.each<[string, object, string[]]>([
    ['nothing is said', {}, []],
    ['everything is said', { submitMs: 0, cancelMs: 0, feedMs: 0, jitterMs: 30, jitterSeed: 7, grade: 'strict' }, []],
    ['a way as long as it may be', { submitMs: 1_375 }, []],
    [
      'an order that arrives too late to be taken',
      { submitMs: 1_376 },
      [
        'desk.yml: accounts.two.paper: expected submitMs and cancelMs each at most 1500 together with feedMs and jitterMs: an intent lives 2 s, was {"submitMs":1376}',
      ],
    ],
    [
      'a grade by another name',
      { grade: 'penetration', cancelMs: -1 },
      [
        'desk.yml: accounts.two.paper.cancelMs: expected at least 0, was -1',
        'desk.yml: accounts.two.paper.grade: expected one of touch, queue, queue_proportional, strict, was "penetration"',
      ],
    ],
  ])('%s', (_name, paper, expected) => expect(faults([{}], accounts(paper))).toEqual(expected));
});
