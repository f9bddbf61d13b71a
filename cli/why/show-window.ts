/** A window's answer: shares as a table, then the longest stretches, then what the reasons mean. */
import pc from 'picocolors';
import { isTrouble } from '../../core/bot/reasons.ts';
import { REASON_TEXTS } from '../../core/bot/reason-texts.ts';
import { verdictLines } from './verdict.ts';
import { lengthOf, NOT_RUNNING, type ReasonShare, type Stretch, type WindowAnswer } from './window.ts';
import { clock, clockBetween, duration, plural, sentence, stamp } from './words.ts';

const NAME_WIDTH_MIN = 16;

export function showWindow(answer: WindowAnswer): string[] {
  const { bot, symbol, fromMs, toMs, isCut, ticks, changes, shares, longest, verdict } = answer;
  const width = Math.max(NAME_WIDTH_MIN, ...shares.map(({ reason }) => reason.length));
  const others = shares.filter(({ reason }) => reason !== 'quoted' && reason !== NOT_RUNNING);
  const at = clockBetween(fromMs, toMs);
  return [
    `${pc.bold(bot)} ${symbol}  ${stamp(fromMs)} to ${clock(toMs, fromMs)}, ${duration(toMs - fromMs)}`,
    ...(isCut ? ['  Its journal begins there.'] : []),
    '',
    pc.dim(`  ${'reason'.padEnd(width)}${'share'.padStart(8)}  ${'together'.padStart(13)}${'how often'.padStart(12)}`),
    ...shares.map((share) => shareLine(share, width, at)),
    '',
    ...(changes === 0 ? [] : ['  Longest', ...longest.map((stretch) => stretchLine(stretch, at)), '']),
    ...others.flatMap(({ reason }) => sentence(`${reason}: ${bot} ${meaningOf(reason)}.`, '  ', '    ')),
    ...(others.length === 0 ? [] : ['']),
    ...sentence(`${plural(ticks, 'tick')}, ${plural(changes, 'change')} of reason.`),
    ...verdictLines(verdict, fromMs).map((line) => (verdict.agrees ? pc.dim(line) : pc.red(line))),
  ];
}

function paint(reason: string, text: string): string {
  if (reason === 'quoted') return pc.green(text);
  return reason === NOT_RUNNING || isTrouble(reason) ? pc.red(text) : pc.yellow(text);
}

function shareLine(
  { reason, ms, ratio, times, longest }: ReasonShare,
  width: number,
  at: (atMs: number) => string,
): string {
  const share = `${(ratio * 100).toFixed(1)} %`.padStart(8);
  const often = plural(times, 'time').padStart(12);
  const most = times === 1 ? `from ${at(longest.fromMs)}` : `longest ${duration(lengthOf(longest))}`;
  return `  ${paint(reason, reason.padEnd(width))}${share}  ${duration(ms).padStart(13)}${often}  ${most}`;
}

function stretchLine(stretch: Stretch, at: (atMs: number) => string): string {
  const { reason, fromMs, toMs } = stretch;
  return `    ${at(fromMs)} to ${at(toMs)}  ${duration(lengthOf(stretch)).padStart(13)}  ${paint(reason, reason)}`;
}

function meaningOf(reason: string): string {
  return reason in REASON_TEXTS ? REASON_TEXTS[reason as keyof typeof REASON_TEXTS].means : reason;
}
