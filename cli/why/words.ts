/** How answers are put into words and lines: times, durations, numbers, and lines no wider than a terminal at night. */
import { stripVTControlCharacters } from 'node:util';
import type { Explained } from '../../core/strategies/strategy.ts';

export const WIDTH = 100;
const MARGIN = '  ';
const LABEL = 11;
const DAY_MS = 86_400_000;

/** `03:12:05.123`; with its day where that is another one than `dayOfMs`. */
export function clock(atMs: number, dayOfMs?: number): string {
  const iso = new Date(atMs).toISOString();
  const isSameDay = dayOfMs === undefined || Math.floor(atMs / DAY_MS) === Math.floor(dayOfMs / DAY_MS);
  return isSameDay ? iso.slice(11, 23) : `${iso.slice(5, 10)} ${iso.slice(11, 23)}`;
}

/** `clock` for many instants between two: all with their day, or none. */
export function clockBetween(fromMs: number, toMs: number): (atMs: number) => string {
  const isOneDay = clock(toMs, fromMs).length === clock(toMs).length;
  return (atMs) => (isOneDay ? clock(atMs) : clock(atMs, -Infinity));
}

/** `2026-11-22 03:12:05.123 UTC` */
export function stamp(atMs: number): string {
  return `${new Date(atMs).toISOString().replace('T', ' ').slice(0, 23)} UTC`;
}

/** The two units that matter: `43 ms`, `7.1 s`, `4 min 2 s`, `3 h 20 min`, `2 d 4 h`. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1_000).toFixed(1)} s`;
  const s = Math.round(ms / 1_000);
  if (s < 3_600) return inUnits(s, 60, 'min', 's');
  const minutes = Math.round(s / 60);
  if (minutes < 1_440) return inUnits(minutes, 60, 'h', 'min');
  return inUnits(Math.round(minutes / 60), 24, 'd', 'h');
}

function inUnits(count: number, perLarge: number, large: string, small: string): string {
  const rest = count % perLarge;
  return `${Math.floor(count / perLarge)} ${large}${rest === 0 ? '' : ` ${rest} ${small}`}`;
}

/** A statistic: at most `decimals`, and none that say nothing. */
export function figure(value: number, decimals = 2): string {
  if (!Number.isFinite(value)) return String(value);
  const text = value.toFixed(decimals);
  const short = text.includes('.') ? text.replace(/\.?0+$/, '') : text;
  return short === '-0' ? '0' : short;
}

/** A statistic of unknown size: four digits that count. */
export function significant(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size >= 1_000) return figure(value, 2);
  return size === 0 ? '0' : figure(value, Math.min(8, Math.max(0, 3 - Math.floor(Math.log10(size)))));
}

export function signed(value: number, decimals = 2): string {
  const text = figure(value, decimals);
  return value > 0 && text !== '0' ? `+${text}` : text;
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en-US')} ${count === 1 ? one : many}`;
}

/** `not_wanted` and `notWanted` are "not wanted" to a person. */
export function spelled(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, (_, a: string, b: string) => `${a} ${b.toLowerCase()}`)
    .replaceAll('_', ' ');
}

/** Told in lines of their own. */
const TOLD: ReadonlySet<string> = new Set(['mid', 'position', 'positionQuote']);
const UNITS: Readonly<Record<string, string>> = { Bps: ' bps', Pct: ' %', Ms: ' ms', S: ' s', Atr: ' ATR' };
/** Fractions of one, told in percent. */
const FRACTIONS: ReadonlySet<string> = new Set(['fundingRate', 'fullness', 'targetRatio']);

/** `edgeBpsMin: 0.125` is "edge min" and "0.125 bps". */
function explainedPairs(explained: Explained): [name: string, value: string][] {
  return Object.entries(explained)
    .filter(([name]) => !TOLD.has(name))
    .map(([name, value]) => {
      if (FRACTIONS.has(name) && typeof value === 'number') return [spelled(name), `${significant(value * 100)} %`];
      const [, head = name, unit = '', bound = ''] = /^(.+?)(Bps|Pct|Ms|S|Atr)(Min|Max)?$/.exec(name) ?? [];
      const text = explainedText(value);
      return [spelled(head + bound).replace(/^is /, ''), typeof value === 'number' ? text + (UNITS[unit] ?? '') : text];
    });
}

function explainedText(value: Explained[string]): string {
  if (typeof value === 'number') return significant(value);
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return value ?? '–';
}

export function explainedParts(explained: Explained): string[] {
  return explainedPairs(explained).map(([name, value]) => `${name} ${value}`);
}

const COLUMNS = 3;
const GAP = 3;

/** Under each other, to be read down the columns. */
export function explainedTable(label: string, explained: Explained): string[] {
  const indent = MARGIN.length + LABEL;
  const width = Math.floor((WIDTH - indent - GAP * (COLUMNS - 1)) / COLUMNS);
  const cells = explainedPairs(explained).map(([name, value]) => `${name} ${value.padStart(width - name.length - 1)}`);
  const rows = Math.ceil(cells.length / COLUMNS);
  return Array.from({ length: rows }, (_, row) => {
    const own = cells.filter((_cell, place) => place % rows === row);
    return (row === 0 ? MARGIN + label : '').padEnd(indent) + own.join(' '.repeat(GAP));
  });
}

/** One labelled line, or several under one label: parts are never broken, and a line ends before the width does. */
export function labelled(label: string, parts: readonly string[], indent = MARGIN.length + LABEL): string[] {
  return wrap(parts, ' · ', WIDTH - indent).map(
    (line, index) => (index === 0 ? MARGIN + label : '').padEnd(indent) + line,
  );
}

export function wrap(parts: readonly string[], separator: string, width: number): string[] {
  const lines: string[] = [];
  for (const part of parts) {
    const last = lines.at(-1);
    if (last !== undefined && shown(last) + separator.length + shown(part) <= width)
      lines[lines.length - 1] = last + separator + part;
    else lines.push(part);
  }
  return lines;
}

/** What a text takes on the screen: colours take nothing. */
function shown(text: string): number {
  return stripVTControlCharacters(text).length;
}

/** A sentence over as many lines as it takes. */
export function sentence(text: string, first = MARGIN, rest = first): string[] {
  return wrap(text.split(' '), ' ', WIDTH - rest.length).map((line, index) => (index === 0 ? first : rest) + line);
}
