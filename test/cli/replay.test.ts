/** `desk replay` and `desk data` as a user runs them, over the built program. */
import { afterAll, describe, expect, test } from '@jest/globals';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
    [
      ['replay', 'bot1', '--grade', 'best'],
      '--grade: expected one of touch, queue, queue_proportional, strict, was "best"',
    ],
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

describe('a bot that could not trade there', () => {
  const config = join(home, 'config');
  const other = join(home, 'other-home');
  const replay = (...args: string[]): Promise<Said> =>
    runDesk({ DESK_HOME: other, DESK_CONFIG: config }, 'replay', 'bot1', '--to', '60', ...args);

  function bot1With(from: string, to: string): void {
    cpSync(join(process.cwd(), 'config'), config, { recursive: true });
    const file = join(config, 'bots', 'bot1.yml');
    const text = readFileSync(file, 'utf8');
    expect(text).toContain(from);
    writeFileSync(file, text.replace(from, to));
  }

  test(
    'is replayed all the same, and what its start would refuse is told beside the result',
    async () => {
      bot1With("orderQuote: '250'", "orderQuote: '20'");
      const fault =
        /strategy\.size\.orderQuote: expected at least [\d.]+ USDT: the contract takes no less than 0\.001 and .*, was 20/;
      const { code, text } = await replay('--grade', 'queue_proportional');
      expect({ code, text }).toEqual({ code: 0, text: expect.stringMatching(fault) });
      expect(text).toContain('./desk up would not start bot1 in this market:');
      expect(text).toMatch(/queue_proportional/);
      const json = lastJson<{ preflight: { path: string }[] }>((await replay('--grade', 'queue', '-o', 'json')).text);
      expect(json.preflight.map(({ path }) => path)).toEqual(['strategy.size.orderQuote']);
    },
    LONG_MS,
  );

  test(
    'why a side stands aside: floor against market, and no number of an earlier decision; times by their date',
    async () => {
      bot1With('market: range', 'market: touch');
      const journal = join(other, 'journals', 'bot1');
      const { code, text } = await replay('--grade', 'queue', '--journal', journal);
      expect({ code, isStartable: !text.includes('would not start') }).toEqual({ code: 0, isStartable: true });
      const why = await runDesk({ DESK_HOME: other, DESK_CONFIG: config }, 'why', 'bot1');
      expect(why.text).toContain('spread_floor_above_market');
      const aside = /no quote: a round trip costs [\d.]+ bps \(the floor\), and the market pays [\d.]+ bps/;
      expect(why.text).toMatch(new RegExp(`  bid +${aside.source}`));
      expect(why.text).toMatch(new RegExp(`  ask +${aside.source}`));
      expect(why.text).not.toMatch(/ edge (bid|ask)|withheld bid/);
      expect(why.text).toMatch(/its last tick was at 2024-08-08 23:55:\d\d\.\d{3} UTC/);
      expect(why.text).not.toMatch(/\d d \d+ h/);
    },
    LONG_MS,
  );
});
