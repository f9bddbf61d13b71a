/**
 * What a run of retention was about to do and what became of it, on disk beside the desk, so that a run which is killed and
 * tried again still tells everything that it removed. Intentions are synced before the first of them is carried out; results
 * follow one by one. An intention without a result is settled by looking: what is gone was removed by the try that was cut off.
 */
import { createReadStream, existsSync } from 'node:fs';
import { mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { ClientBase } from 'pg';
import { z } from 'zod';
import { assertNever } from '../../core/invariant.ts';
import { RetentionResult } from '../../core/retention/evidence.ts';
import { RetentionTarget, targetName, type RetentionItem, type RetentionPlan } from '../../core/retention/plan.ts';
import { verifyArchived } from '../../journal/archive.ts';
import { partitionOf, type RetentionPlaces } from './facts.ts';

/** Of runs that nobody asked for any more. */
const KEPT_DAYS = 30;
/** So that no line takes long to read. */
const ITEMS_A_LINE = 500;
const CUT_OFF = 'by a try that was cut off';

const Item = z.strictObject({ target: RetentionTarget, why: z.string(), bytes: z.number().nonnegative() });
const Line = z.union([
  z.strictObject({ planned: z.array(Item).readonly(), held: z.int().nonnegative() }),
  z.strictObject({ result: RetentionResult }),
]);

export interface RunLog {
  /** Durable when it resolves. */
  plan(plan: RetentionPlan): Promise<void>;
  result(result: RetentionResult): Promise<void>;
  close(): Promise<void>;
}

export interface LoggedRun {
  readonly results: readonly RetentionResult[];
  /** Planned, and nobody said what became of it. */
  readonly unsettled: readonly RetentionItem[];
  /** Of the last plan. */
  readonly held: number;
}

export function runLogFile(dir: string, runId: string): string {
  return join(dir, `${runId}.jsonl`);
}

export async function openRunLog(file: string): Promise<RunLog> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const handle = await open(file, 'a', 0o600);
  // A line that a crash cut in two must not swallow the next one.
  await handle.appendFile('\n');
  const write = (line: z.input<typeof Line>): Promise<void> => handle.appendFile(`${JSON.stringify(line)}\n`);
  return {
    async plan({ items, held }) {
      for (let at = 0; at === 0 || at < items.length; at += ITEMS_A_LINE)
        await write({ planned: items.slice(at, at + ITEMS_A_LINE), held: held.length });
      await handle.sync();
    },
    result: (result) => write({ result }),
    close: () => handle.close(),
  };
}

/** Empty where there is none. A line that was cut off says nothing: what it would have told is looked up. */
export async function readRunLog(file: string): Promise<LoggedRun> {
  const results = new Map<string, RetentionResult>();
  const unsettled = new Map<string, RetentionItem>();
  let held = 0;
  if (!existsSync(file)) return { results: [], unsettled: [], held };
  for await (const text of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
    const line = lineOf(text);
    if (line === null) continue;
    if ('result' in line) {
      const name = targetName(line.result.target);
      results.set(name, line.result);
      unsettled.delete(name);
    } else {
      held = line.held;
      for (const item of line.planned) unsettled.set(targetName(item.target), item);
    }
  }
  return { results: [...results.values()], unsettled: [...unsettled.values()], held };
}

/** What became of an item that was begun, or not, by a try that is over; null where it is still there. */
export async function settled(
  { target, why, bytes }: RetentionItem,
  places: RetentionPlaces,
  client: ClientBase | null,
): Promise<RetentionResult | null> {
  const removed: RetentionResult = { target, done: true, why: `${why}; ${CUT_OFF}`, bytes };
  const ifGone = (path: string): RetentionResult | null => (existsSync(path) ? null : removed);
  switch (target.action) {
    case 'archive_segment': {
      if (existsSync(join(places.journalsDir, target.bot, target.file))) return null;
      const fault = await verifyArchived(join(places.archiveDir, target.bot), target.file).then(
        () => null,
        (error: Error) => error.message,
      );
      return fault === null ? removed : { ...removed, done: false, why: `gone, and not archived: ${fault}` };
    }
    case 'remove_archive':
      return ifGone(join(places.archiveDir, target.bot, target.file));
    case 'drop_event_day': {
      if (client === null)
        return { ...removed, done: false, why: `the event store is away: ${CUT_OFF}, maybe it was dropped` };
      const { rows } = await client.query<{ gone: boolean }>('select to_regclass($1) is null as gone', [
        partitionOf(target.day),
      ]);
      return rows[0]?.gone === true ? removed : null;
    }
    case 'remove_report':
      return ifGone(join(places.reportsDir, target.file));
    case 'remove_log':
      return ifGone(join(places.logsDir, target.file));
    case 'remove_backup':
      return ifGone(join(places.backupsDir, target.name));
    default:
      return assertNever(target);
  }
}

/** Once its results are on the chain nobody asks for a log; those of runs that were given up go by their age. */
export async function forgetRunLogs(dir: string, runId: string, nowMs: number): Promise<void> {
  await rm(runLogFile(dir, runId), { force: true });
  if (!existsSync(dir)) return;
  for (const name of await readdir(dir)) {
    const file = join(dir, name);
    const { mtimeMs } = await stat(file);
    if (name.endsWith('.jsonl') && nowMs - mtimeMs > KEPT_DAYS * 86_400_000) await rm(file, { force: true });
  }
}

function lineOf(text: string): z.infer<typeof Line> | null {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch {
    return null;
  }
  return Line.parse(raw);
}
