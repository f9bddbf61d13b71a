/** Answers to calls about orders, and what streams and look-ups tell of them. */
import type { Order } from '../orders/order.ts';
import type { Effects } from './effects.ts';
import type { OrderInput } from './input.ts';
import { findOrder, lookUp, tellOrder, type OrderDesk } from './order-desk.ts';
import { noteReject } from './risk-watch.ts';
import { wantSync, type BotState } from './state.ts';
import { noteTrouble } from './venue-health.ts';

/** A cancel that was refused with the whole account is tried again no sooner: keys do not get better by asking. */
const REFUSED_RETRY_MS = 10_000;
/** Codes of orders that never left, and of a post-only order whose price the market took meanwhile: nothing is wrong there. */
const HARMLESS: ReadonlySet<string> = new Set([
  'expired_before_sending',
  'stopped_before_sending',
  'not_sent',
  'post_only_would_take',
]);

export function applyOrderInput(state: BotState, input: OrderInput, desk: OrderDesk, effects: Effects): void {
  const { clientOrderId, news, atMs } = input;
  if (news.news === 'allCancelAnswered') {
    if (news.answer === 'yes' || news.answer === 'gone') state.cancelAllSentAtMs = 0;
    return;
  }
  if ('trouble' in news) noteTrouble(state, news.trouble, atMs, effects);
  const order = findOrder(state, clientOrderId);
  if (order === undefined) {
    // An order of somebody else shows at the next sync; news of what is settled already says nothing new.
    if (news.news === 'seen' && news.status === 'open') wantSync(state, atMs);
    return;
  }
  switch (news.news) {
    case 'placeAnswered':
      if (news.answer === 'yes') tellOrder(state, order, { news: 'acknowledged' }, atMs, desk, effects);
      else if (news.answer === 'no') refuse(state, order, news.code, atMs, desk, effects);
      else {
        tellOrder(state, order, { news: 'unknown' }, atMs, desk, effects);
        if (order.state === 'unknown') lookUp(order, atMs, effects);
      }
      break;
    case 'lookupFailed':
      // An account that is refused is not asked again at once: the look-up's own time-out brings the next one.
      if (news.trouble !== 'auth') order.lookupSentAtMs = 0;
      break;
    case 'cancelAnswered':
      tellOrder(state, order, news, atMs, desk, effects);
      if (news.trouble === 'auth') order.cancelRetryAtMs = atMs + REFUSED_RETRY_MS;
      if (order.state === 'unknown') lookUp(order, atMs, effects);
      break;
    default:
      tellOrder(state, order, news, atMs, desk, effects);
  }
}

/** Only what the venue finds wrong counts as refused. */
function refuse(
  state: BotState,
  order: Order,
  code: string | null,
  atMs: number,
  desk: OrderDesk,
  effects: Effects,
): void {
  if (code === null || !HARMLESS.has(code)) noteReject(state.risk, atMs);
  tellOrder(state, order, { news: 'refused' }, atMs, desk, effects, code);
}
