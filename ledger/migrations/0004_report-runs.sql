-- Up Migration

-- One row a run of each report family. The whole report lies in `payload`; what is asked for often has a column.
do $$
declare
  family text;
begin
  foreach family in array array['exchange_snapshot', 'reconciliation_report', 'parity_report', 'portfolio_risk_report',
    'promotion_gate_run', 'accounting_snapshot'] loop
    execute format(
      'create table %I (
         run_id text primary key,
         at timestamptz not null,
         subject text not null,
         status text not null check (status in (''pass'', ''fail'', ''info'')),
         code_version text not null,
         evidence_number bigint,
         payload jsonb not null,
         stored_at timestamptz not null default clock_timestamp()
       )', family);
    execute format('create index on %I (subject, at desc)', family);
    execute format('create trigger %I before update or delete or truncate on %I execute function refuse_change()',
      family || '_refuses_change', family);
    execute format('grant insert, select on %I to desk_writer', family);
    execute format('grant select on %I to desk_projector, desk_reader', family);
  end loop;
end
$$;

-- Down Migration

drop table exchange_snapshot, reconciliation_report, parity_report, portfolio_risk_report, promotion_gate_run,
  accounting_snapshot;
