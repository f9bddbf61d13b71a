import { describe, expect, test } from '@jest/globals';
import {
  CALL_KINDS,
  CallFault,
  Fault,
  FaultPlan,
  FrameFault,
  SocketFault,
  StateFault,
} from '../../../core/simulation/fault-plan.ts';

const planned = (fault: object): boolean => FaultPlan.safeParse({ faults: [fault] }).success;

/** Each kind with the least that must be said of it, and what is taken for the rest. */
const LEAST = [
  [CallFault, { kind: 'drop_request' }, {}],
  [CallFault, { kind: 'drop_reply' }, {}],
  [CallFault, { kind: 'error_applied' }, { status: 502 }],
  [CallFault, { kind: 'error_not_applied' }, { status: 502 }],
  [CallFault, { kind: 'code', code: '40786' }, { msg: 'injected', status: 400, applied: false }],
  [CallFault, { kind: 'delay', ms: 0 }, { at: 'before' }],
  [CallFault, { kind: 'truncate_body' }, { ratio: 0.5, announced: false }],
  [CallFault, { kind: 'html_body' }, { status: 502, applied: true }],
  [CallFault, { kind: 'empty_body' }, { status: 200 }],
  [CallFault, { kind: 'slow_trickle', everyMs: 5 }, { bytes: 1 }],
  [CallFault, { kind: 'too_many_requests' }, {}],
  [CallFault, { kind: 'maintenance' }, { code: '40200' }],
  [CallFault, { kind: 'partial_fill_then_disconnect' }, { ratio: 0.5 }],
  [FrameFault, { kind: 'duplicate' }, { times: 1 }],
  [FrameFault, { kind: 'reorder' }, {}],
  [FrameFault, { kind: 'gap' }, { frames: 1 }],
  [FrameFault, { kind: 'corrupt', what: 'level' }, {}],
  [FrameFault, { kind: 'delay_frames', ms: 5 }, {}],
  [FrameFault, { kind: 'silent', pong: true }, {}],
  [SocketFault, { kind: 'flap', everyMs: 10 }, {}],
  [SocketFault, { kind: 'close_now' }, {}],
  [SocketFault, { kind: 'refuse_subscribe' }, { code: 30001, msg: 'injected' }],
  [SocketFault, { kind: 'refuse_login' }, { code: 30005, msg: 'injected' }],
  [StateFault, { kind: 'stale_book' }, { repeat: true }],
] as const; // prettier-ignore
const EVERYWHERE = { where: {}, when: {} };
const CLOCK = { kind: 'clock_skew', ms: -1 };
const POSITION = { kind: 'wrong_position', where: { symbol: 'BTCUSDT' }, qty: '-0.5' };

