/** What a run of retention did, as the payload of evidence of the kind `retention`, and as people read it. */
import { z } from 'zod';
import type { JsonObject } from '../evidence/json.ts';
import { RetentionTarget, targetName, type RetentionPlan } from './plan.ts';
import type { RetentionPolicy } from './policy.ts';

/** What became of one item of a plan; `why` is why it was done, or why it was refused after all. */
export const RetentionResult = z.strictObject({
  target: RetentionTarget,
  done: z.boolean(),
  why: z.string(),
  bytes: z.number().nonnegative(),
});
export type RetentionResult = Readonly<z.infer<typeof RetentionResult>>;

/** Evidence is at most 1 MiB: a first run over years names so many, and counts all. */
const NAMED_MAX = 2_000;

export function retentionPayload(
  { operator, reason }: { operator: string; reason: string },
  policy: RetentionPolicy,
  held: number,
  results: readonly RetentionResult[],
): JsonObject {
  const { done, refused, bytes } = retentionCounts(results);
  return {
    operator,
    reason,
    policy,
    done,
    bytes,
    refused,
    held,
    items: refusedFirst(results)
      .slice(0, NAMED_MAX)
      .map((each) => ({
        action: each.target.action,
        what: targetName(each.target),
        done: each.done,
        why: each.why,
        bytes: each.bytes,
      })),
  };
}

export interface RetentionCounts {
  readonly done: number;
  readonly refused: number;
  /** Of what was done. */
  readonly bytes: number;
}

export function retentionCounts(results: readonly RetentionResult[]): RetentionCounts {
  const done = results.filter((each) => each.done);
  return {
    done: done.length,
    refused: results.length - done.length,
    bytes: done.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

/** A plan as a report: all of it counted, and named as much as evidence names. */
export function planReport(mode: 'plan' | 'run', policy: RetentionPolicy, { items, held }: RetentionPlan): object {
  return {
    mode,
    planned: planCounts({ items, held }),
    policy,
    items: items.slice(0, NAMED_MAX),
    waiting: held.slice(0, NAMED_MAX),
  };
}

export interface PlanCounts {
  readonly items: number;
  readonly bytes: number;
  /** Old enough, and stays. */
  readonly held: number;
}

export function planCounts({ items, held }: RetentionPlan): PlanCounts {
  return { items: items.length, bytes: items.reduce((sum, { bytes }) => sum + bytes, 0), held: held.length };
}

/** The web UI takes some 20 kB of text. */
const SHOWN_MAX = 40;

export function planMarkdown({ items, held }: RetentionPlan): string {
  const { bytes } = planCounts({ items, held });
  return [
    items.length === 0 ? 'Nothing may go today.' : `**${items.length} may go**, ${size(bytes)}:`,
    ...shown(items, ({ target, why }) => `${action(target)} ${targetName(target)}: ${why}`),
    ...(held.length === 0 ? [] : ['', `${held.length} would be old enough, and stay:`]),
    ...shown(held, ({ what, why }) => `${what}: ${why}`),
    '',
  ].join('\n');
}

export function resultMarkdown(results: readonly RetentionResult[], heldCount: number): string {
  const { done, refused, bytes } = retentionCounts(results);
  return [
    `**${done} done**, ${size(bytes)}; ${refused} refused; ${heldCount} old enough, and stay.`,
    ...shown(
      refusedFirst(results),
      (each) => `${each.done ? '' : '**refused** '}${action(each.target)} ${targetName(each.target)}: ${each.why}`,
    ),
    '',
  ].join('\n');
}

/** What needs a person comes before what went as planned. */
function refusedFirst(results: readonly RetentionResult[]): RetentionResult[] {
  return [...results.filter(({ done }) => !done), ...results.filter(({ done }) => done)];
}

function shown<T>(all: readonly T[], line: (each: T) => string): string[] {
  const lines = all.slice(0, SHOWN_MAX).map((each) => `- ${line(each).slice(0, 200)}`);
  return all.length > SHOWN_MAX ? [...lines, `- and ${all.length - SHOWN_MAX} more`] : lines;
}

function action(target: RetentionTarget): string {
  return target.action.replaceAll('_', ' ');
}

export function size(bytes: number): string {
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(0)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
