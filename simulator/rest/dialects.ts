/** The venue's dialects over REST: each brings its route tables; their paths never collide. */
import type { Account } from '../exchange/account.ts';
import { refuse } from '../exchange/refusal.ts';
import { ORDER_RATE_PATHS, PRIVATE_ROUTES } from './private-routes.ts';
import { PUBLIC_ROUTES } from './public-routes.ts';
import type { PrivateHandler, PublicHandler } from './request.ts';
import { UNIFIED_ORDER_RATE_PATHS } from './unified-order-routes.ts';
import { UNIFIED_PRIVATE_ROUTES } from './unified-routes.ts';
import { UNIFIED_PUBLIC_ROUTES } from './unified-public-routes.ts';

export interface Dialect {
  readonly publicRoutes: Readonly<Record<string, PublicHandler>>;
  readonly privateRoutes: Readonly<Record<string, PrivateHandler>>;
}

const DIALECTS: readonly Dialect[] = [
  { publicRoutes: PUBLIC_ROUTES, privateRoutes: PRIVATE_ROUTES },
  { publicRoutes: UNIFIED_PUBLIC_ROUTES, privateRoutes: UNIFIED_PRIVATE_ROUTES },
];

export const PUBLIC_HANDLERS: ReadonlyMap<string, PublicHandler> = new Map(
  DIALECTS.flatMap(({ publicRoutes }) => Object.entries(publicRoutes)),
);
export const PRIVATE_HANDLERS: ReadonlyMap<string, PrivateHandler> = new Map(
  DIALECTS.flatMap(({ privateRoutes }) => Object.entries(privateRoutes)),
);

/** The calls that count against the order rate. */
export const ORDER_ROUTES: ReadonlySet<string> = new Set([...ORDER_RATE_PATHS, ...UNIFIED_ORDER_RATE_PATHS]);

/** A unified account is refused on everything signed of v2, and a classic one on v3; codes 40085 and 40084 tell which it is. */
export function refuseOtherDialect(path: string, account: Account): void {
  const isUnified = account.profile?.kind === 'unified';
  if (path.startsWith('/api/v3/') === isUnified) return;
  throw isUnified ? refuse.unifiedAccount() : refuse.classicAccount();
}
