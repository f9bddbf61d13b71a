/**
 * Bitget changes a stop in place and keeps the client order id it was placed with; the desk names each version of a
 * stop anew. This remembers which name the venue knows. It is forgotten with the process: the list of what waits then
 * tells the venue's name, and the desk takes that over.
 */
export interface StopNames {
  /** The name the venue knows the stop by. */
  atVenue(clientOrderId: string): string;
  /** The desk's latest name for a stop that the venue calls `venueName`. */
  atDesk(venueName: string): string;
  renamed(from: string, to: string): void;
  forget(clientOrderId: string): void;
}

export function createStopNames(): StopNames {
  const venueNames = new Map<string, string>();
  const deskNames = new Map<string, string>();
  const atVenue = (clientOrderId: string): string => venueNames.get(clientOrderId) ?? clientOrderId;
  return {
    atVenue,
    atDesk: (venueName) => deskNames.get(venueName) ?? venueName,
    renamed(from, to) {
      if (from === to) return;
      const venueName = atVenue(from);
      venueNames.delete(from);
      venueNames.set(to, venueName);
      deskNames.set(venueName, to);
    },
    forget(clientOrderId) {
      deskNames.delete(atVenue(clientOrderId));
      venueNames.delete(clientOrderId);
    },
  };
}
