/** What the venue says of an order, in whatever order it says it: what the bot believes, asks and counts then. */
import { describe, expect, test } from '@jest/globals';
import type { Effect } from '../../../core/bot/effects.ts';
import type { OrderInput } from '../../../core/bot/input.ts';
import { Reason } from '../../../core/bot/reasons.ts';
import { RecordKind } from '../../../core/events/record.ts';
import { alerts, botConfig, cancelled, placed, type Bench } from '../../support/bots.ts';
import { control, eventsOf, isRead, isSwept, looked, quoting, sending } from './talk.ts';

const tell = (bench: Bench, clientOrderId: string, news: OrderInput['news'], afterMs = 0): Effect[] =>
  bench.tell({ kind: RecordKind.orderInput, clientOrderId, news }, afterMs);
const stateOf = (bench: Bench, id: string): string =>
  bench.state.orders.find(({ clientOrderId }) => clientOrderId === id)?.state ?? 'forgotten';

describe('the answer to an order', () => {
  test.each([
    ['yes', 'open', []],
    ['no', 'forgotten', []],
    ['duplicate', 'unknown', ['looked up']],
    ['unknown', 'unknown', ['looked up']],
  ] as const)('"%s" makes it %s', (answer, state, asked) => {
    const { bench, bid, ask } = sending();
    expect(looked(bench.answer(bid, answer))).toHaveLength(asked.length);
    expect(stateOf(bench, bid)).toBe(state);
    expect(stateOf(bench, ask)).toBe('in_flight');
  });

  test('that comes to nothing after the order was seen in the book takes nothing back and asks nothing', () => {
    const { bench, bid } = sending();
    bench.seen(bid, 'open');
    expect(looked(bench.answer(bid, 'unknown'))).toEqual([]);
    expect(stateOf(bench, bid)).toBe('open');
  });

  test('that refuses it is on record with the venue’s code', () => {
    const { bench, bid } = sending();
    const order = { clientOrderId: bid, state: 'closed', closeReason: 'rejected', code: '43011', filled: '0' };
    expect(eventsOf(bench.answer(bid, 'no'))).toContainEqual(expect.objectContaining({ type: 'order', ...order }));
  });
});

describe('a refusal', () => {
  const THREE = botConfig({ deadmanS: 600, risk: { ...botConfig().risk, orderRejectsPerMinuteMax: 3 } });
  /** Three quotes refused with this code; why the bot does or does not quote then. */
  function refusedThrice(code: string | null): string | number {
    const { bench, bid, ask } = sending(THREE);
    const refuse = (id: string): Effect[] => tell(bench, id, { news: 'placeAnswered', answer: 'no', code });
    refuse(bid);
    refuse(ask);
    const [again] = placed(bench.book(600_000, 600_002, 1_000));
    refuse(again!.clientOrderId);
    bench.timer(0);
    return bench.reason();
  }

  test.each([['43011'], ['40762'], [null]])(
    'of code %s counts: too many within a minute, and the bot pauses',
    (code) => {
      expect(refusedThrice(code)).toBe(Reason.order_rejects);
    },
  );

  test.each([['expired_before_sending'], ['stopped_before_sending'], ['not_sent'], ['post_only_would_take']])(
    'as %s is no sign of trouble, however often',
    (code) => expect(refusedThrice(code)).toBe(Reason.quoted),
  );
});

describe('the answer to a cancel', () => {
  test('"gone" says that it is over, not how: the order is looked up', () => {
    const { bench, bid, ask } = quoting();
    control(bench, 'pause');
    expect(looked(tell(bench, bid, { news: 'cancelAnswered', answer: 'gone' }))).toEqual([bid]);
    expect(looked(tell(bench, ask, { news: 'cancelAnswered', answer: 'yes' }))).toEqual([]);
  });

  test.each([
    ['a key that is refused is not asked again for ten seconds', 'auth', 10_000],
    ['any other is sent again after a second', null, 1_000],
  ] as const)('"no": %s', (_name, trouble, waitMs) => {
    const { bench, bid } = quoting();
    control(bench, 'pause');
    tell(bench, bid, { news: 'cancelAnswered', answer: 'no', trouble });
    expect(cancelled(bench.timer(waitMs - 1))).not.toContain(bid);
    expect(cancelled(bench.timer(1))).toContain(bid);
  });

  test('tells of trouble with the account, as does that to an order or a look-up', () => {
    for (const news of [
      { news: 'cancelAnswered', answer: 'no', trouble: 'auth' },
      { news: 'placeAnswered', answer: 'no', code: '40014', trouble: 'auth' },
      { news: 'lookupFailed', trouble: 'auth' },
    ] as const) {
      const { bench, bid } = sending();
      expect(alerts(tell(bench, bid, news))).toEqual(['venue_trouble']);
      expect(bench.reason()).toBe(Reason.venue_refuses_account);
    }
  });
});

