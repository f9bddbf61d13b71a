/**
 * What a query sees: `event` over the Parquet files, and over it the store's projections by the same names and rules. Amounts
 * are decimal(38, 12), the desk's own exactness: a price times a quantity fits below 10^14, where decimal(18, 8) times
 * itself overflows on ordinary notionals.
 */

/**
 * Null for what is no decimal number, as in the store. The engine's own cast to so wide a decimal takes 7 us a value; made of
 * its two parts, each of which fits an integer, it takes 0.3 us and is the same to the last digit.
 */
export const DECIMAL_OF = `create macro decimal_of(told) as case
  when regexp_full_match(told, '-?\\d{1,18}(\\.\\d{1,12})?') then
    (split_part(told, '.', 1)::bigint::decimal(38, 12) + case when starts_with(told, '-') then -1 else 1 end
      * rpad(split_part(told, '.', 2), 12, '0')::bigint * 0.000000000001)::decimal(38, 12)
  when regexp_full_match(told, '-?\\d{1,26}(\\.\\d{1,20})?') then told::decimal(38, 12) end`;

/** Of a `told` payload, by its key. */
const text = (key: string): string => `told."${key}"`;
const amount = (key: string): string => `decimal_of(told."${key}")`;
const count = (key: string): string => `try_cast(told."${key}" as bigint)`;
const IS_EXTERNAL = `coalesce(${text('external')}, 'false') = 'true'`;

/** Events of a stream with these keys of their payload: one reading of the JSON a row, however many keys. */
function toldIn(stream: string, ...keys: readonly string[]): string {
  const shape = JSON.stringify(Object.fromEntries(keys.map((key) => [key, 'VARCHAR'])));
  return `(select source, sequence, happened_at, correlation_id, from_json(payload, '${shape}') as told
    from event where stream = '${stream}')`;
}

/**
 * Rows that a payload does not make stay out, as in the projections. One condition and not many: each of many would be
 * moved below the reading of the JSON, and read it again.
 */
function whole(rows: string, ...required: readonly string[]): string {
  return `select * from (${rows}) where not greatest(${required.map((column) => `${column} is null`).join(', ')})`;
}

const ORDER_KEYS = 'type clientOrderId symbol side price qty filled state closeReason code external'.split(' ');
const ORDER_EVENTS = whole(
  `select source as bot, sequence, happened_at, correlation_id, ${text('clientOrderId')} as client_order_id,
     ${text('symbol')} as symbol, ${text('side')} as side, ${amount('price')} as price, ${amount('qty')} as qty,
     ${amount('filled')} as filled, ${text('state')} as state, ${text('closeReason')} as close_reason,
     ${text('code')} as code, ${IS_EXTERNAL} as external
   from ${toldIn('hb.order.v1', ...ORDER_KEYS)} where ${text('type')} is distinct from 'stop'`,
  ...['client_order_id', 'symbol', 'side', 'price', 'qty', 'filled', 'state'],
);

const FILL_KEYS = 'tradeId clientOrderId symbol side leg price qty fee liquidity realised positionAfter external'.split(
  ' ',
);
const FILLS = whole(
  `select source as bot, sequence, happened_at, ${text('tradeId')} as trade_id,
     ${text('clientOrderId')} as client_order_id, ${text('symbol')} as symbol, ${text('side')} as side,
     coalesce(${text('leg')}, 'net') as leg, ${amount('price')} as price, ${amount('qty')} as qty,
     (${amount('price')} * ${amount('qty')})::decimal(38, 12) as notional, ${amount('fee')} as fee,
     ${text('liquidity')} as liquidity, ${amount('realised')} as realised,
     ${amount('positionAfter')} as position_after, ${IS_EXTERNAL} as external, correlation_id
   from ${toldIn('hb.fill.v1', ...FILL_KEYS)}`,
  ...['trade_id', 'client_order_id', 'symbol', 'side', 'price', 'qty', 'fee', 'liquidity', 'realised'],
  'position_after',
);

const MINUTE_KEYS =
  `type symbol phase reason riskLevel equity equityPeak equityDayStart position entryPrice mid realised unrealised fees
   funding fills ordersActive ordersUnknown`.split(/\s+/);
const MINUTES = whole(
  `select source as bot, date_trunc('minute', happened_at) as minute, sequence, ${text('symbol')} as symbol,
     ${text('phase')} as phase, ${text('reason')} as reason, coalesce(${text('riskLevel')}, 'allow') as risk_level,
     ${amount('equity')} as equity, ${amount('equityPeak')} as equity_peak,
     ${amount('equityDayStart')} as equity_day_start, ${amount('position')} as position,
     ${amount('entryPrice')} as entry_price, ${amount('mid')} as mid, ${amount('realised')} as realised,
     ${amount('unrealised')} as unrealised, ${amount('fees')} as fees, coalesce(${amount('funding')}, 0) as funding,
     ${count('fills')} as fills, ${count('ordersActive')} as orders_active, ${count('ordersUnknown')} as orders_unknown
   from ${toldIn('hb.telemetry.v1', ...MINUTE_KEYS)} where ${text('type')} = 'BotMinuteSnapshot'`,
  ...['symbol', 'phase', 'reason', 'equity', 'equity_peak', 'equity_day_start', 'position', 'realised', 'unrealised'],
  ...['fees', 'fills', 'orders_active', 'orders_unknown'],
);

