/** What keeps a bot from trading by a person's will or by its own limits, as its supervisor knows it, and what ends each. */
import { LADDER, type Level } from '../escalation/ladder.ts';

/** Who did something, when and why. */
interface Deed {
  readonly operator: string;
  readonly reason: string;
  readonly atMs: number;
}

export interface Held {
  readonly gaveUp: { readonly reason: string; readonly atMs: number } | null;
  readonly hardStoppedBy: Deed | null;
  readonly frozenBy: Deed | null;
  readonly pausedBy: Deed | null;
  /** Null while no process tells. */
  readonly risk: { readonly level: Level; readonly code: string | null; readonly sinceMs: number | null } | null;
}

/** What ends a hold, as `desk bot <verb>` spells it, and as its update is called. */
const UPDATES = { approve: 'approveRestart', thaw: 'thaw', resume: 'resume' } as const;

export interface Hold {
  /** `frozen by ada since 2026-11-22 03:12:05 UTC: the news` */
  readonly text: string;
  readonly lift: keyof typeof UPDATES;
}

/** The strictest first; none where nothing holds it. */
export function holdsOf({ gaveUp, hardStoppedBy, frozenBy, pausedBy, risk }: Held): Hold[] {
  const holds: Hold[] = [];
  const hold = (lift: Hold['lift'], text: string): void => void holds.push({ lift, text });
  if (gaveUp !== null) hold('approve', `not restarted since ${instant(gaveUp.atMs)}: ${gaveUp.reason.split('\n')[0]}`);
  if (hardStoppedBy !== null) hold('approve', `hard-stopped by ${deed(hardStoppedBy)}`);
  if (risk !== null && LADDER[risk.level].isLatched && (risk.code !== null || hardStoppedBy === null))
    hold('approve', `hard-stopped by ${cause(risk)}`);
  if (frozenBy !== null) hold('thaw', `frozen by ${deed(frozenBy)}`);
  if (pausedBy !== null) hold('resume', `paused by ${deed(pausedBy)}`);
  // It also ends by itself, when its cause has passed.
  if (risk?.level === 'soft_pause') hold('approve', `paused by ${cause(risk)}`);
  return holds;
}

/** What a resume does not end and what has to end first; a pause of the bot's own says nothing against it. */
export function stricterThanPause(held: Held): Hold[] {
  const isLatched = held.risk !== null && LADDER[held.risk.level].isLatched;
  return holdsOf({ ...held, pausedBy: null, risk: isLatched ? held.risk : null });
}

/** In two lines: what holds it, and what to type. */
export function holdLines(bot: string, { text, lift }: Hold): string[] {
  return [text, `  → ./desk bot ${lift} ${bot} --reason "..."  (update ${UPDATES[lift]})`];
}

function deed({ operator, atMs, reason }: Deed): string {
  return `${operator} since ${instant(atMs)}: ${reason}`;
}

function cause({ code, sinceMs }: NonNullable<Held['risk']>): string {
  const by = code === null ? 'a word at its own socket' : `its own limit ${code}`;
  return sinceMs === null ? by : `${by} since ${instant(sinceMs)}`;
}

function instant(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}
