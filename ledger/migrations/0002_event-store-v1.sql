-- Up Migration

-- Who may do what. Journal tables are only ever added to; projections are what can be made again from them.
do $$
declare
  role text;
begin
  foreach role in array array['desk_writer', 'desk_projector', 'desk_reader'] loop
    if not exists (select from pg_roles where rolname = role) then
      begin
        execute format('create role %I nologin', role);
      exception when duplicate_object or unique_violation then
        -- Roles belong to the whole server: another database's migration was faster.
        null;
      end;
    end if;
    if not pg_has_role(current_user, role, 'member') then
      execute format('grant %I to current_user', role);
    end if;
    execute format('grant usage on schema %I to %I', current_schema(), role);
  end loop;
end
$$;

create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% of % refused: what is recorded stays', tg_op, tg_table_name using errcode = 'insufficient_privilege';
end
$$;

-- Events, one row each. Partitions are UTC days of `at`, the bot's own time; what lies outside the days that are kept goes to
-- event_other. Exactly once: the source's offset row moves in the same transaction, under its lock, and leaves no gap.
alter table event rename to event_before;
drop index event_by_stream;
drop index event_telemetry_by_time;

create table event (
  source text not null,
  sequence bigint not null,
  journal_sequence bigint not null,
  epoch bigint not null,
  cause_sequence bigint not null,
  stream text not null,
  at timestamptz not null,
  correlation_id text not null,
  payload jsonb not null,
  stored_at timestamptz not null default clock_timestamp(),
  primary key (source, sequence, at)
) partition by range (at);

create table event_other partition of event default;

-- "The last n of a stream of a source".
create index event_by_stream on event (source, stream, sequence);

create trigger event_refuses_change before update or delete on event for each row execute function refuse_change();

-- Makes the partition of a UTC day; true when it is there. Rows of that day that came before it, while the day was too far
-- ahead to be believed, keep the day in event_other.
create function ensure_event_day(day date) returns boolean
language plpgsql security definer set search_path from current as $$
declare
  part text := 'event_' || to_char(day, 'YYYYMMDD');
begin
  if to_regclass(part) is not null then return true; end if;
  perform pg_advisory_xact_lock(hashtext('ensure_event_day'));
  -- The lock alone does not show what the one before it made.
  execute format('create table if not exists %I partition of event for values from (%L) to (%L)',
    part, day::text || ' 00:00:00+00', (day + 1)::text || ' 00:00:00+00');
  execute format('create or replace trigger refuses_truncate before truncate on %I execute function refuse_change()', part);
  return true;
exception when check_violation then
  return false;
end
$$;

create trigger refuses_truncate before truncate on event_other execute function refuse_change();

select ensure_event_day(day) from (select distinct (at at time zone 'UTC')::date as day from event_before) days
where day between (now() at time zone 'UTC')::date - 400 and (now() at time zone 'UTC')::date + 1;

insert into event (source, sequence, journal_sequence, epoch, cause_sequence, stream, at, correlation_id, payload, stored_at)
select bot, event_sequence, journal_sequence, epoch, cause_sequence, stream, at, correlation_id, payload, stored_at
from event_before order by bot, event_sequence;

drop table event_before;

-- How far a source's journal has been stored: the last event and where its record begins.
alter table journal_offset rename column bot to source;
alter table journal_offset rename column event_sequence to sequence;

-- Events that a damaged journal lost and an operator accepted as lost: the only gaps there may be.
alter table journal_loss rename column bot to source;
alter table journal_loss rename column from_event_sequence to from_sequence;
alter table journal_loss rename column to_event_sequence to to_sequence;
create trigger journal_loss_refuses_change before update or delete or truncate on journal_loss
  execute function refuse_change();

-- Events whose partition was dropped by the retention policy, counted as it went: what was stored stays counted.
create table event_retired (
  source text not null,
  day date not null,
  events bigint not null,
  from_sequence bigint not null,
  to_sequence bigint not null,
  retired_at timestamptz not null default clock_timestamp(),
  primary key (source, day)
);
create trigger event_retired_refuses_change before update or delete or truncate on event_retired
  execute function refuse_change();

-- How far each consumer has read each source; nobody shares another's.
create table consumer_offset (
  consumer text not null,
  source text not null,
  sequence bigint not null default 0,
  updated_at timestamptz not null default clock_timestamp(),
  primary key (consumer, source)
);

-- What a projection could not read, so that nothing is left out in silence.
create table projection_skipped (
  projection text not null,
  source text not null,
  sequence bigint not null,
  rule text not null,
  primary key (projection, source, sequence)
);

