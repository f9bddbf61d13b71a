/** The page over a whole desk that trades: live, with old data, and without its console. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { configAtSpeed, TestDesk, until } from '../support/desk.ts';
import { launchChromium } from './chromium.ts';
import { Viewer, type Size } from './viewer.ts';

const desk = new TestDesk({ DESK_CONFIG: configAtSpeed(6) });
let browser: Browser;
let viewers: Viewer[];

beforeAll(async () => {
  [browser] = await Promise.all([launchChromium(), desk.up()]);
  const url = `http://127.0.0.1:${desk.ports?.console}/`;
  viewers = await Promise.all((['phone', 'desktop'] as Size[]).map((size) => Viewer.open(browser, url, size)));
  for (const bot of ['bot1', 'bot4'])
    await until(`fills of ${bot}`, async () => (await desk.storedFills(bot)) > 0, 90_000);
}, 240_000);

afterAll(async () => {
  await browser.close();
  await desk.dispose();
}, 60_000);

/** Each viewer sees it; the page refreshes itself. */
async function everyoneSees(
  what: string,
  holds: (viewer: Viewer) => Promise<boolean>,
  timeoutMs = 30_000,
): Promise<void> {
  for (const viewer of viewers) await until(`${what} on the ${viewer.size}`, () => holds(viewer), timeoutMs);
}

async function shootAll(name: string): Promise<void> {
  for (const viewer of viewers) await viewer.shoot(name);
}

describe('a desk that trades', () => {
  test('says so, with figures, orders, fills and a curve of each bot', async () => {
    await everyoneSees('all is well', async (viewer) => (await viewer.slot('verdict-word')) === 'All well');
    await everyoneSees('a fill', async (viewer) => (await viewer.rows('fills', 'bot4')).length > 0);
    // A line takes the snapshots of two minutes, and the page asks for curves every fifteen seconds.
    await everyoneSees(
      'a curve',
      async (viewer) => (await viewer.page.locator('[data-bot="bot4"] .line').count()) > 0,
      100_000,
    );
    for (const viewer of viewers) {
      expect(await viewer.slot('verdict-detail')).toContain('3 of 3 bots running');
      expect(await viewer.slot('equity', 'bot1')).toMatch(/^\d{1,3}(,\d{3})*\.\d{2}$/);
      expect(await viewer.slot('phase-word', 'bot1')).toBe('running');
      expect(await viewer.slot('phase-word', 'bot2')).toBe('disabled');
      expect(await viewer.slot('body', 'bot2')).toBeNull();
      expect(await viewer.slot('stale', 'bot1')).toBeNull();
      expect(await viewer.slot('age', 'bot1')).toMatch(/^data \d+ s old · pid \d+$/);
      const [time, side, price, , , liquidity] = (await viewer.rows('fills', 'bot4'))[0] ?? [];
      expect([time, side, price, liquidity]).toEqual([
        expect.stringMatching(/^\d\d:\d\d:\d\d$/),
        expect.stringMatching(/^(BUY|SELL)$/),
        expect.stringMatching(/^\d,\d{3}\.\d+$/),
        expect.stringMatching(/^(maker|taker)$/),
      ]);
    }
    await everyoneSees('an open order', async (viewer) => (await viewer.rows('orders', 'bot1')).length > 0);
    await shootAll('live');
  }, 180_000);

  test('names the source of its market data, and that it is recorded', async () => {
    for (const viewer of viewers) {
      expect(await viewer.slot('market-source')).toMatch(/no real money.*recorded Binance USD-M perpetual data of/);
      expect(await viewer.slot('market-laps')).toMatch(
        /^BTCUSDT ?lap (1 ?recorded|\d*[02468] ?derived ?\(mirrored\)|\d*[13579] ?derived ?\(repeated\))ETH/,
      );
    }
  });

  test('fits the screen, and every target fits a thumb', async () => {
    for (const viewer of viewers) {
      expect(await viewer.overhang()).toBeLessThanOrEqual(0);
      expect(await viewer.clipped()).toEqual([]);
      for (const height of await viewer.targetHeights()) expect(height).toBeGreaterThanOrEqual(44);
    }
  });

  test('moves by itself', async () => {
    const before = await viewers[0]?.slot('total-fills');
    await until('more fills on the page', async () => (await viewers[0]?.slot('total-fills')) !== before, 90_000);
  }, 100_000);

  test("leads to the bot's workflow in the Temporal web UI", async () => {
    const href = await viewers[0]?.page.locator('[data-bot="bot1"] [data-slot="workflow"]').getAttribute('href');
    expect(href).toBe(`http://127.0.0.1:${desk.ports?.temporalUi}/namespaces/default/workflows/bot%2Fbot1`);
    const ui = await browser.newPage();
    await ui.goto(href ?? '');
    await ui.getByText('bot/bot1').first().waitFor({ timeout: 30_000 });
    await ui.close();
  }, 60_000);

  test('shows what an operator wrote as text and nothing else', async () => {
    const reason = '<img src=x onerror="document.title=1">';
    expect((await desk.desk('bot', 'pause', 'bot3', '--reason', reason)).code).toBe(0);
    await everyoneSees(
      'the pause',
      async (viewer) => (await viewer.slot('problem', 'bot3'))?.includes(reason) === true,
    );
    await everyoneSees('the phase', async (viewer) => (await viewer.slot('phase-word', 'bot3')) === 'paused');
    for (const viewer of viewers) expect(await viewer.page.title()).toBe('Tempodesk');
    await shootAll('paused');
    expect((await desk.desk('bot', 'resume', 'bot3', '--reason', 'test')).code).toBe(0);
    await everyoneSees('the bot running', async (viewer) => (await viewer.slot('phase-word', 'bot3')) === 'running');
  }, 90_000);

  test('the browser has nothing to complain of', () => {
    expect(viewers.flatMap(({ complaints }) => complaints)).toEqual([]);
  });
});

