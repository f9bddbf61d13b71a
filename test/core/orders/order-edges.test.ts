import { describe, expect, test } from '@jest/globals';
import { INTENT_LIFETIME_MS } from '../../../core/bot/order-desk.ts';
import { CLOCK_OFFSET_MS_MAX } from '../../../core/bot/venue-health.ts';
import type { PriceTicks, QtyLots } from '../../../core/money/money.ts';
import { clientOrderId, fnv1a, orderTag } from '../../../core/orders/client-order-id.ts';
import type { OrderIntent } from '../../../core/orders/order-intent.ts';
import {
  adoptOrder,
  ARRIVAL_MS_MAX,
  applyOrderNews,
  createOrder,
  isSettled,
  isStopping,
  NOT_FOUND_CONFIRM_MS,
  openLots,
  type Order,
  type OrderNews,
} from '../../../core/orders/order.ts';
import { stopTrigger } from '../../../core/orders/stop.ts';
import { T0 } from '../../support/bots.ts';

const QTY = 6;
/** A cancel that ended nothing is sent again no sooner. */
const CANCEL_RETRY_MS = 1_000;
const lots = (count: number): QtyLots => count as QtyLots;

const INTENT: OrderIntent = {
  clientOrderId: 'bot1_1-1',
  symbol: 'BTCUSDT',
  side: 'buy',
  price: 600_000 as PriceTicks,
  qty: lots(QTY),
  kind: 'post_only',
  reduceOnly: false,
  leg: 'net',
  expiresAtMs: T0 + 2_000,
};

type Status = (OrderNews & { news: 'seen' })['status'];
const seen = (status: Status, filled = 0): OrderNews => ({ news: 'seen', status, filled: lots(filled) });
const fill = (qty: number): OrderNews => ({ news: 'fill', qty: lots(qty) });
const cancelAnswered = (answer: 'yes' | 'gone' | 'no' | 'unknown'): OrderNews => ({ news: 'cancelAnswered', answer });
const ACKNOWLEDGED: OrderNews = { news: 'acknowledged' };
const REFUSED: OrderNews = { news: 'refused' };
const UNKNOWN: OrderNews = { news: 'unknown' };
const NOT_FOUND: OrderNews = { news: 'notFound' };

function told(order: Order, ...news: OrderNews[]): Order {
  for (const next of news) applyOrderNews(order, next, T0);
  return order;
}

function neverArrived(): Order {
  const order = told(createOrder(INTENT, T0), UNKNOWN, NOT_FOUND);
  applyOrderNews(order, NOT_FOUND, T0 + ARRIVAL_MS_MAX);
  return order;
}

/** What the venue had executed 2 of when the bot found it. */
const adopted = (): Order => adoptOrder({ ...INTENT, filled: lots(2) }, false, T0, 0);

const START = {
  'in flight': () => createOrder(INTENT, T0),
  open: () => told(createOrder(INTENT, T0), ACKNOWLEDGED),
  unknown: () => told(createOrder(INTENT, T0), UNKNOWN),
  filled: () => told(createOrder(INTENT, T0), fill(QTY)),
  cancelled: () => told(createOrder(INTENT, T0), seen('cancelled')),
  rejected: () => told(createOrder(INTENT, T0), REFUSED),
  'never arrived': neverArrived,
  adopted,
  'adopted and cancelled': () => told(adopted(), seen('cancelled', 2)),
} as const;
type Start = keyof typeof START;

/** As `START` names it, for what can be read from state and reason. */
function nameOf({ state, closeReason }: Order): string {
  return (closeReason ?? state).replace('_', ' ');
}

