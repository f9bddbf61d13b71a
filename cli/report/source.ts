/** What a report is made of: a bot's journal as it lies there, whether the bot runs or not, and with nothing else alive. */
import { botJournalDir } from '../../config/home.ts';
import { loadConfig } from '../../config/load.ts';
import type { BotConfig } from '../../core/bot/bot-config.ts';
import { RecordKind } from '../../core/events/record.ts';
import type { Instrument } from '../../core/market/instrument.ts';
import { orderTag } from '../../core/orders/client-order-id.ts';
import { Gathering, isWanted, MARKOUT_LATE_MS, type Material, type ReportRun, type WantedEvent } from '../../core/reporting/material.ts'; // prettier-ignore
import type { FilledBy, ParameterChange, ReportHead, ReportTerms } from '../../core/reporting/report-head.ts';
import { JournalIndex } from '../../journal/journal-index.ts';
import { replayJournal, type RecordedRun } from '../../journal/machine-replay.ts';
import { readJournal, type JournalRecord } from '../../journal/reader.ts';
import { inputOf } from '../../journal/rerun.ts';
import { codeVersion } from '../code-version.ts';
import type { Context } from '../context.ts';
import { CommandFailure, EXIT } from '../exit-codes.ts';
import { parameterChanges, readDeeds } from '../why/deeds.ts';
import { parseInstant } from '../why/instant.ts';
import { botsWithJournals, requireInstant, type BotJournal } from '../why/journals.ts';
import { stamp } from '../why/words.ts';

export interface ReportSource {
  readonly head: ReportHead;
  readonly terms: ReportTerms;
  readonly material: Material;
}

export interface Period {
  readonly from?: string;
  readonly to?: string;
}

