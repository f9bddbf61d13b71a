import { describe, expect, test } from '@jest/globals';
import { BotRun, BotStatus, ControlRequest, ControlResponse } from '../../../core/control/protocol.ts';
import { changed, takes } from '../schemas.ts';

const WHO = { operator: 'ann', reason: 'news' };
const REQUESTS = {
  status: { id: 0, command: 'status' },
  ping: { id: 1, command: 'ping' },
  pause: { id: 2, command: 'pause', ...WHO },
  resume: { id: 3, command: 'resume', ...WHO },
  hardStop: { id: 4, command: 'hardStop', ...WHO },
  approveRestart: { id: 5, command: 'approveRestart', ...WHO, givenAtMs: 1 },
  setParameters: { id: 6, command: 'setParameters', ...WHO, changes: { 'strategy.skewBps': 2, a: 'x', b: true, c: null } },
  shutdown: { id: 7, command: 'shutdown', reason: 'the host stops' },
}; // prettier-ignore

const STATUS = {
  bot: 'bot1',
  instance: 'i-1',
  pid: 4_711,
  epoch: 0,
  phase: 'running',
  reason: 'quoted',
  pausedByOperator: false,
  hardStopped: false,
  position: '-0.5',
  ordersActive: 2,
  fills: 0,
  durableSequence: 12,
  codeVersion: 'abc',
  configHash: 'def',
};
const ACCOUNT = { status: 'ok', keyPrefix: 'bg_1', accountKind: null, positionMode: 'hedge', problems: [{ code: 'c', message: 'm' }] }; // prettier-ignore

describe('a request over the control socket', () => {
  test.each(Object.entries(REQUESTS))(
    '%s is understood, and what nobody knows in it is refused',
    (_command, request) => {
      expect(ControlRequest.parse(request)).toEqual(request);
      expect(takes(ControlRequest, { ...request, force: true })).toBe(false);
      for (const id of [-1, 0.5, '1', undefined]) expect(takes(ControlRequest, changed(request, { id }))).toBe(false);
    },
  );

  test.each(['pause', 'resume', 'hardStop', 'approveRestart', 'setParameters'] as const)(
    '%s tells who asks and why',
    (command) => {
      const withWords = (change: Record<string, unknown>): boolean =>
        takes(ControlRequest, changed(REQUESTS[command], change));
      expect([undefined, '', 'a'.repeat(65)].map((operator) => withWords({ operator }))).toEqual([false, false, false]);
      expect([undefined, '', 'a'.repeat(501)].map((reason) => withWords({ reason }))).toEqual([false, false, false]);
      expect(withWords({ operator: 'a'.repeat(64), reason: 'a'.repeat(500) })).toBe(true);
      expect(withWords({ operator: 'a', reason: 'b' })).toBe(true);
    },
  );

  test('a shutdown tells why, and nobody by name: a host asks for it', () => {
    const withReason = (reason: unknown): boolean => takes(ControlRequest, changed(REQUESTS.shutdown, { reason }));
    expect(['', 'a', 'a'.repeat(500), 'a'.repeat(501), undefined].map(withReason)).toEqual([false, true, true, false, false]); // prettier-ignore
    expect(takes(ControlRequest, { ...REQUESTS.shutdown, operator: 'ann' })).toBe(false);
  });

  test('an approval may tell when it was given, as a time', () => {
    const givenAt = (givenAtMs: unknown): boolean =>
      takes(ControlRequest, changed(REQUESTS.approveRestart, { givenAtMs }));
    expect([undefined, 1, 0, -1, 1.5, '1'].map(givenAt)).toEqual([true, true, false, false, false, false]);
  });

  test('parameters are changed by path to plain values', () => {
    const withChanges = (changes: unknown): boolean =>
      takes(ControlRequest, changed(REQUESTS.setParameters, { changes }));
    expect(withChanges(undefined)).toBe(false);
    expect(withChanges({ ['a'.repeat(80)]: 'b'.repeat(32) })).toBe(true);
    expect(withChanges({ ['a'.repeat(81)]: 1 })).toBe(false);
    expect(withChanges({ '': 1 })).toBe(false);
    expect(withChanges({ a: 'b'.repeat(33) })).toBe(false);
    expect(withChanges({ a: { b: 1 } })).toBe(false);
    expect(withChanges({ a: NaN })).toBe(false);
  });

  test('a command that is none is refused', () =>
    expect(takes(ControlRequest, { id: 1, command: 'trade' })).toBe(false));
});

