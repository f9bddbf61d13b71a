/**
 * `desk report`: what a bot's fills earned, and whether paper is right about them. From the bot's journal alone: nothing
 * else has to run, and nothing is disturbed when it does.
 */
import type { Command } from 'commander';
import { calibrationDocument } from '../core/reporting/calibration-document.ts';
import { markdownOf, type ReportDocument } from '../core/reporting/document.ts';
import { edgeDocument } from '../core/reporting/edge-document.ts';
import { edgeReport, type EdgeReport } from '../core/reporting/edge-report.ts';
import { calibrationReport, type CalibrationReport } from '../core/reporting/fill-factor.ts';
import { JournalDamaged } from '../journal/errors.ts';
import { ReplayImpossible } from '../journal/machine-replay.ts';
import type { Context } from './context.ts';
import { CommandFailure, EXIT, type ExitCode } from './exit-codes.ts';
import { plotFile, writeReport } from './report/files.ts';
import { showDocument } from './report/show.ts';
import { readSource, type ReportSource } from './report/source.ts';

interface ReportFlags {
  from?: string;
  to?: string;
  write?: true;
  output: string;
}

interface Made {
  readonly report: EdgeReport | CalibrationReport;
  readonly document: ReportDocument;
  readonly code: ExitCode;
}

const FORMATS: readonly string[] = ['text', 'json', 'md'];

export function registerReport(program: Command, context: Context): void {
  const report = program.command('report').description("reports from a bot's journal, whether it runs or not");
  const add = (name: string, description: string, make: (source: ReportSource) => Made): void => {
    report
      .command(`${name} <bot>`)
      .description(description)
      .option('--from <time>', 'from then on: 03:12, 2026-11-22T03:12:05Z (UTC) or -24h (default all of the journal)')
      .option('--to <time>', 'until then (default its end)')
      .option('--write', `also write it to reports/${name}/ as JSON, Markdown and plots`)
      .option('-o, --output <format>', 'text, json or md', 'text')
      .action(async (bot: string, flags: ReportFlags) => process.exit(await print(context, bot, flags, make)));
  };
  add('edge', 'what fills earned after fees and adverse selection: by regime, side, hour, liquidity', makeEdge);
  add('calibration', 'the fill factor: what the venue filled of what the fill model predicts', makeCalibration);
}

function makeEdge({ head, terms, material }: ReportSource): Made {
  const report = edgeReport(head, terms, material);
  return { report, document: edgeDocument(report), code: EXIT.ok };
}

/** A factor that the bot is too hopeful of is a no for whoever asks by script. */
function makeCalibration({ head, terms, material }: ReportSource): Made {
  const report = calibrationReport(head, terms, material);
  const code = report.verdict.verdict === 'too_hopeful' ? EXIT.noGo : EXIT.ok;
  return { report, document: calibrationDocument(report), code };
}

async function print(
  context: Context,
  bot: string,
  { from, to, write, output }: ReportFlags,
  make: (source: ReportSource) => Made,
): Promise<ExitCode> {
  if (!FORMATS.includes(output))
    throw new CommandFailure(EXIT.usage, `--output: expected one of ${FORMATS.join(', ')}, was "${output}"`);
  const { report, document, code } = make(await read(context, bot, from, to));
  if (output === 'json') console.log(JSON.stringify({ v: 1, data: report }));
  else if (output === 'md') process.stdout.write(markdownOf(document, (plot) => plotFile(report, plot)));
  else console.log(showDocument(document).join('\n'));
  if (write === true) console.error(`written: ${writeReport(context, report, document).join(', ')}`);
  return code;
}

async function read(context: Context, bot: string, from?: string, to?: string): Promise<ReportSource> {
  const period = { ...(from !== undefined && { from }), ...(to !== undefined && { to }) };
  try {
    return await readSource(context, bot, period);
  } catch (error) {
    if (error instanceof ReplayImpossible) throw new CommandFailure(EXIT.failure, `${bot}: ${error.message}`);
    if (error instanceof JournalDamaged)
      throw new CommandFailure(EXIT.failure, `the journal is damaged: ${error.message}. See docs/runbooks/damaged-journal.md`); // prettier-ignore
    throw error;
  }
}
