/** What a signed request of a unified account (v3) may ask for; every refusal is told in v3's own numbers. */
import type { PrivateHandler } from './request.ts';
import { UNIFIED_ACCOUNT_ROUTES } from './unified-account-routes.ts';
import { UNIFIED_ORDER_ROUTES } from './unified-order-routes.ts';
import { unified } from './unified-refusal.ts';
import { UNIFIED_STRATEGY_ROUTES } from './unified-strategy-routes.ts';

const ROUTES: Readonly<Record<string, PrivateHandler>> = {
  ...UNIFIED_ORDER_ROUTES,
  ...UNIFIED_STRATEGY_ROUTES,
  ...UNIFIED_ACCOUNT_ROUTES,
};

export const UNIFIED_PRIVATE_ROUTES: Readonly<Record<string, PrivateHandler>> = Object.fromEntries(
  Object.entries(ROUTES).map(([route, handler]) => [route, unified(handler)]),
);
