/** What each code says to a person: what it means, and what can be done about it. */
import type { DenialCode } from '../risk/decision.ts';
import type { Reason } from './reasons.ts';

export interface ReasonText {
  /** A sentence about the bot, without its name. */
  readonly means: string;
  /** What a person can do; where nothing needs doing, what ends it. */
  readonly action: string;
}

export const REASON_TEXTS: Readonly<Record<keyof typeof Reason, ReasonText>> = {
  none: {
    means: 'has not decided anything yet',
    action: 'nothing: the first input decides',
  },
  quoted: {
    means: 'quotes: its strategy wants orders in the book',
    action: 'nothing; a side without a quote has its own reason below',
  },
  startup_position_sync_pending: {
    means: 'reads orders, fills, position and balance from the venue before it trades',
    action: 'wait: it takes seconds, and after ten failed tries it stays out and says so',
  },
  paused_by_operator: {
    means: 'is paused by a person (or frozen); its orders are off the book',
    action: './desk bot resume <bot> --reason "..." (./desk bot thaw after a freeze)',
  },
  paused_without_supervisor: {
    means: 'has not heard of its supervisor for longer than deadmanS and took its orders off the book',
    action: 'look at ./desk status and ./desk doctor: it goes on by itself when Temporal and the bot host are back',
  },
  hard_stopped: {
    means: 'is stopped for good, by a person or by a limit of its own; everything of its symbol is cancelled',
    action: 'find out why first (control events, position at the venue), then ./desk bot approve <bot> --reason "..."',
  },
  stopping: {
    means: 'ends: its orders are leaving the book, and the process leaves when none is open',
    action: 'nothing, or ./desk bot start <bot> when it should run',
  },
  book_missing: {
    means: 'has seen no order book since it started or since it stood still',
    action: 'wait a few seconds, then look at the connection: ./desk doctor',
  },
  book_stale: {
    means: 'has a book that is too old, or one whose best prices have not moved for too long',
    action: 'look at the connection and at the venue; limits: risk.bookAgeMsMax, risk.bookTopSameMsMax',
  },
  book_crossed: {
    means: 'sees a best bid at or above the best ask: the book is in the middle of a change, or wrong',
    action: 'nothing when it lasts milliseconds; else the feed has lost updates: ./desk doctor',
  },
  book_one_sided: {
    means: 'sees a book with an empty side and knows no market price',
    action: 'nothing: it quotes when both sides are there again',
  },
  inventory_full: {
    means: 'holds as much as its strategy may: only the side that makes the position smaller is quoted',
    action: "nothing: it works the position off; the limit is the strategy's inventoryQuoteMax",
  },
  order_below_minimum: {
    means: 'would quote less than the contract takes as one order',
    action: "raise the strategy's orderQuote above the contract's smallest order",
  },
  daily_loss_reached: {
    means: 'has lost as much today (UTC) as it may',
    action: 'wait for the next UTC day; the limit is risk.dailyLossQuoteMax',
  },
  cancel_budget_used: {
    means: 'has sent as many cancels within a minute as it may',
    action: 'nothing: it goes on when the minute has passed. When it comes back, raise requoteBps or requoteMsMin',
  },
  balance_unknown: {
    means: 'does not know what its account is worth',
    action: "look at the account at the venue and at the bot's log: a balance or a price was no number",
  },
  venue_connection_down: {
    means: 'has no connection for its book or for its own orders',
    action: "wait: it reconnects by itself; when it lasts: ./desk doctor, network, the venue's status page",
  },
  reconciling: {
    means: 'has heard, or may have missed, something that only a read of the venue explains, and is reading',
    action: 'wait a few seconds; when it lasts, compare position and orders at the venue with ./desk status',
  },
  clock_unknown: {
    means: "does not know how far its clock is from the venue's",
    action: 'wait: it is measured again every 2 s; when it lasts, the venue does not answer: ./desk doctor',
  },
  clock_offset: {
    means: "has a clock more than 5 s away from the venue's, and signed orders would be refused",
    action: "set this machine's clock (NTP)",
  },
  venue_refuses_account: {
    means: 'is refused by the venue as an account: key, rights, address or mode',
    action: './desk account probe <account>; put right what it names, then ./desk bot resume <bot> --reason "..."',
  },
  venue_maintenance: {
    means: 'waits for the end of a maintenance that the venue told of',
    action: 'nothing: it asks every 10 s and goes on by itself',
  },
  unprotected: {
    means: 'has held a position for more than 10 s without a protective stop that is known to rest',
    action: 'look at why the stop is refused (stop events, account rights), or close the position by hand',
  },
  startup_position_sync_failed: {
    means: 'could not read the venue at its start, ten times, and stays out until a person has looked',
    action: `look at the bot's log and ./desk account probe <account>, then ./desk bot resume <bot> --reason "..."`,
  },
  balance_read_failed: {
    means: 'could read everything from the venue at its start but the balance, and tries again',
    action: 'wait; when it lasts: ./desk account probe <account> (may the key read the account?)',
  },
  indicators_warming_up: {
    means: 'has seen too few price bars to judge volatility and regime',
    action:
      'wait: as many bars must close as its slowest indicator looks back on, less what the venue told at the start',
  },
  spread_floor_above_market: {
    means: 'stands aside: a round trip would cost more than this market pays',
    action:
      'nothing: it is right to wait; what the floor is made of stands below (fees, adverse selection, volatility)',
  },
  edge_below_minimum: {
    means: 'withholds its quotes: none is worth its expected cost',
    action: 'nothing: it quotes when one is; strategy.spread.minNetEdgeBps is what a round trip has to leave',
  },
  reducing_only: {
    means: 'only makes its position smaller, because a risk limit is close or the desk asked for it',
    action: 'see the risk line below for the limit; it goes back by itself when its cause has passed',
  },
  nothing_to_reduce: {
    means: 'may only make its position smaller, and holds nothing that an order could reduce',
    action: 'see the risk line below for the limit; it goes back by itself when its cause has passed',
  },
  margin_ratio_high: {
    means: "pauses: the account's maintenance margin is too large a part of its equity",
    action: 'add margin or make positions of this account smaller; limits: risk.marginRatioSoft, risk.marginRatioHard',
  },
  drawdown_reached: {
    means: 'pauses: its equity has fallen too far from its peak',
    action: 'review its trades; it goes on after the dwell when equity is back. Limits: risk.drawdownSoftPct and Hard',
  },
  funding_rate_high: {
    means: 'pauses: funding is so high that one side pays too much to hold anything',
    action: 'nothing: it goes on when funding is normal again; limit: risk.fundingRateHardStopThreshold',
  },
  order_rejects: {
    means: 'pauses: the venue has refused too many of its orders within a minute',
    action: 'look at the codes of the refused orders (order events); limit: risk.orderRejectsPerMinuteMax',
  },
  position_drift: {
    means: 'pauses: the venue holds another position than its fills add up to',
    action: 'compare position and trades at the venue; it reads again every second and goes on when they agree',
  },
  leverage_high: {
    means: 'holds more than its equity may carry',
    action: 'make the position smaller or add margin; limit: leverageMax',
  },
  events_not_stored: {
    means: 'has events that wait for the event store for too long, and trades nothing more until they are there',
    action: 'look at Postgres: ./desk doctor; it goes on by itself when all is stored. Limit: risk.eventsUnstoredMsMax',
  },
};

/** What a risk denial measured and held against its limit. */
export interface DenialText {
  readonly means: string;
  readonly unit: 'USDT' | 'lots' | 'orders' | 'ms' | 'ratio' | '';
}

export const DENIAL_TEXTS: Readonly<Record<DenialCode, DenialText>> = {
  number_invalid: { means: 'a number of the decision is none', unit: '' },
  expired: { means: 'decided after its own expiry', unit: 'ms' },
  qty_below_minimum: { means: "less than the contract's smallest quantity", unit: 'lots' },
  notional_below_minimum: { means: "less than the contract's smallest order value", unit: 'USDT' },
  order_notional_above_cap: { means: 'larger than one order may be (risk.orderQuoteMax)', unit: 'USDT' },
  exposure_above_cap: { means: 'position and open orders would exceed risk.exposureQuoteMax', unit: 'USDT' },
  orders_active_above_cap: { means: 'as many orders as risk.ordersActiveMax allows are active', unit: 'orders' },
  price_beyond_collar: { means: 'too far from the mid', unit: 'ratio' },
};
