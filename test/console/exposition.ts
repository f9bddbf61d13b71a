/** Reads a Prometheus exposition strictly, and says what `promtool check metrics` would complain of. */
import type { MetricDefinition } from '../../monitoring/metrics.ts';

export interface Series {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Family {
  readonly name: string;
  readonly help: string;
  type: string;
  readonly series: Series[];
}

const SERIES = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/y;

function parseLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  LABEL.lastIndex = 0;
  let end = 0;
  for (let match = LABEL.exec(text); match !== null; match = LABEL.exec(text)) {
    const [, name = '', value = ''] = match;
    if (name in labels) throw new Error(`label ${name} twice in ${text}`);
    labels[name] = value;
    end = LABEL.lastIndex;
  }
  if (end !== text.length) throw new Error(`labels that cannot be read: ${text}`);
  return labels;
}

function parseSeries(line: string): Series {
  const [, name = '', labels = '', value = ''] = SERIES.exec(line) ?? [];
  return { name, labels: parseLabels(labels), value: Number(value === '+Inf' ? Infinity : value) };
}

/** Throws at the first line that is not of the text format 0.0.4. */
export function parseExposition(text: string): Family[] {
  if (!text.endsWith('\n')) throw new Error('the last line ends with a line feed');
  const families: Family[] = [];
  for (const line of text.split('\n').filter((each) => each !== '')) {
    const help = /^# HELP (\S+) (.+)$/.exec(line);
    const type = /^# TYPE (\S+) (counter|gauge|summary|histogram|untyped)$/.exec(line);
    if (help !== null) {
      families.push({ name: help[1] ?? '', help: help[2] ?? '', type: '', series: [] });
      continue;
    }
    const family = families.at(-1);
    const name = type?.[1] ?? SERIES.exec(line)?.[1];
    if (family === undefined || family.name !== name) throw new Error(`a line that cannot be read: ${line}`);
    if (type !== null) family.type = type[2] ?? '';
    else family.series.push(parseSeries(line));
  }
  return families;
}

/** Empty when all is well. */
export function complaints(families: readonly Family[], definitions: readonly MetricDefinition[]): string[] {
  const found: string[] = [];
  const names = families.map(({ name }) => name);
  if (new Set(names).size < names.length) found.push('a family twice');
  for (const { name, help, type, series } of families) {
    const say = (what: string): number => found.push(`${name}: ${what}`);
    const definition = definitions.find((each) => each.name === name);
    if (definition === undefined) {
      say('not in monitoring/metrics.ts');
      continue;
    }
    if (help !== definition.help) say('another help');
    if (type !== definition.type) say(`a ${type}, declared a ${definition.type}`);
    if ((type === 'counter') !== name.endsWith('_total')) say('_total is for counters, and for each of them');
    if (series.length === 0) say('no series');
    const wanted = [...definition.labels, ...(type === 'summary' ? ['quantile'] : [])].sort().join();
    const keys = series.map(({ labels }) => JSON.stringify(Object.entries(labels).sort()));
    if (new Set(keys).size < keys.length) say('a series twice');
    for (const { labels, value } of series) {
      if (Object.keys(labels).sort().join() !== wanted) say(`labels ${Object.keys(labels).join()}, expected ${wanted}`);
      if (Object.values(labels).some((text) => !/^[a-z0-9_.-]{1,40}$/.test(text))) say('a label that is free text');
      if (!Number.isFinite(value)) say(`value ${value}`);
    }
  }
  return found;
}

export function valueOf(families: readonly Family[], name: string, labels: Record<string, string>): number | undefined {
  return families
    .find((family) => family.name === name)
    ?.series.find((series) => Object.entries(labels).every(([key, value]) => series.labels[key] === value))?.value;
}
