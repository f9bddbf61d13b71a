import type { Leg } from '../accounting/legs.ts';
import type { PriceTicks, QtyLots } from '../money/money.ts';

export type Side = 'buy' | 'sell';

/** What a strategy wants sent. Every intent has an expiry: after it the order is not sent any more. */
export interface OrderIntent {
  /** Derived from (bot, epoch, intent number) before the first call; a retry reuses it. At most 32 of [A-Za-z0-9_-]. */
  readonly clientOrderId: string;
  readonly symbol: string;
  readonly side: Side;
  /** Limit price. */
  readonly price: PriceTicks;
  readonly qty: QtyLots;
  /** `post_only` is refused by the venue when it would take; `limit` may take. */
  readonly kind: 'post_only' | 'limit';
  /** True in hedge mode exactly when the order closes its leg. */
  readonly reduceOnly: boolean;
  readonly leg: Leg;
  readonly expiresAtMs: number;
}
