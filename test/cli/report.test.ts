/** `desk report` as a person runs it: over the built program, on journals that real machines left, and nothing else. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { derivedBars } from '../../backtest/derived-bars.ts';
import { replayIntoJournal } from '../../backtest/journaled-replay.ts';
import { barMsOf } from '../../backtest/replay.ts';
import type { ReplayResult } from '../../backtest/tally.ts';
import { botJournalDir, deskHome } from '../../config/home.ts';
import { loadConfig } from '../../config/load.ts';
import type { BotFillEvent, FillEvent } from '../../core/bot/events.ts';
import { RecordKind } from '../../core/events/record.ts';
import { SILENT } from '../../core/log.ts';
import { formatQuote, parseQuote, parseScaled } from '../../core/money/decimal.ts';
import type { QuoteAmount } from '../../core/money/money.ts';
import type { EdgeReport } from '../../core/reporting/edge-report.ts';
import type { CalibrationReport } from '../../core/reporting/fill-factor.ts';
import type { MarkoutEvent } from '../../core/reporting/report-fill.ts';
import { feedNamed } from '../backtest/harness.ts';
import { counts, shadowEvent } from '../core/reporting/builders.ts';
import { makerParams } from '../core/market-maker/maker-harness.ts';
import { readAll } from '../journal/helpers.ts';
import { recordBench, trade, type RecordingBench } from '../support/bot-journal.ts';
import { botConfig } from '../support/bots.ts';
import { runDeskIn, type Said } from '../support/desk-command.ts';

const root = mkdtempSync(join(tmpdir(), 'report-'));
const home = deskHome(join(root, 'home'));
const MINUTE = 60_000;
const TIMEOUT_MS = 120_000;
/** An hour ago on a whole minute. */
const T0 = Math.floor(Date.now() / MINUTE - 60) * MINUTE;

let replayed: ReplayResult;
let bench: RecordingBench;

/** bot1 is the desk's own in the recorded market; bot2 trades for a while, and its process says what paper had filled. */
beforeAll(async () => {
  const { feed, instrument } = feedNamed('btcusdt-20240808');
  const config = loadConfig(join(process.cwd(), 'config')).bots.get('bot1')!;
  const bars = derivedBars(feed, 0, barMsOf(config));
  replayed = await replayIntoJournal({ feed, instrument, config, bars }, botJournalDir(home, 'bot1'), SILENT);
  await recordBot2(botJournalDir(home, 'bot2'));
  mkdirSync(botJournalDir(home, 'bot3'));
}, 180_000);
afterAll(async () => {
  await bench.close();
  rmSync(root, { recursive: true, force: true });
});

/** Four of five orders fill that paper fills, for half an hour; then a person believes it. Its journal stays open. */
async function recordBot2(dir: string): Promise<void> {
  mkdirSync(dir, { recursive: true });
  bench = await recordBench(dir, { config: botConfig({ bot: 'bot2', strategy: makerParams({ spread: { fillFactor: 0.95 } }) }) }); // prettier-ignore
  bench.nowMs = T0;
  bench.run();
  for (let minute = 0; minute < 30; minute += 1) {
    await trade(bench, 5, minute + 1);
    bench.nowMs = T0 + (minute + 1) * MINUTE;
    const filled = minute % 2 === 0 ? 3 : 5;
    const event = shadowEvent(counts(filled, `${filled / 1_000}`), counts(5, '0.005'), { ordersNotCompared: minute });
    bench.journal.append(RecordKind.telemetryEvent, 7, 0, bench.nowMs, JSON.stringify(event));
  }
  await trade(bench, 5, 99);
  const changes = { 'strategy.spread.fillFactor': 0.8 };
  bench.tell({ kind: RecordKind.controlInput, command: { command: 'setParameters', operator: 'ada', reason: 'measured', changes } }, MINUTE); // prettier-ignore
  await bench.journal.durable();
}

/** In a checkout of its own: what it writes goes there. */
function desk(...args: string[]): Promise<Said> {
  const env = { DESK_HOME: home.root, DESK_CONFIG: join(process.cwd(), 'config') };
  return runDeskIn(root, env, 'report', ...args);
}

async function data<T>(...args: string[]): Promise<T> {
  const { out } = await desk(...args, '-o', 'json');
  const answer = JSON.parse(out) as { v: number; data: T };
  expect(answer.v).toBe(1);
  return answer.data;
}

async function eventsOf<T extends { type: string }>(bot: string, type: T['type']): Promise<T[]> {
  return (await readAll(botJournalDir(home, bot)))
    .filter(({ kind }) => kind >= 100)
    .map(({ payload }) => JSON.parse(payload.toString('utf8')) as T)
    .filter((event) => event.type === type);
}

