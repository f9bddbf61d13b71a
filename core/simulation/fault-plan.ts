/**
 * What the exchange simulator is told to do wrong, and to whom. A plan is set as a whole over the admin port; it lives in
 * memory only. Each fault says what (`kind` and its parameters), where (absent fields match everything) and when.
 */
import { z } from 'zod';
import { AccountName } from '../names.ts';

/** What a request is about. `read` and `set` are signed, `market` is public. */
export const CALL_KINDS = ['place', 'amend', 'cancel', 'read', 'set', 'market'] as const;
export type CallKind = (typeof CALL_KINDS)[number];

const SymbolName = z.string().regex(/^[A-Z0-9]{2,30}$/, 'expected a symbol like BTCUSDT');
const Milliseconds = z.int().min(0).max(86_400_000);

const CallWhere = z.strictObject({
  account: AccountName.optional(),
  symbol: SymbolName.optional(),
  call: z.enum(CALL_KINDS).optional(),
  /** Path without the query; `*` stands for any text. */
  path: z.string().startsWith('/').max(200).optional(),
});

const FrameWhere = z.strictObject({
  account: AccountName.optional(),
  symbol: SymbolName.optional(),
  channel: z.string().min(1).max(40).optional(),
  socket: z.enum(['public', 'private']).optional(),
});

/** All sockets, those of one account, or one of both ends. */
const SocketWhere = FrameWhere.pick({ account: true, socket: true });
const BookWhere = FrameWhere.pick({ symbol: true, channel: true });

const windowFields = {
  /** Since the plan was set. */
  fromMs: Milliseconds.optional(),
  untilMs: Milliseconds.optional(),
};
const Window = z.strictObject(windowFields);
/** Which of the matching occasions are struck. Given together, all must agree. */
const When = z.strictObject({
  ...windowFields,
  /** Drawn from the plan's seed and the fault's place in it, once a matching occasion. */
  probability: z.number().gt(0).max(1).optional(),
  /** Every n-th matching occasion. */
  every: z.int().positive().optional(),
  /** At most this many strikes. */
  next: z.int().positive().optional(),
});

export type FaultWhen = z.infer<typeof When>;

const Status5xx = z.int().min(500).max(599).default(502);
const VenueCode = z.string().regex(/^\d{3,6}$/, 'expected a code of 3 to 6 digits');

function callFault<K extends string, P extends z.ZodRawShape>(kind: K, parameters: P) {
  return z.strictObject({
    kind: z.literal(kind),
    id: z.string().min(1).max(60).optional(),
    where: CallWhere.default({}),
    when: When.default({}),
    ...parameters,
  });
}

function frameFault<K extends string, P extends z.ZodRawShape>(kind: K, parameters: P) {
  return z.strictObject({
    kind: z.literal(kind),
    id: z.string().min(1).max(60).optional(),
    where: FrameWhere.default({}),
    when: When.default({}),
    ...parameters,
  });
}

function socketFault<K extends string, P extends z.ZodRawShape>(kind: K, parameters: P) {
  return z.strictObject({
    kind: z.literal(kind),
    id: z.string().min(1).max(60).optional(),
    where: SocketWhere.default({}),
    when: Window.default({}),
    ...parameters,
  });
}

/** Happens to a request: to one matching request, delays add up and the first other fault of the plan decides. */
export const CallFault = z.discriminatedUnion('kind', [
  /** The connection ends before the request is read: nothing happened. */
  callFault('drop_request', {}),
  /** The request is applied, then the connection ends. */
  callFault('drop_reply', {}),
  callFault('error_applied', { status: Status5xx }),
  callFault('error_not_applied', { status: Status5xx }),
  /** Answers one of the venue's codes. */
  callFault('code', {
    code: VenueCode,
    msg: z.string().max(200).default('injected'),
    status: z.int().min(200).max(599).default(400),
    applied: z.boolean().default(false),
  }),
  callFault('delay', { ms: Milliseconds, at: z.enum(['before', 'after']).default('before') }),
  /** The answer stops after this share of its bytes; `announced` promises the whole length first, so the connection breaks. */
  callFault('truncate_body', { ratio: z.number().min(0).lt(1).default(0.5), announced: z.boolean().default(false) }),
  /** A proxy's error page in place of the answer. */
  callFault('html_body', { status: z.int().min(200).max(599).default(502), applied: z.boolean().default(true) }),
  callFault('empty_body', { status: z.int().min(200).max(599).default(200) }),
  /** The whole answer, a few bytes at a time. */
  callFault('slow_trickle', { bytes: z.int().positive().default(1), everyMs: z.int().positive().max(60_000) }),
  callFault('too_many_requests', {}),
  callFault('maintenance', { code: z.enum(['40200', '41114']).default('40200') }),
  /** A placed order is filled in part, then the answer is lost and the account's sockets close. */
  callFault('partial_fill_then_disconnect', { ratio: z.number().gt(0).lt(1).default(0.5) }),
]);
export type CallFault = z.infer<typeof CallFault>;

