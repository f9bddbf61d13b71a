/**
 * The venue's published request limits, by endpoint: per account for what is signed, per address for what is public, and
 * one for all requests of an address. Where sources differ the lower number holds. A window slides: no second may hold
 * more, wherever it begins. What was refused takes no place in it.
 */
import { refuse } from '../exchange/refusal.ts';
import { RollingWindows } from '../rolling-window.ts';
import type { Call } from './call.ts';

export const REST_LIMITS = { signed: 10, public: 20, addressPerMinute: 6_000 } as const;

/** Endpoints with a limit of their own, calls a second; the path behind `/api/v2/` or `/api/v3/`. */
const OWN_LIMITS: Readonly<Record<string, number>> = {
  'mix/order/batch-place-order': 1,
  'mix/order/cancel-all-orders': 1,
  'mix/order/close-positions': 1,
  'mix/order/click-backhand': 1,
  'mix/position/all-position': 5,
  'mix/account/set-leverage': 5,
  'mix/account/set-margin': 5,
  'mix/account/set-margin-mode': 5,
  'mix/account/set-position-mode': 5,
  'spot/account/info': 1,
  'trade/countdown-cancel-all': 1,
  'trade/place-batch': 5,
  'trade/cancel-batch': 5,
  'trade/cancel-symbol-order': 5,
  'trade/close-positions': 5,
  'account/fee-rate': 3,
  'account/all-fee-rate': 3,
};
const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;

export class RestLimits {
  private readonly steadyMs: () => number;
  private readonly endpoints = new RollingWindows(SECOND_MS);
  private readonly addresses = new RollingWindows(MINUTE_MS);

  constructor(steadyMs: () => number) {
    this.steadyMs = steadyMs;
  }

  /** Throws `Refusal` 429 when the address has to wait. Asked first, whatever the request is. */
  admitAddress({ address }: Call): void {
    if (!this.addresses.of(address).take(this.steadyMs(), REST_LIMITS.addressPerMinute)) throw refuse.tooManyRequests();
  }

  /** `account` is null for public endpoints. Throws `Refusal` 429. */
  admit({ route, path, address }: Call, account: string | null): void {
    const own = OWN_LIMITS[path.replace(/^\/api\/v\d\//, '')];
    const max = own ?? (account === null ? REST_LIMITS.public : REST_LIMITS.signed);
    const window = this.endpoints.of(`${account ?? address} ${route}`);
    if (!window.take(this.steadyMs(), max)) throw refuse.tooManyRequests();
  }
}
