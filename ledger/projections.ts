/**
 * Tables made of events alone: totals, orders, fills, positions, minutes and days of each bot. News are folded in batch by
 * batch, with the offset in the same transaction; made again from the first event they come out with the same rows.
 */
import type pg from 'pg';
import { z } from 'zod';
import { withClient } from './connect.ts';
import { isRefusedValue } from './errors.ts';

const CONSUMER = 'projections';
const REBUILD_EVENTS = 100_000;

interface Projection {
  readonly table: string;
  readonly key: string;
  /** Folds the events of a source ($1) after $2 up to $3 in. What it cannot read goes to `projection_skipped`. */
  readonly fold: string;
}

/** Rows that a payload does not make stay out, and are written down. */
function skipping(projection: string, ...required: readonly string[]): string {
  const isWhole = required.map((column) => `${column} is not null`).join(' and ');
  return `skipped as (
      insert into projection_skipped (projection, source, sequence, rule)
      select '${projection}', $1, sequence, 'expected ${required.join(', ')}' from read where not (${isWhole})
      on conflict do nothing),
    good as (select * from read where ${isWhole})`;
}

const PROJECTIONS: readonly Projection[] = [
  {
    table: 'stream_total',
    key: 'source',
    fold: `
      insert into stream_total (source, stream, events, last_sequence, last_journal_sequence, last_at)
      select $1, stream, count(*), max(sequence), max(journal_sequence), (array_agg(at order by sequence desc))[1]
      from event where source = $1 and sequence > $2 and sequence <= $3 group by stream
      on conflict (source, stream) do update set events = stream_total.events + excluded.events,
        last_sequence = excluded.last_sequence, last_journal_sequence = excluded.last_journal_sequence,
        last_at = excluded.last_at`,
  },
  {
    table: 'orders',
    key: 'bot',
    // Protective stops share the stream and are no orders of a book.
    fold: `
      with read as materialized (
        select sequence, at, correlation_id, payload->>'clientOrderId' as id, payload->>'symbol' as symbol,
          payload->>'side' as side, decimal_of(payload->>'price') as price, decimal_of(payload->>'qty') as qty,
          decimal_of(payload->>'filled') as filled, payload->>'state' as state, payload->>'closeReason' as close_reason,
          payload->>'code' as code, coalesce(payload->>'external', 'false') = 'true' as external
        from event where source = $1 and sequence > $2 and sequence <= $3 and stream = 'hb.order.v1'
          and payload->>'type' is distinct from 'stop'),
      ${skipping('orders', 'id', 'symbol', 'side', 'price', 'qty', 'filled', 'state')},
      first as (select distinct on (id) id, sequence, at, correlation_id from good order by id, sequence),
      last as (select distinct on (id) * from good order by id, sequence desc)
      insert into orders (bot, client_order_id, symbol, side, price, qty, filled, state, close_reason, code, external,
        correlation_id, first_sequence, first_at, last_sequence, last_at)
      select $1, id, symbol, side, price, qty, filled, state, close_reason, code, external,
        first.correlation_id, first.sequence, first.at, last.sequence, last.at
      from last join first using (id)
      on conflict (bot, client_order_id) do update set price = excluded.price, qty = excluded.qty,
        filled = excluded.filled, state = excluded.state, close_reason = excluded.close_reason, code = excluded.code,
        external = excluded.external, last_sequence = excluded.last_sequence, last_at = excluded.last_at`,
  },
  {
    table: 'fills',
    key: 'bot',
    fold: `
      with read as materialized (
        select sequence, at, correlation_id, payload->>'tradeId' as trade_id, payload->>'clientOrderId' as id,
          payload->>'symbol' as symbol, payload->>'side' as side, coalesce(payload->>'leg', 'net') as leg,
          decimal_of(payload->>'price') as price, decimal_of(payload->>'qty') as qty,
          decimal_of(payload->>'fee') as fee, payload->>'liquidity' as liquidity,
          decimal_of(payload->>'realised') as realised, decimal_of(payload->>'positionAfter') as position_after,
          coalesce(payload->>'external', 'false') = 'true' as external
        from event where source = $1 and sequence > $2 and sequence <= $3 and stream = 'hb.fill.v1'),
      ${skipping('fills', 'trade_id', 'id', 'symbol', 'side', 'price', 'qty', 'fee', 'liquidity', 'realised', 'position_after')}
      insert into fills (bot, sequence, at, trade_id, client_order_id, symbol, side, leg, price, qty, fee, liquidity,
        realised, position_after, external, correlation_id)
      select $1, sequence, at, trade_id, id, symbol, side, leg, price, qty, fee, liquidity, realised, position_after,
        external, correlation_id
      from good`,
  },
  {
    table: 'bot_snapshot_minute',
    key: 'bot',
    // A bot that was started again tells its minute twice; the later one counts.
    fold: `
      with read as materialized (
        select sequence, date_trunc('minute', at, 'UTC') as minute, payload->>'symbol' as symbol,
          payload->>'phase' as phase, payload->>'reason' as reason, coalesce(payload->>'riskLevel', 'allow') as risk_level,
          decimal_of(payload->>'equity') as equity, decimal_of(payload->>'equityPeak') as equity_peak,
          decimal_of(payload->>'equityDayStart') as equity_day_start, decimal_of(payload->>'position') as position,
          decimal_of(payload->>'entryPrice') as entry_price, decimal_of(payload->>'mid') as mid,
          decimal_of(payload->>'realised') as realised, decimal_of(payload->>'unrealised') as unrealised,
          decimal_of(payload->>'fees') as fees, coalesce(decimal_of(payload->>'funding'), 0) as funding,
          decimal_of(payload->>'fills')::bigint as fills, decimal_of(payload->>'ordersActive')::integer as orders_active,
          decimal_of(payload->>'ordersUnknown')::integer as orders_unknown
        from event where source = $1 and sequence > $2 and sequence <= $3 and stream = 'hb.telemetry.v1'
          and payload->>'type' = 'BotMinuteSnapshot'),
      ${skipping('bot_snapshot_minute', 'symbol', 'phase', 'reason', 'equity', 'equity_peak', 'equity_day_start', 'position', 'realised', 'unrealised', 'fees', 'fills', 'orders_active', 'orders_unknown')}
      insert into bot_snapshot_minute as kept (bot, minute, sequence, symbol, phase, reason, risk_level, equity, equity_peak,
        equity_day_start, position, entry_price, mid, realised, unrealised, fees, funding, fills, orders_active, orders_unknown)
      select distinct on (minute) $1, minute, sequence, symbol, phase, reason, risk_level, equity, equity_peak,
        equity_day_start, position, entry_price, mid, realised, unrealised, fees, funding, fills, orders_active, orders_unknown
      from good order by minute, sequence desc
      on conflict (bot, minute) do update set sequence = excluded.sequence, symbol = excluded.symbol, phase = excluded.phase,
        reason = excluded.reason, risk_level = excluded.risk_level, equity = excluded.equity,
        equity_peak = excluded.equity_peak, equity_day_start = excluded.equity_day_start, position = excluded.position,
        entry_price = excluded.entry_price, mid = excluded.mid, realised = excluded.realised,
        unrealised = excluded.unrealised, fees = excluded.fees, funding = excluded.funding, fills = excluded.fills,
        orders_active = excluded.orders_active, orders_unknown = excluded.orders_unknown`,
  },
  {
    table: 'positions',
    key: 'bot',
    // A snapshot tells every leg of its symbol, a fill the one that it changed.
    fold: `
      with told as materialized (
        select sequence, at, payload, payload->>'symbol' as symbol,
          coalesce(jsonb_array_length(nullif(payload->'legs', 'null')), 0) as legs
        from event where source = $1 and sequence > $2 and sequence <= $3 and stream = 'hb.telemetry.v1'
          and payload->>'type' in ('BotSnapshot', 'BotMinuteSnapshot', 'BotFill')),
      read as materialized (
        select sequence, at, symbol, coalesce(payload->>'leg', 'net') as leg,
          decimal_of(payload->>'positionAfter') as position, decimal_of(payload->>'entryPriceAfter') as entry_price
        from told where payload->>'type' = 'BotFill'
        union all
        select sequence, at, symbol, 'net', decimal_of(payload->>'position'), decimal_of(payload->>'entryPrice')
        from told where payload->>'type' <> 'BotFill' and legs = 0
        union all
        select sequence, at, symbol, each->>'leg', decimal_of(each->>'position'), decimal_of(each->>'entryPrice')
        from told cross join lateral jsonb_array_elements(case when legs > 0 then payload->'legs' else '[]' end) each
        where payload->>'type' <> 'BotFill'),
      ${skipping('positions', 'symbol', 'leg', 'position')}
      insert into positions as kept (bot, symbol, leg, position, entry_price, sequence, at)
      select distinct on (symbol, leg) $1, symbol, leg, position, entry_price, sequence, at
      from good order by symbol, leg, sequence desc
      on conflict (bot, symbol, leg) do update set position = excluded.position, entry_price = excluded.entry_price,
        sequence = excluded.sequence, at = excluded.at`,
  },
  {
    table: 'bot_daily',
    key: 'bot',
    // Of the two tables above it, for each day that the batch touched.
    fold: `
      with touched as materialized (
        select distinct (at at time zone 'UTC')::date as day from event
        where source = $1 and sequence > $2 and sequence <= $3
          and (stream = 'hb.fill.v1' or (stream = 'hb.telemetry.v1' and payload->>'type' = 'BotMinuteSnapshot'))),
      minutes as (
        select day, minute, equity, max(equity) over (partition by day order by minute) - equity as below
        from touched join bot_snapshot_minute s on s.bot = $1
          and s.minute >= day::timestamp at time zone 'UTC' and s.minute < (day + 1)::timestamp at time zone 'UTC'),
      equities as (
        select day, count(*) as minutes, (array_agg(equity order by minute))[1] as first,
          (array_agg(equity order by minute desc))[1] as last, min(equity) as low, max(equity) as high,
          max(below) as drawdown
        from minutes group by day),
      traded as (
        select day, count(*) as fills, count(*) filter (where liquidity = 'maker') as maker_fills,
          sum(qty) filter (where side = 'buy') as bought, sum(qty) filter (where side = 'sell') as sold,
          sum(price * qty) as turnover, sum(fee) as fees, sum(realised) as realised
        from touched join fills f on f.bot = $1
          and f.at >= day::timestamp at time zone 'UTC' and f.at < (day + 1)::timestamp at time zone 'UTC'
        group by day)
      insert into bot_daily (bot, day, minutes, equity_first, equity_last, equity_low, equity_high, drawdown, fills,
        maker_fills, bought, sold, turnover, fees, realised)
      select $1, day, coalesce(minutes, 0), first, last, low, high, drawdown, coalesce(traded.fills, 0),
        coalesce(maker_fills, 0), coalesce(bought, 0), coalesce(sold, 0), coalesce(turnover, 0), coalesce(fees, 0),
        coalesce(realised, 0)
      from touched left join equities using (day) left join traded using (day)
      where minutes is not null or traded.fills is not null
      on conflict (bot, day) do update set minutes = excluded.minutes, equity_first = excluded.equity_first,
        equity_last = excluded.equity_last, equity_low = excluded.equity_low, equity_high = excluded.equity_high,
        drawdown = excluded.drawdown, fills = excluded.fills, maker_fills = excluded.maker_fills,
        bought = excluded.bought, sold = excluded.sold, turnover = excluded.turnover, fees = excluded.fees,
        realised = excluded.realised`,
  },
];

