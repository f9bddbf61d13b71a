/** The page over a desk that has no events yet, and over one whose database goes away. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Browser } from 'playwright-core';
import type { RunningSimulator } from '../../simulator/server.ts';
import {
  openConsole,
  openSimulator,
  openStore,
  type ConsoleUnderTest,
  type StoreUnderTest,
} from '../console/harness.ts';
import { tellStory } from '../console/story.ts';
import { SILENT } from '../../core/log.ts';
import { createPool } from '../../ledger/connect.ts';
import { createEvidenceStore } from '../../ledger/evidence/store.ts';
import { draft } from '../core/evidence/builders.ts';
import { botConfig } from '../support/bots.ts';
import { until } from '../support/desk.ts';
import { REASON_TEXTS } from '../../core/bot/reason-texts.ts';
import { LADDER } from '../../core/escalation/ladder.ts';
import { launchChromium } from './chromium.ts';
import { Viewer, type Size } from './viewer.ts';

const SIZES: readonly Size[] = ['phone', 'desktop'];
let browser: Browser;
let store: StoreUnderTest;
let simulator: RunningSimulator;
let desk: ConsoleUnderTest;

beforeAll(async () => {
  // Fast enough for the recording's second lap to come while the test looks.
  [browser, store, simulator] = await Promise.all([launchChromium(), openStore(), openSimulator(100)]);
  desk = await openConsole({ store, simulatorPort: simulator.port });
}, 120_000);

afterAll(async () => {
  await browser.close();
  await desk.close();
  await simulator.stop();
  await store.close();
}, 60_000);

async function forEachSize(use: (viewer: Viewer) => Promise<void>): Promise<void> {
  for (const size of SIZES) {
    const viewer = await Viewer.open(browser, desk.url, size);
    await until('the first data', async () => (await viewer.slot('phase-word', 'bot1')) !== null);
    await use(viewer);
    expect(await viewer.overhang()).toBeLessThanOrEqual(0);
    expect(await viewer.clipped()).toEqual([]);
    expect(viewer.complaints).toEqual([]);
    await viewer.close();
  }
}

describe('before the first event', () => {
  test('each card says that nothing has come yet; no figure is made up', () =>
    forEachSize(async (viewer) => {
      expect(await viewer.slot('reason', 'bot1')).toContain('No data yet');
      expect(await viewer.slot('phase-word', 'bot1')).toBe('waiting');
      expect(await viewer.slot('equity', 'bot1')).toBeNull();
      expect(await viewer.slot('totals')).toBeNull();
      expect(await viewer.slot('verdict-word')).toBe('Needs a look');
      expect(await viewer.slot('verdict-detail')).toBe('0 of 3 bots running');
      expect(await viewer.slot('verdict-notes')).toMatch(/^Temporal does not answer.*bot1: no telemetry yet/);
      expect(await viewer.slot('components')).toContain('Temporal down');
      await viewer.shoot('empty');
    }));

  test('a mirrored lap is labelled as derived', async () => {
    const viewer = await Viewer.open(browser, desk.url, 'phone');
    await until(
      'a derived lap',
      async () => /lap \d*[24680] ?derived ?\(mirrored\)/.test((await viewer.slot('market-laps')) ?? ''),
      60_000,
    );
    await viewer.shoot('derived');
    await viewer.close();
  }, 70_000);
});

describe('with one bot trading', () => {
  beforeAll(async () => {
    const risk = { ...botConfig().risk, protectiveStopEnabled: true };
    await store.ship('bot1', tellStory({ bot: 'bot1', untilMs: Date.now(), minutes: 30, config: { risk } }).records);
    await store.ship(
      'bot4',
      tellStory({ bot: 'bot4', untilMs: Date.now() - 45_000, minutes: 3, withFills: false, fundingRate: 0.004 })
        .records,
    );
    // The console reads the store in rounds: a page opened at once may still show the round before.
    const viewer = await Viewer.open(browser, desk.url, 'phone');
    for (const bot of ['bot1', 'bot4'])
      await until(`data of ${bot}`, async () => (await viewer.slot('equity', bot)) !== null);
    await viewer.close();
  });

  test('each bot says in the words of its reason code why it quotes or not, and where it stands on the ladder', () =>
    forEachSize(async (viewer) => {
      const { quoted, funding_rate_high: funding } = REASON_TEXTS;
      expect((await viewer.slot('reason', 'bot1'))?.toLowerCase()).toBe(`${quoted.means}.`);
      expect(await viewer.slot('action', 'bot1')).toBeNull();
      expect(await viewer.slot('risk-level', 'bot1')).toBe('Risk: allow ·');
      expect(await viewer.slot('tags', 'bot1')).toMatch(/ · EPP v2\.4$/);
      expect(await viewer.slot('risk-figures', 'bot1')).toBe('funding 0.00 · drift 0.00 %');
      expect((await viewer.slot('reason', 'bot4'))?.toLowerCase()).toBe(`${funding.means}.`);
      expect(await viewer.slot('action', 'bot4')).toBe(`→ ${funding.action}`);
      expect(await viewer.slot('risk-level', 'bot4')).toBe(
        `Risk: soft pause. It ${LADDER.soft_pause.meaning} (funding rate high) ·`,
      );
      expect(await viewer.slot('risk-figures', 'bot4')).toBe('funding 0.00 (now 0.4000 %) · drift 0.00 %');
    }));

  test('says what evidence there is, what it found, and how old it is; a rehearsal of a command does not count', async () => {
    const nowMs = Date.now();
    const pool = createPool({
      databaseUrl: store.postgres.databaseUrl,
      role: 'desk_writer',
      connections: 1,
      log: SILENT,
    });
    const chain = createEvidenceStore({ pool, headsFile: null, log: SILENT });
    const gate = { go: false, hoursElapsed: 3.25, rules: { windowMs: 86_400_000 }, standing: [], paused: null };
    const found = { pass: false, findings: [{ code: 'not_listened' }] };
    const drafts = [
      draft({ key: 'day2-gate/1/1', kind: 'day2_gate', atMs: nowMs - 600_000, payload: gate }),
      draft({ key: 'freshness/1/1', kind: 'market_data_freshness', atMs: nowMs - 7_300_000, payload: found }),
      draft({ key: 'rehearsal/day2-gate/1', kind: 'day2_gate', atMs: nowMs, payload: { ...gate, go: true } }),
    ];
    for (const each of drafts) await chain.append({ ...each, subject: 'local', rehearsal: ['a test'] });
    await pool.end();
    await forEachSize(async (viewer) => {
      await until('the evidence', async () => (await viewer.slot('evidence-list'))?.includes('Market data') === true);
      expect(await viewer.slot('evidence-list')).toMatch(
        /^Day-2 gate ?NO-GO, 3\.25 of 24 h; a rehearsal ?10 min ago ?Market data ?1 finding: not listened; a rehearsal ?2 h 1 min ago$/,
      );
      await viewer.shoot('evidence');
    });
  }, 60_000);

  test('fresh, old and missing data stand side by side', () =>
    forEachSize(async (viewer) => {
      await until('the curve', async () => (await viewer.page.locator('[data-bot="bot1"] .line').count()) > 0);
      expect(await viewer.slot('stale', 'bot4')).toMatch(/^DATA \d+ (s|min) OLD$/);
      expect(await viewer.slot('fills-empty', 'bot4')).toBe('None yet.');
      expect(await viewer.slot('stale', 'bot3')).toBeNull();
      expect((await viewer.rows('fills', 'bot1')).length).toBe(8);
      await viewer.shoot('mixed');
    }));

  test('Postgres away: what was read last stays, and the page says so', async () => {
    const viewer = await Viewer.open(browser, desk.url, 'phone');
    await until('the first data', async () => (await viewer.slot('equity', 'bot1')) !== null);
    const equity = await viewer.slot('equity', 'bot1');
    await store.postgres.stop();
    await until('it is told', async () => (await viewer.slot('components'))?.includes('Postgres down') === true);
    expect(await viewer.slot('verdict-notes')).toContain('Postgres does not answer');
    expect(await viewer.slot('equity', 'bot1')).toBe(equity);
    await viewer.shoot('postgres-away');
    await store.restart();
    await until('it is back', async () => (await viewer.slot('components'))?.includes('Postgres up') === true);
    expect(viewer.complaints).toEqual([]);
    await viewer.close();
  }, 60_000);
});
