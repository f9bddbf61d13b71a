/**
 * `desk replay <bot>`: a bot in recorded data, by default under all three fill grades side by side. `desk data` lists and
 * packs what can be replayed. Nothing of the running desk is touched.
 */
import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import Table from 'cli-table3';
import { InvalidArgumentError, type Command } from 'commander';
import pc from 'picocolors';
import { CatalogueError, chooseData, readCatalogue, type CataloguedData } from '../backtest/catalogue.ts';
import { derivedBars } from '../backtest/derived-bars.ts';
import { replayIntoJournal } from '../backtest/journaled-replay.ts';
import { columnsPath, loadBars, loadFeed, packColumns, type DataFolders } from '../backtest/market-data.ts';
import { barMsOf, runReplay, type ReplayOptions } from '../backtest/replay.ts';
import type { ReplayResult } from '../backtest/tally.ts';
import { loadConfig } from '../config/load.ts';
import type { BotConfig } from '../core/bot/bot-config.ts';
import { FILL_GRADES, type FillGrade } from '../core/fill-model/fill-model.ts';
import { COMPARED_GRADES } from '../core/fill-model/graded-fills.ts';
import { LatencyParams, WAY_MS_MAX } from '../core/fill-model/latency.ts';
import { SILENT } from '../core/log.ts';
import type { Bar } from '../core/market/bars.ts';
import { feedOfBars } from '../core/recording/bar-feed.ts';
import { barsBefore } from '../core/recording/bar-series.ts';
import type { Recording } from '../core/recording/recording.ts';
import type { Context } from './context.ts';
import { checkOutput, CommandFailure, EXIT } from './exit-codes.ts';
import { preflight, preflightLines } from './replay-preflight.ts';

interface ReplayFlags {
  data?: string;
  grade?: string;
  from?: number;
  to?: number;
  latency?: number;
  push?: number;
  bars: string;
  journal?: string;
  output: string;
}

const BARS = ['derived', 'recorded'];
/** As many as a venue gives at once. */
const BARS_READ = 1_000;

export function registerReplayCommands(program: Command, context: Context): void {
  program
    .command('replay <bot>')
    .description('a bot as configured in recorded data: what it would have done, and what would have filled')
    .option('--data <name>', 'which recording; the first one of its symbol when left out (desk data list)')
    .option('--grade <grade>', `${FILL_GRADES.join(', ')}; ${COMPARED_GRADES.join(', ')} side by side when left out`)
    .option('--from <s>', 'second of the recording that the bot starts at', seconds)
    .option('--to <s>', 'second of the recording that it is cut off at', seconds)
    .option('--latency <ms>', 'on each way to the market and back', milliseconds)
    .option('--push <ms>', 'between two looks at the book; 0 shows each change', milliseconds)
    .option(
      '--bars <which>',
      'bars at the start: derived from the recording as the simulator does, or recorded',
      'derived',
    )
    .option('--journal <dir>', "write the bot's journal into an empty folder; needs --grade")
    .option('-o, --output <format>', 'text or json', 'text')
    .action(async (bot: string, flags: ReplayFlags) => {
      checkOutput(flags.output);
      process.exit(await usage(() => replay(context, bot, flags)));
    });
  const data = program.command('data').description('recorded data for replays');
  data
    .command('list')
    .description('what there is, and where it comes from')
    .option('-o, --output <format>', 'text or json', 'text')
    .action(async ({ output }: { output: string }) => {
      checkOutput(output);
      process.exit(await usage(async () => listData(context, output)));
    });
  data
    .command('pack [name]')
    .description('make the columns that are played anew from their origins: all, or one set')
    .action(async (name?: string) => process.exit(await usage(async () => packData(context, name))));
}

/** What is wrong with the question is the caller's to put right. */
async function usage(work: () => Promise<number>): Promise<number> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof CatalogueError) throw new CommandFailure(EXIT.usage, error.message);
    throw error;
  }
}