describe('each piece of news in each state', () => {
  test.each([
    // from, news -> where it ends, whether anything changed
    ['in flight', 'acknowledged', ACKNOWLEDGED, 'open', true],
    ['open', 'acknowledged', ACKNOWLEDGED, 'open', false],
    ['unknown', 'acknowledged', ACKNOWLEDGED, 'open', true],
    ['cancelled', 'acknowledged', ACKNOWLEDGED, 'cancelled', false],
    ['never arrived', 'acknowledged', ACKNOWLEDGED, 'never arrived', false],

    ['in flight', 'refused', REFUSED, 'rejected', true],
    ['open', 'refused', REFUSED, 'open', false],
    ['unknown', 'refused', REFUSED, 'unknown', false],
    ['filled', 'refused', REFUSED, 'filled', false],
    ['never arrived', 'refused', REFUSED, 'never arrived', false],

    ['in flight', 'no answer', UNKNOWN, 'unknown', true],
    ['open', 'no answer', UNKNOWN, 'open', false],
    ['unknown', 'no answer', UNKNOWN, 'unknown', false],
    ['rejected', 'no answer', UNKNOWN, 'rejected', false],

    ['in flight', 'seen open', seen('open'), 'open', true],
    ['open', 'seen open', seen('open'), 'open', false],
    ['open', 'seen open with more executed', seen('open', 1), 'open', true],
    ['unknown', 'seen open', seen('open'), 'open', true],
    ['cancelled', 'seen open', seen('open'), 'cancelled', false],
    ['adopted', 'seen open with what was executed', seen('open', 2), 'open', false],
    ['adopted', 'seen open with less than that', seen('open', 1), 'open', false],

    ['in flight', 'seen filled', seen('filled', QTY), 'filled', true],
    ['open', 'seen filled', seen('filled', QTY), 'filled', true],
    ['unknown', 'seen filled', seen('filled', QTY), 'filled', true],
    ['filled', 'seen filled', seen('filled', QTY), 'filled', false],
    ['cancelled', 'seen filled', seen('filled', QTY), 'cancelled', true],
    ['never arrived', 'seen filled', seen('filled', QTY), 'filled', true],

    ['in flight', 'seen cancelled', seen('cancelled'), 'cancelled', true],
    ['open', 'seen cancelled', seen('cancelled'), 'cancelled', true],
    ['unknown', 'seen cancelled', seen('cancelled'), 'cancelled', true],
    ['filled', 'seen cancelled', seen('cancelled'), 'filled', false],
    ['rejected', 'seen cancelled', seen('cancelled'), 'rejected', false],
    ['never arrived', 'seen cancelled', seen('cancelled'), 'cancelled', true],

    ['in flight', 'seen rejected', seen('rejected'), 'rejected', true],
    ['open', 'seen rejected', seen('rejected'), 'rejected', true],
    ['unknown', 'seen rejected', seen('rejected'), 'rejected', true],
    ['cancelled', 'seen rejected', seen('rejected'), 'cancelled', false],
    ['never arrived', 'seen rejected', seen('rejected'), 'rejected', true],

    ['in flight', 'a part filled', fill(QTY - 1), 'open', true],
    ['open', 'a part filled', fill(1), 'open', true],
    ['unknown', 'a part filled', fill(1), 'open', true],
    ['cancelled', 'a part filled', fill(1), 'cancelled', true],
    ['never arrived', 'a part filled', fill(1), 'never arrived', true],
    ['adopted', 'a part filled', fill(1), 'open', true],
    ['adopted and cancelled', 'a part filled', fill(1), 'cancelled', true],

    ['in flight', 'all filled', fill(QTY), 'filled', true],
    ['open', 'all filled', fill(QTY), 'filled', true],
    ['unknown', 'all filled', fill(QTY), 'filled', true],
    ['filled', 'more than all filled', fill(1), 'filled', false],
    ['cancelled', 'all filled', fill(QTY), 'cancelled', true],
    ['never arrived', 'all filled', fill(QTY), 'filled', true],
    // Some of it may be what the adoption counted: the venue is asked.
    ['adopted', 'all filled', fill(QTY - 2), 'unknown', true],
    ['adopted and cancelled', 'all filled', fill(QTY - 2), 'cancelled', true],

    ['in flight', 'a first "not found"', NOT_FOUND, 'in flight', false],
    ['open', 'a first "not found"', NOT_FOUND, 'open', false],
    ['unknown', 'a first "not found"', NOT_FOUND, 'unknown', false],
    ['cancelled', 'a first "not found"', NOT_FOUND, 'cancelled', false],
  ] as [Start, string, OrderNews, string, boolean][])('%s, %s', (from, _name, news, ends, isChanged) => {
    const order = START[from]();
    expect(applyOrderNews(order, news, T0)).toBe(isChanged);
    expect(nameOf(order)).toBe(ends);
    expect(order.state === 'closed').toBe(order.closeReason !== null);
  });

  test('news that nobody handles is a bug', () => {
    expect(() => applyOrderNews(START.open(), { news: 'amended' } as never, T0)).toThrow('unhandled case');
    expect(() => applyOrderNews(START.open(), seen('expired' as Status), T0)).toThrow('unhandled case');
  });
});

