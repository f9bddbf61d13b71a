/** A report as people read it, before it is text on a screen or Markdown in a file. */
import type { Estimate } from './interval.ts';
import type { FilledBy, ParameterChange, ReportHead } from './report-head.ts';

export type Part =
  | { readonly part: 'heading'; readonly text: string }
  | { readonly part: 'sentence'; readonly text: string; readonly tone?: 'bad' }
  /** A command to type. */
  | { readonly part: 'command'; readonly text: string }
  /** The first column names the rows; the others are figures. */
  | { readonly part: 'table'; readonly head: readonly string[]; readonly rows: readonly (readonly string[])[] }
  | { readonly part: 'plot'; readonly name: string; readonly alt: string; readonly svg: string };

export interface ReportDocument {
  readonly title: string;
  readonly parts: readonly Part[];
}

export type Plot = Extract<Part, { part: 'plot' }>;

export function heading(text: string): Part {
  return { part: 'heading', text };
}

export function sentence(text: string): Part {
  return { part: 'sentence', text };
}

export function plotsOf({ parts }: ReportDocument): Plot[] {
  return parts.filter((part) => part.part === 'plot');
}

/** `fileOf` says where a plot lies, seen from the file that this becomes. */
export function markdownOf({ title, parts }: ReportDocument, fileOf: (plot: Plot) => string): string {
  const blocks = parts.map((part) => markdownPart(part, fileOf));
  return `${[`# ${title}`, ...blocks].join('\n\n')}\n`;
}

function markdownPart(part: Part, fileOf: (plot: Plot) => string): string {
  switch (part.part) {
    case 'heading':
      return `## ${part.text}`;
    case 'sentence':
      return part.tone === 'bad' ? `**${part.text}**` : part.text;
    case 'command':
      return `\`\`\`\n${part.text}\n\`\`\``;
    case 'plot':
      return `![${part.alt}](${fileOf(part)})`;
    case 'table': {
      const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
      const rule = part.head.map((_, column) => (column === 0 ? '---' : '--:'));
      return [line(part.head), line(rule), ...part.rows.map(line)].join('\n');
    }
  }
}

export const NOTHING = '–';

/** Two decimals with their sign; what is not known is a dash, and -0 is 0. */
export function signed(value: number | null, decimals = 2): string {
  if (value === null) return NOTHING;
  const text = value.toFixed(decimals);
  if (Number(text) === 0) return (0).toFixed(decimals);
  return value > 0 ? `+${text}` : text;
}

export function plain(value: number | null, decimals = 2): string {
  return value === null ? NOTHING : value.toFixed(decimals);
}

/** `+1.20 (+0.80 to +1.60)`; without an interval where there is none. */
export function withInterval({ mean, low, high }: Estimate, show: (value: number | null) => string = signed): string {
  return low === null || high === null ? show(mean) : `${show(mean)} (${show(low)} to ${show(high)})`;
}

export function percent(ratio: number | null, decimals = 1): string {
  return ratio === null ? NOTHING : `${(ratio * 100).toFixed(decimals)} %`;
}

/** Decimal USDT, cut to cents for reading; the exact amount is in the JSON. */
export function amount(text: string, decimals = 2): string {
  return text === NOTHING ? text : Number(text).toFixed(decimals);
}

export function instant(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 16).replace('T', ' ');
}

const FILLED_BY: Readonly<Record<FilledBy, string>> = {
  replay: 'fills of a replay: the fill model itself decided them',
  paper: 'fills of its paper account: the fill model itself decided them',
  simulator: 'fills of the exchange simulator: no venue has had a say',
  demo: "fills of the venue's demo",
  live: 'fills of the venue',
};

/** What every report begins with. */
export function provenance(head: ReportHead): Part[] {
  const { bot, symbol, filledBy, fromMs, toMs, madeAtMs, codeVersion, runs, recordsLost, changed } = head;
  const versions = [...new Set(runs.map((run) => run.codeVersion))].join(', ');
  const configs = new Set(runs.map(({ configHash }) => configHash)).size;
  const lines: Part[] = [
    sentence(`${bot} in ${symbol}, ${instant(fromMs)} to ${instant(toMs)} UTC; ${FILLED_BY[filledBy]}.`),
    sentence(
      `${counted(runs.length, 'run')} of version ${versions || 'unknown'} with ${counted(configs, 'configuration')}; ` +
        `report made ${instant(madeAtMs)} UTC by version ${codeVersion}.`,
    ),
  ];
  if (recordsLost > 0)
    lines.push({ part: 'sentence', tone: 'bad', text: `${recordsLost} records of the journal were lost.` });
  if (changed.length > 0) lines.push(changedWhileRunning(changed));
  return lines;
}

function changedWhileRunning(changed: readonly ParameterChange[]): Part {
  return {
    part: 'table',
    head: ['changed while running', 'configured', 'now', 'by', 'UTC', 'why'],
    rows: changed.map(({ path, configured, now, by }) => [
      path,
      String(configured),
      String(now),
      by?.operator ?? 'not in this journal',
      by === null ? '' : instant(by.atMs),
      by?.reason ?? '',
    ]),
  };
}

/** As wide as a chart: longer names of bots are cut. */
const CHART_NAME_MAX = 16;

export function chartSubtitle({ bot, fromMs, toMs }: ReportHead, fills: number): string {
  const name = bot.length > CHART_NAME_MAX ? `${bot.slice(0, CHART_NAME_MAX - 1)}…` : bot;
  return `${name}, ${counted(fills, 'fill')}, ${instant(fromMs)} to ${instant(toMs)} UTC`;
}

export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en-US')} ${count === 1 ? one : many}`;
}