describe('a look-up that failed', () => {
  test.each([
    ['is made again at the next timer', null, 1_000],
    ['is made again at the next timer, unless it says why', undefined, 1_000],
    ['for its key waits as long as one without an answer', 'auth', 10_000],
  ] as const)('%s', (_name, trouble, waitMs) => {
    const { bench, bid } = sending();
    expect(looked(bench.answer(bid, 'unknown'))).toEqual([bid]);
    tell(bench, bid, { news: 'lookupFailed', ...(trouble === undefined ? {} : { trouble }) });
    let waitedMs = 0;
    for (let isAsked = false; !isAsked && waitedMs < 30_000; waitedMs += 1_000)
      isAsked = looked(bench.timer()).includes(bid);
    expect(waitedMs).toBe(waitMs);
  });
});

describe('news of an order that the bot does not know', () => {
  test('an open one makes it read the venue at the next timer', () => {
    const { bench } = quoting();
    bench.seen('stranger', 'open');
    expect(isRead(bench.timer())).toBe(true);
  });

  test.each(['filled', 'cancelled'] as const)('one that is %s says nothing new', (status) => {
    const { bench } = quoting();
    const orders = bench.state.orders.length;
    expect(bench.seen('stranger', status, 2)).toEqual([]);
    expect(isRead(bench.timer())).toBe(false);
    expect(bench.state.orders).toHaveLength(orders);
  });

  test('nor does an answer about it', () => {
    const { bench } = quoting();
    expect(bench.answer('stranger', 'unknown')).toEqual([]);
    expect(tell(bench, 'stranger', { news: 'cancelAnswered', answer: 'gone' })).toEqual([]);
    expect(tell(bench, 'stranger', { news: 'notFound' })).toEqual([]);
    expect(isRead(bench.timer())).toBe(false);
  });
});

describe('an order that ends while the venue is being read', () => {
  const read = (bench: Bench, afterMs = 100): void => {
    bench.state.syncDueAtMs = bench.nowMs;
    expect(isRead(bench.timer(afterMs))).toBe(true);
  };

  test('is taken over from its list when it only seemed never to have arrived', () => {
    const { bench, bid } = sending();
    bench.answer(bid, 'unknown');
    const { venueFilled: filled, ...order } = bench.state.orders[0]!;
    tell(bench, bid, { news: 'notFound' });
    read(bench, 60_000);
    tell(bench, bid, { news: 'notFound' });
    expect(stateOf(bench, bid)).toBe('forgotten');
    bench.sync({ openOrders: [{ clientOrderId: bid, filled, order }] });
    expect(stateOf(bench, bid)).toBe('open');
  });

  test('is remembered for that read alone', () => {
    const { bench, bid, ask } = quoting();
    bench.seen(bid, 'cancelled');
    expect(bench.state.ordersEndedInRead).toBeUndefined();
    read(bench);
    bench.seen(ask, 'cancelled');
    expect(bench.state.ordersEndedInRead).toEqual([ask]);
    bench.sync();
    read(bench);
    expect(bench.state.ordersEndedInRead).toBeUndefined();
  });
});

test.each([
  ['yes', false],
  ['gone', false],
  ['no', true],
  ['unknown', true],
] as const)('a sweep of the symbol that is answered "%s" is sent again: %s', (answer, isAgain) => {
  const { bench } = quoting();
  expect(isSwept(control(bench, 'hardStop'))).toBe(true);
  tell(bench, '', { news: 'allCancelAnswered', answer });
  expect(isSwept(bench.timer(1_999))).toBe(false);
  expect(isSwept(bench.timer(1))).toBe(isAgain);
});
