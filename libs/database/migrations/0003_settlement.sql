-- Tables of the settlement service. Amounts are units or, where named so, base units of the token;
-- times are milliseconds since 1970; transaction and batch ids are 32 bytes.

-- How far the solidified chain has been read. One row; what a block holds is stored in the
-- transaction that moves it, so no block is ever read twice or skipped.
create table settlement.cursor (
  only_row boolean primary key default true check (only_row),
  next_block bigint not null check (next_block >= 0),
  last_block_id text not null,
  last_timestamp_ms bigint not null
);

-- Transfers to us, from solidified blocks.
-- State: 1 seen, 2 credited, 3 in suspense, 4 dust (below one unit, stays with the vault), 5 held.
create table settlement.deposits (
  txid bytea not null check (octet_length(txid) = 32),
  index integer not null check (index >= 0),
  asset smallint not null,
  sender text not null,
  base_units numeric(78, 0) not null check (base_units > 0),
  units bigint not null check (units >= 0),
  state smallint not null check (state between 1 and 5),
  -- Credit to suspense, since nobody holds the sender's key.
  suspense boolean not null,
  note text not null default '',
  block_number bigint not null,
  seen_at_ms bigint not null,
  booked_at_ms bigint,
  primary key (txid, index)
);
create index deposits_seen on settlement.deposits (block_number) where state = 1;

-- What the solidified chain says of transactions that the hot wallet signed.
create table settlement.own_transactions (
  txid bytea primary key check (octet_length(txid) = 32),
  block_number bigint not null,
  succeeded boolean not null,
  result text not null,
  energy_used bigint not null,
  fee_sun bigint not null,
  -- It moved tokens although no attempt of ours is on record: our records are older than the chain.
  unexplained boolean not null
);
create index own_unexplained on settlement.own_transactions (block_number) where unexplained;

-- Batch ids that the vault has executed, from its logs on the solidified chain.
create table settlement.vault_payments (
  chain_batch_id bytea primary key check (octet_length(chain_batch_id) = 32),
  txid bytea not null,
  block_number bigint not null
);

-- One settlement transaction: many TRC-20 payouts through the vault, or one TRC-10 payout.
-- State: 1 planned, 2 signed, 3 broadcast, 4 confirmed, 5 solidified, 6 failed.
create table settlement.batches (
  batch_no bigint generated always as identity primary key,
  asset smallint not null,
  state smallint not null default 1 check (state between 1 and 6),
  -- Null for TRC-10. The same for every attempt: the vault executes it once, whatever happens here.
  chain_batch_id bytea unique check (octet_length(chain_batch_id) = 32),
  payouts integer not null check (payouts > 0),
  total_units bigint not null check (total_units > 0),
  attempts integer not null default 0,
  txid bytea,
  energy_used bigint not null default 0,
  fee_sun bigint not null default 0,
  failure text not null default '',
  planned_at_ms bigint not null,
  solidified_at_ms bigint
);
create index batches_open on settlement.batches (batch_no) where state < 5;

-- One row per withdrawal. State: 1 queued, 2 planned (its owner can no longer cancel it), 3 in a
-- batch, 4 paid, 5 refunded, 6 cancelled, 7 held for an operator.
create table settlement.payouts (
  withdrawal_id bytea primary key check (octet_length(withdrawal_id) = 32),
  payout_no bigint generated always as identity unique,
  asset smallint not null,
  account text not null,
  destination text not null,
  units bigint not null check (units > 0),
  state smallint not null check (state between 1 and 7),
  batch_no bigint references settlement.batches,
  failures integer not null default 0,
  failure text not null default '',
  -- What the ledger is to be told and what it has been told: numbers of WithdrawalState.
  report_state smallint not null,
  reported_state smallint not null default 0,
  report_txid text not null default '',
  requested_at_ms bigint not null,
  updated_at_ms bigint not null,
  check ((state in (3, 4)) = (batch_no is not null))
);
create index payouts_waiting on settlement.payouts (payout_no) where state in (1, 2);
create index payouts_batch on settlement.payouts (batch_no) where batch_no is not null;
create index payouts_unreported on settlement.payouts (payout_no)
  where report_state <> reported_state;

-- Who a batch pays, fixed when it is planned and kept for ever.
create table settlement.batch_payouts (
  batch_no bigint not null references settlement.batches,
  line integer not null,
  withdrawal_id bytea not null references settlement.payouts,
  destination text not null,
  units bigint not null check (units > 0),
  primary key (batch_no, line)
);
create index batch_payouts_withdrawal on settlement.batch_payouts (withdrawal_id);

-- Signed transactions, stored before they are sent. Outcome: 0 open, 1 paid, 2 failed on chain,
-- 3 expired (a later solidified block proves that it can never be included).
create table settlement.attempts (
  batch_no bigint not null references settlement.batches,
  attempt integer not null check (attempt > 0),
  txid bytea not null unique check (octet_length(txid) = 32),
  raw bytea not null,
  signed bytea not null,
  fee_limit_sun bigint not null,
  expiration_ms bigint not null,
  signed_at_ms bigint not null,
  broadcasts integer not null default 0,
  last_broadcast_at_ms bigint,
  refusal text not null default '',
  confirmed_block bigint,
  outcome smallint not null default 0 check (outcome between 0 and 3),
  primary key (batch_no, attempt)
);
-- A second transaction for a batch cannot be stored while the first may still pay.
create unique index attempts_open on settlement.attempts (batch_no) where outcome = 0;

-- What has been signed and sent is evidence: it may be completed, never removed.
revoke delete on settlement.attempts, settlement.batches, settlement.batch_payouts,
  settlement.payouts, settlement.deposits, settlement.own_transactions, settlement.vault_payments
  from swarmledger_settlement;
