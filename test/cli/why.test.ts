/** `desk why` as a person runs it: over the built program, on journals and nothing else. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { botJournalDir, deskHome, type DeskHome } from '../../config/home.ts';
import { RecordKind } from '../../core/events/record.ts';
import { HEADER_BYTES } from '../../journal/frame.ts';
import type { JournalRecord } from '../../journal/reader.ts';
import { readAll } from '../journal/helpers.ts';
import { recordBench, rewriteJournal, trade, type RecordingBench } from '../support/bot-journal.ts';
import { botConfig } from '../support/bots.ts';
import { runDesk, type Said } from '../support/desk-command.ts';

const root = mkdtempSync(join(tmpdir(), 'why-'));
const home = deskHome(join(root, 'home'));
const HOUR_MS = 3_600_000;
/** Two hours ago on a whole second, and every instant of the story from there. */
const T0 = Math.floor((Date.now() - 2 * HOUR_MS) / 1_000) * 1_000;
const iso = (atMs: number): string => new Date(atMs).toISOString();
let records: JournalRecord[] = [];
const at = { paused: 0, frozen: 0, ended: 0, restarted: 0, changed: 0, last: 0 };
const TIMEOUT_MS = 60_000;

/** bot1 trades, is paused, trades again, ends, comes back half an hour later. */
beforeAll(async () => {
  const dir = botJournalDir(home, 'bot1');
  mkdirSync(dir, { recursive: true });
  const options = { snapshotInputs: 300, segmentBytes: 256 * 1024 };
  const bench = await recordBench(dir, { ...options, config: tight });
  bench.nowMs = T0;
  bench.run();
  await trade(bench, 600);
  at.paused = bench.nowMs;
  bench.tell({ kind: RecordKind.controlInput, command: { command: 'pause', operator: 'ada', reason: 'a look' } });
  await trade(bench, 700, 2);
  bench.tell({ kind: RecordKind.controlInput, command: { command: 'resume', operator: 'ada', reason: 'had it' } });
  await trade(bench, 150, 3);
  at.frozen = bench.nowMs;
  const freeze = { operator: 'bob', reason: 'freeze: the news' };
  bench.tell({ kind: RecordKind.controlInput, command: { command: 'pause', ...freeze } });
  await trade(bench, 50, 6);
  bench.tell({ kind: RecordKind.controlInput, command: { command: 'resume', operator: 'bob', reason: 'over' } });
  await trade(bench, 150, 3);
  at.ended = bench.nowMs;
  await bench.close();
  const again = await recordBench(dir, { ...options, config: tight, state: bench.state });
  again.nowMs = at.ended + HOUR_MS / 2;
  at.restarted = again.nowMs;
  again.restart([{ leg: 'net', qty: bench.state.holdings.net.qty, entryPrice: '60000' }], []);
  await trade(again, 100, 4);
  at.changed = again.nowMs;
  const changes = { 'strategy.skewBps': 3 };
  again.tell({ kind: RecordKind.controlInput, command: { command: 'setParameters', operator: 'ada', reason: 'lean', changes } }); // prettier-ignore
  await trade(again, 100, 5);
  at.last = again.nowMs;
  await again.close();
  records = await readAll(dir);
}, 180_000);
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** So tight that a side with some position is denied another order. */
const tight = botConfig({ risk: { ...botConfig().risk, exposureQuoteMax: '700', cancelsPerMinuteMax: 600 } });

const deskIn = ({ root }: DeskHome, ...args: string[]): Promise<Said> => runDesk({ DESK_HOME: root }, ...args);
const desk = (...args: string[]): Promise<Said> => deskIn(home, ...args);

async function data<T>(...args: string[]): Promise<T> {
  const { code, text } = await desk('why', ...args, '-o', 'json');
  const answer = JSON.parse(text.trim().split('\n').at(-1) ?? '') as { v: number; data: T };
  expect({ code, v: answer.v }).toEqual({ code: 0, v: 1 });
  return answer.data;
}

type Json = Record<string, unknown>;
const json = ({ payload }: JournalRecord): Json => JSON.parse(payload.toString('utf8')) as Json;
const events = (kind: number, type: string): JournalRecord[] =>
  records.filter((record) => record.kind === kind && json(record)['type'] === type);

