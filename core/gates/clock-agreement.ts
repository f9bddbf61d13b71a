/**
 * Whether the clocks around a measurement agree, and how much time all of them saw pass. A window of hours is worth what its
 * clocks are worth: the server's can be skipped through, the host's can be set, a process's monotonic one begins anew with the
 * process, and the venue's is far away. So each is held against the others, and none is believed alone.
 *
 * Once they disagree, they are said to disagree until the owner begins anew: which of them was right about the time before
 * cannot be found out later.
 */
import { z } from 'zod';
import { assertNever } from '../invariant.ts';

/** Up to the year 9999: beyond it an instant has no date to show. */
export const AtMs = z.int().nonnegative().max(253_402_300_799_999);

/** All clocks, read together. */
export const ClockFacts = z.strictObject({
  /** The server's time as the workflow knows it: that of the attempt that measures, not of an attempt before it. */
  workflowMs: AtMs,
  hostMs: AtMs,
  /** Since the measuring process began. */
  monotonicMs: z.int().nonnegative(),
  /** Another one after each restart of the measuring process: only within one do monotonic readings compare. */
  processId: z.string().min(1).max(128),
  venueMs: AtMs.nullable(),
  /** Time skips in the workflow's history. */
  timeSkips: z.int().nonnegative(),
});
export type ClockFacts = z.infer<typeof ClockFacts>;

const DisagreementCode = z.enum([
  'host_off_server',
  'venue_off_host',
  'clocks_advance_apart',
  'venue_time_missing',
  'time_skipped',
]);
export type DisagreementCode = z.infer<typeof DisagreementCode>;

export const Disagreement = z.strictObject({
  code: DisagreementCode,
  /** Workflow time at which it was first seen. */
  atMs: AtMs,
  /** Milliseconds, or skips; null where nothing could be measured. */
  measured: z.int().nullable(),
  limit: z.int(),
});
export type Disagreement = z.infer<typeof Disagreement>;

/** Plain JSON values, part of its owner's state. */
export const ClockAgreement = z.strictObject({
  first: ClockFacts,
  /** First readings of the process that read last. */
  leg: ClockFacts,
  last: ClockFacts,
  /** One a code, in the order of their first appearance. */
  disagreements: z.array(Disagreement).readonly(),
});
export type ClockAgreement = z.infer<typeof ClockAgreement>;

export function beginAgreement(facts: ClockFacts, toleranceMs: number): ClockAgreement {
  return agreementOf({ first: facts, leg: facts, last: facts, disagreements: [] }, toleranceMs);
}

export function applyClocks(agreement: ClockAgreement, facts: ClockFacts, toleranceMs: number): ClockAgreement {
  const leg = facts.processId === agreement.last.processId ? agreement.leg : facts;
  return agreementOf({ ...agreement, leg, last: facts }, toleranceMs);
}

/**
 * How long it was between two readings: the least that any clock says, never less than nothing. Server and host may live off
 * one and the same wall clock, so what only these two saw counts as no time: without the same process (monotonic) or the
 * venue as a witness nobody would notice that it was set.
 */
export function provenMs(from: ClockFacts, to: ClockFacts): number {
  const { wall, witnesses } = advances(from, to);
  return witnesses.length === 0 ? 0 : Math.max(0, Math.min(...wall, ...witnesses));
}

function advances(from: ClockFacts, to: ClockFacts): { wall: number[]; witnesses: number[] } {
  const witnesses: number[] = [];
  if (to.processId === from.processId) witnesses.push(to.monotonicMs - from.monotonicMs);
  if (to.venueMs !== null && from.venueMs !== null) witnesses.push(to.venueMs - from.venueMs);
  return { wall: [to.workflowMs - from.workflowMs, to.hostMs - from.hostMs], witnesses };
}

function apartMs(from: ClockFacts, to: ClockFacts): number {
  const { wall, witnesses } = advances(from, to);
  return Math.max(...wall, ...witnesses) - Math.min(...wall, ...witnesses);
}

function agreementOf(agreement: ClockAgreement, toleranceMs: number): ClockAgreement {
  const { first, leg, last, disagreements } = agreement;
  const { workflowMs: atMs, hostMs, venueMs, timeSkips } = last;
  const found: Disagreement[] = [];
  const hold = (code: DisagreementCode, measured: number, limit = toleranceMs): void => {
    if (measured > limit) found.push({ code, atMs, measured, limit });
  };
  hold('host_off_server', Math.abs(hostMs - atMs));
  if (venueMs === null) found.push({ code: 'venue_time_missing', atMs, measured: null, limit: toleranceMs });
  else hold('venue_off_host', Math.abs(venueMs - hostMs));
  // Since the first of all: a restart between two readings hides nothing but the monotonic clock.
  hold('clocks_advance_apart', Math.max(apartMs(first, last), apartMs(leg, last)));
  hold('time_skipped', timeSkips, 0);
  const fresh = found.filter(({ code }) => !disagreements.some((known) => known.code === code));
  return { ...agreement, disagreements: [...disagreements, ...fresh] };
}

export function disagreementText({ code, measured, limit }: Disagreement): string {
  switch (code) {
    case 'host_off_server':
      return `the host's clock was ${measured} ms off the server's, allowed ${limit}`;
    case 'venue_off_host':
      return `the venue's clock was ${measured} ms off the host's, allowed ${limit}`;
    case 'clocks_advance_apart':
      return `the clocks moved on by amounts ${measured} ms apart, allowed ${limit}`;
    case 'venue_time_missing':
      return "the venue's time was not known";
    case 'time_skipped':
      return `the server skipped time (${measured} skips)`;
    default:
      return assertNever(code);
  }
}
