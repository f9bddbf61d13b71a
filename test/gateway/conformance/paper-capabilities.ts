import type { VenueCapabilities } from '../../../gateway/venue.ts';

/** What paper promises whatever market lies beneath it. */
export const PAPER_CAPABILITIES: VenueCapabilities = {
  amend: true,
  families: ['normal', 'tpsl'],
  stopReplacement: 'in_place',
  positionModes: ['one_way', 'hedge'],
  marginModes: ['crossed', 'isolated'],
  bookIntegrity: [],
  fundingHistory: true,
  countdownCancel: false,
  isRealExecution: false,
};
