/**
 * Parquet files of events, by their names alone: `events/<UTC day>/<source>-<from>-<to>.parquet`. A file that has its name is
 * whole. Which files count follows from the ranges, so no list of them is kept that could disagree: from the lowest `from`,
 * always the longest file that goes on where the one before ended. A merged file thereby replaces its parts in the moment
 * that it appears.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

export interface EventFile {
  /** Day and name: relative to the folder of the days. */
  readonly path: string;
  readonly day: string;
  readonly source: string;
  readonly from: number;
  readonly to: number;
}

export interface FileChain {
  /** Without gap and overlap. */
  readonly files: readonly EventFile[];
  /** Covered by longer ones, or behind a gap. */
  readonly others: readonly EventFile[];
}

const DAY = /^\d{4}-\d{2}-\d{2}$/;
const NAME = /^(.+)-(\d{1,15})-(\d{1,15})\.parquet$/;

/** A source as part of a file's name: what globs, paths and SQL could stumble over is escaped. */
function nameOf(source: string): string {
  return encodeURIComponent(source).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16)}`);
}

export function eventFile(day: string, source: string, from: number, to: number): EventFile {
  return { path: join(day, `${nameOf(source)}-${from}-${to}.parquet`), day, source, from, to };
}

export function parseEventFile(day: string, name: string): EventFile | null {
  const [, source, from, to] = NAME.exec(name) ?? [];
  if (!DAY.test(day) || source === undefined) return null;
  try {
    const file = eventFile(day, decodeURIComponent(source), Number(from), Number(to));
    return file.from <= file.to && file.path === join(day, name) ? file : null;
  } catch {
    return null; // no name that `nameOf` makes
  }
}

/** By source. What has another name, or stands elsewhere, is none of ours. */
export async function listEventFiles(eventsDir: string): Promise<Map<string, EventFile[]>> {
  const found = new Map<string, EventFile[]>();
  for (const day of (await entriesOf(eventsDir)).filter((name) => DAY.test(name)).sort())
    for (const name of await entriesOf(join(eventsDir, day))) {
      const file = parseEventFile(day, name);
      if (file === null) continue;
      const files = found.get(file.source);
      if (files === undefined) found.set(file.source, [file]);
      else files.push(file);
    }
  return found;
}

async function entriesOf(dir: string): Promise<string[]> {
  try {
    return await readdir(dir);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** Of the files of one source. The oldest ones may be gone: retention takes them. */
export function chainOf(files: readonly EventFile[]): FileChain {
  const byStart = [...files].sort((a, b) => a.from - b.from || b.to - a.to || (a.path < b.path ? -1 : 1));
  const chain: EventFile[] = [];
  const others: EventFile[] = [];
  for (const file of byStart) {
    const end = chain.at(-1)?.to;
    if (end === undefined || file.from === end + 1) chain.push(file);
    else others.push(file);
  }
  return { files: chain, others };
}

export function endOf(chain: FileChain): number {
  return chain.files.at(-1)?.to ?? 0;
}

/** A day that still grows is merged when so many files have gathered: one merge in eight runs of the export. */
const GATHERED_FILES = 8;

/**
 * Runs of neighbours of one day to be merged, each of at most `eventsMax` by its range. A day that is over becomes as few
 * files as can be. On the last day the newest files are merged together with those before that are not larger than all after
 * them, so an event is written again about log2 of the day's files, not once a run.
 */
export function planMerges({ files }: FileChain, eventsMax: number): EventFile[][] {
  const lastDay = files.reduce((day, file) => (file.day > day ? file.day : day), '');
  const merges: EventFile[][] = [];
  for (const run of runsOf(files, eventsMax)) {
    const part = run[0]?.day === lastDay ? newestOf(run) : run;
    if (part.length > 1) merges.push(part);
  }
  return merges;
}

/** Neighbours of the same day, cut where a range would pass `eventsMax`. */
function runsOf(files: readonly EventFile[], eventsMax: number): EventFile[][] {
  const runs: EventFile[][] = [];
  for (const file of files) {
    const run = runs.at(-1);
    const first = run?.[0];
    if (run !== undefined && first !== undefined && first.day === file.day && file.to - first.from < eventsMax)
      run.push(file);
    else runs.push([file]);
  }
  return runs;
}

/** None where not enough have gathered since the last merge. */
function newestOf(run: readonly EventFile[]): EventFile[] {
  let merged = run.length;
  let newer = 0;
  for (let start = run.length - 1; start >= 0; start -= 1) {
    const { from, to } = run[start]!;
    const range = to - from + 1;
    if (run.length - start >= GATHERED_FILES) {
      if (range > newer) break;
      merged = start;
    }
    newer += range;
  }
  return run.slice(merged);
}
