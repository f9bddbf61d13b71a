/** What `GET /simulator/status` and `/simulator/health` show: public facts, no secrets. */
import { formatPrice, formatQty } from '../core/market/instrument.ts';
import type { Exchange } from './exchange/exchange.ts';
import { entryPrice, openPositions } from './exchange/margin.ts';

export function simulatorStatus(exchange: Exchange, startedAtMs: number, nowMs: number, speed: number) {
  return {
    uptimeMs: nowMs - startedAtMs,
    nowMs,
    speed,
    symbols: Object.fromEntries(
      [...exchange.markets.values()].map(({ symbol, replay, instrument }) => [
        symbol,
        {
          /** 0 is the recording itself; odd laps are mirrored, later even ones repeat it. */
          lap: replay.position.lap,
          origin: replay.origin,
          mirrored: replay.position.lap % 2 === 1,
          lapAtMs: Math.round(replay.position.lapAtMs),
          lapMs: Math.round(replay.plan.lapMs),
          recordedFromMs: replay.recording.startedAtMs,
          sources: replay.recording.sources,
          bestBid: formatPrice(replay.book.bids.best(), instrument),
          bestAsk: formatPrice(replay.book.asks.best(), instrument),
        },
      ]),
    ),
    accounts: Object.fromEntries(
      [...exchange.accounts.values()].map((account) => [
        account.name,
        {
          openOrders: account.open.size,
          fills: account.fills.length,
          positions: openPositions(account, exchange.markets).map(({ symbol, position, market }) => ({
            symbol,
            qty: formatQty(position.qty, market.instrument),
            entryPrice: entryPrice(position, market.instrument),
          })),
        },
      ]),
    ),
  };
}
