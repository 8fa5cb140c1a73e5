-- Tables of the balance service. Amounts are units, times are milliseconds since 1970.

create table ledger.accounts (
  account_no bigint generated always as identity primary key,
  address text not null unique,
  public_key bytea check (octet_length(public_key) = 65),
  created_at_ms bigint not null
);

-- Part -1 is an account's home row: everything but payments is booked there, under its row lock, and
-- it may be negative. Parts 0 to 7 hold what payments of that partition of the voucher log earned;
-- they only ever rise. Available = the sum over all rows, kept at or above 0 by whoever spends
-- under the home row's lock; partitions of the log never wait for one another.
create table ledger.balances (
  part smallint not null,
  account_no bigint not null,
  units bigint not null,
  primary key (part, account_no),
  check (part = -1 or units >= 0)
) partition by list (part);

create table ledger.channels (
  part smallint not null,
  channel_no bigint not null,
  channel_id bytea not null check (octet_length(channel_id) = 32),
  terms_hash bytea not null,
  payer_no bigint not null,
  payee_no bigint not null,
  deposit_units bigint not null check (deposit_units > 0),
  cumulative_units bigint not null default 0,
  state smallint not null default 1 check (state in (1, 2, 3)),
  opened_at_ms bigint not null,
  closes_at_ms bigint,
  -- When the log had learnt that the channel is closing: vouchers stop a while after that.
  closing_published_at_ms bigint,
  finalize_sent_at_ms bigint,
  tick_chain_end bytea,
  tick_value_units bigint,
  ticks_max bigint,
  tick_index bigint not null default 0,
  tick_preimage bytea,
  -- The claim behind cumulative_units: its kind (1 voucher, 2 tick), validity or index, and proof.
  claim_kind smallint,
  claim_detail bigint,
  claim_proof bytea,
  match_id bytea,
  primary key (part, channel_no),
  unique (part, channel_id),
  check (cumulative_units between 0 and deposit_units)
) partition by list (part);

create sequence ledger.channel_numbers as bigint;

do $$
begin
  execute 'create table ledger.balances_home partition of ledger.balances for values in (-1)
    with (fillfactor = 75)';
  for part in 0..7 loop
    execute format('create table ledger.balances_p%s partition of ledger.balances
      for values in (%s) with (fillfactor = 75)', part, part);
    execute format('create table ledger.channels_p%s partition of ledger.channels
      for values in (%s) with (fillfactor = 75)', part, part);
  end loop;
end
$$;

create index channels_payer on ledger.channels (payer_no, channel_no desc);
create index channels_payee on ledger.channels (payee_no, channel_no desc);
create index channels_closing on ledger.channels (closes_at_ms) where state = 2;

-- Double entry: one row debits one ledger account and credits another by the same amount. A ledger
-- account is a kind and a number: 1 available (account), 2 channel, 3 hold, 4 withdrawing
-- (withdrawal), 5 fees (0), 6 reserve (asset), 7 suspense (asset). Append-only.
create table ledger.journal (
  at_ms bigint not null,
  -- Partition and offset of the voucher log, or -1 and the number of the operation.
  part smallint not null,
  entry_no bigint not null,
  line integer not null,
  kind smallint not null,
  debit_kind smallint not null,
  debit_no bigint not null,
  credit_kind smallint not null,
  credit_no bigint not null,
  units bigint not null check (units > 0),
  reference bytea,
  primary key (at_ms, part, entry_no, line)
) partition by range (at_ms);

create index journal_debit on ledger.journal (debit_no, at_ms desc) where debit_kind = 1;
create index journal_credit on ledger.journal (credit_no, at_ms desc) where credit_kind = 1;

create sequence ledger.operation_numbers as bigint;

-- Creates the journal's daily partitions from today on; called at every start and every hour, so
-- that no insert ever finds its day missing. Runs as the owner, since services may not create tables.
create function ledger.ensure_journal_partitions(now_ms bigint, days_ahead integer)
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
      execute format('grant select, insert on ledger.%I to swarmledger_balance', name);
      execute format('grant select on ledger.%I to swarmledger_admin', name);
      made := made + 1;
    end if;
  end loop;
  return made;
end
$$;
revoke all on function ledger.ensure_journal_partitions from public;
grant execute on function ledger.ensure_journal_partitions to swarmledger_balance;
-- Nobody rewrites the journal.
revoke update, delete on ledger.journal from swarmledger_balance;

-- What is not an account's: 5 fees (0), 6 reserve (asset), 7 suspense (asset).
create table ledger.system_balances (
  kind smallint not null,
  no bigint not null,
  units bigint not null,
  primary key (kind, no)
);
insert into ledger.system_balances values (5, 0, 0), (6, 1, 0), (6, 2, 0), (7, 1, 0), (7, 2, 0);

-- The fence of exactly-once application: the next offset moves in the transaction that applies.
create table ledger.log_offsets (
  topic text not null,
  part smallint not null,
  next_offset bigint not null,
  primary key (topic, part)
);
insert into ledger.log_offsets select 'vouchers', part, 0 from generate_series(0, 7) part;
insert into ledger.log_offsets select 'market-matches', part, 0 from generate_series(0, 3) part;

-- What could not be applied although it was acknowledged: should stay empty, raises an alarm.
create table ledger.quarantine (
  quarantine_no bigint generated always as identity primary key,
  topic text not null,
  part smallint not null,
  log_offset bigint not null,
  line integer not null,
  reason text not null,
  content bytea not null,
  at_ms bigint not null
);

create table ledger.transfers (
  transfer_id bytea primary key,
  content_hash bytea not null,
  booked_at_ms bigint not null
);

create table ledger.holds (
  order_id bytea primary key,
  hold_no bigint generated always as identity unique,
  content_hash bytea not null,
  account_no bigint not null,
  placed_units bigint not null check (placed_units > 0),
  units bigint not null check (units between 0 and placed_units),
  released boolean not null default false
);
create index holds_account on ledger.holds (account_no) where units > 0;

create table ledger.deposits (
  txid bytea not null check (octet_length(txid) = 32),
  index integer not null,
  asset smallint not null,
  account_no bigint,
  units bigint not null check (units > 0),
  block_number bigint not null,
  credited_at_ms bigint not null,
  primary key (txid, index)
);

create table ledger.withdrawals (
  withdrawal_id bytea primary key,
  withdrawal_no bigint generated always as identity unique,
  content_hash bytea not null,
  account_no bigint not null,
  asset smallint not null,
  destination text not null,
  amount_units bigint not null check (amount_units > 0),
  fee_units bigint not null check (fee_units >= 0 and fee_units < amount_units),
  state smallint not null,
  failure text not null default '',
  txid text not null default '',
  requested_at_ms bigint not null,
  updated_at_ms bigint not null
);
create index withdrawals_account on ledger.withdrawals (account_no, withdrawal_no desc);
create index withdrawals_open on ledger.withdrawals (withdrawal_no) where state < 7;

-- Events wait here, in the transaction that makes them true, until the relay has published them.
create table ledger.outbox (
  event_no bigint generated always as identity primary key,
  topic text not null,
  part integer,
  key bytea not null,
  value bytea not null,
  -- Set when publishing this event is what stops vouchers of a closing channel.
  closing_channel_no bigint
);