describe('a bot', () => {
  test('now: the last tick with its reason, since when, and the numbers; nothing is wider than a screen', async () => {
    const { code, text } = await desk('why', 'bot1');
    expect(code).toBe(0);
    expect(text).toContain('bot1 BTCUSDT');
    // Hours ago is history, told by its date.
    expect(text).toContain(`It is not running: its last tick was at ${iso(at.last).slice(0, 10)} ${iso(at.last).slice(11, 23)} UTC.`);
    expect(text).toMatch(/The re-run decided the same: [\d,]+ inputs from .*, [\d,]+ events byte for byte\./s);
    for (const line of text.split('\n')) expect(stripVTControlCharacters(line).length).toBeLessThanOrEqual(100);
  }, TIMEOUT_MS); // prettier-ignore

  test.each([
    ['while it was paused', () => at.paused + 40_000, 'paused_by_operator', () => at.paused],
    ['in the tick that paused it', () => at.paused, 'paused_by_operator', () => at.paused],
    ['at its first tick', () => T0, 'book_missing', () => T0],
  ])('%s: the reason and since when', async (_name, instant, reason, since) => {
    const answer = await data<Json>('bot1', '--at', iso(instant()));
    expect(answer).toMatchObject({ bot: 'bot1', symbol: 'BTCUSDT', reason, silence: null });
    expect(answer['tick']).toMatchObject({ atMs: instant() });
    expect(answer['since']).toMatchObject({ reason, sinceMs: since() });
    expect(answer['verdict']).toMatchObject({ agrees: true, divergence: null });
  }, TIMEOUT_MS); // prettier-ignore

  test('while it was paused says what to do, and what was last said of each side', async () => {
    const { text } = await desk('why', 'bot1', '--at', iso(at.paused + 40_000));
    expect(text).toContain('bot1 is paused by a person (or frozen); its orders are off the book.');
    expect(text).toContain('./desk bot resume bot1 --reason');
    expect(text).toMatch(/before that (quoted|inventory_full|reconciling) for/);
    expect(text).toContain(`By ada at ${iso(at.paused).slice(11, 23)}, 40.0 s before: a look.`);
    expect(text).toMatch(/bid +no quote: paused_by_operator keeps the strategy from being asked\n +nothing rests\n +last intent +0\.004 at /);
    expect(text).toMatch(/last denial +exposure_above_cap: \d+\.\d+, limit 700 USDT/);
  }, TIMEOUT_MS); // prettier-ignore

  test('in a freeze: who froze it and why, and that a thaw ends it', async () => {
    const { text } = await desk('why', 'bot1', '--at', iso(at.frozen + 3_000));
    expect(text).toContain(`By bob at ${iso(at.frozen).slice(11, 23)}, 3.0 s before: a freeze: the news.`);
    expect(text).toContain('→ ./desk bot thaw bot1 --reason');
    expect(text).not.toContain('./desk bot resume');
  }, TIMEOUT_MS); // prettier-ignore

  test('with a parameter that was changed while it ran: from, to, by whom, and only from then on', async () => {
    const { text } = await desk('why', 'bot1');
    expect(text).toContain(`changed    strategy.skewBps 2 → 3 · by ada at ${iso(at.changed).slice(11, 23)}: lean`);
    expect((await desk('why', 'bot1', '--at', iso(at.changed - 1_000))).text).not.toContain('changed ');
    expect(text).toMatch(/equity [\d.]+ USDT \(balance read \d+(\.\d)? m?s before\)/);
    expect(text).toContain('stop       none at the venue: risk.protectiveStopEnabled is false');
  }, TIMEOUT_MS); // prettier-ignore

  test('in the half hour without a process: when it was last heard and when again', async () => {
    const answer = await data<Json>('bot1', '--at', iso(at.ended + 600_000));
    expect(answer['silence']).toEqual({ untilMs: at.restarted });
    expect(answer['tick']).toMatchObject({ atMs: at.ended });
    const { text } = await desk('why', 'bot1', '--at', iso(at.ended + 600_000));
    expect(text).toContain('It was not running: its last tick was 10 min before');
  }, TIMEOUT_MS); // prettier-ignore

  test('in a window: the shares of all reasons are the window, and the pause is as long as it was', async () => {
    interface Window { ticks: number; shares: { reason: string; ms: number; ratio: number; times: number }[]; longest: Json[] } // prettier-ignore
    const window = await data<Window>('bot1', '--from', iso(T0), '--to', iso(at.last));
    const share = (reason: string) => window.shares.find((one) => one.reason === reason);
    expect(window.shares.reduce((sum, { ms }) => sum + ms, 0)).toBe(at.last - T0);
    expect(window.shares.reduce((sum, { ratio }) => sum + ratio, 0)).toBeCloseTo(1, 9);
    expect(share('not_running')).toMatchObject({ ms: at.restarted - at.ended, times: 1 });
    expect(share('paused_by_operator')).toMatchObject({ ms: 75_000, times: 2 });
    expect(share('quoted')?.ms).toBeGreaterThan(20_000);
    expect(window.longest[0]).toEqual({ reason: 'not_running', fromMs: at.ended, toMs: at.restarted });
    const inputs = records.filter(({ kind }) => kind < 100 && kind !== RecordKind.stateSnapshot);
    expect(window.ticks).toBe(inputs.length);
    const { text } = await desk('why', 'bot1', '--from', iso(T0), '--to', iso(at.last));
    expect(text).toMatch(/reason +share +together +how often\n.*paused_by_operator +\d\.\d % +1 min 15 s +2 times/s);
  }, TIMEOUT_MS); // prettier-ignore

  test('a window that begins before the journal is cut there', async () => {
    const window = await data<Json>('bot1', '--from', '-24h', '--to', iso(at.paused));
    expect(window).toMatchObject({ fromMs: T0, toMs: at.paused, isCut: true });
    const { text } = await desk('why', 'bot1', '--from', '-24h', '--to', iso(at.paused));
    expect(text).toContain('Its journal begins there.');
  }, TIMEOUT_MS); // prettier-ignore

  test('a window that begins and ends inside a reason is cut there', async () => {
    const window = await data<Json>('bot1', '--from', iso(at.paused + 10_000), '--to', iso(at.paused + 20_000));
    expect(window).toMatchObject({ changes: 0, shares: [{ reason: 'paused_by_operator', ms: 10_000, ratio: 1 }] });
  }, TIMEOUT_MS); // prettier-ignore
});

