/** Every tick ends with exactly one of these: why the bot quotes, or why it does not. Numbers are on disk: add, never renumber. */
export const Reason = {
  none: 0,
  quoted: 1,
  startup_position_sync_pending: 2,
  paused_by_operator: 3,
  paused_without_supervisor: 4,
  hard_stopped: 5,
  stopping: 6,
  book_missing: 7,
  book_stale: 8,
  book_crossed: 9,
  book_one_sided: 10,
  inventory_full: 11,
  order_below_minimum: 12,
  daily_loss_reached: 13,
  cancel_budget_used: 14,
  balance_unknown: 15,
  venue_connection_down: 16,
  reconciling: 17,
  clock_unknown: 18,
  clock_offset: 19,
  venue_refuses_account: 20,
  venue_maintenance: 21,
  unprotected: 22,
  startup_position_sync_failed: 23,
  balance_read_failed: 24,
  indicators_warming_up: 25,
  spread_floor_above_market: 26,
  edge_below_minimum: 27,
  reducing_only: 28,
  nothing_to_reduce: 29,
  margin_ratio_high: 30,
  drawdown_reached: 31,
  funding_rate_high: 32,
  order_rejects: 33,
  position_drift: 34,
  leverage_high: 35,
  events_not_stored: 36,
} as const;
export type ReasonCode = (typeof Reason)[keyof typeof Reason];

const NAMES = new Map<number, keyof typeof Reason>(
  (Object.entries(Reason) as [keyof typeof Reason, number][]).map(([name, code]) => [code, name]),
);

export function reasonName(code: ReasonCode): keyof typeof Reason {
  return NAMES.get(code) ?? 'none';
}

/** Reasons not to quote that nobody wants: something outside the bot has to be put right. */
const TROUBLES: ReadonlySet<string> = new Set<keyof typeof Reason>([
  'paused_without_supervisor',
  'book_missing',
  'book_stale',
  'order_below_minimum',
  'balance_unknown',
  'venue_connection_down',
  'clock_unknown',
  'clock_offset',
  'venue_refuses_account',
  'venue_maintenance',
  'unprotected',
  'startup_position_sync_failed',
  'balance_read_failed',
  'margin_ratio_high',
  'drawdown_reached',
  'funding_rate_high',
  'order_rejects',
  'position_drift',
  'leverage_high',
  'events_not_stored',
]);

export function isTrouble(reason: string): boolean {
  return TROUBLES.has(reason);
}
