/** Reads `temporal-dev.yml`, the one description of the local stack. Every fault is told at once, with its line. */
import { readFileSync } from 'node:fs';
import { LineCounter, parseDocument } from 'yaml';
import type { Document } from 'yaml';
import { z } from 'zod';
import { ruleOf } from '../core/faults.ts';
import type { Ports } from './ports.ts';

const Port = z.int('expected a whole number').min(0, 'expected 0 to 65535').max(65_535, 'expected 0 to 65535');
const positiveInt = z.int('expected a whole number').min(1, 'expected at least 1');
const duration = z
  .string('expected a duration such as 20ms')
  .regex(/^\d+(ms|s|m|h)$/, 'expected a duration such as 20ms');
const on = z.literal('on', "expected 'on': rows must survive a power cut");
const memory = z.string('expected a size such as 64MB').regex(/^\d+(kB|MB|GB)$/, 'expected a size such as 64MB');

/**
 * The server accepts any key silently, a misspelt one too, so this list is the check. Names and types are those of
 * temporalio/server common/dynamicconfig/constants.go, release 1.32.0.
 */
const DynamicConfig = z.strictObject({
  'history.timerProcessorMaxTimeShift': duration.optional(),
  'system.enableActivityEagerExecution': z.boolean().optional(),
  'history.transferProcessorMaxPollRPS': positiveInt.optional(),
  'history.timerProcessorMaxPollRPS': positiveInt.optional(),
  'frontend.WorkflowTimeSkippingEnabled': z.boolean().optional(),
  'frontend.WorkflowTimeSkippingMaxSkipPerSession': positiveInt.optional(),
  'frontend.WorkflowPauseEnabled': z.boolean().optional(),
  'frontend.namespaceRPS': positiveInt.optional(),
  'frontend.namespaceRPS.visibility': positiveInt.optional(),
  'matching.useNewMatcher': z.boolean().optional(),
  'matching.enableFairness': z.boolean().optional(),
  'history.maxInFlightUpdates': positiveInt.optional(),
  'history.maxTotalUpdates': positiveInt.optional(),
  'limit.historyCount.suggestContinueAsNew': positiveInt.optional(),
  'limit.historySize.suggestContinueAsNew': positiveInt.optional(),
});

export const SEARCH_ATTRIBUTE_TYPES = ['Text', 'Keyword', 'Int', 'Double', 'Bool', 'Datetime', 'KeywordList'] as const;
export type SearchAttributeTypeName = (typeof SEARCH_ATTRIBUTE_TYPES)[number];

const TaskQueueLimits = z.strictObject({
  /** Starts a second over all workers of the queue; null is no limit. */
  activitiesPerSecond: z.number().positive('expected a positive number or null').nullable(),
  concurrentActivities: positiveInt,
  concurrentWorkflowTasks: z.int('expected a whole number').min(0, 'expected 0 or more'),
});
export type TaskQueueLimits = z.infer<typeof TaskQueueLimits>;

export const PostgresSettings = z.strictObject({
  fsync: on,
  synchronous_commit: on,
  full_page_writes: on,
  shared_buffers: memory,
  max_wal_size: memory,
});
export type PostgresSettings = z.infer<typeof PostgresSettings>;

export const TemporalDev = z.strictObject({
  version: z.literal(1, 'expected 1, the only format there is'),
  temporal: z.strictObject({
    ip: z.literal(['127.0.0.1', '::1'], 'expected 127.0.0.1 or ::1, for the dev server has no login'),
    port: Port,
    uiPort: Port,
    metricsPort: Port,
    namespace: z.string().regex(/^[a-z0-9][a-z0-9.-]{1,62}$/, 'expected 2 to 63 of a-z, 0-9, - and .'),
    sqlite: z.strictObject({
      journal_mode: z.enum(['wal', 'delete', 'truncate'], 'expected wal, delete or truncate'),
      synchronous: z.literal([2, 3], 'expected 2 or 3: acknowledged work must survive a power cut'),
    }),
    searchAttributes: z.record(
      z.string().regex(/^[A-Za-z][A-Za-z0-9_]{0,63}$/, 'expected a name of A-Z, a-z, 0-9 and _'),
      z.enum(SEARCH_ATTRIBUTE_TYPES, `expected one of ${SEARCH_ATTRIBUTE_TYPES.join(', ')}`),
    ),
    dynamicConfig: DynamicConfig,
  }),
  taskQueues: z.strictObject({
    desk: TaskQueueLimits,
    kill: TaskQueueLimits,
    venue: TaskQueueLimits,
    botHost: TaskQueueLimits,
  }),
  worker: z.strictObject({
    stickyTimeoutMs: z.int().min(100, 'expected 100 to 60000').max(60_000, 'expected 100 to 60000'),
  }),
  postgres: z.strictObject({
    port: Port,
    maxConnections: z.int().min(10, 'expected 10 to 1000').max(1_000, 'expected 10 to 1000'),
    settings: PostgresSettings,
  }),
  console: z.strictObject({ port: Port }),
  simulator: z.strictObject({ port: Port }),
});
export type TemporalDev = z.infer<typeof TemporalDev>;

