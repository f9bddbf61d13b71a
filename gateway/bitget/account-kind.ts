/**
 * Which kind of account a key belongs to. It decides the endpoints of every later call, so it is asked and never
 * guessed: the client library would take any failed answer for a classic account, and keep to that for good.
 */
import { VenueMalformed } from '../venue.ts';
import { readError, type Calls } from './calls.ts';
import type { AccountKind } from './dialect.ts';

/** What a unified endpoint answers a classic account. */
const CLASSIC_CODES: ReadonlySet<string> = new Set(['40084', '25245']);

/** Throws `VenueUnavailable` or `VenueRefused` where the venue does not say. */
export async function detectAccountKind(calls: Pick<Calls, 'send'>): Promise<AccountKind> {
  const result = await calls.send('unifiedSettings', {});
  if (result.ok) {
    const mode = (result.answer.data as { holdMode?: unknown } | null | undefined)?.holdMode;
    if (typeof mode === 'string') return 'unified';
    throw new VenueMalformed('account settings: no holdMode, so the kind of the account is not known');
  }
  const { failure } = result;
  if (failure !== 'not_sent' && failure.kind === 'answered' && failure.code !== null) {
    // A proxy's or a broken server's status may wrap a code that belongs to another request.
    if (CLASSIC_CODES.has(failure.code) && failure.status >= 200 && failure.status < 500 && failure.status !== 429) {
      return 'classic';
    }
  }
  throw readError('unifiedSettings', failure);
}
