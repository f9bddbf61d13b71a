import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { startSimulator, type RunningSimulator } from '../../simulator/server.ts';
import { connectAdmin, type Admin, type AdminFault, type AdminRefused } from './admin.ts';
import { bundleSimulator, endChild, startChild } from './child.ts';
import { BOT1, BOT4, simulatorOptions, tempDir, withAdmin, withSimulator } from './harness.ts';
import { callRaw, codeOf, PLACE, restingOrder, TIME, type RawAnswer } from './raw-rest.ts';
import { RawClient } from './raw-socket.ts';

describe('a fault strikes a request', () => {
  const dir = tempDir();
  let simulator: RunningSimulator;
  let admin: Admin;
  let orders = 0;

  beforeAll(async () => {
    simulator = await startSimulator(simulatorOptions(dir, { adminPort: 0 }));
    admin = connectAdmin(simulator.adminPort);
  });
  afterEach(() => admin.clear());
  afterAll(async () => {
    await simulator.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  const place = (clientOid: string, account = undefined as typeof BOT4 | undefined) =>
    callRaw(simulator.port, 'POST', PLACE, {
      body: restingOrder(clientOid),
      ...(account === undefined ? {} : { account }),
    });

  /** How the client's call ended: an answer, or how the connection broke. */
  const outcomeOf = (call: Promise<RawAnswer>) =>
    call.then(
      ({ status, text }) => ({ status, text }),
      (error: NodeJS.ErrnoException) => ({ broken: error.code ?? error.message }),
    );

  const broken = { broken: 'ECONNRESET' };
  const wholeAnswer = expect.stringMatching(/^\{"code":"00000".*\}$/);
  const cases: [string, AdminFault, unknown, number][] = [
    ['drop_request', { kind: 'drop_request' }, broken, 0],
    ['drop_reply', { kind: 'drop_reply' }, broken, 1],
    [
      'error_applied',
      { kind: 'error_applied', status: 503 },
      { status: 503, text: expect.stringContaining('"40015"') },
      1,
    ],
    ['error_not_applied', { kind: 'error_not_applied' }, { status: 502, text: expect.stringContaining('"40015"') }, 0],
    [
      'code, not applied',
      { kind: 'code', code: '40010', msg: 'Request timed out' },
      { status: 400, text: expect.stringContaining('"40010","msg":"Request timed out"') },
      0,
    ],
    [
      'code, applied',
      { kind: 'code', code: '45001', status: 200, applied: true },
      { status: 200, text: expect.stringContaining('"45001"') },
      1,
    ],
    ['truncate_body', { kind: 'truncate_body' }, { status: 200, text: expect.not.stringMatching(/\}$/) }, 1],
    ['truncate_body, broken off', { kind: 'truncate_body', announced: true }, broken, 1],
    ['html_body', { kind: 'html_body' }, { status: 502, text: expect.stringContaining('<html>') }, 1],
    [
      'html_body, not applied',
      { kind: 'html_body', applied: false },
      { status: 502, text: expect.stringContaining('<html>') },
      0,
    ],
    ['empty_body', { kind: 'empty_body' }, { status: 200, text: '' }, 1],
    ['slow_trickle', { kind: 'slow_trickle', bytes: 40, everyMs: 5 }, { status: 200, text: wholeAnswer }, 1],
    ['too_many_requests', { kind: 'too_many_requests' }, { status: 429, text: expect.stringContaining('"429"') }, 0],
    ['maintenance', { kind: 'maintenance' }, { status: 400, text: expect.stringContaining('"40200"') }, 0],
    [
      'maintenance of a symbol',
      { kind: 'maintenance', code: '41114' },
      { status: 400, text: expect.stringContaining('"41114"') },
      0,
    ],
  ];

  test.each(cases)('%s', async (_name, fault, seen, applied) => {
    const clientOid = `struck-${++orders}`;
    await admin.faults(fault);
    expect(await outcomeOf(place(clientOid))).toEqual(seen);
    expect(await admin.ordersOf(clientOid)).toHaveLength(applied);
    expect(await admin.report()).toMatchObject([{ matched: 1, struck: 1 }]);
    await admin.clear();
    expect(codeOf(await place(`${clientOid}-after`)).code).toBe('00000');
  });

  test('delay: before it is applied or after, and several add up', async () => {
    await admin.faults({ kind: 'delay', ms: 150, at: 'before' });
    const slow = place('late');
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await admin.ordersOf('late')).toEqual([]);
    expect((await slow).ms).toBeGreaterThanOrEqual(145);
    expect(await admin.ordersOf('late')).toHaveLength(1);

    await admin.faults([
      { kind: 'delay', ms: 100, at: 'after' },
      { kind: 'delay', ms: 100, at: 'after' },
    ]);
    const applied = place('prompt');
    while ((await admin.ordersOf('prompt')).length === 0);
    expect((await applied).ms).toBeGreaterThanOrEqual(195);
  });

  test('a delay and another fault strike the same request', async () => {
    await admin.faults([{ kind: 'drop_reply' }, { kind: 'delay', ms: 100 }]);
    const startedAt = performance.now();
    expect(await outcomeOf(place('delayed-and-dropped'))).toEqual(broken);
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(95);
    expect((await admin.report()).map(({ struck }) => struck)).toEqual([1, 1]);
  });

  test('partial_fill_then_disconnect: filled in part, no answer, and the sockets of the account close', async () => {
    const socket = new RawClient(simulator.port, '/v2/ws/private');
    const bystander = new RawClient(simulator.port, '/v2/ws/private');
    await socket.login();
    await bystander.login(BOT4);
    await admin.faults({
      kind: 'partial_fill_then_disconnect',
      ratio: 0.5,
      where: { call: 'place' },
      when: { next: 1 },
    });
    const body = restingOrder('half', { size: '0.004' });
    expect(await outcomeOf(callRaw(simulator.port, 'POST', PLACE, { body }))).toEqual(broken);
    expect(await socket.closed()).toBe(1006);
    await bystander.say('ping');
    expect(await bystander.text()).toBe('pong');
    bystander.close();
    expect(await admin.ordersOf('half')).toMatchObject([
      { status: 'partially_filled', size: '0.004', filled: '0.002' },
    ]);
    const { fills, positions } = (await admin.truth()).accounts.bot1!;
    expect(fills).toMatchObject([{ clientOid: 'half', price: '20000', size: '0.002', liquidity: 'maker' }]);
    expect(positions).toMatchObject([{ symbol: 'BTCUSDT', qty: '0.002' }]);
  });
});

