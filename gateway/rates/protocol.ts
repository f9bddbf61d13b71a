/**
 * What a bot and the broker of its account say to each other: one JSON object a line. Both sides state what is, not what
 * changed, so a line that crosses another does no harm. Times are of the host's clock (`host-clock.ts`).
 */
import { z } from 'zod';

/** A longer line is no message. */
export const LINE_BYTES_MAX = 64 * 1024;
/** For a call that waits: it leaves at once. */
export const NEED_LEASE_MS = 300;
/** For a call that may come: renewed while nobody else waits. */
export const SPARE_LEASE_MS = 600;
export const LEASE_MS_MAX = Math.max(NEED_LEASE_MS, SPARE_LEASE_MS);
/** A client reports at least this often; each report is answered. */
export const REPORT_MS = 250;

const Id = z.int().nonnegative();
const Ids = z.array(Id).max(1_000);
const GroupName = z.string().min(1).max(32);
const Count = z.int().min(0).max(10_000);

export const ClientMessage = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('hello'),
    version: z.literal(1),
    account: z.string().min(1).max(64),
    client: z.string().min(1).max(64),
  }),
  z.strictObject({
    kind: z.literal('report'),
    /** The broker's last message that has arrived: what it granted later is not yet in these figures. */
    heard: Id,
    /** Lent calls that have left, will not be made, and might be made later than now granted. */
    used: Ids,
    unused: Ids,
    renew: Ids,
    /** Calls that wait now, and those to have in hand for the next ones. */
    waiting: z.record(GroupName, Count),
    spare: z.record(GroupName, Count),
    /** Groups that the venue has answered "too many requests". */
    tooMany: z.array(GroupName).max(100),
  }),
]);
export type ClientMessage = z.infer<typeof ClientMessage>;
export type ClientReport = Extract<ClientMessage, { kind: 'report' }>;

export const BrokerMessage = z.strictObject({
  serial: Id,
  grants: z.array(z.strictObject({ group: GroupName, ids: Ids, untilMs: z.number() })).max(1_000),
  renewed: Ids,
  renewedUntilMs: z.number(),
  /** Pace of every group that is slowed, as a share of its limit. */
  slowed: z.record(GroupName, z.number().gt(0).lte(1)),
});
export type BrokerMessage = z.infer<typeof BrokerMessage>;
