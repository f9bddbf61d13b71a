/** What a bot's telemetry says of it, with every field. */
import { BotSnapshot } from '../../console/stored.ts';

export const NOW = 1_723_161_600_000;

export const SNAPSHOT = BotSnapshot.parse({
  symbol: 'BTCUSDT',
  phase: 'running',
  reason: 'quoted',
  equity: '9900',
  equityPeak: '10000',
  equityDayStart: '10000',
  position: '-0.02',
  positionQuote: -1_188,
  entryPrice: '60000',
  mid: '59400',
  bookAgeMs: 25,
  realised: '-100',
  unrealised: '12',
  fees: '1.2',
  fills: 3,
  lastFillAtMs: NOW - 5_000,
  ordersActive: 2,
  ordersUnknown: 0,
  cancelsLastMinute: 11,
  supervisorAgeMs: 300,
  unprotectedMs: 1_500,
  alerts: 2,
  clockOffsetMs: -40,
  riskLevel: 'soft_pause',
  riskCode: 'margin_ratio_high',
  marginRatio: 0.55,
  positionDriftPct: 2.5,
  funding: '-1.25',
  fundingRate: 0.0001,
  regime: 'high_volatility_shock',
});