describe('where and when a fault strikes', () => {
  const DETAIL = '/api/v2/mix/order/detail?symbol=BTCUSDT&productType=USDT-FUTURES&clientOid=none';
  const CANCEL = '/api/v2/mix/order/cancel-order';

  /** Whether each call of a series was struck by a fault that answers 40010. */
  async function struckOf(calls: readonly (() => Promise<RawAnswer>)[]): Promise<boolean[]> {
    const struck: boolean[] = [];
    for (const call of calls) struck.push(codeOf(await call()).code === '40010');
    return struck;
  }

  test('only the account, symbol, kind of call and path that it names', async () => {
    await withAdmin({}, async ({ port }, admin) => {
      const place = (account: typeof BOT4) => () =>
        callRaw(port, 'POST', PLACE, { body: restingOrder(`o-${Math.round(performance.now() * 1_000)}`), account });
      const calls = [
        place(BOT1),
        place(BOT4),
        () =>
          callRaw(port, 'POST', CANCEL, {
            body: { symbol: 'BTCUSDT', productType: 'USDT-FUTURES', clientOid: 'none' },
          }),
        () => callRaw(port, 'GET', DETAIL),
        () => callRaw(port, 'GET', TIME, { account: null }),
      ];
      const cases: [AdminFault & { kind: 'code' }, boolean[]][] = [
        [{ kind: 'code', code: '40010', where: { call: 'place' } }, [true, true, false, false, false]],
        [{ kind: 'code', code: '40010', where: { account: 'bot4' } }, [false, true, false, false, false]],
        [{ kind: 'code', code: '40010', where: { call: 'cancel' } }, [false, false, true, false, false]],
        [{ kind: 'code', code: '40010', where: { call: 'read' } }, [false, false, false, true, false]],
        [{ kind: 'code', code: '40010', where: { call: 'market' } }, [false, false, false, false, true]],
        [{ kind: 'code', code: '40010', where: { path: '/api/v2/mix/order/*' } }, [true, true, true, true, false]],
        [{ kind: 'code', code: '40010', where: { path: '/api/v2/mix/order' } }, [false, false, false, false, false]],
        [{ kind: 'code', code: '40010', where: { symbol: 'BTCUSDT' } }, [true, true, true, true, false]],
        [{ kind: 'code', code: '40010', where: { symbol: 'ETHUSDT' } }, [false, false, false, false, false]],
      ];
      for (const [fault, expected] of cases) {
        await admin.faults(fault);
        expect({ where: fault.where, struck: await struckOf(calls) }).toEqual({ where: fault.where, struck: expected });
        expect((await admin.report())[0]!.struck).toBe(expected.filter(Boolean).length);
      }
    });
  });

  test('every third, the next two, and a window of time', async () => {
    await withAdmin({}, async ({ port }, admin) => {
      const calls = Array.from({ length: 7 }, () => () => callRaw(port, 'GET', TIME, { account: null }));
      await admin.faults({ kind: 'code', code: '40010', when: { every: 3 } });
      expect(await struckOf(calls)).toEqual([false, false, true, false, false, true, false]);
      expect(await admin.report()).toMatchObject([{ matched: 7, struck: 2 }]);
      await admin.faults({ kind: 'code', code: '40010', when: { next: 2 } });
      expect(await struckOf(calls)).toEqual([true, true, false, false, false, false, false]);
      await admin.faults({ kind: 'code', code: '40010', when: { fromMs: 3_600_000 } });
      expect(await struckOf(calls.slice(0, 2))).toEqual([false, false]);
      await admin.faults({ kind: 'maintenance', when: { untilMs: 60 } });
      expect(codeOf(await calls[0]!()).code).toBe('40200');
      await new Promise((resolve) => setTimeout(resolve, 60));
      expect(codeOf(await calls[0]!()).code).toBe('00000');
    });
  });

  test('chance repeats with its seed, also beside another fault, and differs with another seed', async () => {
    await withAdmin({}, async ({ port }, admin) => {
      const calls = Array.from({ length: 60 }, () => () => callRaw(port, 'GET', TIME, { account: null }));
      const fault: AdminFault = { kind: 'code', code: '40010', when: { probability: 0.3 } };
      const run = async (seed: number, others: AdminFault[] = []) => {
        await admin.faults({ seed, faults: [fault, ...others] });
        return struckOf(calls);
      };
      const first = await run(7);
      expect(first.filter(Boolean).length).toBeGreaterThan(5);
      expect(first.filter(Boolean).length).toBeLessThan(40);
      expect(await run(7)).toEqual(first);
      expect(await run(7, [{ kind: 'delay', ms: 0, when: { probability: 0.5 } }])).toEqual(first);
      expect(await run(8)).not.toEqual(first);
    });
  });
});

