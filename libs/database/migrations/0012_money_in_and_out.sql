-- What people decide about money that waits, and limits of money that leaves.

-- When an operator moved it from suspense to account_no; null for a deposit that was never in suspense.
alter table ledger.deposits add column resolved_at_ms bigint;

-- Units of withdrawals by the day (days since 1970, UTC) in which they were asked for: of each account, and
-- of all of them (account 0). What is given back is taken off again. Only today's rows are read.
create table ledger.withdrawal_days (
  day integer not null,
  account_no bigint not null,
  units bigint not null check (units >= 0),
  primary key (day, account_no)
) with (fillfactor = 70);

insert into ledger.withdrawal_days (day, account_no, units)
select requested_at_ms / 86400000, account_no, sum(amount_units) from ledger.withdrawals
where state not in (8, 9) group by 1, 2
union all
select requested_at_ms / 86400000, 0, sum(amount_units) from ledger.withdrawals
where state not in (8, 9) group by 1;
-- Who is ahead in the queue is counted, and each report of settlement must not read the whole of it.
create index withdrawals_waiting on ledger.withdrawals (asset, withdrawal_no) where state < 3;

-- Why it waits longer than usual, for its owner.
alter table ledger.withdrawals add column note text not null default '';

-- A deposit's state may also be: 6 misdirected (ours, at another address of ours than the one for it),
-- 7 resolving (an operator has named the account, the books are to be told), 8 dismissed (credited to nobody).
alter table settlement.deposits drop constraint deposits_state_check;
alter table settlement.deposits add constraint deposits_state_check check (state between 1 and 8);
drop index settlement.deposits_seen;
create index deposits_unbooked on settlement.deposits (block_number) where state in (1, 7);
drop index settlement.deposits_aside;
create index deposits_aside on settlement.deposits (block_number, txid, index) where state in (3, 5, 6);

-- What operators have decided about deposits: evidence, never changed. Account null: dismissed.
create table settlement.resolutions (
  resolution_id bytea primary key check (octet_length(resolution_id) = 32),
  txid bytea not null,
  index integer not null,
  account text,
  reason text not null,
  operator text not null,
  decided_at_ms bigint not null,
  foreign key (txid, index) references settlement.deposits
);
create index resolutions_deposit on settlement.resolutions (txid, index);
revoke update, delete on settlement.resolutions from swarmledger_settlement;

-- Tokens that do not back the ledger and were sent to it: one row for each token and address of ours, however
-- often it is sent, and only so many rows, since anybody may make a token and send it.
create table settlement.foreign_tokens (
  token text not null,
  recipient text not null,
  transfers bigint not null check (transfers > 0),
  last_txid bytea not null check (octet_length(last_txid) = 32),
  last_sender text not null,
  last_base_units numeric(78, 0) not null check (last_base_units > 0),
  last_block bigint not null,
  first_seen_at_ms bigint not null,
  dismissed boolean not null default false,
  primary key (token, recipient)
);
create index foreign_tokens_latest on settlement.foreign_tokens (last_block, token, recipient);

-- Why a payout waits longer than usual, and what of that the ledger has been told.
alter table settlement.payouts add column note text not null default '';
alter table settlement.payouts add column reported_note text not null default '';
drop index settlement.payouts_unreported;
create index payouts_unreported on settlement.payouts (payout_no)
  where report_state <> reported_state or note <> reported_note;