describe('what news counts and forgets', () => {
  test.each([
    // fills seen and executed as the venue says, after this news
    ['a fill is executed, too', START.open, [fill(2)], 2, 2],
    ['a fill told before adds nothing', START.open, [seen('open', 3), fill(2)], 2, 3],
    ['a fill beyond the order is cut', START.open, [fill(4), fill(4)], QTY, QTY],
    ['an old count takes nothing back', START.open, [fill(2), seen('open', 1)], 2, 2],
    ['what was adopted counts as seen', START.adopted, [], 2, 2],
    ['only the venue raises what it executed of an adopted one', START.adopted, [fill(1)], 3, 2],
  ] as [string, () => Order, OrderNews[], number, number][])('%s', (_name, start, news, fillsSeen, venueFilled) => {
    expect(told(start(), ...news)).toMatchObject({ fillsSeen, venueFilled });
  });

  test('a fill that the venue told of before is a change by itself', () => {
    const order = told(START.open(), seen('open', 2));
    expect(applyOrderNews(order, fill(2), T0)).toBe(true);
  });

  test.each([
    ['acknowledged', ACKNOWLEDGED, true],
    ['seen open', seen('open'), true],
    ['seen cancelled', seen('cancelled'), true],
    ['not found', NOT_FOUND, true],
    ['no answer', UNKNOWN, false],
    ['a part filled', fill(1), false],
    ['all filled', fill(QTY), true],
  ] as [string, OrderNews, boolean][])('a running look-up after "%s"', (_name, news, isOver) => {
    const order = START.unknown();
    order.lookupSentAtMs = T0;
    applyOrderNews(order, news, T0 + 1);
    expect(order.lookupSentAtMs).toBe(isOver ? 0 : T0);
  });

  test('the first end dates it, also when another reason replaces it', () => {
    const order = neverArrived();
    applyOrderNews(order, seen('cancelled'), T0 + 9_000);
    expect(order).toMatchObject({ closeReason: 'cancelled', closedAtMs: T0 + ARRIVAL_MS_MAX });
    // Once proven it stands.
    applyOrderNews(order, seen('filled', QTY), T0 + 10_000);
    expect(order).toMatchObject({ closeReason: 'cancelled', closedAtMs: T0 + ARRIVAL_MS_MAX });
  });
});

