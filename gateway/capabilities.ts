/** What each venue can do, side by side. `docs/venues.md` shows the same table; a test holds the two together. */
import type { VenueCapabilities } from './venue.ts';

const BITGET_CLASSIC: VenueCapabilities = {
  amend: true,
  families: ['normal', 'plan', 'tpsl'],
  stopReplacement: 'in_place',
  positionModes: ['one_way', 'hedge'],
  marginModes: ['crossed', 'isolated'],
  bookIntegrity: ['sequence', 'checksum'],
  fundingHistory: true,
  // Only unified accounts have it, and Bitget opens it on request.
  countdownCancel: false,
  isRealExecution: true,
};

export const CAPABILITIES = {
  bitget_classic: BITGET_CLASSIC,
  bitget_unified: {
    ...BITGET_CLASSIC,
    // The venue can change an order, but not give it another id, and the desk names each version of an order anew.
    amend: false,
    marginModes: ['crossed'],
    bookIntegrity: ['sequence'],
  },
  paper: {
    ...BITGET_CLASSIC,
    families: ['normal', 'tpsl'],
    // What the market beneath checks is its own matter.
    bookIntegrity: [],
    isRealExecution: false,
  },
} as const satisfies Record<string, VenueCapabilities>;

/** The table of `docs/venues.md`, one row a capability. */
export function capabilityTable(): string {
  const names = Object.keys(CAPABILITIES) as (keyof typeof CAPABILITIES)[];
  const cell = (value: unknown): string =>
    Array.isArray(value) ? value.join(', ') || '—' : value === true ? 'yes' : value === false ? 'no' : String(value);
  const rows = (Object.keys(BITGET_CLASSIC) as (keyof VenueCapabilities)[]).map((what) => [
    `\`${what}\``,
    ...names.map((name) => cell(CAPABILITIES[name][what])),
  ]);
  return [['capability', ...names], names.concat('' as never).map(() => '---'), ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
}