/** Reads and checks the file. Throws an `Error` that lists every fault, one a line. */
export function readTemporalDev(file: string): TemporalDev {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new Error(`${file}: cannot be read (${(error as Error).message}); restore it from the repository`, {
      cause: error,
    });
  }
  return parseTemporalDev(text, file);
}

/** `name` opens each fault: "temporal-dev.yml:12 temporal.port: expected 0 to 65535, was 99999". */
export function parseTemporalDev(text: string, name = 'temporal-dev.yml'): TemporalDev {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  if (document.errors.length > 0) {
    const faults = document.errors.map((error) => `${name}:${lines.linePos(error.pos[0]).line} ${error.message}`);
    throw new Error(faults.join('\n'));
  }
  const raw: unknown = document.toJS();
  const parsed = TemporalDev.safeParse(raw);
  if (parsed.success) return parsed.data;
  const at = (path: readonly PropertyKey[]) => `${name}:${lineOf(document, lines, path)} ${path.join('.') || '(file)'}`;
  const faults = parsed.error.issues.flatMap((issue) => {
    if (issue.code !== 'unrecognized_keys') {
      return [`${at(issue.path)}: ${ruleOf(issue)}, was ${show(valueAt(raw, issue.path))}`];
    }
    return issue.keys.map((key) => {
      const path = [...issue.path, key];
      return `${at(path)}: unknown key${knownKeys(issue.path)}, was ${show(valueAt(raw, path))}`;
    });
  });
  throw new Error(faults.join('\n'));
}

/** The ports that the file asks for. */
export function declaredPorts(declaration: TemporalDev): Ports {
  return {
    temporal: declaration.temporal.port,
    temporalUi: declaration.temporal.uiPort,
    temporalMetrics: declaration.temporal.metricsPort,
    postgres: declaration.postgres.port,
    console: declaration.console.port,
    simulator: declaration.simulator.port,
  };
}

/** The same stack on any free ports, for one that runs beside another. */
export function onFreePorts(declaration: TemporalDev): TemporalDev {
  return {
    ...declaration,
    temporal: { ...declaration.temporal, port: 0, uiPort: 0, metricsPort: 0 },
    postgres: { ...declaration.postgres, port: 0 },
    console: { port: 0 },
    simulator: { port: 0 },
  };
}

/** Line of the deepest part of `path` that the file has: a missing key is shown at its parent. */
function lineOf(document: Document, lines: LineCounter, path: readonly PropertyKey[]): number {
  for (let depth = path.length; depth > 0; depth -= 1) {
    const node = document.getIn(path.slice(0, depth), true);
    const range = typeof node === 'object' && node !== null && 'range' in node ? node.range : null;
    if (Array.isArray(range) && typeof range[0] === 'number') return lines.linePos(range[0]).line;
  }
  return 1;
}

function valueAt(raw: unknown, path: readonly PropertyKey[]): unknown {
  let value = raw;
  for (const key of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<PropertyKey, unknown>)[key];
  }
  return value;
}

function show(value: unknown): string {
  return value === undefined ? 'missing' : JSON.stringify(value);
}

function knownKeys(path: readonly PropertyKey[]): string {
  let schema: unknown = TemporalDev;
  for (const key of path) {
    if (!(schema instanceof z.ZodObject)) return '';
    schema = (schema.shape as Record<PropertyKey, unknown>)[key];
  }
  return schema instanceof z.ZodObject ? ` (known: ${Object.keys(schema.shape).join(', ')})` : '';
}
