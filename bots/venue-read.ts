/** One read of the venue's whole truth about a symbol. */
import type { SyncPart } from '../core/bot/input.ts';
import type { VenueTrouble } from '../core/venue-trouble.ts';
import {
  VenueRefused,
  VenueUnavailable,
  type Venue,
  type VenueBalance,
  type VenueFill,
  type VenueFundingPayment,
  type VenueOrder,
  type VenuePosition,
  type VenueTriggerOrder,
} from '../gateway/venue.ts';

export interface VenueRead {
  readonly openOrders: readonly VenueOrder[];
  readonly fills: readonly VenueFill[];
  readonly triggers: readonly VenueTriggerOrder[];
  readonly positions: readonly VenuePosition[];
  /** None where the venue does not tell them. */
  readonly fundingPayments: readonly VenueFundingPayment[];
  readonly balance: VenueBalance;
}

/** `part` names the read that failed: without it the others say nothing. */
export class VenueReadFailed extends Error {
  override readonly name = 'VenueReadFailed';
  readonly part: SyncPart;
  readonly trouble: VenueTrouble | null;
  constructor(part: SyncPart, cause: unknown) {
    super(`${part}: ${messageOf(cause)}`, { cause });
    this.part = part;
    this.trouble = troubleOf(cause);
  }
}

/** Fills are read back from this long before the last reading: clocks differ, and a venue lists a fill late. */
const FILLS_OVERLAP_MS = 60_000;
/** Bills are listed later than fills. */
const FUNDING_OVERLAP_MS = 600_000;

export interface KnownUntil {
  readonly fillsMs: number;
  readonly fundingMs: number;
}

/**
 * Orders first and balance last: what fills or is settled meanwhile is in the later reads. Throws `VenueReadFailed` and
 * nothing else.
 */
export async function readVenue(venue: Venue, symbol: string, { fillsMs, fundingMs }: KnownUntil): Promise<VenueRead> {
  const openOrders = await part('orders', () => venue.openOrders(symbol));
  const fills = await part('fills', () => venue.fillsSince(symbol, fillsMs - FILLS_OVERLAP_MS));
  const triggers = await part('stops', () => venue.triggerOrders(symbol));
  const positions = await part('positions', () => venue.positions(symbol));
  const fundingPayments = venue.capabilities.fundingHistory
    ? await part('funding', () => venue.fundingPaymentsSince(symbol, fundingMs - FUNDING_OVERLAP_MS))
    : [];
  const balance = await part('balance', () => venue.balance());
  return { openOrders, fills, triggers, positions, fundingPayments, balance };
}

async function part<T>(name: SyncPart, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw new VenueReadFailed(name, error);
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

export function troubleOf(error: unknown): VenueTrouble | null {
  return error instanceof VenueRefused || error instanceof VenueUnavailable ? error.trouble : null;
}