async function replay(context: Context, bot: string, flags: ReplayFlags): Promise<number> {
  const configured = botNamed(context, bot);
  const grades = gradesOf(flags);
  if (!BARS.includes(flags.bars))
    throw new CommandFailure(EXIT.usage, `--bars: expected one of ${BARS.join(', ')}, was "${flags.bars}"`);
  const data = dataFor(context, configured, flags.data);
  const config = { ...configured, symbol: data.symbol };
  const { feed, barsAt } = openData(data, foldersOf(context));
  const fromMs = (flags.from ?? 0) * 1_000;
  const lengthMs = feed.frameAtMs[feed.frameCount - 1]!;
  const toMs = Math.min((flags.to ?? Infinity) * 1_000, lengthMs);
  if (!(fromMs < toMs))
    throw new CommandFailure(EXIT.usage, `--from: expected less than ${toMs / 1_000} (s), was ${fromMs / 1_000}`);
  const { latency: wayMs } = flags;
  const options: ReplayOptions = {
    feed,
    instrument: data.instrument,
    config,
    fromMs,
    toMs,
    ...(wayMs !== undefined && { latency: LatencyParams.parse({ submitMs: wayMs, cancelMs: wayMs, feedMs: wayMs }) }),
    ...(flags.push !== undefined && { pushMs: flags.push }),
    ...(data.kind === 'feed' && data.fundingIntervalMs !== undefined && { fundingIntervalMs: data.fundingIntervalMs }),
    ...(flags.bars === 'derived' && { bars: barsAt(fromMs, barMsOf(config)) }),
  };
  const faults = preflight(config, data.instrument, feed, fromMs);
  const results: ReplayResult[] = [];
  for (const grade of grades) results.push(await run({ ...options, grade }, flags.journal));
  if (flags.output === 'json')
    console.log(JSON.stringify({ v: 1, data: { data: data.name, preflight: faults, results } }));
  else {
    show(data, configured, results);
    if (faults.length > 0) console.log(preflightLines(configured.bot, faults).join('\n'));
  }
  return EXIT.ok;
}

interface OpenedData {
  readonly feed: Recording;
  /** Bars of `barMs` that are over at `fromMs` of the feed: recorded ones where there are any. */
  readonly barsAt: (fromMs: number, barMs: number) => Bar[];
}

function openData(data: CataloguedData, folders: DataFolders): OpenedData {
  if (data.kind === 'feed') {
    const feed = loadFeed(data, folders);
    return { feed, barsAt: (fromMs, barMs) => derivedBars(feed, fromMs, barMs) };
  }
  const series = loadBars(data, folders);
  const feed = feedOfBars(series, data.origins);
  const barsAt = (fromMs: number, barMs: number): Bar[] => {
    const isOver = (openAtMs: number): boolean => openAtMs + series.barMs <= feed.startedAtMs + fromMs;
    const row = series.openAtMs.findLastIndex(isOver) + 1;
    return barMs === series.barMs ? barsBefore(series, row, BARS_READ) : [];
  };
  return { feed, barsAt };
}

async function run(options: ReplayOptions, journal: string | undefined): Promise<ReplayResult> {
  if (journal === undefined) return runReplay(options);
  const dir = resolve(journal);
  mkdirSync(dir, { recursive: true });
  return replayIntoJournal(options, dir, SILENT);
}

function botNamed({ configDir }: Context, bot: string): BotConfig {
  const { bots } = loadConfig(configDir);
  const config = bots.get(bot);
  if (config === undefined)
    throw new CommandFailure(EXIT.usage, `bot: expected one of ${[...bots.keys()].join(', ')}, was "${bot}"`);
  return config;
}

function gradesOf({ grade, journal }: ReplayFlags): readonly FillGrade[] {
  if (grade === undefined) {
    if (journal !== undefined)
      throw new CommandFailure(EXIT.usage, '--journal: expected --grade beside it, was missing');
    return COMPARED_GRADES;
  }
  const known = FILL_GRADES.find((each) => each === grade);
  if (known === undefined)
    throw new CommandFailure(EXIT.usage, `--grade: expected one of ${FILL_GRADES.join(', ')}, was "${grade}"`);
  return [known];
}

/** A bot may be put into another market than its own: amounts are USDT, and what is lots is the market's. */
function dataFor(context: Context, { symbol }: BotConfig, name: string | undefined): CataloguedData {
  const catalogue = readCatalogue(foldersOf(context).dataDir);
  if (name !== undefined) return chooseData(catalogue, name);
  const data = catalogue.find((each) => each.symbol === symbol);
  if (data === undefined) throw new CommandFailure(EXIT.usage, `--data: expected a name, for want of a recording of ${symbol}, was missing`); // prettier-ignore
  return data;
}

function foldersOf({ root, home }: Context): DataFolders {
  return { dataDir: resolve(root, 'data'), cacheDir: home.columnsDir };
}

