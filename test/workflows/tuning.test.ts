/** Live-tunable parameters, from a person's command to the orders at the venue, with every part of the way a real one. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { WorkflowUpdateFailedError, type WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { botJournalDir } from '../../config/home.ts';
import type { ControlEvent } from '../../core/bot/events.ts';
import { RecordKind } from '../../core/events/record.ts';
import { readJournal } from '../../journal/reader.ts';
import { setParametersUpdate, stopUpdate, type BotWorkflow } from '../../workflows/bot/contract.ts';
import { until } from '../support/desk.ts';
import { startSupervisedWorld, type SupervisedWorld } from './supervised-world.ts';

const by = { operator: 'ada', reason: 'wider tonight' };
const HALF = 'strategy.halfSpreadBps';
let supervised: SupervisedWorld;
let handle: WorkflowHandle<BotWorkflow>;

beforeAll(async () => {
  supervised = await startSupervisedWorld();
  handle = await supervised.start();
  await supervised.settled('the bot to run', ({ phase }) => phase === 'running');
}, 120_000);
afterAll(async () => supervised.stop(), 60_000);

/** Distance of ask and bid at the venue in bps: twice the configured half, and its rounding to ticks. */
const widthNear = (wanted: number): Promise<true> =>
  until(
    `quotes ${wanted} bps apart`,
    async () => {
      const orders = await supervised.quotes();
      const bid = orders.find(({ side }) => side === 'buy')?.price;
      const ask = orders.find(({ side }) => side === 'sell')?.price;
      if (orders.length !== 2 || bid === undefined || ask === undefined) return null;
      return Math.abs(((ask - bid) / bid) * 10_000 - wanted) < 1 ? true : null;
    },
    60_000,
  );

const set = (changes: object) => handle.executeUpdate(setParametersUpdate, { args: [{ ...by, changes }] });

async function refusal(asked: Promise<unknown>): Promise<ApplicationFailure> {
  const error: unknown = await asked.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof WorkflowUpdateFailedError && error.cause instanceof ApplicationFailure)) throw error;
  return error.cause;
}

/** The line of `./desk bot parameters` about a path. */
async function shown(path: string): Promise<string | undefined> {
  const { code, text } = await supervised.desk('bot', 'parameters', 'bot1');
  expect(code).toBe(0);
  return text.split('\n').find((line) => line.startsWith(`${path} `));
}

async function audited(): Promise<ControlEvent[]> {
  const found: ControlEvent[] = [];
  for await (const { kind, payload } of readJournal(botJournalDir(supervised.world.home, 'bot1'))) {
    if (kind !== RecordKind.controlEvent) continue;
    const event = JSON.parse(payload.toString('utf8')) as ControlEvent;
    if (event.type === 'parameters_changed') found.push(event);
  }
  return found;
}

test('a change moves the quotes at the venue, and is told with its bounds', async () => {
  await widthNear(4);
  expect(await set({ [HALF]: 8 })).toEqual({ applied: true, phase: 'running', detail: `${HALF}=8` });
  await widthNear(16);
  expect(await shown(HALF)).toMatch(/ 8 {2}bps +0\.1 to 100 {2}\(configured 2\)$/);
}, 180_000);

