-- Which log the offsets of ledger.log_offsets and market.log_offsets are positions of. Offsets of another
-- Kafka, or of a log that has lost its end, look like any others: records would be taken for applied
-- and dropped. So the cluster is remembered and whatever was found missing stays written down, until
-- an operator says that the log begins anew (docs/operations.md).
create table ledger.log_sources (
  topic text primary key,
  -- Null until the first start, which adopts the cluster it finds if all offsets lie within its log.
  cluster_id text,
  -- What was found missing; nothing of this topic is applied while it stands.
  lost text
);
insert into ledger.log_sources (topic) values ('vouchers'), ('market-matches');

create table market.log_sources (
  topic text primary key,
  cluster_id text,
  lost text
);
insert into market.log_sources (topic) values ('market-orders');

-- The right to rewrite the journal was taken from the parent alone; by the default privileges each daily
-- partition gave it back under its own name.
create function ledger.protect_journal_partition(name text)
returns void language plpgsql security definer set search_path = ledger as $$
begin
  execute format('revoke all on ledger.%I from swarmledger_balance, swarmledger_admin', name);
  execute format('grant select, insert on ledger.%I to swarmledger_balance', name);
  execute format('grant select on ledger.%I to swarmledger_admin', name);
end
$$;
revoke all on function ledger.protect_journal_partition from public;

do $$
declare
  partition_name text;
begin
  for partition_name in
    select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'ledger.journal'::regclass
  loop
    perform ledger.protect_journal_partition(partition_name);
  end loop;
end
$$;
select ledger.protect_journal_partition('journal');

create or replace function ledger.ensure_journal_partitions(now_ms bigint, days_ahead integer)
returns integer language plpgsql security definer set search_path = ledger as $$
declare
  day_ms constant bigint := 86400000;
  first_day bigint := now_ms / day_ms - 1;
  made integer := 0;
  day bigint;
  name text;
begin
  perform pg_advisory_xact_lock(hashtext('swarmledger-journal-partitions'));
  for day in first_day..first_day + days_ahead + 1 loop
    name := 'journal_' || to_char(to_timestamp(day * 86400) at time zone 'UTC', 'YYYYMMDD');
    if to_regclass('ledger.' || name) is null then
      execute format('create table ledger.%I partition of ledger.journal for values from (%s) to (%s)',
        name, day * day_ms, (day + 1) * day_ms);
      perform ledger.protect_journal_partition(name);
      made := made + 1;
    end if;
  end loop;
  return made;
end
$$;