describe('the edge of a bot in the recorded market', () => {
  let report: EdgeReport;
  let fills: BotFillEvent[];
  beforeAll(async () => {
    report = await data<EdgeReport>('edge', 'bot1');
    fills = await eventsOf<BotFillEvent>('bot1', 'BotFill');
  }, TIMEOUT_MS);

  test('its sums are those of the fills in the journal, and those of the replay, to the last digit', async () => {
    const booked = await eventsOf<FillEvent>('bot1', 'fill');
    const total = (of: (fill: FillEvent) => bigint): string => formatQuote(booked.reduce((sum, fill) => sum + of(fill), 0n) as QuoteAmount); // prettier-ignore
    expect(report.all).toEqual({
      fills: booked.length,
      notional: total(({ price, qty }) => (parseScaled(price, 12) * parseScaled(qty, 12)) / 10n ** 12n),
      fees: total(({ fee }) => parseQuote(fee)),
      realised: total(({ realised }) => parseQuote(realised)),
      net: total(({ realised, fee }) => parseQuote(realised) - parseQuote(fee)),
    });
    const { pnl, fills: counted } = replayed;
    expect(report.all).toMatchObject({ fills: counted.count, notional: counted.volumeQuote, fees: pnl.fees, realised: pnl.realised }); // prettier-ignore
    expect(report.liquidity.maker.fills).toBe(counted.maker);
    expect(counted.count).toBeGreaterThan(5);
  });

  test('the net edge is what the signals say of the fills that have one', async () => {
    const markouts = new Map(
      (await eventsOf<MarkoutEvent>('bot1', 'markout')).map((event) => [event.tradeId, event.bps]),
    );
    let [weighted, weight, measured] = [0, 0, 0];
    for (const { tradeId, price, qty, feeBps } of fills) {
      const bps = markouts.get(tradeId)?.s5 ?? null;
      if (bps === null) continue;
      const quote = Number(price) * Number(qty);
      weighted += (bps - feeBps) * quote;
      weight += quote;
      measured += 1;
    }
    expect(report.terms.horizonS).toBe(5);
    expect(report.quotes.measured).toBe(measured);
    expect(report.quotes.netBps.mean).toBeCloseTo(weighted / weight, 9);
    expect(measured).toBeGreaterThan(3);
    // The last minute's fills wait for markouts that never come.
    expect(report.unmeasured.withoutMarkout).toBe(fills.length - measured);
  });

  test('it is plausible: post-only quotes made, for the listed fee, within some bps of the mid', () => {
    const { liquidity, quotes, curve, model, others, filledBy, runs } = report;
    expect([liquidity.taker.fills, others.fills, filledBy, runs.length]).toEqual([0, 0, 'replay', 1]);
    expect(liquidity.maker.paidBps).toBeCloseTo(liquidity.maker.listedBps, 6);
    for (const mean of [quotes.captureBps.mean, ...curve.markoutBps.map(({ bps }) => bps.mean)])
      expect(Math.abs(mean!)).toBeLessThan(30);
    // Less than six minutes of market: nobody is judged by that, and no interval is made up.
    expect([quotes.netBps.low, model.verdict]).toEqual([null, 'not_enough_data']);
  });

  test('a part of it holds the fills of that part', async () => {
    const times = fills.map(({ atMs }) => atMs).sort((a, b) => a - b);
    const middle = times[Math.floor(times.length / 2)]!;
    const [first, second] = [
      await data<EdgeReport>('edge', 'bot1', '--to', new Date(middle).toISOString()),
      await data<EdgeReport>('edge', 'bot1', '--from', new Date(middle).toISOString()),
    ];
    expect(first.all.fills).toBe(times.filter((atMs) => atMs < middle).length);
    expect(first.all.fills + second.all.fills).toBe(fills.length);
    // Markouts of the first part's last fills were told in the second.
    expect(first.quotes.measured + second.quotes.measured).toBe(report.quotes.measured);
    expect(parseQuote(first.all.fees) + parseQuote(second.all.fees)).toBe(parseQuote(report.all.fees));
    expect(second.runs).toHaveLength(1);
  }, TIMEOUT_MS); // prettier-ignore

  test('as text it fits a screen, as Markdown its tables are whole', async () => {
    const text = await desk('edge', 'bot1');
    expect(text.out).toMatch(/net edge\s+[-+]\d+\.\d\d\./);
    for (const line of text.out.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
    const { out } = await desk('edge', 'bot1', '-o', 'md');
    expect(out.startsWith('# Edge of bot1\n')).toBe(true);
    const widths = out.split('\n\n').filter((block) => block.startsWith('|')).map((table) => new Set(table.trim().split('\n').map((line) => line.split('|').length)).size); // prettier-ignore
    expect(widths.length).toBeGreaterThan(5);
    expect(new Set(widths)).toEqual(new Set([1]));
  }, TIMEOUT_MS); // prettier-ignore

  test('--write leaves whole files, the newest beside them, and nothing half', async () => {
    const { err, out, code } = await desk('edge', 'bot1', '--write', '-o', 'json');
    const dir = join(root, 'reports', 'edge');
    const files = readdirSync(dir).sort();
    const stem = files[0]!.replace(/\..*/, '');
    expect(stem).toMatch(/^bot1_\d{8}T\d{6}Z$/);
    expect(files).toEqual([`${stem}.json`, `${stem}.md`, `${stem}_hour.svg`, `${stem}_markout.svg`, `${stem}_regime-side.svg`, 'bot1_latest.json']); // prettier-ignore
    expect([code, err.split(', ').length]).toEqual([0, 6]);
    const latest = readFileSync(join(dir, 'bot1_latest.json'), 'utf8');
    expect(latest).toBe(readFileSync(join(dir, `${stem}.json`), 'utf8'));
    expect(JSON.parse(latest)).toEqual(JSON.parse(out));
    const markdown = readFileSync(join(dir, `${stem}.md`), 'utf8');
    const linked = [...markdown.matchAll(/!\[[^\]]+\]\(([^)]+)\)/g)].map(([, file]) => file!);
    expect(linked).toHaveLength(3);
    for (const file of linked) expect(existsSync(join(dir, file))).toBe(true);
  }, TIMEOUT_MS); // prettier-ignore
});