describe('"not found" counts once it is said again', () => {
  test.each([
    [NOT_FOUND_CONFIRM_MS - 1, 'unknown', false],
    [NOT_FOUND_CONFIRM_MS, 'unknown', false],
    [ARRIVAL_MS_MAX - 1, 'unknown', false],
    [ARRIVAL_MS_MAX, 'never arrived', true],
    [ARRIVAL_MS_MAX + 1, 'never arrived', true],
  ] as const)('%d ms later: %s', (laterMs, ends, isChanged) => {
    const order = told(START.unknown(), NOT_FOUND);
    expect(applyOrderNews(order, NOT_FOUND, T0 + laterMs)).toBe(isChanged);
    expect(nameOf(order)).toBe(ends);
  });

  test('5 seconds apart', () => {
    const order = told(START.unknown());
    const late = T0 + ARRIVAL_MS_MAX;
    applyOrderNews(order, NOT_FOUND, late);
    applyOrderNews(order, NOT_FOUND, late + 4_999);
    expect(nameOf(order)).toBe('unknown');
    applyOrderNews(order, NOT_FOUND, late + 5_000);
    expect(nameOf(order)).toBe('never arrived');
  });

  test('an answer to an early question proves nothing, however late it comes', () => {
    const order = told(START.unknown(), NOT_FOUND);
    order.lookupSentAtMs = T0 + ARRIVAL_MS_MAX - 1;
    applyOrderNews(order, NOT_FOUND, T0 + ARRIVAL_MS_MAX + 9_000);
    expect(nameOf(order)).toBe('unknown');
  });

  test('longer than a signature lives, with the clock as wrong as it may be', () => {
    expect(ARRIVAL_MS_MAX).toBeGreaterThan(INTENT_LIFETIME_MS + 30_000 + CLOCK_OFFSET_MS_MAX);
  });

  test.each([
    ['acknowledged', ACKNOWLEDGED, 'open'],
    ['seen open', seen('open'), 'open'],
    ['a part filled', fill(1), 'open'],
  ] as [string, OrderNews, string][])('%s in between starts it anew', (_name, news, ends) => {
    const order = told(START.unknown(), NOT_FOUND, news);
    applyOrderNews(order, NOT_FOUND, T0 + ARRIVAL_MS_MAX);
    expect(nameOf(order)).toBe(ends);
    applyOrderNews(order, NOT_FOUND, T0 + ARRIVAL_MS_MAX + NOT_FOUND_CONFIRM_MS);
    expect(nameOf(order)).toBe('never arrived');
  });

  test('of a closed order it says nothing', () => {
    const order = told(START.cancelled(), NOT_FOUND);
    applyOrderNews(order, NOT_FOUND, T0 + ARRIVAL_MS_MAX);
    expect(order).toMatchObject({ state: 'closed', closeReason: 'cancelled', notFoundAtMs: 0 });
  });
});

describe('the answer to a cancel', () => {
  const live = ['in flight', 'open', 'unknown', 'adopted'] as const;
  const answers = ['yes', 'gone', 'no', 'unknown'] as const;

  test.each(live.flatMap((from) => answers.map((answer) => [from, answer] as const)))('%s: %s', (from, answer) => {
    const order = START[from]();
    const { state } = order;
    order.cancelSentAtMs = T0;
    // A cancel that was taken runs until the order's end is told; any other answer ends it, which is a change.
    expect(applyOrderNews(order, cancelAnswered(answer), T0 + 7)).toBe(answer !== 'yes');
    expect(order.state).toBe(answer === 'gone' ? 'unknown' : state);
    expect(order.cancelSentAtMs).toBe(answer === 'yes' ? T0 : 0);
    expect(order.cancelRetryAtMs).toBe(answer === 'yes' ? 0 : T0 + 7 + CANCEL_RETRY_MS);
    expect(isStopping(order)).toBe(answer === 'yes');
  });

  test.each(answers)('that comes when the order is closed already: %s', (answer) => {
    const order = START.cancelled();
    expect(applyOrderNews(order, cancelAnswered(answer), T0)).toBe(false);
    expect(nameOf(order)).toBe('cancelled');
  });

  test.each(['yes', 'no', 'unknown'] as const)('%s, when no cancel runs, changes nothing', (answer) => {
    expect(applyOrderNews(START.open(), cancelAnswered(answer), T0)).toBe(false);
  });
});

describe('whether it is stopping', () => {
  test.each([
    ['in flight', 0, false],
    ['in flight', T0, true],
    ['open', 0, false],
    ['open', T0, true],
    ['unknown', T0, true],
    ['cancelled', 0, false],
    // Not reached by news: an end forgets its cancel.
    ['cancelled', T0, false],
  ] as const)('%s, cancel sent at %d: %s', (from, cancelSentAtMs, expected) => {
    const order = START[from]();
    order.cancelSentAtMs = cancelSentAtMs;
    expect(isStopping(order)).toBe(expected);
  });

  test('its end ends the cancel', () => {
    const order = START.open();
    order.cancelSentAtMs = T0;
    expect(applyOrderNews(order, seen('cancelled'), T0)).toBe(true);
    expect(order.cancelSentAtMs).toBe(0);
  });
});

