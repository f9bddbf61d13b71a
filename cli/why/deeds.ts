/** What people told a bot, as its journal has it: who holds it, and what they changed of its parameters while it ran. */
import type { BotConfig } from '../../core/bot/bot-config.ts';
import type { ControlEvent } from '../../core/bot/events.ts';
import { valueAt } from '../../core/bot/tunables.ts';
import { RecordKind } from '../../core/events/record.ts';
import type { Deed, ParameterChange } from '../../core/reporting/report-head.ts';
import { frameAtMs, frameBytes, frameKind, frameSequence, HEADER_BYTES } from '../../journal/frame.ts';
import type { JournalIndex } from '../../journal/journal-index.ts';

/** The last of each command, and of each parameter's changes, by name. */
export interface Deeds {
  readonly commands: ReadonlyMap<string, Deed>;
  readonly changes: ReadonlyMap<string, Deed>;
}

const TOLD = /^\{"type":"(command|parameters_changed)"/;

/** Up to record `sequence` with its own events, from record `from` on. */
export function readDeeds(index: JournalIndex, from: number, sequence: number): Deeds {
  const commands = new Map<string, Deed>();
  const changes = new Map<string, Deed>();
  index.walk(from, (bytes, at) => {
    const kind = frameKind(bytes, at);
    if (kind < 100 && frameSequence(bytes, at) > sequence) return 'stop';
    if (kind !== RecordKind.controlEvent) return undefined;
    const text = bytes.toString('utf8', at + HEADER_BYTES, at + frameBytes(bytes, at));
    if (!TOLD.test(text)) return undefined;
    const { type, operator, reason, detail } = JSON.parse(text) as ControlEvent;
    if ('refused' in detail) return undefined;
    const deed: Deed = { atMs: frameAtMs(bytes, at), operator, reason };
    if (type === 'command') commands.set(String(detail['command']), deed);
    else for (const path of Object.keys(detail)) changes.set(path, deed);
    return undefined;
  });
  return { commands, changes };
}

/** `tuned` is the configuration as it was changed; `overridden` are the paths that are held. */
export function parameterChanges(
  configured: BotConfig,
  tuned: BotConfig,
  overridden: readonly string[],
  { changes }: Deeds,
): ParameterChange[] {
  return overridden.flatMap((path) => {
    const [before, now] = [valueAt(configured, path), valueAt(tuned, path)];
    if (before === undefined || now === undefined || before === now) return [];
    return [{ path, configured: before, now, by: changes.get(path) ?? null }];
  });
}