const KINDS: readonly number[] = [
  RecordKind.startInput,
  RecordKind.signalEvent,
  RecordKind.executionIntentEvent,
  RecordKind.telemetryEvent,
  RecordKind.controlEvent,
];
/** Every event begins with it. */
const TYPE = /^\{"type":"([A-Za-z_]+)"/;
const TYPE_BYTES = 64;
/** Where a strategy has no horizon of its own. */
const HORIZON_S = 30;

/** Fails with a usage failure for an unknown bot or a wrong time; throws what reading and replaying the journal do. */
export async function readSource(context: Context, bot: string, period: Period): Promise<ReportSource> {
  const journal = openJournal(context, bot);
  const nowMs = Date.now();
  const { fromMs, toMs } = windowOf(journal, period, nowMs);
  const { material, recordsLost } = await gather(journal, fromMs, toMs);
  const { run, config, changed } = await asOf(journal, toMs);
  const { instrument } = run;
  return {
    head: {
      bot: journal.bot,
      symbol: instrument.symbol,
      filledBy: filledBy(context, run),
      fromMs,
      toMs,
      madeAtMs: nowMs,
      codeVersion: codeVersion(context),
      runs: material.runs,
      recordsLost,
      changed,
    },
    terms: termsOf(config, instrument),
    material,
  };
}

function openJournal({ home }: Context, bot: string): BotJournal {
  const bots = botsWithJournals(home);
  const found = bots.find((name) => name === bot);
  if (found === undefined) {
    const known = bots.length === 0 ? `there is none in ${home.journalsDir}` : bots.join(', ');
    throw new CommandFailure(EXIT.usage, `bot: expected one with a journal (${known}), was "${bot}"`);
  }
  const dir = botJournalDir(home, found);
  return { bot: found, dir, index: new JournalIndex(dir) };
}

/** All of the journal, where nothing else is asked for. */
function windowOf(journal: BotJournal, { from, to }: Period, nowMs: number): { fromMs: number; toMs: number } {
  const { bot, dir, index } = journal;
  const { first, lastInput } = index;
  if (first === null || lastInput === null)
    throw new CommandFailure(EXIT.failure, `${bot}: its journal is empty (${dir})`);
  // One that begins before the journal does is cut there, and the report names what it is of.
  const askedMs = from === undefined ? first.atMs : parseInstant(from, '--from', nowMs);
  const toMs = to === undefined ? lastInput.atMs + 1 : parseInstant(to, '--to', nowMs);
  if (toMs <= first.atMs)
    throw new CommandFailure(EXIT.usage, `--to: expected a time after ${stamp(first.atMs)}, was ${stamp(toMs)}`);
  if (askedMs >= toMs)
    throw new CommandFailure(EXIT.usage, `--from: expected a time before ${stamp(toMs)}, was ${stamp(askedMs)}`);
  const fromMs = Math.max(askedMs, first.atMs);
  requireInstant(journal, fromMs, '--from');
  return { fromMs, toMs };
}

async function gather({ bot, dir, index }: BotJournal, fromMs: number, toMs: number) {
  const gathering = new Gathering({ tag: orderTag(bot), fromMs, toMs });
  let recordsLost = 0;
  const begin = index.inputAt(fromMs)?.sequence ?? 1;
  const start = index.startBefore(begin);
  if (start !== null && start.sequence < begin) {
    for await (const record of readJournal(dir, { fromSequence: start.sequence, after: start.eventBefore })) {
      gathering.run(runOf(record));
      break;
    }
  }
  const onLoss = (loss: { fromSequence: number; toSequence: number }): void => {
    recordsLost += loss.toSequence - loss.fromSequence + 1;
  };
  for await (const record of readJournal(dir, { fromSequence: begin, kinds: KINDS, onLoss })) {
    const { kind, atMs, epoch, payload } = record;
    if (atMs > toMs + MARKOUT_LATE_MS) break;
    if (kind === RecordKind.startInput) {
      gathering.run(runOf(record));
      continue;
    }
    const [, type = ''] = TYPE.exec(payload.toString('latin1', 0, TYPE_BYTES)) ?? [];
    if (isWanted(type)) gathering.event(JSON.parse(payload.toString('utf8')) as WantedEvent, atMs, epoch);
  }
  return { material: gathering.finish(), recordsLost };
}

function runOf(record: JournalRecord): ReportRun {
  const input = inputOf(record);
  if (input.kind !== RecordKind.startInput)
    throw new CommandFailure(EXIT.failure, `record ${record.sequence}: expected a start of the bot, was kind ${record.kind}`); // prettier-ignore
  const { epoch, atMs, codeVersion: version, configHash, config } = input;
  return { epoch, startedAtMs: atMs, codeVersion: version, configHash, mode: config?.mode ?? null };
}

interface Standing {
  readonly run: RecordedRun;
  /** With what people changed while the bot ran. */
  readonly config: BotConfig;
  readonly changed: readonly ParameterChange[];
}

/** Configuration and contract at `atMs`: the machine itself knows. */
async function asOf({ bot, dir, index }: BotJournal, atMs: number): Promise<Standing> {
  const last = index.inputAt(atMs)?.sequence ?? 1;
  const { run, machine } = await replayJournal(dir, { index, from: last, until: last });
  if (run === null) throw new CommandFailure(EXIT.failure, `${bot}: the start of its last run is not in its journal`);
  const overridden = Object.keys(machine?.state.parameters ?? {});
  if (machine === null || overridden.length === 0) return { run, config: run.config, changed: [] };
  const config = machine.tunedConfig();
  return { run, config, changed: parameterChanges(run.config, config, overridden, readDeeds(index, 1, last)) };
}

function filledBy({ configDir }: Context, { codeVersion: version, config }: RecordedRun): FilledBy {
  if (version === 'replay') return 'replay';
  return config.mode === 'live' ? loadConfig(configDir).desk.venue.endpoint : 'paper';
}

function termsOf({ strategy }: BotConfig, { makerFeeE6, takerFeeE6 }: Instrument): ReportTerms {
  const spread = strategy.name === 'epp_v2_4' ? strategy.spread : null;
  return {
    strategy: strategy.name,
    horizonS: spread?.adverseSelectionHorizonS ?? HORIZON_S,
    fillFactor: spread?.fillFactor ?? null,
    // Millionths of notional to 1/10,000.
    makerBps: Number(makerFeeE6) / 100,
    takerBps: Number(takerFeeE6) / 100,
  };
}