/** Tables in the order in which they are folded. */
export const PROJECTION_TABLES: readonly string[] = PROJECTIONS.map(({ table }) => table);

const SourceRow = z.object({ source: z.string() });

/** As `Ledger.project`. */
export async function projectNews(pool: pg.Pool, eventsMax: number): Promise<number> {
  const { rows } = await withClient(pool, (client) =>
    client.query(
      `select o.source from journal_offset o
       left join consumer_offset c on c.consumer = $1 and c.source = o.source
       where o.sequence > coalesce(c.sequence, 0) order by o.source`,
      [CONSUMER],
    ),
  );
  let events = 0;
  for (const { source } of z.array(SourceRow).parse(rows))
    events += await withClient(pool, (client) =>
      transaction(client, async () => {
        const offset = await lockOffset(client, source, 'skip locked');
        return offset === null ? 0 : foldBatch(client, source, offset, eventsMax);
      }),
    );
  return events;
}

/** As `Ledger.rebuild`. */
export async function rebuild(pool: pg.Pool): Promise<number> {
  const { rows } = await withClient(pool, (client) =>
    client.query('select source from journal_offset order by source'),
  );
  let events = 0;
  for (const { source } of z.array(SourceRow).parse(rows))
    events += await withClient(pool, (client) =>
      transaction(client, async () => {
        await client.query('set local statement_timeout = 0');
        await lockOffset(client, source, '');
        for (const { table, key } of PROJECTIONS)
          await client.query(`delete from ${table} where ${key} = $1`, [source]);
        await client.query('delete from projection_skipped where source = $1', [source]);
        let read = 0;
        for (let from = 0, count = 1; count > 0; from += count) {
          count = await foldBatch(client, source, from, REBUILD_EVENTS);
          read += count;
        }
        return read;
      }),
    );
  return events;
}