describe('the word of a bot', () => {
  test('of a bot that says no more than it must is read with what that means', () => {
    expect(BotStatus.parse(STATUS)).toEqual({ ...STATUS, riskLevel: 'allow', riskCode: null, parameters: {} });
  });

  test('that says all is read as it is', () => {
    const all = { ...STATUS, riskLevel: 'soft_pause', riskCode: 'drawdown', heldSinceMs: 0, parameters: { a: 1 }, account: ACCOUNT }; // prettier-ignore
    expect(BotStatus.parse(all)).toEqual(all);
    expect(BotStatus.parse({ ...all, heldSinceMs: null })).toEqual({ ...all, heldSinceMs: null });
  });

  test.each(Object.keys(STATUS))('without %s it is no status', (field) => {
    expect(takes(BotStatus, changed(STATUS, { [field]: undefined }))).toBe(false);
  });

  test.each([
    ['pid', [1], [0, -1, 1.5]],
    ['epoch', [0], [-1, 0.5]],
    ['ordersActive', [0], [-1, 0.5]],
    ['fills', [0], [-1, 0.5]],
    ['durableSequence', [0], [-1, 0.5]],
    ['heldSinceMs', [0, null, undefined], [-1, 0.5]],
    ['phase', ['starting', 'running', 'paused', 'hard_stopped', 'stopping'], ['dead', '']],
    ['riskLevel', ['allow', 'reduce_exposure', 'soft_pause', 'hard_stop', 'kill_switch'], ['calm', '', null]],
    ['bot', ['b'], ['B']],
    ['nickname', [undefined], ['x']],
  ])('%s may be %j and not %j', (field, sound, unsound) => {
    for (const value of sound) expect(takes(BotStatus, changed(STATUS, { [field]: value }))).toBe(true);
    for (const value of unsound) expect(takes(BotStatus, changed(STATUS, { [field]: value }))).toBe(false);
  });

  test.each([
    ['status', ['ok', 'disabled', 'paper_only', 'error'], ['fine', '']],
    ['accountKind', ['classic', 'unified', null], ['spot', '', undefined]],
    ['positionMode', ['one_way', 'hedge', null], ['both', '', undefined]],
    ['problems', [[]], [[{ code: 'c' }], [{ message: 'm' }], [{ code: 'c', message: 'm', at: 1 }], undefined]],
    ['secret', [undefined], ['x']],
  ])('of its account, %s may be %j and not %j', (field, sound, unsound) => {
    const withField = (value: unknown): boolean =>
      takes(BotStatus, { ...STATUS, account: changed(ACCOUNT, { [field]: value }) });
    for (const value of sound) expect(withField(value)).toBe(true);
    for (const value of unsound) expect(withField(value)).toBe(false);
  });

  test('no more of a key than its beginning is ever told', () => {
    expect(takes(BotStatus, { ...STATUS, account: { ...ACCOUNT, keyPrefix: 'bg_1' } })).toBe(true);
    expect(takes(BotStatus, { ...STATUS, account: { ...ACCOUNT, keyPrefix: 'bg_12' } })).toBe(false);
  });

  test('an answer is a status or an error, to a request by its id', () => {
    const yes = { id: 1, ok: true, status: BotStatus.parse(STATUS) };
    const no = { id: 1, ok: false, error: 'not now' };
    for (const answer of [yes, no]) {
      expect(ControlResponse.parse(answer)).toEqual(answer);
      expect(takes(ControlResponse, { ...answer, id: -1 })).toBe(false);
      expect(takes(ControlResponse, { ...answer, more: 1 })).toBe(false);
    }
    expect(takes(ControlResponse, { ...yes, ok: false })).toBe(false);
    expect(takes(ControlResponse, { ...no, ok: true })).toBe(false);
  });
});

test('a run file says whose process it is, where it listens and since when', () => {
  const run = { bot: 'bot1', instance: 'i-1', pid: 4_711, socket: '/run/bot1.sock', startedAtMs: 1 };
  expect(BotRun.parse(run)).toEqual(run);
  for (const field of Object.keys(run)) expect(takes(BotRun, changed(run, { [field]: undefined }))).toBe(false);
  expect([0, 1.5, -1].map((pid) => takes(BotRun, { ...run, pid }))).toEqual([false, false, false]);
  expect([0, 1.5, -1].map((startedAtMs) => takes(BotRun, { ...run, startedAtMs }))).toEqual([false, false, false]);
  expect(takes(BotRun, { ...run, host: 'h' })).toBe(false);
});