describe('a wrong change is refused with every fault and changes nothing', () => {
  test.each([
    [
      'of the bot: path, rule and value',
      { changes: { [HALF]: 1_000, account: 'other', 'risk.cancelsPerMinuteMax': 1.5, 'strategy.skewBps': 3 } },
      'ParametersRefused',
      [
        /^strategy\.halfSpreadBps: expected a number from 0\.1 to 100, was 1000$/m,
        /^account: expected one of strategy\.requoteBps, .*risk\.fillDeviationBpsMax, was account$/m,
        /^risk\.cancelsPerMinuteMax: expected a whole number from 1 to 600, was 1\.5$/m,
      ],
    ],
    [
      'right alone, and wrong beside the rest of the file',
      { changes: { 'strategy.orderQuote': '301' } },
      'ParametersRefused',
      [/^strategy\.orderQuote: expected at most risk\.orderQuoteMax \(300\), was "301"$/m],
    ],
    [
      'that does not say who and why, or what',
      { operator: '', reason: undefined, changes: { [HALF]: [3] } },
      'InvalidInput',
      [/^operator: .*, was ""$/m, /^reason: .*, was missing$/m, /^changes\.strategy\.halfSpreadBps: .*, was \[3\]$/m],
    ],
  ])('%s', async (_name, message, type, lines) => {
    const failure = await refusal(handle.executeUpdate(setParametersUpdate, { args: [{ ...by, ...message }] }));
    expect(failure.type).toBe(type);
    for (const line of lines) expect(failure.message).toMatch(line);
    expect(failure.message.split('\n')).toHaveLength(lines.length);
    expect(await shown(HALF)).toContain(' 8 ');
    expect(await shown('strategy.skewBps')).toContain(' 2 ');
    expect(await audited()).toHaveLength(1);
  });

  test('by the command line, before it is sent', async () => {
    const asked = ['bot', 'set', 'bot1', `${HALF}=x`, 'mode=live', '--reason', 'a slip'];
    const { code, text } = await supervised.desk(...asked);
    expect(code).toBe(2);
    expect(text).toContain(`${HALF}: expected a number from 0.1 to 100, was "x"`);
    expect(text).toContain('mode: not to be changed while it runs: edit config/bots/bot1.yml');
    expect(await audited()).toHaveLength(1);
  });
});

test('the plain temporal command that the command line prints does the same', async () => {
  const asked = ['bot', 'set', 'bot1', `${HALF}=12`, '--operator', 'ada', '--reason', "the desk's own quote"];
  const printed = await supervised.desk(...asked, '--dry-run');
  expect(await shown(HALF)).toContain(' 8 ');
  const line = printed.text.trim().replace(/^would run: /, '');
  expect(line).toContain('--name setParameters --input');
  const { code, text } = await supervised.shell(line);
  expect({ code, text }).toEqual({ code: 0, text: expect.stringContaining(`${HALF}=12`) });
  await widthNear(24);
  const wrong = await supervised.shell(line.replace(':12}', ':120}'));
  expect(wrong.code).not.toBe(0);
  expect(wrong.text).toContain(`${HALF}: expected a number from 0.1 to 100, was 120`);
}, 120_000);

test('it outlives the SIGKILL of its bot', async () => {
  const { pid } = await supervised.settled('a process', (status) => status.pid !== null);
  process.kill(pid!, 'SIGKILL');
  await supervised.settled('another process', (status) => status.pid !== null && status.pid !== pid);
  await widthNear(24);
  expect(await shown(HALF)).toContain('(configured 2)');
}, 180_000);

test('the configured value comes back by the command line; each change is on record with who and why', async () => {
  const { code, text } = await supervised.desk(
    ...['bot', 'set', 'bot1', `${HALF}=`, '--operator', 'bob', '--reason', 'calm again'],
  );
  expect({ code, text }).toEqual({ code: 0, text: 'bot1: running: all as configured\n' });
  await widthNear(4);
  expect(await shown(HALF)).toMatch(/ 2 {2}bps +0\.1 to 100$/);
  const told = (await audited()).map(({ operator, reason, detail }) => [operator, reason, detail[HALF]]);
  expect(told).toEqual([
    ['ada', 'wider tonight', '2 -> 8'],
    ['ada', "the desk's own quote", '8 -> 12'],
    ['bob', 'calm again', '12 -> 2'],
  ]);
}, 120_000);

test('without a process it is refused, and nothing waits to be changed later', async () => {
  await handle.executeUpdate(stopUpdate, { args: [by] });
  await handle.result();
  handle = await supervised.start({ bot: 'nobody' });
  await until('it to be given up', async () => {
    const failure = await refusal(set({ [HALF]: 5 }));
    return failure.message === 'the bot process is not running; nothing was changed';
  });
  const { code, text } = await supervised.desk('bot', 'set', 'bot1', `${HALF}=5`, '--reason', 'it sleeps');
  expect({ code, text }).toEqual({ code: 1, text: expect.stringContaining('its workflow does not run') });
  expect((await supervised.desk('bot', 'parameters', 'bot1')).text).toContain(
    'bot1 does not run: these are the configured',
  );
  expect(await audited()).toHaveLength(3);
}, 120_000);
