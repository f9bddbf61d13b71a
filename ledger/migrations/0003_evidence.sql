-- Up Migration

-- The evidence chain. `record` and `payload_text` are the canonical texts exactly as they were hashed; every other column is
-- made of them by the database, so no column can say anything else. A fork, a gap or a wrong hash is refused here, whoever
-- writes: each record names its predecessor by number and hash, and nobody else may name that one.
create table evidence (
  key text not null unique,
  record text not null,
  payload_text text not null,
  hash text not null unique,
  number bigint generated always as ((record::jsonb ->> 'number')::bigint) stored primary key,
  previous_number bigint generated always as (nullif((record::jsonb ->> 'number')::bigint - 1, 0)) stored,
  previous_hash text generated always as (nullif(record::jsonb ->> 'previousHash', repeat('0', 64))) stored,
  kind text not null generated always as (record::jsonb ->> 'kind') stored,
  subject text not null generated always as (record::jsonb ->> 'subject') stored,
  at timestamptz not null generated always as (to_timestamp((record::jsonb ->> 'atMs')::double precision / 1000)) stored,
  payload_hash text not null generated always as (record::jsonb ->> 'payloadHash') stored,
  payload jsonb not null generated always as (payload_text::jsonb) stored,
  stored_at timestamptz not null default clock_timestamp(),
  constraint evidence_schema check (record::jsonb ->> 'schema' = '1'),
  constraint evidence_hash check (hash = encode(sha256(convert_to(record, 'UTF8')), 'hex')),
  constraint evidence_payload check (record::jsonb ->> 'payloadHash' = encode(sha256(convert_to(payload_text, 'UTF8')), 'hex')),
  constraint evidence_first check ((number = 1) = (previous_hash is null)),
  unique (number, hash),
  unique (previous_hash),
  constraint evidence_follows foreign key (previous_number, previous_hash) references evidence (number, hash)
);

-- "The newest of a kind and subject".
create index evidence_by_subject on evidence (kind, subject, number);

create trigger evidence_refuses_change before update or delete or truncate on evidence execute function refuse_change();

grant insert, select on evidence to desk_writer;
grant select on evidence to desk_projector, desk_reader;

-- Down Migration

do $$ begin raise exception 'evidence stays: restore a backup of before instead'; end $$;
