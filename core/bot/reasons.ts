/** Every tick ends with exactly one of these: why the bot quotes, or why it does not. Numbers are on disk: add, never renumber. */
export const Reason = {
  none: 0,
  quoted: 1,
  startup_sync_pending: 2,
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
]);

export function isTrouble(reason: string): boolean {
  return TROUBLES.has(reason);
}