function listData(context: Context, output: string): number {
  const { dataDir, cacheDir } = foldersOf(context);
  const rows = readCatalogue(dataDir).map((data) => {
    const { name, kind, symbol, origins } = data;
    return { name, kind, symbol, venue: origins[0]!.venue, source: origins[0]!.source, licence: origins[0]!.licence, columns: columnsPath(data, cacheDir) }; // prettier-ignore
  });
  if (output === 'json') console.log(JSON.stringify({ v: 1, data: rows }));
  else {
    const table = new Table({
      head: ['name', 'kind', 'symbol', 'venue', 'source'],
      style: { head: [], border: [], compact: true },
    });
    for (const { name, kind, symbol, venue, source, licence } of rows)
      table.push([name, kind, symbol, venue, `${source.split(' ')[0]}, ${licence}`]);
    console.log(table.toString());
  }
  return EXIT.ok;
}

function packData(context: Context, name: string | undefined): number {
  const folders = foldersOf(context);
  const catalogue = readCatalogue(folders.dataDir);
  for (const data of name === undefined ? catalogue : [chooseData(catalogue, name)]) {
    console.log(`${data.name}: ${packColumns(data, folders)}`);
  }
  return EXIT.ok;
}

function show(data: CataloguedData, { symbol }: BotConfig, results: readonly ReplayResult[]): void {
  const [first] = results as [ReplayResult, ...ReplayResult[]];
  const instant = (ms: number): string => new Date(ms).toISOString().slice(0, 19).replace('T', ' ');
  const { submitMs, feedMs } = first.latency;
  console.log(
    `${first.bot} (${first.strategy}${symbol === first.symbol ? '' : `, of ${symbol}`}) in ${data.name}: ` +
      `${data.origins[0]!.venue}${data.kind === 'bars' ? ', walked through bars' : ''}, ` +
      `${instant(first.fromMs)} to ${instant(first.toMs)} UTC; ${submitMs} ms to the market, ${feedMs} ms back`,
  );
  const table = new Table({
    head: ['', ...results.map(({ grade }) => grade)],
    style: { head: [], border: [], compact: true },
  });
  const row = (title: string, of: (result: ReplayResult) => string | number): void => {
    table.push([title, ...results.map((result) => String(of(result)))]);
  };
  row('result, USDT', ({ pnl }) => pnl.net);
  row('  realised', ({ pnl }) => pnl.realised);
  row('  fees', ({ pnl }) => (pnl.fees === '0' ? '0' : `-${pnl.fees}`));
  row('  funding', ({ pnl }) => pnl.funding);
  row('  unrealised', ({ pnl }) => pnl.unrealised);
  row('fills (as maker)', ({ fills }) => `${fills.count} (${fills.maker})`);
  row('volume, USDT', ({ fills }) => fills.volumeQuote);
  row('position', ({ position }) => position);
  row('orders, cancels', ({ requests }) => `${requests['place'] ?? 0}, ${requests['cancel'] ?? 0}`);
  for (const reason of reasonsOf(results)) {
    row(`${reason}, % of time`, (result) => percentOfTime(result, reason));
  }
  row('steps', ({ steps }) => steps);
  row('state', (result) => result.stateHash);
  console.log(table.toString());
  const events = results.reduce((sum, { marketEvents }) => sum + marketEvents, 0);
  const wallMs = results.reduce((sum, { speed }) => sum + speed.wallMs, 0);
  console.log(
    pc.dim(`${events} market events in ${(wallMs / 1_000).toFixed(2)} s; the same question has the same answer`),
  );
}

/** Reasons of any grade, those that took the most time first. */
function reasonsOf(results: readonly ReplayResult[]): string[] {
  const ms = new Map<string, number>();
  for (const { reasons } of results) {
    for (const [reason, share] of Object.entries(reasons)) ms.set(reason, (ms.get(reason) ?? 0) + share.ms);
  }
  return [...ms.keys()].sort((a, b) => ms.get(b)! - ms.get(a)!);
}

function percentOfTime({ reasons }: ReplayResult, reason: string): string {
  const total = Object.values(reasons).reduce((sum, { ms }) => sum + ms, 0);
  return (((reasons[reason]?.ms ?? 0) * 100) / Math.max(1, total)).toFixed(1);
}

function seconds(text: string): number {
  const value = Number(text);
  if (!(text.trim() !== '' && value >= 0)) throw new InvalidArgumentError('expected a number of seconds from 0 on');
  return value;
}

function milliseconds(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0 || value > WAY_MS_MAX || text.trim() === '')
    throw new InvalidArgumentError(`expected whole milliseconds from 0 to ${WAY_MS_MAX}`);
  return value;
}