async function transaction<T>(client: pg.PoolClient, work: () => Promise<T>): Promise<T> {
  await client.query('begin');
  const result = await work();
  await client.query('commit');
  return result;
}

/** Null when somebody else has it. */
async function lockOffset(client: pg.PoolClient, source: string, how: 'skip locked' | ''): Promise<number | null> {
  await client.query('insert into consumer_offset (consumer, source) values ($1, $2) on conflict do nothing', [
    CONSUMER,
    source,
  ]);
  const { rows } = await client.query<{ sequence: string }>(
    `select sequence from consumer_offset where consumer = $1 and source = $2 for update ${how}`,
    [CONSUMER, source],
  );
  return rows[0] === undefined ? null : Number(rows[0].sequence);
}

/** How many sequences it went on: accepted losses count, although no event is there. */
async function foldBatch(client: pg.PoolClient, source: string, from: number, eventsMax: number): Promise<number> {
  const { rows } = await client.query<{ stored: string }>(
    'select sequence as stored from journal_offset where source = $1',
    [source],
  );
  const to = Math.min(from + eventsMax, Number(rows[0]?.stored ?? 0));
  if (to <= from) return 0;
  await fold(client, source, from, to);
  await client.query(
    `update consumer_offset set sequence = $3, updated_at = clock_timestamp() where consumer = $1 and source = $2`,
    [CONSUMER, source, to],
  );
  return to - from;
}

/** One event that Postgres cannot read must not stop the others for good: halves are tried until it stands alone. */
async function fold(client: pg.PoolClient, source: string, from: number, to: number): Promise<void> {
  await client.query('savepoint fold');
  try {
    for (const { fold } of PROJECTIONS) await client.query(fold, [source, from, to]);
    await client.query('release savepoint fold');
  } catch (error) {
    if (!isRefusedValue(error)) throw error;
    await client.query('rollback to savepoint fold');
    if (to - from === 1) {
      await client.query('insert into projection_skipped values ($1, $2, $3, $4)', [
        'all',
        source,
        to,
        (error as Error).message,
      ]);
      return;
    }
    const middle = from + Math.ceil((to - from) / 2);
    await fold(client, source, from, middle);
    await fold(client, source, middle, to);
  }
}