const POSITION_KEYS = 'type symbol leg positionAfter entryPriceAfter position entryPrice legs'.split(' ');
const LEG_SHAPE = '[{"leg":"VARCHAR","position":"VARCHAR","entryPrice":"VARCHAR"}]';
/** A snapshot tells every leg of its symbol, a fill the one that it changed. `legs` that are no list say nothing. */
const POSITIONS_TOLD = whole(
  `with telemetry as (
     select source as bot, sequence, happened_at, told from ${toldIn('hb.telemetry.v1', ...POSITION_KEYS)}
     where ${text('type')} in ('BotSnapshot', 'BotMinuteSnapshot', 'BotFill'))
   select bot, sequence, happened_at, ${text('symbol')} as symbol, coalesce(${text('leg')}, 'net') as leg,
     ${amount('positionAfter')} as position, ${amount('entryPriceAfter')} as entry_price
   from telemetry where ${text('type')} = 'BotFill'
   union all
   select bot, sequence, happened_at, ${text('symbol')}, 'net', ${amount('position')}, ${amount('entryPrice')}
   from telemetry where ${text('type')} <> 'BotFill' and coalesce(${text('legs')}, '[]') = '[]'
   union all
   select bot, sequence, happened_at, symbol, told.leg, ${amount('position')}, ${amount('entryPrice')}
   from (
     select bot, sequence, happened_at, ${text('symbol')} as symbol,
       unnest(from_json(${text('legs')}, '${LEG_SHAPE}')) as told
     from telemetry
     where ${text('type')} <> 'BotFill' and starts_with(${text('legs')}, '[') and ${text('legs')} <> '[]')`,
  ...['symbol', 'leg', 'position'],
);

const DAYS_OF_EQUITY = `
  select bot, minute::date as day, count(*) as minutes, arg_min(equity, minute) as equity_first,
    arg_max(equity, minute) as equity_last, min(equity) as equity_low, max(equity) as equity_high,
    max(below) as drawdown
  from (select bot, minute, equity, max(equity) over (partition by bot, minute::date order by minute) - equity as below
    from bot_snapshot_minute)
  group by all`;
const DAYS_OF_FILLS = `
  select bot, happened_at::date as day, count(*) as fills, count(*) filter (where liquidity = 'maker') as maker_fills,
    sum(qty) filter (where side = 'buy') as bought, sum(qty) filter (where side = 'sell') as sold,
    sum(notional) as turnover, sum(fee) as fees, sum(realised) as realised
  from fills group by all`;

/** By name, in the order in which they build on each other. */
export const VIEWS: Readonly<Record<string, string>> = {
  stream_total: `select source, stream, count(*) as events, max(sequence) as last_sequence,
      max(journal_sequence) as last_journal_sequence, arg_max(happened_at, sequence) as last_at
    from event group by source, stream`,
  orders: `select bot, client_order_id, last.symbol, last.side, last.price, last.qty, last.filled, last.state,
      last.close_reason, last.code, last.external, first.correlation_id, first.sequence as first_sequence,
      first.happened_at as first_at, last.sequence as last_sequence, last.happened_at as last_at
    from (select bot, client_order_id, arg_min(told, told.sequence) as first, arg_max(told, told.sequence) as last
      from (${ORDER_EVENTS}) told group by bot, client_order_id)`,
  fills: FILLS,
  // A bot that was started again tells its minute twice; the later one counts.
  bot_snapshot_minute: `select * from (${MINUTES})
    qualify row_number() over (partition by bot, minute order by sequence desc) = 1`,
  positions: `select bot, symbol, leg, last.position, last.entry_price, last.sequence, last.happened_at
    from (select bot, symbol, leg, arg_max(told, told.sequence) as last from (${POSITIONS_TOLD}) told
      group by bot, symbol, leg)`,
  bot_daily: `select bot, day, coalesce(minutes, 0) as minutes, equity_first, equity_last, equity_low, equity_high,
      drawdown, coalesce(fills, 0) as fills, coalesce(maker_fills, 0) as maker_fills, coalesce(bought, 0) as bought,
      coalesce(sold, 0) as sold, coalesce(turnover, 0) as turnover, coalesce(fees, 0) as fees,
      coalesce(realised, 0) as realised
    from (${DAYS_OF_EQUITY}) full join (${DAYS_OF_FILLS}) using (bot, day)`,
};