describe('a fault', () => {
  test.each(LEAST)('%# says no more than it must and strikes everywhere, always', (family, least, rest) => {
    const whole = { ...EVERYWHERE, ...least, ...rest };
    expect(family.parse(least)).toEqual(whole);
    expect(Fault.parse(least)).toEqual(whole);
    expect(planned({ ...least, id: 'a'.repeat(60) })).toBe(true);
    for (const change of [{ id: '' }, { id: 'a'.repeat(61) }, { extent: 3 }]) expect(planned({ ...least, ...change })).toBe(false);
  }); // prettier-ignore

  test('of the clock and of the position strike always, and the position is told wrong in both ways', () => {
    expect(Fault.parse(CLOCK)).toEqual({ ...CLOCK, when: {} });
    expect(Fault.parse(POSITION)).toEqual({ ...POSITION, when: {}, told: 'both' });
    for (const fault of [CLOCK, POSITION]) {
      expect(StateFault.safeParse(fault).success).toBe(true);
      expect(planned({ ...fault, id: 'x' })).toBe(true);
      for (const change of [{ id: '' }, { id: 'a'.repeat(61) }, { extent: 3 }]) expect(planned({ ...fault, ...change })).toBe(false); // prettier-ignore
    }
  });

  test('that nobody knows is refused', () => expect(planned({ kind: 'earthquake' })).toBe(false));

  test.each([
    [{ kind: 'error_applied' }, 'status', [500, 599], [499, 600, 500.5]],
    [{ kind: 'error_not_applied' }, 'status', [500, 599], [499, 600]],
    [{ kind: 'code' }, 'code', ['123', '123456'], ['12', '1234567', 'a123', '123a', 40_786]],
    [{ kind: 'code', code: '40786' }, 'msg', ['', 'a'.repeat(200)], ['a'.repeat(201)]],
    [{ kind: 'code', code: '40786' }, 'status', [200, 599], [199, 600]],
    [{ kind: 'delay' }, 'ms', [0, 86_400_000], [-1, 86_400_001, 0.5]],
    [{ kind: 'delay', ms: 1 }, 'at', ['before', 'after'], ['during', '']],
    [{ kind: 'truncate_body' }, 'ratio', [0, 0.99], [-0.01, 1]],
    [{ kind: 'html_body' }, 'status', [200, 599], [199, 600]],
    [{ kind: 'empty_body' }, 'status', [200, 599], [199, 600]],
    [{ kind: 'slow_trickle', everyMs: 1 }, 'bytes', [1], [0, 1.5]],
    [{ kind: 'slow_trickle' }, 'everyMs', [1, 60_000], [0, 60_001, 1.5]],
    [{ kind: 'maintenance' }, 'code', ['40200', '41114'], ['40000', '']],
    [{ kind: 'partial_fill_then_disconnect' }, 'ratio', [0.01, 0.99], [0, 1]],
    [{ kind: 'duplicate' }, 'times', [1, 100], [0, 101, 1.5]],
    [{ kind: 'gap' }, 'frames', [1, 1_000], [0, 1.5]],
    [{ kind: 'corrupt' }, 'what', ['level', 'checksum', 'sequence', 'json'], ['text', '', undefined]],
    [{ kind: 'delay_frames' }, 'ms', [0, 86_400_000], [-1, 86_400_001]],
    [{ kind: 'flap' }, 'everyMs', [10, 3_600_000], [9, 3_600_001]],
    [{ kind: 'refuse_subscribe' }, 'msg', ['a'.repeat(200)], ['a'.repeat(201)]],
    [{ kind: 'refuse_login' }, 'msg', ['a'.repeat(200)], ['a'.repeat(201)]],
    [{ kind: 'clock_skew' }, 'ms', [-86_400_000, 0, 86_400_000], [-86_400_001, 86_400_001, 0.5]],
    [POSITION, 'qty', ['0', '-1', '999999999999.999999999999'], ['+1', '.5', '1e3', '1000000000000', '0.0000000000001', 'x1', '1x', 1]],
    [POSITION, 'told', ['rest', 'stream', 'both'], ['nobody', '']],
  ] as const)('%j with %s %j, and not %j', (fault, field, sound, unsound) => {
    for (const value of sound) expect([value, planned({ ...fault, [field]: value })]).toEqual([value, true]);
    for (const value of unsound) expect([value, planned({ ...fault, [field]: value })]).toEqual([value, false]);
  }); // prettier-ignore
});

describe('where it strikes', () => {
  const CALL = { kind: 'drop_reply' };
  const FRAME = { kind: 'gap' };
  const SOCKET = { kind: 'close_now' };
  const BOOK = { kind: 'stale_book' };
  test.each([
    ['calls', CALL, 'call', [...CALL_KINDS], ['ping', '']],
    ['calls', CALL, 'path', ['/', '/api/v2/*', `/${'a'.repeat(199)}`], ['api', '', `/${'a'.repeat(200)}`]],
    ['calls', CALL, 'channel', [], ['books']],
    ['frames', FRAME, 'channel', ['b', 'a'.repeat(40)], ['', 'a'.repeat(41)]],
    ['frames', FRAME, 'socket', ['public', 'private'], ['both', '']],
    ['frames', FRAME, 'call', [], ['read']],
    ['sockets', SOCKET, 'socket', ['public', 'private'], ['both']],
    ['sockets', SOCKET, 'account', ['mm-btc'], ['MM']],
    ['sockets', SOCKET, 'symbol', [], ['BTCUSDT']],
    ['sockets', SOCKET, 'channel', [], ['books']],
    ['books', BOOK, 'symbol', ['BTCUSDT'], ['btc']],
    ['books', BOOK, 'channel', ['books'], ['']],
    ['books', BOOK, 'account', [], ['mm-btc']],
    ['books', BOOK, 'socket', [], ['public']],
  ] as const)('%s: %j with %s %j, and not %j', (_name, fault, field, sound, unsound) => {
    const takes = (value: unknown): boolean => planned({ ...fault, where: { [field]: value } });
    for (const value of sound) expect([value, takes(value)]).toEqual([value, true]);
    for (const value of unsound) expect([value, takes(value)]).toEqual([value, false]);
  });

  test.each([CALL, FRAME])('%j of one account and one symbol, in the venue\'s spelling', (fault) => {
    const takes = (where: object): boolean => planned({ ...fault, where });
    expect(takes({ account: 'mm-btc', symbol: 'BTCUSDT' })).toBe(true);
    expect(['B', 'btc', 'BTC-USDT', 'A'.repeat(31), 'x BTC', 'BTC x'].map((symbol) => takes({ symbol }))).toEqual([false, false, false, false, false, false]);
    expect([takes({ symbol: 'AB' }), takes({ symbol: 'A'.repeat(30) }), takes({ account: 'MM' })]).toEqual([true, true, false]);
  }); // prettier-ignore

  test('a wrong position is one of a symbol', () => {
    const takes = (where: object): boolean => planned({ ...POSITION, where });
    expect([{}, { account: 'a' }, { symbol: 'BTCUSDT', account: 'a' }, { symbol: 'BTCUSDT', socket: 'public' }].map(takes)).toEqual([false, false, true, false]); // prettier-ignore
  });
});

