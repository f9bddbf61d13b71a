/** What can go wrong between the desk and its event store. */

/** Postgres is away, starting, full or shutting down. Trying again later is right. */
export class LedgerUnavailable extends Error {
  override readonly name = 'LedgerUnavailable';
}

/** Events are missing between what is stored and what came. Storing them would hide the hole: for good, until someone looks. */
export class LedgerGap extends Error {
  override readonly name = 'LedgerGap';
  readonly bot: string;
  readonly expected: number;
  readonly got: number;

  constructor(bot: string, expected: number, got: number) {
    super(`${bot}: expected event ${expected}, got ${got}`);
    this.bot = bot;
    this.expected = expected;
    this.got = got;
  }
}

/** The database was made by a later version of the desk: this one would not know what it writes into. */
export class LedgerNewer extends Error {
  override readonly name = 'LedgerNewer';
}

/** pg's errors and the sockets' have a code; both are told by their shape. */
function partOf(error: unknown, part: 'code' | 'message'): string {
  const value: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, part) : undefined;
  return typeof value === 'string' ? value : '';
}

/** SQLSTATE classes that say something about the server's state and nothing about our data, and what sockets say. */
const UNAVAILABLE = /^(08|53|57|58|40|55P03|25P03|3D000$|E[A-Z]+$)/;

export function isUnavailable(error: unknown): boolean {
  if (error instanceof LedgerUnavailable) return true;
  const code = partOf(error, 'code');
  if (code !== '') return UNAVAILABLE.test(code);
  // pg reports a lost connection as a plain error without a code.
  return /connection|timeout/i.test(partOf(error, 'message'));
}

/** A full or closed disk has codes as a lost connection has, and waiting for Postgres does not cure it. */
export function isOfDisk(error: unknown): boolean {
  const code = partOf(error, 'code');
  return /^E[A-Z]+$/.test(code) && !/^(ECONN|EPIPE|ETIMEDOUT)/.test(code);
}

/** Postgres read a value and would not have it: class 22, and nesting deeper than it parses. */
export function isRefusedValue(error: unknown): boolean {
  const code = partOf(error, 'code');
  return code.startsWith('22') || code === '54001';
}

/** The same error, as `LedgerUnavailable` when waiting may cure it. */
export function classified(error: unknown): unknown {
  if (error instanceof LedgerUnavailable || !isUnavailable(error)) return error;
  return new LedgerUnavailable(`Postgres: ${partOf(error, 'message') || partOf(error, 'code')}`, { cause: error });
}
