/** `desk bot parameters` and `desk bot set` where no bot runs: what they tell, and what they would send. */
import { afterAll, describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listParameters } from '../../cli/bot-parameters.ts';
import { TUNABLES, valueAt } from '../../core/bot/tunables.ts';
import { botConfig } from '../support/bots.ts';
import { runDesk } from '../support/desk-command.ts';

const home = mkdtempSync(join(tmpdir(), 'parameters-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

const desk = (...args: string[]) => runDesk({ DESK_HOME: home }, 'bot', ...args);
const why = ['--operator', 'ada', '--reason', 'wider tonight'];

describe('the list', () => {
  const config = botConfig();

  test('has each parameter of the strategy and of risk once, with its bounds', () => {
    const lines = listParameters(config, {});
    const paths = Object.keys(TUNABLES).filter((path) => valueAt(config, path) !== undefined);
    expect(lines[0]).toMatch(/^parameter +now {2}unit {5}may be$/);
    expect(lines.slice(1).map((line) => line.split(' ')[0])).toEqual(paths);
    const text = lines.join('\n');
    expect(text).toMatch(/^strategy\.halfSpreadBps +2 {2}bps +0\.1 to 100$/m);
    expect(text).toMatch(/^strategy\.orderQuote +250 {2}USDT +1 to 1000000$/m);
    expect(text).not.toContain('configured');
  });

  test('tells both values of one that was changed', () => {
    const lines = listParameters(config, { 'strategy.halfSpreadBps': 2.5, 'strategy.orderQuote': '260' });
    expect(lines.filter((line) => line.includes('configured'))).toEqual([
      expect.stringMatching(/^strategy\.halfSpreadBps +2\.5 {2}bps +0\.1 to 100 {2}\(configured 2\)$/),
      expect.stringMatching(/^strategy\.orderQuote +260 {2}USDT +1 to 1000000 {2}\(configured 250\)$/),
    ]);
  });

  test('does not show a change that the file has no room for any more: the bot does not run with it', () => {
    const lines = listParameters(config, { 'strategy.orderQuote': '301', 'strategy.size.levels': 3 });
    expect(lines.join('\n')).not.toContain('configured');
  });

  test('of a bot that does not run says so', async () => {
    const { code, text } = await desk('parameters', 'bot1');
    expect(code).toBe(0);
    expect(text).toMatch(/^strategy\.size\.orderQuote +250 {2}USDT +1 to 1000000$/m);
    expect(text).toContain('bot1 does not run: these are the configured values');
  }, 60_000);
});

describe('a change', () => {
  test('is sent as the file has it: amounts are texts, nothing is the configured value again', async () => {
    const changes = ['strategy.size.orderQuote=260', 'strategy.spread.minNetEdgeBps=0.5', 'strategy.size.skewBps='];
    const { code, text } = await desk('set', 'bot1', ...changes, ...why, '--dry-run');
    expect(code).toBe(0);
    const input = /--input '(.*)'\n$/.exec(text)?.[1] ?? '';
    expect(text).toContain('would run: temporal workflow update execute --address 127.0.0.1:');
    expect(text).toContain('--workflow-id bot/bot1 --name setParameters');
    expect(JSON.parse(input)).toEqual({
      operator: 'ada',
      reason: 'wider tonight',
      changes: {
        'strategy.size.orderQuote': '260',
        'strategy.spread.minNetEdgeBps': 0.5,
        'strategy.size.skewBps': null,
      },
    });
  }, 60_000);

  test.each([
    ['without a reason', ['strategy.size.skewBps=3'], 2, '--reason: expected why, was missing\n  → ./desk bot set bot1 strategy.size.skewBps=3 --reason "..."'],
    ['that is none', ['strategy.size.skewBps', ...why], 2, 'changes: expected <path>=<value>, was "strategy.size.skewBps"'],
    ['without a path', ['=3', ...why], 2, 'changes: expected <path>=<value>, was "=3"'],
    ['of what nobody may change', ['symbol=ETHUSDT', ...why], 2, 'symbol: not to be changed while it runs: edit config/bots/bot1.yml, then ./desk bot stop bot1'],
    ['of what there is none of', ['size.levels=1', ...why], 2, 'size.levels: no parameter of bot1; ./desk bot parameters bot1 lists them\n'],
    ['out of its bounds', ['risk.bookAgeMsMax=100', ...why], 2, 'risk.bookAgeMsMax: expected a whole number from 1500 to 10000, was 100'],
    ['to no number', ['risk.bookAgeMsMax=soon', ...why], 2, 'risk.bookAgeMsMax: expected a whole number from 1500 to 10000, was "soon"'],
    ['wrong beside the rest', ['strategy.size.orderQuote=301', ...why], 2, 'strategy.size.orderQuote: expected at most risk.orderQuoteMax (300)'],
    ['right, and no desk to hear it', ['strategy.size.skewBps=3', ...why], 3, 'is the desk up? (./desk up)'],
  ])('%s', async (_name, args, expected, said) => {
    const { code, text } = await runDesk({ DESK_HOME: home, TEMPORAL_ADDRESS: '127.0.0.1:1' }, 'bot', 'set', 'bot1', ...args);
    expect(text).toContain(said);
    expect(code).toBe(expected);
  }, 60_000); // prettier-ignore

  test('of a bot that there is none of names those there are', async () => {
    const { code, text } = await desk('set', 'bot9', 'strategy.size.skewBps=3', ...why);
    expect(code).toBe(2);
    expect(text).toContain('bot: expected one of bot1, bot2, bot3, bot4, was "bot9"');
  }, 60_000);
});