describe('the calibration of a bot whose journal is still being written', () => {
  const until = new Date(T0 + 30 * MINUTE + 1).toISOString();

  test('0.8 fills where 0.95 is believed: critical, the command, and exit code 5', async () => {
    const { code, out } = await desk('calibration', 'bot2', '--to', until);
    expect(code).toBe(5);
    expect(out).toMatch(/CRITICAL: too hopeful: measured 0\.80 \(0\.\d\d to 0\.\d\d\), configured 0\.95/);
    expect(out).toContain('./desk bot set bot2 strategy.spread.fillFactor=0.8 --reason "fill factor 0.80');
    const report = await data<CalibrationReport>('calibration', 'bot2', '--to', until);
    const queue = report.grades.find(({ grade }) => grade === 'queue')!;
    expect(queue.byQty).toMatchObject({ actual: '0.12', predicted: '0.15', factor: { n: 150, minutes: 30 } });
    expect(report).toMatchObject({ filledBy: 'simulator', coverage: { spanMs: 30 * MINUTE, ordersCompared: 300, ordersNotCompared: 29 } }); // prettier-ignore
  }, TIMEOUT_MS); // prettier-ignore

  test('what a person changed while it ran is what it is held against', async () => {
    const { code, out } = await desk('calibration', 'bot2');
    expect(code).toBe(0);
    expect(out).toMatch(/Within: measured 0\.80 \(0\.\d\d to 0\.\d\d\), configured 0\.8\./);
    expect(out).toMatch(/changed while running +configured +now +by +UTC +why\n +strategy\.spread\.fillFactor +0\.95 +0\.8 +ada .*measured\n/);
  }, TIMEOUT_MS); // prettier-ignore

  test('a period that begins before the journal does is cut there', async () => {
    const [whole, asked] = [await data<CalibrationReport>('calibration', 'bot2'), await data<CalibrationReport>('calibration', 'bot2', '--from', '-30d')]; // prettier-ignore
    expect(asked.coverage).toEqual(whole.coverage);
  }, TIMEOUT_MS); // prettier-ignore

  test('of a replay there is none: the model filled its own orders', async () => {
    const { code, out } = await desk('calibration', 'bot1');
    expect(code).toBe(0);
    expect(out).toContain('No verdict: ');
  }, TIMEOUT_MS); // prettier-ignore
});

describe('what cannot be answered says why', () => {
  test.each([
    ['an unknown bot', ['edge', 'bot9'], 2, 'bot: expected one with a journal (bot1, bot2, bot3), was "bot9"'],
    ['an empty journal', ['edge', 'bot3'], 1, 'bot3: its journal is empty'],
    ['another format', ['edge', 'bot1', '-o', 'xml'], 2, '--output: expected one of text, json, md, was "xml"'],
    ['no time', ['edge', 'bot1', '--from', 'soon'], 2, '--from: expected a time (UTC) such as'],
    ['a period before the first record', ['edge', 'bot1', '--to', '2001-01-01'], 2, '--to: expected a time after 2024-08-08'], // prettier-ignore
    ['a period after the last one', ['edge', 'bot1', '--from', '-24h'], 2, '--from: expected a time before 2024-08-09'], // prettier-ignore
    ['a period backwards', ['calibration', 'bot2', '--from', '-1m', '--to', '-2m'], 2, '--from: expected a time before'], // prettier-ignore
  ])('%s', async (_name, args, code, text) => {
    const said = await desk(...args);
    expect(said.err).toContain(text);
    expect(said.code).toBe(code);
  }, TIMEOUT_MS); // prettier-ignore
});
