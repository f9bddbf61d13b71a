/** `desk replay` and `desk data` as a user runs them, over the built program. */
import { afterAll, describe, expect, test } from '@jest/globals';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ReplayResult } from '../../backtest/tally.ts';
import { runDesk, type Said } from '../support/desk-command.ts';

const home = mkdtempSync(join(tmpdir(), 'replay-command-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));
/** A build and a replay, on a machine that does other things. */
const LONG_MS = 120_000;

const desk = (...args: string[]): Promise<Said> => runDesk({ DESK_HOME: home }, ...args);

function lastJson<T>(text: string): T {
  return (
    JSON.parse(
      text
        .trim()
        .split('\n')
        .findLast((line) => line.startsWith('{')) ?? '',
    ) as { data: T }
  ).data;
}

test(
  'the three grades stand side by side, and the columns are kept for the next time',
  async () => {
    const { code, text } = await desk('replay', 'bot1', '--to', '60');
    expect(text).toContain(
      'in btcusdt-20240808: Binance USD-M perpetual, recorded, 2024-08-08 23:54:16 to 2024-08-08 23:55:16',
    );
    expect(text).toMatch(/touch.*queue.*strict/);
    expect(text).toContain('result, USDT');
    expect(code).toBe(0);
    expect(readdirSync(join(home, 'cache', 'columns'))).toHaveLength(1);
  },
  LONG_MS,
);

test(
  'one grade as JSON, with a journal that why answers from',
  async () => {
    const journal = join(home, 'journals', 'bot1');
    const asked = ['replay', 'bot1', '--grade', 'strict', '--to', '60', '-o', 'json', '--journal', journal];
    const { code, text } = await desk(...asked);
    expect(code).toBe(0);
    const { data, results } = lastJson<{ data: string; results: ReplayResult[] }>(text);
    expect(data).toBe('btcusdt-20240808');
    expect(results).toHaveLength(1);
    expect(results[0]).toMatchObject({ bot: 'bot1', grade: 'strict', symbol: 'BTCUSDT' });
    expect(existsSync(journal)).toBe(true);
    const why = await desk('why', 'bot1');
    expect(why.text).toContain(`${results[0]!.bot} BTCUSDT ${results[0]!.strategy}`);
    expect(why.code).toBe(0);
    const again = await desk(...asked);
    expect(again.code).toBe(1);
    expect(again.text).toContain('expected an empty folder');
  },
  LONG_MS,
);

describe('a wrong question is answered with what would be right', () => {
  test.each<[string[], string]>([
    [['replay', 'bot9'], 'bot: expected one of bot1, bot2, bot3, bot4, was "bot9"'],
    [['replay', 'bot1', '--grade', 'best'], '--grade: expected one of touch, queue, strict, was "best"'],
    [['replay', 'bot1', '--data', 'nothing'], 'data: expected one of btcusdt-20240808, '],
    [['replay', 'bot1', '--from', '400'], '--from: expected less than 344.604 (s), was 400'],
    [['replay', 'bot1', '--latency', '-1'], "option '--latency <ms>' argument '-1' is invalid"],
    [['replay', 'bot1', '--bars', 'none'], '--bars: expected one of derived, recorded, was "none"'],
    [['replay', 'bot1', '--journal', 'x'], '--journal: expected --grade beside it, was missing'],
    [['data', 'pack', 'nothing'], 'data: expected one of btcusdt-20240808, '],
  ])(
    '%j',
    async (args, said) => {
      const { code, text } = await desk(...args);
      expect(text).toContain(said);
      expect(code).toBe(2);
    },
    LONG_MS,
  );
});

test(
  'the data are listed with their source and licence, and can be made ready',
  async () => {
    const { text } = await desk('data', 'list', '-o', 'json');
    const rows = lastJson<{ name: string; licence: string; source: string; columns: string }[]>(text);
    expect(rows.map(({ licence }) => licence)).toEqual(rows.map(() => 'MIT'));
    const bars = rows.find(({ name }) => name === 'ethusdt-1m-202505')!;
    expect(existsSync(bars.columns)).toBe(false);
    expect((await desk('data', 'pack', 'ethusdt-1m-202505')).text).toContain(bars.columns);
    expect(existsSync(bars.columns)).toBe(true);
  },
  LONG_MS,
);
