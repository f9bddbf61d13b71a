import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { BotView, DeskView } from '../../console/overview.ts';
import { METRICS, type MetricDefinition } from '../../monitoring/metrics.ts';
import { RecordKind } from '../../core/events/record.ts';
import { equityOf } from '../../core/bot/telemetry.ts';
import type { RunningSimulator } from '../../simulator/server.ts';
import { until } from '../stack/helpers.ts';
import { complaints, parseExposition, valueOf } from './exposition.ts';
import {
  ask,
  askJson,
  openConsole,
  openSimulator,
  openStore,
  type ConsoleUnderTest,
  type StoreUnderTest,
} from './harness.ts';
import { tellStory, type Story } from './story.ts';
import { StreamReader } from './stream-reader.ts';

const DEFINITIONS: readonly MetricDefinition[] = Object.values(METRICS);

interface Overview {
  v: 1;
  data: { nowMs: number; desk: DeskView; bots: BotView[] };
}

let store: StoreUnderTest;
let simulator: RunningSimulator;
let desk: ConsoleUnderTest;
let story: Story;

beforeAll(async () => {
  [store, simulator] = await Promise.all([openStore(), openSimulator()]);
  desk = await openConsole({ store, simulatorPort: simulator.port });
});

afterAll(async () => {
  await desk.close();
  await simulator.stop();
  await store.close();
});

async function botView(bot: string): Promise<BotView> {
  const { json } = await askJson<Overview>(desk.port, '/api/overview');
  const view = json.data.bots.find((each) => each.bot === bot);
  if (view === undefined) throw new Error(`${bot} is in the overview`);
  return view;
}

describe('before the first event', () => {
  test('the overview has every bot and no figures', async () => {
    const { status, json } = await askJson<Overview>(desk.port, '/api/overview');
    expect(status).toBe(200);
    expect(json.data.bots.map(({ bot, state, problem }) => [bot, state, problem])).toEqual([
      ['bot1', 'degraded', 'no_telemetry'],
      ['bot2', 'off', null],
      ['bot3', 'degraded', 'no_telemetry'],
      ['bot4', 'degraded', 'no_telemetry'],
    ]);
    expect(json.data.bots.every(({ telemetry }) => telemetry === null)).toBe(true);
  });

  test('the simulator says what it plays', async () => {
    const { json } = await askJson<Overview>(desk.port, '/api/overview');
    expect(json.data.desk.market?.symbols).toContainEqual(
      expect.objectContaining({ symbol: 'BTCUSDT', origin: 'recorded', lap: 1, play: 'as recorded' }),
    );
    expect(json.data.desk.market?.symbols[0]?.source).toContain('Binance USD-M');
  });

  test('metrics: components and missing fills, nothing else', async () => {
    const families = parseExposition((await ask(desk.port, '/metrics')).body);
    expect(complaints(families, DEFINITIONS)).toEqual([]);
    expect(valueOf(families, 'hbot_desk_component_up', { component: 'postgres' })).toBe(1);
    expect(valueOf(families, 'hbot_desk_component_up', { component: 'simulator' })).toBe(1);
    expect(families.map(({ name }) => name)).not.toContain('hbot_bot_equity_quote');
  });
});

describe('with events in the store', () => {
  beforeAll(async () => {
    story = tellStory({ bot: 'bot1', untilMs: Date.now(), minutes: 12 });
    await store.ship('bot1', story.records);
    await until('the events are shown', async () => (await botView('bot1')).telemetry !== null);
  });

  test('the overview shows the machine as it stands', async () => {
    const { bench } = story;
    const view = await botView('bot1');
    const open = bench.state.orders.filter(({ state }) => state === 'open');
    expect(open.length).toBeGreaterThan(0);
    expect(view.openOrders.map(({ clientOrderId }) => clientOrderId).sort()).toEqual(
      open.map(({ clientOrderId }) => clientOrderId).sort(),
    );
    expect(view.fillsTotal).toBe(bench.state.fills);
    expect(view.fills[0]?.tradeId).toBe(`bot1-${bench.state.fills}`);
    expect(view.fills.map(({ atMs }) => atMs)).toEqual(view.fills.map(({ atMs }) => atMs).sort((a, b) => b - a));
    expect(view.telemetry).toMatchObject({ phase: 'running', symbol: 'BTCUSDT' });
    expect(view.timings?.memoryRssBytes).toBe(71_300_000);
  });

  test('metrics pass the check and equal the last snapshot', async () => {
    const families = parseExposition((await ask(desk.port, '/metrics')).body);
    expect(complaints(families, DEFINITIONS)).toEqual([]);
    const last = story.records
      .filter(({ kind }) => kind === RecordKind.telemetryEvent)
      .map(({ payload }) => JSON.parse(payload.toString()) as { equity?: string })
      .filter(({ equity }) => equity !== undefined)
      .at(-1);
    const labels = { bot: 'bot1', variant: 'epp_v2_4' };
    expect(valueOf(families, 'hbot_bot_equity_quote', labels)).toBe(Number(last?.equity));
    expect(valueOf(families, 'hbot_bot_blotter_fills_total', labels)).toBe(story.bench.state.fills);
    expect(valueOf(families, 'hbot_bot_tick_duration_seconds', { ...labels, quantile: '0.99' })).toBe(0.000128);
    expect(valueOf(families, 'hbot_bot_blotter_fills_total', { bot: 'bot4', variant: 'no_fills' })).toBe(0);
  });

  test('a bot in detail', async () => {
    const { status, json } = await askJson<{
      data: { orders: unknown[]; fills: unknown[]; equity: { atMs: number; equity: string }[] };
    }>(desk.port, '/api/bots/bot1?hours=1&points=50');
    expect(status).toBe(200);
    const { orders, fills, equity } = json.data;
    expect(orders).toHaveLength(100);
    expect(fills).toHaveLength(Math.min(100, story.bench.state.fills));
    // By the minute.
    const minutes = equity.map(({ atMs }) => atMs / 60_000);
    expect(minutes.length).toBeGreaterThan(10);
    expect(minutes).toEqual(minutes.map((_, index) => minutes[0]! + index));
    const { bench } = story;
    const desk1 = { instrument: { quotePerTickLot: 0.0001 } } as Parameters<typeof equityOf>[1];
    expect(Math.abs(Number(equity.at(-1)?.equity) - equityOf(bench.state, desk1))).toBeLessThan(5);
  });

  test.each([
    ['/api/bots/bot9', 404, 'bot: expected one of bot1, bot2, bot3, bot4, was \\"bot9\\"'],
    ['/api/bots/bot1?hours=0', 400, 'hours'],
    ['/api/bots/bot1?since=yesterday', 400, 'since'],
    ['/nothing', 404, '/api/overview'],
    ['/../package.json', 404, '/api/overview'],
    ['/%2e%2e/package.json', 404, '/api/overview'],
  ])('%s says what is wrong', async (path, status, says) => {
    const answer = await ask(desk.port, path);
    expect(answer.status).toBe(status);
    expect(answer.body).toContain(says);
  });
});