describe('when it strikes', () => {
  const CHANCE = ['drop_request', 'gap'].map((kind) => ({ kind }));
  test.each([...CHANCE, POSITION])('%j: some of the occasions, within a window', (fault) => {
    const takes = (when: object): boolean => planned({ ...fault, when });
    expect(takes({ fromMs: 0, untilMs: 86_400_000, probability: 1, every: 1, next: 1 })).toBe(true);
    expect([0, 1.01, 0.01].map((probability) => takes({ probability }))).toEqual([false, false, true]);
    expect([0, 1.5, 2].map((every) => takes({ every }))).toEqual([false, false, true]);
    expect([0, 1.5, 2].map((next) => takes({ next }))).toEqual([false, false, true]);
    expect([-1, 86_400_001].map((untilMs) => takes({ untilMs }))).toEqual([false, false]);
    expect(takes({ often: true })).toBe(false);
  });

  test.each([{ kind: 'close_now' }, { kind: 'flap', everyMs: 10 }, CLOCK, { kind: 'stale_book' }])(
    '%j: all of a window, and no part of it',
    (fault) => {
      expect(planned({ ...fault, when: { fromMs: 5, untilMs: 6 } })).toBe(true);
      expect(planned({ ...fault, when: { probability: 0.5 } })).toBe(false);
    },
  );

  test.each([
    [{ fromMs: 5, untilMs: 5 }, 'expected more than fromMs 5'],
    [{ fromMs: 6, untilMs: 5 }, 'expected more than fromMs 6'],
    [{ untilMs: 0 }, 'expected more than fromMs 0'],
    [{ untilMs: 1 }, undefined],
    [{ fromMs: 86_400_000 }, undefined],
  ])('a window that never opens is refused at its end: %j', (when, message) => {
    const { error } = FaultPlan.safeParse({ faults: [{ kind: 'gap' }, { kind: 'gap', when }] });
    expect(error?.issues.map((issue) => [issue.path, issue.message])).toEqual(
      message === undefined ? undefined : [[['faults', 1, 'when', 'untilMs'], message]],
    );
  });
});

describe('a plan', () => {
  test('that says no more than its faults draws from seed 1', () => {
    expect(FaultPlan.parse({ faults: [] })).toEqual({ seed: 1, faults: [] });
    expect([-1, 0, 0xffff_ffff, 0x1_0000_0000, 0.5].map((seed) => FaultPlan.safeParse({ seed, faults: [] }).success)).toEqual([false, true, true, false, false]); // prettier-ignore
    expect(FaultPlan.safeParse({ faults: [], repeat: true }).success).toBe(false);
  });

  test('has a hundred faults at most', () => {
    const faults = Array.from({ length: 100 }, () => ({ kind: 'gap' }));
    expect(FaultPlan.safeParse({ faults }).success).toBe(true);
    expect(FaultPlan.safeParse({ faults: [...faults, { kind: 'gap' }] }).success).toBe(false);
  });

  test('tells two faults apart by their ids, and leaves the nameless alone', () => {
    const faults = [{ kind: 'gap', id: 'a' }, { kind: 'gap' }, { kind: 'reorder', id: 'b' }, { kind: 'gap' }, { kind: 'close_now', id: 'a' }]; // prettier-ignore
    expect(FaultPlan.safeParse({ faults }).error?.issues.map(({ path, message }) => [path, message])).toEqual([
      [['faults', 4, 'id'], 'expected an id used once'],
    ]);
    expect(FaultPlan.safeParse({ faults: faults.slice(0, 4) }).success).toBe(true);
  });
});