describe('what may still execute, and whether nothing more can come', () => {
  test.each([
    ['in flight', [], QTY, false],
    ['open', [], QTY, false],
    ['unknown', [], QTY, false],
    ['open', [fill(2)], 4, false],
    // Told of, but the position does not hold it yet.
    ['open', [seen('open', 2)], QTY, false],
    ['open', [seen('cancelled', 2)], 2, false],
    ['open', [seen('cancelled', 2), fill(1)], 1, false],
    ['open', [seen('cancelled', 2), fill(2)], 0, true],
    ['open', [seen('filled', QTY)], QTY, false],
    ['filled', [], 0, true],
    ['cancelled', [], 0, true],
    ['rejected', [], 0, true],
    ['never arrived', [], 0, true],
    ['adopted', [], 4, false],
    // The fill may be one that the adoption counted: full size until the venue says more.
    ['adopted', [fill(1)], 4, false],
    ['adopted', [fill(1), seen('open', 3)], 3, false],
    ['adopted', [fill(1), seen('cancelled', 2)], 0, true],
  ] as [Start, OrderNews[], number, boolean][])('%s, then %j: %d lots', (from, news, expected, settled) => {
    const order = told(START[from](), ...news);
    expect(openLots(order)).toBe(expected);
    expect(isSettled(order)).toBe(settled);
  });
});

describe('client order ids', () => {
  // Vectors of the hash's authors (FNV-1a, 32 bits).
  test.each([
    ['', 0x811c9dc5],
    ['a', 0xe40c292c],
    ['foobar', 0xbf9cf968],
  ])('the hash of "%s"', (text, hash) => expect(fnv1a(text)).toBe(hash));

  test.each([
    ['bot1', 'bot1_'],
    ['eighteen-character', 'eighteen-character_'],
    ['market-maker-london', 'market-mak-0d5ox3p_'],
    ['market-maker-lisbon-2', 'market-mak-1ku8qtr_'],
    ['market-maker-number-21', 'market-mak-00ykfbw_'],
  ])('%s begins its ids with %s', (bot, tag) => expect(orderTag(bot)).toBe(tag));

  test('count in base 36', () => expect(clientOrderId('bot1_', 35, 36)).toBe('bot1_z-10'));

  test('leave a long name 12 characters for both numbers', () => {
    const longest = clientOrderId(orderTag('a-name-of-thirty-two-characters-'), 36 ** 5 - 1, 36 ** 7 - 1);
    expect(longest).toMatch(/^[A-Za-z0-9_-]{32}$/);
  });
});

describe('where a stop triggers', () => {
  test.each([
    // entry in ticks, direction, loss -> trigger
    [1_000, 1, 0.01, 990],
    [1_000, -1, 0.01, 1_010],
    // On the tick that loses less.
    [1_001, 1, 0.01, 991],
    [1_001, -1, 0.01, 1_011],
    // A thousandth of a tick is rounding, more is another tick.
    [1_000.0009, 1, 0, 1_000],
    [1_000.0011, 1, 0, 1_001],
    [999.9991, -1, 0, 1_000],
    [999.9989, -1, 0, 999],
    // The last tick above zero, zero and below.
    [1_000, 1, 0.9995, 1],
    [1_000, 1, 1, null],
    [1_000, 1, 1.002, null],
    [0.5, -1, 0.5, null],
    [0, -1, 0.5, null],
  ] as const)('entry %d, direction %d, loss %d: %p', (entryTicks, direction, lossRatio, trigger) => {
    expect(stopTrigger(entryTicks, direction, lossRatio)).toBe(trigger);
  });
});