describe('an order', () => {
  const idOf = (record: JournalRecord | undefined): string => String(record === undefined ? '' : json(record)['clientOrderId']); // prettier-ignore

  test('that filled: what led to it, what risk measured, its fill with fee, and the same decided again', async () => {
    const fill = events(RecordKind.fillEvent, 'fill')[2];
    const placed = events(RecordKind.executionIntentEvent, 'place').find((place) => idOf(place) === idOf(fill));
    interface Order { decisions: (Json & { sequence: number })[]; events: { event: Json; sequence: number }[]; summary: Json } // prettier-ignore
    const answer = await data<Order & Json>(idOf(fill));
    expect(answer).toMatchObject({ bot: 'bot1', clientOrderId: idOf(fill), verdict: { agrees: true } });
    // A number that risk denied before is used again, by the next intent.
    expect(answer.decisions.at(-1)).toMatchObject({ sequence: placed?.causeSequence, outcome: { outcome: 'approved', intent: json(placed as JournalRecord) } }); // prettier-ignore
    const mentions = records.filter(({ kind, payload }) => kind >= 100 && payload.includes(`"${idOf(fill)}"`));
    expect(answer.events.map(({ sequence }) => sequence)).toEqual(mentions.map(({ sequence }) => sequence));
    const { fee, qty } = json(fill as JournalRecord);
    expect(answer.summary).toMatchObject({ state: 'closed', closeReason: 'filled', fee, qty, liquidity: ['maker'] });
    const { code, text } = await desk('why', idOf(fill));
    expect(code).toBe(0);
    expect(text).toMatch(/risk +approved · it is worth 2\d\d(\.\d)? USDT, at most 300\s+(· )?exposure with it \d+(\.\d)? USDT, at most 700/);
    expect(text).toContain(`${String(qty)} at ${String(json(fill as JournalRecord)['price'])} as maker · fee ${String(fee)} USDT`);
    expect(text).toMatch(/\+\d+(\.\d)? m?s +open +it rests in the book · on the venue's answer to it: yes/);
    expect(text).toMatch(/filled +all of it is filled/);
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
  }, TIMEOUT_MS); // prettier-ignore

  test('that was cancelled: why', async () => {
    const cancel = events(RecordKind.executionIntentEvent, 'cancel').find((one) => json(one)['reason'] === 'paused_by_operator');
    const { text, code } = await desk('why', idOf(cancel));
    expect(code).toBe(0);
    expect(text).toMatch(/cancel +paused_by_operator: the bot is paused by a person/);
    expect(text).toContain('command pause');
  }, TIMEOUT_MS); // prettier-ignore

  test('that was denied: what was measured, and the limit', async () => {
    const denied = events(RecordKind.riskDecisionEvent, 'denied');
    const never = denied.find((one) => !events(RecordKind.executionIntentEvent, 'place').some((place) => idOf(place) === idOf(one)));
    const [first] = denied;
    const answer = await data<{ decisions: Json[] }>(idOf(first));
    expect(answer.decisions[0]).toMatchObject({ sequence: first?.causeSequence, outcome: { outcome: 'denied', denial: json(first as JournalRecord) } }); // prettier-ignore
    expect(never === undefined || (await desk('why', idOf(never))).text.includes('denied')).toBe(true);
  }, TIMEOUT_MS); // prettier-ignore
});

describe('a journal that was changed', () => {
  test('shows the first difference, and fails', async () => {
    const intents = events(RecordKind.executionIntentEvent, 'place');
    const victim = intents[10] as JournalRecord;
    const other = deskHome(join(root, 'changed'));
    mkdirSync(botJournalDir(other, 'bot1'), { recursive: true });
    await rewriteJournal(botJournalDir(home, 'bot1'), botJournalDir(other, 'bot1'), (record) =>
      record.sequence === victim.sequence
        ? { kind: record.kind, payload: Buffer.from(JSON.stringify({ ...json(record), price: '12345.6' })) }
        : record,
    );
    const said = await deskIn(other, 'why', String(json(victim)['clientOrderId']));
    expect(said.code).toBe(1);
    expect(said.text).toContain(`The re-run differs from record ${victim.sequence} on`);
    expect(said.text).toContain(`price: journaled "12345.6", re-run ${JSON.stringify(json(victim)['price'])}`);
    expect(said.text).toMatch(/It was recorded by version v and re-run by /);
  }, TIMEOUT_MS); // prettier-ignore
});

describe('what cannot be answered says why', () => {
  const cases: readonly (readonly [string, () => string[], number, string])[] = [
    [
      'an unknown bot',
      () => ['bot9'],
      2,
      'why: expected a client order id or a bot with a journal (bot1, bot2, bot3), was "bot9"',
    ],
    [
      'an order of no bot',
      () => ['bot9_7-1'],
      1,
      'bot9_7-1: no bot of this desk makes such ids; journals searched: bot1, bot2, bot3',
    ],
    ['an order that never was', () => ['bot1_7-zzz'], 1, 'run 7 made no such order'],
    ['an order of a run that never was', () => ['bot1_z-1'], 1, 'it has no run z'],
    ['an empty journal', () => ['bot2'], 1, 'bot2: its journal is empty'],
    ['a journal of an older version', () => ['bot3'], 1, 'bot3: the start at '],
    ['no time', () => ['bot1', '--at', '25:10'], 2, '--at: expected a time (UTC) such as'],
    ['a time to come', () => ['bot1', '--at', '2999-01-01'], 2, '--at: expected a time that has been'],
    [
      'a time before the first record',
      () => ['bot1', '--at', iso(T0 - 1)],
      2,
      `--at: expected no earlier than ${iso(T0).slice(0, 10)}`,
    ],
    ['a window backwards', () => ['bot1', '--from', '-1m', '--to', '-2m'], 2, '--from: expected a time before --to'],
    ['a window and an instant', () => ['bot1', '--from', '-2m', '--at', '-1m'], 2, 'expected --at, or --from'],
    ['an order at a time', () => ['bot1_7-1', '--at', '-1m'], 2, 'expected with a bot'],
    ['another format', () => ['bot1', '-o', 'xml'], 2, '--output: expected text or json'],
  ];
  beforeAll(async () => {
    mkdirSync(botJournalDir(home, 'bot2'));
    const bench: RecordingBench = await recordBench(botJournalDir(home, 'bot3'), { isOld: true });
    bench.run();
    await bench.close();
    // Beside the journals' folders: no journal.
    writeFileSync(join(home.journalsDir, 'bot1.snapshot.json'), '{}');
  });

  test.each(cases)('%s', async (_name, args, code, text) => {
    const said = await desk('why', ...args());
    expect(said.text).toContain(text);
    expect(said.code).toBe(code);
  }, TIMEOUT_MS); // prettier-ignore

  test('a damaged journal', async () => {
    const other = deskHome(join(root, 'damaged'));
    const dir = botJournalDir(other, 'bot1');
    mkdirSync(dir, { recursive: true });
    await rewriteJournal(botJournalDir(home, 'bot1'), dir, (record) => record);
    const { position } = (await readAll(dir)).findLast(({ kind }) => kind === RecordKind.telemetryEvent) as JournalRecord;
    const file = join(dir, position.segment);
    const bytes = readFileSync(file);
    const place = position.offset + HEADER_BYTES;
    bytes.writeUInt8(bytes.readUInt8(place) ^ 1, place);
    writeFileSync(file, bytes);
    const said = await deskIn(other, 'why', 'bot1');
    expect(said.code).toBe(1);
    expect(said.text).toContain('the journal is damaged:');
    expect(said.text).toContain('docs/runbooks/damaged-journal.md');
  }, TIMEOUT_MS); // prettier-ignore
});
