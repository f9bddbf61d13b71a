/** A record of evidence in one line for people: did it pass, and what does it say. Pure. */
import { z } from 'zod';
import { counted } from '../reporting/document.ts';
import type { JsonObject } from './json.ts';
import type { EvidenceKind } from './record.ts';

export interface Gist {
  /** Null where there is nothing to pass, or the payload is of a form that this version does not know. */
  readonly verdict: 'pass' | 'fail' | null;
  readonly text: string;
}

const Gate = z.looseObject({
  go: z.boolean(),
  hoursElapsed: z.number(),
  rules: z.looseObject({ windowMs: z.number() }),
  standing: z.array(z.looseObject({ text: z.string() })),
  paused: z.looseObject({ operator: z.string(), reason: z.string() }).nullable(),
});
const Findings = z.looseObject({
  pass: z.boolean(),
  findings: z.array(z.looseObject({ code: z.string() })),
});
const Backup = z.looseObject({
  backup: z.string(),
  bytes: z.number(),
  restoreTest: z.looseObject({ ok: z.boolean() }).nullable(),
});
const Retention = z.looseObject({ done: z.number(), refused: z.number(), held: z.number() });
const ByPerson = z.looseObject({ operator: z.string(), reason: z.string() });

const UNKNOWN: Gist = { verdict: null, text: '' };

export function gistOf(kind: EvidenceKind, payload: JsonObject): Gist {
  switch (kind) {
    case 'day2_gate':
      return told(Gate, payload, gate);
    case 'event_store_integrity':
    case 'market_data_freshness':
    case 'restart_regression':
      return told(Findings, payload, findings);
    case 'database_backup':
      return told(Backup, payload, backup);
    case 'retention':
      return told(Retention, payload, retention);
    case 'baseline_freeze':
    case 'baseline_reanchor':
      return told(ByPerson, payload, ({ operator, reason }) => ({ verdict: null, text: `${operator}: ${reason}` }));
    case 'release_manifest':
      return UNKNOWN;
  }
}

function told<T>(schema: z.ZodType<T>, payload: JsonObject, say: (payload: T) => Gist): Gist {
  const parsed = schema.safeParse(payload);
  return parsed.success ? say(parsed.data) : UNKNOWN;
}

function gate({ go, hoursElapsed, rules, standing, paused }: z.infer<typeof Gate>): Gist {
  const hours = `${hoursElapsed.toFixed(2)} of ${Number((rules.windowMs / 3_600_000).toFixed(2))} h`;
  if (go) return { verdict: 'pass', text: `GO, ${hours}` };
  const [first] = standing;
  const why = paused !== null ? `held by ${paused.operator}: ${paused.reason}` : first?.text;
  return { verdict: 'fail', text: `NO-GO, ${hours}${why === undefined ? '' : `; ${why}`}` };
}

function findings({ pass, findings: found }: z.infer<typeof Findings>): Gist {
  if (pass) return { verdict: 'pass', text: 'whole' };
  const codes = [...new Set(found.map(({ code }) => code.replaceAll('_', ' ')))];
  return { verdict: 'fail', text: `${counted(found.length, 'finding')}: ${codes.join(', ')}` };
}

function backup({ backup: name, bytes, restoreTest }: z.infer<typeof Backup>): Gist {
  const size = `${name}, ${(bytes / 1e6).toFixed(1)} MB`;
  if (restoreTest === null) return { verdict: 'pass', text: size };
  return restoreTest.ok
    ? { verdict: 'pass', text: `${size}, restore test passed` }
    : { verdict: 'fail', text: `${size}, restore test failed` };
}

function retention({ done, refused, held }: z.infer<typeof Retention>): Gist {
  return { verdict: refused === 0 ? 'pass' : 'fail', text: `${done} done, ${refused} refused, ${held} kept waiting` };
}
