/**
 * Many orders through one fault: several bots quote as fast as they may while the venue does one thing wrong, then the
 * fault ends and everything has to come to rest. The venue's truth is the judge, never what it answered.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../support/desk.ts';
import type { TrueAccount } from '../../../simulator/admin/truth.ts';
import type { AdminFault } from '../../simulator/admin.ts';
import { BUSY, withWorld, type BoundaryBot, type BoundaryEvent, type BoundaryWorld } from './world.ts';

export interface OrderRun {
  /** Intents that were decided. */
  readonly intents: number;
  /** Place calls that each fault struck. */
  readonly struck: readonly number[];
  readonly accepted: number;
  readonly fills: number;
  /** Everything that is not as promised; empty is right. */
  readonly broken: readonly string[];
}

/** Bots at once: what 2 cores carry beside the venue. */
const BOTS = 16;
/** How much faster the clock of bots and venue goes: the 40 s in which an order may still arrive take 10 s. */
const CLOCK_SPEED = 4;
const CALL_DEADLINE_MS = 1_500;
const SETTLE_MS = 60_000;

/** Every other order message is lost: else the stream would tell of each order before its answer could go wrong. */
const HALF_DEAF: AdminFault = { kind: 'gap', where: { channel: 'orders' }, when: { every: 2 } };

/** Runs until `orders` intents were decided and every fault has struck, or `untilMs` have passed. */
export async function runOrders(
  faults: readonly AdminFault[],
  { orders, untilMs, bots = BOTS }: { orders: number; untilMs: number; bots?: number },
): Promise<OrderRun> {
  let outcome: OrderRun | null = null;
  const options = { bots, config: BUSY, clockSpeed: CLOCK_SPEED, callDeadlineMs: CALL_DEADLINE_MS };
  // From the first order on.
  const before = async ({ admin }: BoundaryWorld): Promise<void> =>
    void (await admin.faults({ seed: 7, faults: [...faults, HALF_DEAF] }));
  await withWorld({ ...options, before, simulator: { speed: CLOCK_SPEED } }, async ({ admin, bots: running }) => {
    const deadline = performance.now() + untilMs;
    const decided = (): number => running.reduce((sum, { state }) => sum + state.intentNumber, 0);
    const strikes = async (): Promise<number[]> =>
      (await admin.report()).slice(0, faults.length).map((report) => report.struck);
    while (decided() < orders && performance.now() < deadline) await sleep(100);
    // On a busy machine the first bots may decide all of it before the last one was heard.
    while ((await strikes()).includes(0) && performance.now() < deadline) await sleep(200);
    const struck = await strikes();
    await admin.clear();
    running.forEach((bot) => bot.pause());
    await until(
      'every order to be settled',
      () => running.every(({ state }) => state.orders.length === 0 && state.syncSentAtMs === 0),
      SETTLE_MS,
    ).catch(() => {});
    const judged = await Promise.all(running.map(judge));
    outcome = {
      intents: judged.reduce((sum, { intents }) => sum + intents, 0),
      struck,
      accepted: judged.reduce((sum, { accepted }) => sum + accepted, 0),
      fills: judged.reduce((sum, { fills }) => sum + fills, 0),
      broken: judged.flatMap(({ broken }) => broken),
    };
  });
  return outcome!;
}

interface Judged {
  readonly intents: number;
  readonly accepted: number;
  readonly fills: number;
  readonly broken: string[];
}

/** What a bot believes at the end of a run. */
export interface Believed {
  readonly account: string;
  readonly events: readonly BoundaryEvent[];
  /** Orders that it still follows. */
  readonly left: readonly unknown[];
  readonly position: string;
}

export async function judge(bot: BoundaryBot): Promise<Judged> {
  const { account, state } = bot;
  const believed = { account, events: await bot.events(), left: state.orders, position: bot.position() };
  return judgeBelief(believed, await bot.truth());
}

/** What the bot has on record against what the venue has in its books. */
export function judgeBelief({ account, events, left, position }: Believed, truth: TrueAccount): Judged {
  const broken: string[] = [];
  const expectNone = (what: string, found: readonly unknown[]): void => {
    if (found.length > 0) broken.push(`${account}: ${what}: ${JSON.stringify(found.slice(0, 3))}`);
  };
  const intents = new Set(events.flatMap((event) => (event.type === 'place' ? [event.clientOrderId] : [])));
  const last = new Map<string, Extract<BoundaryEvent, { type: 'order' }>>();
  for (const event of events) if (event.type === 'order') last.set(event.clientOrderId, event);
  const wasWrittenOff = (id: string): boolean =>
    ['rejected', 'never_arrived'].includes(last.get(id)?.closeReason ?? '');

  expectNone('orders accepted more than once', Object.entries(truth.acceptedMoreThanOnce));
  expectNone('left over', left);
  expectNone(
    'intents without an end',
    [...intents].filter((id) => last.get(id)?.state !== 'closed'),
  );
  for (const order of truth.orders) {
    const { clientOid, status, filled } = order;
    if (!intents.has(clientOid)) expectNone('orders of no intent', [order]);
    else if (wasWrittenOff(clientOid)) expectNone('accepted and written off', [order, last.get(clientOid)]);
    else if (Number(last.get(clientOid)!.filled) !== Number(filled))
      expectNone('filled otherwise', [order, last.get(clientOid)]);
    if (status === 'live' || status === 'partially_filled') expectNone('still open at the venue', [order]);
  }
  const believed = [...intents].filter((id) => !wasWrittenOff(id)).length;
  if (believed !== truth.accepted) broken.push(`${account}: believes in ${believed} orders of ${truth.accepted}`);
  const held = truth.positions.reduce((sum, { qty }) => sum + Number(qty), 0);
  if (Number(position).toFixed(9) !== held.toFixed(9)) broken.push(`${account}: ${position} held, venue ${held}`);
  const booked = events.filter(({ type }) => type === 'fill').length;
  if (booked < truth.fills.length) broken.push(`${account}: ${booked} fills booked of ${truth.fills.length}`);
  return { intents: intents.size, accepted: truth.accepted, fills: truth.fills.length, broken };
}