-- Null for what is no decimal number of a sane length: a projection skips it instead of failing.
create function decimal_of(text) returns numeric language sql immutable strict parallel safe as
$$ select case when $1 ~ '^-?\d{1,30}(\.\d{1,20})?$' then $1::numeric end $$;

-- Projections: made of events alone, and made again from them with the same rows.
drop table open_order;
drop table stream_total;

create table stream_total (
  source text not null,
  stream text not null,
  events bigint not null,
  last_sequence bigint not null,
  last_journal_sequence bigint not null,
  last_at timestamptz not null,
  primary key (source, stream)
);

create table orders (
  bot text not null,
  client_order_id text not null,
  symbol text not null,
  side text not null,
  price numeric not null,
  qty numeric not null,
  filled numeric not null,
  state text not null,
  close_reason text,
  code text,
  external boolean not null,
  correlation_id text not null,
  first_sequence bigint not null,
  first_at timestamptz not null,
  last_sequence bigint not null,
  last_at timestamptz not null,
  primary key (bot, client_order_id)
);
create index orders_open on orders (bot, first_sequence) where state <> 'closed';
create index orders_by_time on orders (last_at desc);

create table fills (
  bot text not null,
  sequence bigint not null,
  at timestamptz not null,
  trade_id text not null,
  client_order_id text not null,
  symbol text not null,
  side text not null,
  leg text not null,
  price numeric not null,
  qty numeric not null,
  fee numeric not null,
  liquidity text not null,
  realised numeric not null,
  position_after numeric not null,
  external boolean not null,
  correlation_id text not null,
  primary key (bot, sequence)
);
create index fills_by_order on fills (bot, client_order_id);
create index fills_by_time on fills (at desc);

create table positions (
  bot text not null,
  symbol text not null,
  leg text not null,
  position numeric not null,
  entry_price numeric,
  sequence bigint not null,
  at timestamptz not null,
  primary key (bot, symbol, leg)
);

create table bot_snapshot_minute (
  bot text not null,
  minute timestamptz not null,
  sequence bigint not null,
  symbol text not null,
  phase text not null,
  reason text not null,
  risk_level text not null,
  equity numeric not null,
  equity_peak numeric not null,
  equity_day_start numeric not null,
  position numeric not null,
  entry_price numeric,
  mid numeric,
  realised numeric not null,
  unrealised numeric not null,
  fees numeric not null,
  funding numeric not null,
  fills bigint not null,
  orders_active integer not null,
  orders_unknown integer not null,
  primary key (bot, minute)
);

-- A UTC day of a bot. Drawdown is of the minutes: the largest fall of equity below its highest earlier value of that day.
create table bot_daily (
  bot text not null,
  day date not null,
  minutes integer not null,
  equity_first numeric,
  equity_last numeric,
  equity_low numeric,
  equity_high numeric,
  drawdown numeric,
  fills integer not null,
  maker_fills integer not null,
  bought numeric not null,
  sold numeric not null,
  turnover numeric not null,
  fees numeric not null,
  realised numeric not null,
  primary key (bot, day)
);

-- Every order with what became of it, as a trader reads it.
create view blotter as
select o.bot, o.client_order_id, o.symbol, o.side, o.price, o.qty, o.state, o.close_reason, o.code, o.external,
  o.first_at as placed_at, o.last_at as changed_at, o.correlation_id,
  coalesce(f.qty, 0) as filled, f.notional / nullif(f.qty, 0) as average_price, coalesce(f.fills, 0) as fills,
  coalesce(f.fee, 0) as fee, coalesce(f.realised, 0) as realised, f.last_at as filled_at
from orders o
left join lateral (
  select sum(qty) as qty, sum(price * qty) as notional, count(*) as fills, sum(fee) as fee, sum(realised) as realised,
    max(at) as last_at
  from fills where fills.bot = o.bot and fills.client_order_id = o.client_order_id) f on true;

grant insert, select on event, journal_loss to desk_writer;
grant insert, select, update on journal_offset to desk_writer;
grant select on event_retired to desk_writer;
grant select on event, event_retired, journal_loss, journal_offset to desk_projector, desk_reader;
grant select, insert, update, delete on consumer_offset, projection_skipped, stream_total, orders, fills, positions,
  bot_snapshot_minute, bot_daily to desk_projector;
grant select on consumer_offset, projection_skipped, stream_total, orders, fills, positions, bot_snapshot_minute, bot_daily,
  blotter to desk_reader;

-- Down Migration

do $$ begin raise exception 'events stay partitioned: restore a backup of before instead'; end $$;
