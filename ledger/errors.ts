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

interface PgError {
  readonly code?: unknown;
}

function codeOf(error: unknown): string {
  const code = error instanceof Error ? (error as PgError).code : undefined;
  return typeof code === 'string' ? code : '';
}

/** SQLSTATE classes that say something about the server's state and nothing about our data, and what sockets say. */
const UNAVAILABLE = /^(08|53|57|58|40|55P03|25P03|3D000$|E[A-Z]+$)/;

export function isUnavailable(error: unknown): boolean {
  if (error instanceof LedgerUnavailable) return true;
  const code = codeOf(error);
  if (UNAVAILABLE.test(code)) return true;
  // pg reports a lost connection as a plain error without a code.
  return code === '' && error instanceof Error && /connection|timeout/i.test(error.message);
}

/** Postgres read a value and would not have it: class 22, and nesting deeper than it parses. */
export function isRefusedValue(error: unknown): boolean {
  const code = codeOf(error);
  return code.startsWith('22') || code === '54001';
}

/** The same error, as `LedgerUnavailable` when waiting may cure it. */
export function classified(error: unknown): Error {
  if (error instanceof LedgerUnavailable) return error;
  if (isUnavailable(error)) return new LedgerUnavailable(`Postgres: ${(error as Error).message}`, { cause: error });
  return error instanceof Error ? error : new Error(String(error));
}