describe('who may ask', () => {
  const routes = [
    '/',
    '/desk.js',
    '/desk.css',
    '/health',
    '/metrics',
    '/api/overview',
    '/api/stream',
    '/api/bots/bot1',
    '/x',
  ];

  test.each(routes)('%s refuses a name that was pointed here, and a foreign page', async (path) => {
    const rebound = await ask(desk.port, path, { host: `desk.example:${desk.port}` });
    expect([rebound.status, rebound.headers['x-content-type-options']]).toEqual([421, 'nosniff']);
    expect((await ask(desk.port, path, { origin: 'http://desk.example' })).status).toBe(403);
    expect((await ask(desk.port, path, {}, 'POST')).status).toBe(405);
  });

  test('the page forbids all that it does not need', async () => {
    const { status, headers } = await ask(desk.port, '/');
    expect(status).toBe(200);
    expect(headers['content-type']).toContain('text/html');
    expect(headers['content-security-policy']).toContain("default-src 'self'");
    expect(headers['content-security-policy']).toContain("frame-ancestors 'none'");
    expect(headers['x-frame-options']).toBe('DENY');
  });

  test('a file that has not changed is not sent again', async () => {
    const first = await ask(desk.port, '/desk.js');
    expect(first.headers['content-type']).toContain('text/javascript');
    const again = await ask(desk.port, '/desk.js', { 'if-none-match': String(first.headers.etag) });
    expect([again.status, again.body]).toEqual([304, '']);
  });
});

describe('the stream', () => {
  test('sends everything once, then what changes, and to one who comes back only what is new', async () => {
    const watcher = await StreamReader.open(desk.port);
    const first = await watcher.next();
    expect(first.parts.map(({ id }) => id)).toEqual(
      expect.arrayContaining(['desk', 'bot:bot1', 'bot:bot2', 'bot:bot3', 'bot:bot4', 'curve:bot1']),
    );
    const back = await StreamReader.open(desk.port, first.id);
    const nothingNew = await back.next();
    expect(nothingNew.parts).toEqual([]);
    expect(nothingNew.nowMs).toBeGreaterThan(0);
    const elsewhere = await StreamReader.open(desk.port, '00000000-999');
    expect((await elsewhere.next()).parts.length).toBe(first.parts.length);

    await store.ship('bot4', tellStory({ bot: 'bot4', untilMs: Date.now(), minutes: 1, seed: 3 }).records);
    const changed = await watcher.nextWith('bot:bot4');
    expect(changed.parts.map(({ id }) => id)).not.toContain('bot:bot1');
    for (const reader of [watcher, back, elsewhere]) reader.close();
  });
});

describe('with a component away', () => {
  test('health is 503 and names the component; the last figures stay on the page and leave the metrics', async () => {
    const health = await askJson<{ data: { state: string; components: { component: string; up: boolean }[] } }>(
      desk.port,
      '/health',
    );
    expect(health.status).toBe(503);
    const down = health.json.data.components.filter(({ up }) => !up).map(({ component }) => component);
    expect(down).toEqual(['temporal']);

    await store.postgres.stop();
    await until('Postgres is told to be away', async () => {
      const { json } = await askJson<Overview>(desk.port, '/api/overview');
      return json.data.desk.components.some(({ component, up }) => component === 'postgres' && !up);
    });
    expect((await botView('bot1')).telemetry).not.toBeNull();
    const families = parseExposition((await ask(desk.port, '/metrics')).body);
    expect(families.map(({ name }) => name)).toEqual(['hbot_desk_component_up']);
    expect((await ask(desk.port, '/api/bots/bot1')).status).toBe(503);

    await store.restart();
    await until('Postgres is back', async () => {
      const { json } = await askJson<Overview>(desk.port, '/api/overview');
      return json.data.desk.components.every(({ component, up }) => component !== 'postgres' || up);
    });
    expect((await ask(desk.port, '/api/bots/bot1')).status).toBe(200);
  });
});
