-- Numbers by state, kept up to date by the statements that change them: metrics and the dashboard ask
-- every few seconds, and must not count all deposits and payouts there ever were.
create table settlement.state_counts (
  source text not null,
  state smallint not null,
  rows bigint not null default 0,
  -- Of batches: sums over those in this state.
  payouts bigint not null default 0,
  energy_used bigint not null default 0,
  fee_sun bigint not null default 0,
  primary key (source, state)
);

create function settlement.count_states() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    insert into settlement.state_counts as c (source, state, rows)
    select tg_table_name, state, count(*) from added group by state order by state
    on conflict (source, state) do update set rows = c.rows + excluded.rows;
  else
    insert into settlement.state_counts as c (source, state, rows)
    select tg_table_name, state, sum(change) from (
      select state, 1 as change from added union all select state, -1 from removed
    ) changes group by state having sum(change) <> 0 order by state
    on conflict (source, state) do update set rows = c.rows + excluded.rows;
  end if;
  return null;
end
$$;

create function settlement.count_batches() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    insert into settlement.state_counts as c (source, state, rows, payouts, energy_used, fee_sun)
    select 'batches', state, count(*), sum(payouts), sum(energy_used), sum(fee_sun)
    from added group by state order by state
    on conflict (source, state) do update set rows = c.rows + excluded.rows,
      payouts = c.payouts + excluded.payouts, energy_used = c.energy_used + excluded.energy_used,
      fee_sun = c.fee_sun + excluded.fee_sun;
  else
    insert into settlement.state_counts as c (source, state, rows, payouts, energy_used, fee_sun)
    select 'batches', state, sum(n), sum(n * payouts), sum(n * energy_used), sum(n * fee_sun)
    from (
      select 1 as n, state, payouts, energy_used, fee_sun from added
      union all select -1, state, payouts, energy_used, fee_sun from removed
    ) changes group by state order by state
    on conflict (source, state) do update set rows = c.rows + excluded.rows,
      payouts = c.payouts + excluded.payouts, energy_used = c.energy_used + excluded.energy_used,
      fee_sun = c.fee_sun + excluded.fee_sun;
  end if;
  return null;
end
$$;

do $$
declare
  source text;
  counter text;
begin
  foreach source in array array['deposits', 'payouts', 'batches'] loop
    counter := case source when 'batches' then 'count_batches' else 'count_states' end;
    execute format('create trigger count_inserted after insert on settlement.%I
      referencing new table as added for each statement execute function settlement.%I()',
      source, counter);
    execute format('create trigger count_updated after update on settlement.%I
      referencing new table as added old table as removed
      for each statement execute function settlement.%I()', source, counter);
  end loop;
end
$$;

insert into settlement.state_counts (source, state, rows)
select 'deposits', state, count(*) from settlement.deposits group by state
union all select 'payouts', state, count(*) from settlement.payouts group by state;
insert into settlement.state_counts (source, state, rows, payouts, energy_used, fee_sun)
select 'batches', state, count(*), sum(payouts), sum(energy_used), sum(fee_sun)
from settlement.batches group by state;
revoke delete on settlement.state_counts from swarmledger_settlement;