/** Happens to a frame that is pushed: the first fault of the plan that strikes decides. */
export const FrameFault = z.discriminatedUnion('kind', [
  frameFault('duplicate', { times: z.int().positive().max(100).default(1) }),
  /** The frame comes after the next one of its channel. */
  frameFault('reorder', {}),
  /** This frame and the following ones of its channel, `frames` in all, are never sent. */
  frameFault('gap', { frames: z.int().positive().default(1) }),
  /** A wrong size at the best bid, a wrong checksum, a broken `pseq`, or text that is no JSON. */
  frameFault('corrupt', { what: z.enum(['level', 'checksum', 'sequence', 'json']) }),
  /** Frames of one channel keep their order: what follows waits behind. */
  frameFault('delay_frames', { ms: Milliseconds }),
  /** Nothing is said any more, acknowledgements included, while the socket stays open. */
  frameFault('silent', { pong: z.boolean() }),
]);
export type FrameFault = z.infer<typeof FrameFault>;

/** Happens to whole sockets. */
export const SocketFault = z.discriminatedUnion('kind', [
  /** Matching sockets are cut every so often. */
  socketFault('flap', { everyMs: z.int().min(10).max(3_600_000) }),
  /** Matching sockets are cut once, when the window opens. */
  socketFault('close_now', {}),
  frameFault('refuse_subscribe', { code: z.int().default(30001), msg: z.string().max(200).default('injected') }),
  frameFault('refuse_login', { code: z.int().default(30005), msg: z.string().max(200).default('injected') }),
]);
export type SocketFault = z.infer<typeof SocketFault>;

/** Changes what the venue believes or tells. */
export const StateFault = z.discriminatedUnion('kind', [
  /** The venue's clock is ahead by `ms`, behind when negative: its times, its stamps and its check of signatures. */
  z.strictObject({
    kind: z.literal('clock_skew'),
    id: z.string().min(1).max(60).optional(),
    when: Window.default({}),
    ms: z.int().min(-86_400_000).max(86_400_000),
  }),
  /** The book channels stand still: nothing, or with `repeat` the same again and again, in an unbroken chain. */
  z.strictObject({
    kind: z.literal('stale_book'),
    id: z.string().min(1).max(60).optional(),
    where: BookWhere.default({}),
    when: Window.default({}),
    repeat: z.boolean().default(true),
  }),
  /** Another position than the true one is told; negative is short, "0" none. */
  z.strictObject({
    kind: z.literal('wrong_position'),
    id: z.string().min(1).max(60).optional(),
    where: z.strictObject({ account: AccountName.optional(), symbol: SymbolName }),
    when: When.default({}),
    qty: z.string().regex(/^-?\d{1,12}(\.\d{1,12})?$/, 'expected a signed decimal quantity'),
    told: z.enum(['rest', 'stream', 'both']).default('both'),
  }),
]);
export type StateFault = z.infer<typeof StateFault>;

export const Fault = z.discriminatedUnion('kind', [
  ...CallFault.options,
  ...FrameFault.options,
  ...SocketFault.options,
  ...StateFault.options,
]);
export type Fault = z.infer<typeof Fault>;
export type FaultKind = Fault['kind'];
export type FaultOf<K extends FaultKind> = Extract<Fault, { kind: K }>;

export const FaultPlan = z
  .strictObject({
    /** Decides what `probability` draws: the same seed and the same order of occasions give the same strikes. */
    seed: z.int().min(0).max(0xffff_ffff).default(1),
    faults: z.array(Fault).max(100),
  })
  .superRefine(({ faults }, context) => {
    const seen = new Set<string>();
    faults.forEach(({ id, when }, index) => {
      if (id !== undefined && seen.has(id)) {
        context.addIssue({ code: 'custom', path: ['faults', index, 'id'], message: 'expected an id used once' });
      }
      if (id !== undefined) seen.add(id);
      if ((when.fromMs ?? 0) >= (when.untilMs ?? Infinity)) {
        context.addIssue({
          code: 'custom',
          path: ['faults', index, 'when', 'untilMs'],
          message: `expected more than fromMs ${when.fromMs ?? 0}`,
        });
      }
    });
  });
export type FaultPlan = z.infer<typeof FaultPlan>;
/** As written: what has a default may be absent. */
export type FaultPlanInput = z.input<typeof FaultPlan>;

/** A fault of the running plan and how often it has matched and struck. */
export interface FaultReport {
  readonly fault: Fault;
  readonly matched: number;
  readonly struck: number;
}
