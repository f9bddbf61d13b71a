-- Up Migration

-- One row an event, exactly once: the offset row below moves in the same transaction. Nothing relies on a conflict with the
-- primary key, and every read names bot or stream, so partitions by day of `at` can replace this table with `at` added to
-- the key.
create table event (
  bot text not null,
  event_sequence bigint not null,
  journal_sequence bigint not null,
  epoch bigint not null,
  cause_sequence bigint not null,
  stream text not null,
  at timestamptz not null,
  correlation_id text not null,
  payload jsonb not null,
  stored_at timestamptz not null default clock_timestamp(),
  primary key (bot, event_sequence)
);

-- "The last n of a stream of a bot". The store only grows at the end, so these pages stay full.
create index event_by_stream on event (bot, stream, event_sequence);
-- Curves over time; telemetry is a small part of all events.
create index event_telemetry_by_time on event (bot, at) where stream = 'hb.telemetry.v1';

-- How far a bot's journal has been stored: the last event and where its record begins.
create table journal_offset (
  bot text primary key,
  event_sequence bigint not null default 0,
  journal_sequence bigint not null default 0,
  segment text not null default '',
  "offset" bigint not null default 0,
  updated_at timestamptz not null default clock_timestamp()
);

-- Events that a damaged journal lost and an operator accepted as lost: the only gaps there may be.
create table journal_loss (
  bot text not null,
  from_event_sequence bigint not null,
  to_event_sequence bigint not null,
  from_journal_sequence bigint not null,
  to_journal_sequence bigint not null,
  noted_at timestamptz not null default clock_timestamp(),
  primary key (bot, from_event_sequence)
);

-- Kept in step with `event` by the shipping transaction, so that a page needs no scan.
create table stream_total (
  bot text not null,
  stream text not null,
  events bigint not null,
  last_event_sequence bigint not null,
  last_journal_sequence bigint not null,
  last_at timestamptz not null,
  primary key (bot, stream)
);

create table open_order (
  bot text not null,
  client_order_id text not null,
  event_sequence bigint not null,
  at timestamptz not null,
  correlation_id text not null,
  payload jsonb not null,
  primary key (bot, client_order_id)
);

-- Down Migration

drop table open_order;
drop table stream_total;
drop table journal_loss;
drop table journal_offset;
drop table event;
