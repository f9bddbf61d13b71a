/**
 * Which kind of account a key belongs to. It decides the endpoints of every later call, so it is asked and never
 * guessed: the client library would take any failed answer for a classic account, and keep to that for good.
 */
import type { PositionMode } from '../../core/accounting/legs.ts';
import { readError, type Calls } from './calls.ts';
import type { AccountKind } from './dialect.ts';
import { parsePositionMode } from './wire-unified.ts';

/** What a unified endpoint answers a classic account. */
const CLASSIC_CODES: ReadonlySet<string> = new Set(['40084', '25245']);

export interface DetectedAccount {
  readonly accountKind: AccountKind;
  /** A unified account tells it in the same answer; null of a classic one. */
  readonly positionMode: PositionMode | null;
}

/** Throws `VenueUnavailable` or `VenueRefused` where the venue does not say. */
export async function detectAccountKind(calls: Pick<Calls, 'send'>): Promise<DetectedAccount> {
  const result = await calls.send('unifiedSettings', {});
  // A success that tells no mode does not prove a unified account, and throws.
  if (result.ok) return { accountKind: 'unified', positionMode: parsePositionMode(result.answer.data) };
  const { failure } = result;
  if (failure !== 'not_sent' && failure.kind === 'answered' && failure.code !== null) {
    // A proxy's or a broken server's status may wrap a code that belongs to another request.
    if (CLASSIC_CODES.has(failure.code) && failure.status >= 200 && failure.status < 500 && failure.status !== 429) {
      return { accountKind: 'classic', positionMode: null };
    }
  }
  throw readError('unifiedSettings', failure);
}
