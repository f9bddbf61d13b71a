/**
 * One file for each long-lived process of the stack, under `DESK_HOME/run`: written at its start, removed at its end. After
 * the supervisor itself was killed they tell the next start, and `./desk down`, which processes were left behind.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { DeskHome } from '../config/home.ts';
import { isAlive } from './process.ts';

const PREFIX = 'stack-';

export const RunFile = z.object({
  name: z.string(),
  pid: z.int().positive(),
  startMark: z.string(),
  /** What else the next start needs to recognise it, for example its port. */
  details: z.record(z.string(), z.union([z.string(), z.number()])),
});
export type RunFile = z.infer<typeof RunFile>;

/** Bots have one file a process, `bot-<bot>-<pid>`: the end of a twin must not hide the one that lives. */
export function botRunName(processName: string, pid: number): string {
  return `${processName}-${pid}`;
}

export function isBotRun({ name, pid }: RunFile): boolean {
  return name.startsWith('bot-') && name.endsWith(`-${pid}`);
}

export function writeRunFile(home: DeskHome, entry: RunFile): void {
  writeAtomic(runFilePath(home, entry.name), JSON.stringify(entry));
}

export function removeRunFile(home: DeskHome, name: string): void {
  rmSync(runFilePath(home, name), { force: true });
}

/** The process called `name` that still runs; a file about a dead one, or a damaged file, is nothing. */
export function readRunFile(home: DeskHome, name: string): RunFile | null {
  return parseRunFile(runFilePath(home, name));
}

/** Every stack process of this home that still runs, the supervisor not among them. */
export function runningProcesses(home: DeskHome): RunFile[] {
  let names: string[];
  try {
    names = readdirSync(home.runDir);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  const files = names.filter((name) => name.startsWith(PREFIX) && name.endsWith('.json')).sort();
  return files.map((name) => parseRunFile(join(home.runDir, name))).filter((entry) => entry !== null);
}

/** Readers see the old text or the new one, never half of it. */
export function writeAtomic(file: string, text: string, mode = 0o644): void {
  mkdirSync(dirname(file), { recursive: true });
  const aside = `${file}.${process.pid}`;
  writeFileSync(aside, text, { mode });
  renameSync(aside, file);
}

function runFilePath(home: DeskHome, name: string): string {
  return join(home.runDir, `${PREFIX}${name}.json`);
}

function parseRunFile(file: string): RunFile | null {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  let entry: RunFile;
  try {
    entry = RunFile.parse(JSON.parse(text));
  } catch {
    return null; // damaged: it names nobody, and the next start writes it anew
  }
  return isAlive(entry) ? entry : null;
}