describe('the plan', () => {
  const dir = tempDir();
  let simulator: RunningSimulator;
  let admin: Admin;
  beforeAll(async () => {
    simulator = await startSimulator(simulatorOptions(dir, { adminPort: 0 }));
    admin = connectAdmin(simulator.adminPort);
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  test.each([
    ['no kind', { faults: [{ kind: 'explode' }] }, 'faults[0].kind', /^expected one of drop_request, /, '"explode"'],
    [
      'a chance above one',
      { faults: [{ kind: 'drop_reply', when: { probability: 2 } }] },
      'faults[0].when.probability',
      /^expected at most 1$/,
      '2',
    ],
    [
      'a place that is not this fault\u2019s',
      { faults: [{ kind: 'gap', where: { path: '/x' } }] },
      'faults[0].where.path',
      /^unknown key$/,
      '"/x"',
    ],
    [
      'a status that is no failure',
      { faults: [{ kind: 'error_applied', status: 200 }] },
      'faults[0].status',
      /^expected at least 500$/,
      '200',
    ],
    [
      'a window that never opens',
      { faults: [{ kind: 'silent', pong: true, when: { fromMs: 5, untilMs: 5 } }] },
      'faults[0].when.untilMs',
      /more than fromMs 5/,
      '5',
    ],
    [
      'an id used twice',
      {
        faults: [
          { id: 'a', kind: 'drop_reply' },
          { id: 'a', kind: 'drop_request' },
        ],
      },
      'faults[1].id',
      /used once/,
      '"a"',
    ],
    ['no faults', { seed: 1 }, 'faults', /^expected a list$/, 'missing'],
  ])('is refused whole with path, rule and value: %s', async (_name, plan, path, rule, value) => {
    await admin.faults({ kind: 'code', code: '40010' });
    const refused = await admin.call('PUT', '/faults', plan).then(
      () => null,
      (error: AdminRefused) => error,
    );
    expect(refused).toMatchObject({ status: 400, faults: [{ path, rule: expect.stringMatching(rule), value }] });
    // The plan before it stays in force.
    expect(codeOf(await callRaw(simulator.port, 'GET', TIME, { account: null })).code).toBe('40010');
  });

  test('what is no JSON, and what does not say that it is, is refused', async () => {
    const put = (body: string, type: string) =>
      fetch(`${admin.url}/faults`, { method: 'PUT', body, headers: { 'content-type': type } });
    expect((await put('{', 'application/json')).status).toBe(400);
    expect((await put('{"faults":[]}', 'text/plain')).status).toBe(400);
    expect((await put('{"faults":[]}', 'application/json')).status).toBe(200);
    expect((await fetch(`${admin.url}/nothing`)).status).toBe(404);
  });

  test('survives nothing: after a restart there is none', async () => {
    await admin.faults({ kind: 'drop_request' });
    await simulator.stop();
    simulator = await startSimulator(simulatorOptions(dir, { adminPort: 0 }));
    expect(await connectAdmin(simulator.adminPort).report()).toEqual([]);
    expect((await callRaw(simulator.port, 'GET', TIME, { account: null })).status).toBe(200);
    await simulator.stop();
  });

  test('is set over the port that the process of its own prints', async () => {
    const own = tempDir();
    const child = await startChild(
      await bundleSimulator(own),
      own,
      simulatorOptions(join(own, 'state'), { adminPort: 0 }),
    );
    await connectAdmin(child.adminPort).faults({ kind: 'code', code: '40010' });
    expect(codeOf(await callRaw(child.port, 'GET', TIME, { account: null })).code).toBe('40010');
    expect(await endChild(child.process, 'SIGTERM')).toBe(0);
    rmSync(own, { recursive: true, force: true });
  });

  test('without an admin port there is nobody to set one', async () => {
    await withSimulator({}, async ({ adminPort }) => expect(adminPort).toBeNull());
  });
});
