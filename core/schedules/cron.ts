/** Cron expressions, as far as the desk takes them: five fields, read in the schedule's own time zone. */

interface CronField {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  /** The first stands for `min`. */
  readonly names?: readonly string[];
}

const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const DAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];
const FIELDS: readonly CronField[] = [
  { name: 'minute', min: 0, max: 59 },
  { name: 'hour', min: 0, max: 23 },
  { name: 'day of month', min: 1, max: 31 },
  { name: 'month', min: 1, max: 12, names: MONTHS },
  { name: 'day of week', min: 0, max: 6, names: DAYS },
];

/** What is wrong with it, as a rule; null where nothing is. Checked here because the server looks only when it is told. */
export function cronFault(text: string): string | null {
  const parts = text.trim().split(/\s+/);
  if (parts.length !== FIELDS.length)
    return 'expected five fields: minute, hour, day of month, month, day of week, such as "0 3 * * MON"';
  for (const [at, field] of FIELDS.entries()) {
    const fault = fieldFault(parts[at] ?? '', field);
    if (fault !== null) return fault;
  }
  // Other crons fire when either matches, the server when both do: nobody may have to know that.
  if (parts[2] !== '*' && parts[4] !== '*') return 'expected day of month or day of week to be *';
  return null;
}

function fieldFault(text: string, field: CronField): string | null {
  const { name, min, max } = field;
  for (const part of text.split(',')) {
    const [, from, to, step] = /^(\*|\w+)(?:-(\w+))?(?:\/(\d+))?$/.exec(part) ?? [];
    const first = from === '*' ? min : numberOf(from, field);
    const last = to === undefined ? first : numberOf(to, field);
    const isWhole = (from !== '*' || to === undefined) && step !== '0';
    if (first === null || last === null || first > last || !isWhole)
      return `expected ${name} of ${min} to ${max}, as in *, 5, 1-5, */15 or lists of these; ${JSON.stringify(part)} is none`;
  }
  return null;
}

function numberOf(text: string | undefined, { min, max, names }: CronField): number | null {
  if (text === undefined) return null;
  const named = names?.indexOf(text.toUpperCase()) ?? -1;
  const value = named >= 0 ? min + named : /^\d{1,2}$/.test(text) ? Number(text) : -1;
  return value >= min && value <= max ? value : null;
}
