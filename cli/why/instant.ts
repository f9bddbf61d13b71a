/** Instants as people type them. All of them UTC. */
import { CommandFailure, EXIT } from '../exit-codes.ts';

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const DAY_MS = 86_400_000;
const AGO = /^-(\d{1,9}(?:\.\d+)?)(ms|s|m|h|d)$/;
const CLOCK = /^\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?$/;
const DATE = /^\d{4}-\d{2}-\d{2}$/;
const DATE_CLOCK = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?)(Z|[+-]\d{2}:\d{2})?$/;

/**
 * `03:12` (the last one there was), `2026-11-22T03:12:05Z` (with another offset, or a blank for the T), `2026-11-22`, `-5m`
 * (ms, s, m, h, d). UTC ms. Throws a usage failure that names `option`, also for an instant to come.
 */
export function parseInstant(text: string, option: string, nowMs: number): number {
  const atMs = read(text.trim(), nowMs);
  if (atMs === null || !Number.isFinite(atMs))
    throw new CommandFailure(
      EXIT.usage,
      `${option}: expected a time (UTC) such as 03:12, 03:12:05, 2026-11-22T03:12:05Z or -5m, was "${text}"`,
    );
  if (atMs > nowMs)
    throw new CommandFailure(
      EXIT.usage,
      `${option}: expected a time that has been, was ${new Date(atMs).toISOString()} (now ${new Date(nowMs).toISOString()})`,
    );
  return atMs;
}

function read(text: string, nowMs: number): number | null {
  const ago = AGO.exec(text);
  if (ago !== null) return nowMs - Number(ago[1]) * (UNIT_MS[ago[2] ?? ''] ?? NaN);
  if (CLOCK.test(text)) {
    const today = fromIso(new Date(nowMs).toISOString().slice(0, 10), text, 'Z');
    return today > nowMs ? today - DAY_MS : today;
  }
  if (DATE.test(text)) return fromIso(text, '00:00', 'Z');
  const [, date, clock, zone] = DATE_CLOCK.exec(text) ?? [];
  return date === undefined || clock === undefined ? null : fromIso(date, clock, zone ?? 'Z');
}

/** Not a number for a day or an hour that does not exist: `Date.parse` takes 30 February for 2 March. */
function fromIso(date: string, clock: string, zone: string): number {
  const dayMs = Date.parse(`${date}T00:00Z`);
  if (Number.isNaN(dayMs) || new Date(dayMs).toISOString().slice(0, 10) !== date) return NaN;
  return Date.parse(`${date}T${clock}${zone}`);
}
