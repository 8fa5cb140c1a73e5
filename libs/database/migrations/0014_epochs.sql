-- Proof of liabilities: what each epoch committed to on chain, with everything needed to prove and recompute it.

-- One commitment of all that is owed (docs/vault.md). State: 1 planned, 2 signed, 3 broadcast, 4 confirmed,
-- 5 solidified, 6 failed. Rows are kept for ever; the leaves of the newest ones only.
create table settlement.epochs (
  epoch_no bigint primary key check (epoch_no > 0),
  -- Names the leaves and nodes, which are stored before this row is.
  build_no bigint not null unique,
  state smallint not null default 1 check (state between 1 and 6),
  at_ms bigint not null,
  -- Salts of leaves are HMAC-SHA-256 under it.
  secret bytea not null check (octet_length(secret) = 32),
  root bytea not null check (octet_length(root) = 32),
  total_units bigint not null check (total_units >= 0),
  leaves integer not null check (leaves > 0),
  -- How far the journal went: the newest link of each chain (parts -1 to 7), and operations after them.
  flush_nos bigint[] not null check (cardinality(flush_nos) = 9),
  operations bigint[] not null,
  -- Reserves on the solidified chain afterwards, and what of the total the vault had paid already.
  trc20_reserve_units bigint not null,
  trc10_reserve_units bigint not null,
  paid_units bigint not null check (paid_units >= 0),
  attempts integer not null default 0,
  txid bytea,
  energy_used bigint not null default 0,
  fee_sun bigint not null default 0,
  failure text not null default '',
  solidified_at_ms bigint
);
-- One in flight.
create unique index epochs_open on settlement.epochs ((true)) where state < 5;

create sequence settlement.epoch_builds as bigint;

-- Leaves without their salts, in the order of their keys. Kind and key: 0 account, its address; 2 channel, its
-- id as hex; 3 line of a batch, the batch's id on chain as hex and the line as 8 hex digits.
create table settlement.epoch_leaves (
  build_no bigint not null,
  kind smallint not null check (kind in (0, 2, 3)),
  chunk_no integer not null,
  first_key text collate "C" not null,
  leaves bytea not null,
  primary key (build_no, kind, chunk_no)
);
alter table settlement.epoch_leaves alter column leaves set storage external;

-- The tree: hash (32 bytes) and sum (8) of each node by level, leaves (level 0) first.
create table settlement.epoch_nodes (
  build_no bigint not null,
  level smallint not null,
  chunk_no integer not null,
  first_hash bytea not null,
  nodes bytea not null check (octet_length(nodes) % 40 = 0),
  primary key (build_no, level, chunk_no)
);
alter table settlement.epoch_nodes alter column nodes set storage external;

-- Withdrawals under way that are not in their account's leaf. A line of a vault batch has a leaf of its own;
-- a TRC-10 payout that was signed, and what was paid but not booked yet, has none.
create table settlement.epoch_payouts (
  epoch_no bigint not null references settlement.epochs,
  withdrawal_id bytea not null,
  batch_no bigint not null,
  line integer not null,
  in_tree boolean not null,
  primary key (epoch_no, withdrawal_id)
);

-- Vault batches all of whose lines have leaves: they may be sent once the epoch is solidified.
create table settlement.epoch_batches (
  epoch_no bigint not null references settlement.epochs,
  batch_no bigint not null references settlement.batches,
  primary key (epoch_no, batch_no)
);
create index epoch_batches_batch on settlement.epoch_batches (batch_no);

-- Signed transactions of epochs, stored before they are sent; as settlement.attempts.
create table settlement.epoch_attempts (
  epoch_no bigint not null references settlement.epochs,
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
  primary key (epoch_no, attempt)
);
create unique index epoch_attempts_open on settlement.epoch_attempts (epoch_no) where outcome = 0;
revoke delete on settlement.epochs, settlement.epoch_payouts, settlement.epoch_batches,
  settlement.epoch_attempts from swarmledger_settlement;

-- SHA-256 over a batch as it was planned and as it ended, so that a later change by hand is seen.
create table settlement.batch_seals (
  batch_no bigint not null references settlement.batches,
  ended boolean not null,
  hash bytea not null check (octet_length(hash) = 32),
  primary key (batch_no, ended)
);
revoke update, delete on settlement.batch_seals from swarmledger_settlement;

-- Operators' decisions that a log begins anew: only there may offsets go back.
create table ledger.log_restarts (
  topic text not null,
  part smallint not null,
  expected_offset bigint not null,
  next_offset bigint not null,
  cluster_id text not null,
  at_ms bigint not null,
  primary key (topic, part, at_ms)
);
create table market.log_restarts (like ledger.log_restarts including all);
revoke update, delete on ledger.log_restarts from swarmledger_balance;
revoke update, delete on market.log_restarts from swarmledger_auction;
