/**
 * Every metric that the desk shows, and the one place for its name, help, labels and unit. The names and the meaning of
 * the `hbot_bot_` ones are fixed: dashboards know them, and for those a "pct" is a ratio of 1. A series exists only while
 * there is something to show; ids and free text are never labels.
 */
export interface MetricDefinition {
  readonly name: string;
  readonly type: 'gauge' | 'counter' | 'summary';
  readonly help: string;
  readonly labels: readonly string[];
  readonly unit: 'USDT' | 'ratio of 1' | 'seconds' | 'bytes' | 'count' | 'per minute' | 'bool';
}

/** `variant` is the bot's strategy; on the blotter `NO_FILLS` says that there is nothing to measure yet. */
const BOT = ['bot', 'variant'] as const;
export const NO_FILLS = 'no_fills';

export const METRICS = {
  equity: {
    name: 'hbot_bot_equity_quote',
    type: 'gauge',
    help: 'Equity of the bot in USDT: balance with unrealised profit.',
    labels: BOT,
    unit: 'USDT',
  },
  baseRatio: {
    name: 'hbot_bot_base_pct',
    type: 'gauge',
    help: 'Value of the position as a share of equity: 0.5 is half, negative is short.',
    labels: BOT,
    unit: 'ratio of 1',
  },
  targetBaseRatio: {
    name: 'hbot_bot_target_base_pct',
    type: 'gauge',
    help: 'Share of equity that the strategy wants the position to have: 0 for a strategy that leans towards flat.',
    labels: BOT,
    unit: 'ratio of 1',
  },
  dailyLossRatio: {
    name: 'hbot_bot_daily_loss_pct',
    type: 'gauge',
    help: 'Loss since the start of the UTC day as a share of the equity then: 0.01 is one hundredth, 0 on a day in profit.',
    labels: BOT,
    unit: 'ratio of 1',
  },
  drawdownRatio: {
    name: 'hbot_bot_drawdown_pct',
    type: 'gauge',
    help: 'Distance of equity below its highest value as a share of that: 0.01 is one hundredth.',
    labels: BOT,
    unit: 'ratio of 1',
  },
  cancelsPerMinute: {
    name: 'hbot_bot_cancel_per_min',
    type: 'gauge',
    help: 'Cancels sent in the last minute.',
    labels: BOT,
    unit: 'per minute',
  },
  riskReasons: {
    name: 'hbot_bot_risk_reasons_info',
    type: 'gauge',
    help: 'Always 1: the label says why the last tick quoted or did not, one of the reason codes.',
    labels: [...BOT, 'reasons'],
    unit: 'bool',
  },
  phase: {
    name: 'hbot_bot_phase_info',
    type: 'gauge',
    help: 'Always 1: the label says which phase the bot is in.',
    labels: [...BOT, 'phase'],
    unit: 'bool',
  },
  blotterFills: {
    name: 'hbot_bot_blotter_fills_total',
    type: 'counter',
    help: 'Fills in the event store. 0 with variant no_fills while there is none.',
    labels: BOT,
    unit: 'count',
  },
  blotterLastFillAt: {
    name: 'hbot_bot_blotter_last_fill_timestamp_seconds',
    type: 'gauge',
    help: 'When the last fill was recorded, seconds since 1970. 0 with variant no_fills while there is none.',
    labels: BOT,
    unit: 'seconds',
  },
  blotterLastFillAge: {
    name: 'hbot_bot_blotter_last_fill_age_seconds',
    type: 'gauge',
    help: 'Age of the last fill. 0 with variant no_fills while there is none.',
    labels: BOT,
    unit: 'seconds',
  },
  ordersActive: {
    name: 'hbot_bot_orders_active',
    type: 'gauge',
    help: 'Orders that are not closed.',
    labels: BOT,
    unit: 'count',
  },
  ordersUnknown: {
    name: 'hbot_bot_orders_unknown',
    type: 'gauge',
    help: 'Orders whose state at the venue is not known; they count at full size until it is.',
    labels: BOT,
    unit: 'count',
  },
  telemetryAge: {
    name: 'hbot_bot_telemetry_age_seconds',
    type: 'gauge',
    help: 'Age of the newest telemetry in the event store: how old every other figure of this bot is.',
    labels: BOT,
    unit: 'seconds',
  },
  bookAge: {
    name: 'hbot_bot_book_age_seconds',
    type: 'gauge',
    help: 'Age of the order book at the last telemetry.',
    labels: BOT,
    unit: 'seconds',
  },
  supervisorAge: {
    name: 'hbot_bot_supervisor_age_seconds',
    type: 'gauge',
    help: 'How long the bot had not heard from its supervisor at the last telemetry.',
    labels: BOT,
    unit: 'seconds',
  },
  tickDuration: {
    name: 'hbot_bot_tick_duration_seconds',
    type: 'summary',
    help: 'Journal append and machine step of one input, over the last 15 s of the bot. Quantile 1 is the longest.',
    labels: BOT,
    unit: 'seconds',
  },
  evaluateDuration: {
    name: 'hbot_bot_evaluate_duration_seconds',
    type: 'summary',
    help: 'Machine step of the timer, where indicators, regime and risk are judged, over the last 15 s of the bot. Quantile 1 is the longest.',
    labels: BOT,
    unit: 'seconds',
  },
  orderDurableDuration: {
    name: 'hbot_bot_order_durable_duration_seconds',
    type: 'summary',
    help: 'From the decision to its durable journal record, over the last 15 s of the bot. Quantile 1 is the longest.',
    labels: BOT,
    unit: 'seconds',
  },
  placeAnswerDuration: {
    name: 'hbot_bot_place_answer_duration_seconds',
    type: 'summary',
    help: 'From the decision to the answer of the venue, over the last 15 s of the bot. Quantile 1 is the longest.',
    labels: BOT,
    unit: 'seconds',
  },
  cancelAnswerDuration: {
    name: 'hbot_bot_cancel_answer_duration_seconds',
    type: 'summary',
    help: 'From the decision to cancel to the answer of the venue, over the last 15 s of the bot. Quantile 1 is the longest.',
    labels: BOT,
    unit: 'seconds',
  },
  syncReadDuration: {
    name: 'hbot_bot_sync_read_duration_seconds',
    type: 'summary',
    help: 'One whole read of orders, fills, stops, positions, funding and balance, over the last 15 s of the bot. Quantile 1 is the longest.',
    labels: BOT,
    unit: 'seconds',
  },
  memory: {
    name: 'hbot_bot_memory_rss_bytes',
    type: 'gauge',
    help: 'Resident memory of the bot process.',
    labels: BOT,
    unit: 'bytes',
  },
  unprotected: {
    name: 'hbot_bot_unprotected_seconds_total',
    type: 'counter',
    help: 'All time that the bot held something without a protective stop known to rest at the venue.',
    labels: BOT,
    unit: 'seconds',
  },
  alerts: {
    name: 'hbot_bot_alerts_total',
    type: 'counter',
    help: 'Alerts that the bot raised: orders of others, prices off their limit, positions that differ, venue trouble.',
    labels: BOT,
    unit: 'count',
  },
  droppedRelays: {
    name: 'hbot_bot_dropped_relay_total',
    type: 'counter',
    help: 'dropped_relay_count: fills that the venue lists and the bot did not have in its books a minute later, since its process began.',
    labels: BOT,
    unit: 'count',
  },
  clockOffset: {
    name: 'hbot_bot_clock_offset_seconds',
    type: 'gauge',
    help: "The venue's clock less this machine's, as last measured.",
    labels: BOT,
    unit: 'seconds',
  },
  riskLevel: {
    name: 'hbot_bot_risk_level',
    type: 'gauge',
    help: 'Step of the ladder that the bot stands on: 0 allow, 1 reduce exposure, 2 soft pause, 3 hard stop, 4 kill switch.',
    labels: BOT,
    unit: 'count',
  },
  marginRatio: {
    name: 'hbot_bot_margin_ratio',
    type: 'gauge',
    help: 'Maintenance margin over equity as the venue last told it: 1 is liquidation.',
    labels: BOT,
    unit: 'ratio of 1',
  },
  positionDrift: {
    name: 'hbot_bot_position_drift_pct',
    type: 'gauge',
    help: "Difference between the venue's position and the bot's at the last read as a share of the larger: 0 is none.",
    labels: BOT,
    unit: 'ratio of 1',
  },
  funding: {
    name: 'hbot_bot_funding_quote',
    type: 'gauge',
    help: 'Funding received less paid in the life of the bot.',
    labels: BOT,
    unit: 'USDT',
  },
  regime: {
    name: 'hbot_bot_regime_info',
    type: 'gauge',
    help: 'Always 1: the label says what the strategy thinks of the market.',
    labels: [...BOT, 'regime'],
    unit: 'bool',
  },
  reconnects: {
    name: 'hbot_bot_stream_reconnects_total',
    type: 'counter',
    help: 'Sockets of the venue dialled again since the bot process began.',
    labels: BOT,
    unit: 'count',
  },
  booksLost: {
    name: 'hbot_bot_books_lost_total',
    type: 'counter',
    help: 'Order books thrown away and asked for anew since the bot process began: a gap, a wrong checksum, a broken frame.',
    labels: BOT,
    unit: 'count',
  },
  componentUp: {
    name: 'hbot_desk_component_up',
    type: 'gauge',
    help: '1 while the console is answered by this component, 0 while it is not.',
    labels: ['component'],
    unit: 'bool',
  },
} as const satisfies Record<string, MetricDefinition>;

export type MetricKey = keyof typeof METRICS;