describe('what stops coming', () => {
  test('events: the bar tells how old the data is, the figures are greyed, and both go when it is back', async () => {
    const host = desk.pidOf('bot-host');
    process.kill(host, 'SIGSTOP');
    try {
      await everyoneSees(
        'old data',
        async (viewer) => /^DATA \d+ s OLD$/.test((await viewer.slot('stale', 'bot1')) ?? ''),
        60_000,
      );
      await everyoneSees('a verdict', async (viewer) => (await viewer.slot('verdict-word')) === 'Needs a look');
      for (const viewer of viewers) {
        const opacity = `getComputedStyle(document.querySelector('[data-bot="bot1"] [data-slot="body"]')).opacity`;
        expect(Number(await viewer.page.evaluate<string>(opacity))).toBeLessThan(0.6);
        const bar = await viewer.page.locator('[data-bot="bot1"] [data-slot="stale"]').boundingBox();
        const card = await viewer.page.locator('[data-bot="bot1"]').boundingBox();
        expect(bar?.width).toBeGreaterThanOrEqual((card?.width ?? 0) - 3);
        // Age is the page's own clock, the verdict the console's: a moment may lie between them.
        await until(
          'the verdict to name it',
          async () => (await viewer.slot('verdict-notes'))?.includes('bot1: its data is old') === true,
        );
        expect(await viewer.slot('phase-word', 'bot1')).toMatch(/^was /);
      }
      await shootAll('stale');
    } finally {
      process.kill(host, 'SIGCONT');
    }
    await everyoneSees('new data', async (viewer) => (await viewer.slot('stale', 'bot1')) === null, 60_000);
  }, 150_000);

  test('the console: the page says that nothing answers, and goes on when it does', async () => {
    const pid = desk.pidOf('console');
    process.kill(pid, 'SIGSTOP');
    try {
      await everyoneSees(
        'the silence',
        async (viewer) => (await viewer.slot('dead'))?.startsWith('CONSOLE NOT ANSWERING') === true,
        60_000,
      );
      for (const viewer of viewers) expect(await viewer.slot('verdict-word')).toBe('Not known');
      await shootAll('console-away');
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await everyoneSees('an end of it', async (viewer) => (await viewer.slot('dead')) === null, 60_000);
    await everyoneSees('a verdict again', async (viewer) => (await viewer.slot('verdict-word')) === 'All well', 60_000);
    expect(viewers.flatMap(({ complaints }) => complaints)).toEqual([]);
  }, 120_000);

  test('the console ends for good: the pages find the next one by themselves', async () => {
    const pid = desk.pidOf('console');
    const found = viewers.map(({ page }) =>
      page.waitForResponse((response) => response.url().endsWith('/api/stream') && response.ok(), { timeout: 60_000 }),
    );
    process.kill(pid, 'SIGKILL');
    await Promise.all(found);
    expect(desk.pidOf('console')).not.toBe(pid);
    const before = await viewers[0]?.slot('total-fills');
    await until('new fills on the page', async () => (await viewers[0]?.slot('total-fills')) !== before, 90_000);
    await everyoneSees('no silence', async (viewer) => (await viewer.slot('dead')) === null);
  }, 180_000);
});
