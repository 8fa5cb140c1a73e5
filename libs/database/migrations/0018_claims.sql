-- Withdrawals that their payees fetch: settlement reserves them in the vault (`commitClaims`), and each payee claims its
-- own with a proof until a deadline. What nobody claimed is released and goes back (docs/settlement.md).

-- Its owner has signed that it is fetched. New state of a withdrawal: 10 claimable, between confirmed and its end.
alter table ledger.withdrawals add column to_claim boolean not null default false;
drop index ledger.withdrawals_open;
create index withdrawals_open on ledger.withdrawals (withdrawal_no) where state not in (7, 8, 9);

-- New state of a payout: 8 claimable, a line of a set that is committed for good.
alter table settlement.payouts
  add column to_claim boolean not null default false,
  drop constraint payouts_state_check,
  drop constraint payouts_check,
  add constraint payouts_state_check check (state between 1 and 8),
  add constraint payouts_check check ((state in (3, 4, 8)) = (batch_no is not null)),
  add constraint payouts_claimable check (state <> 8 or to_claim);

-- A batch of such payouts is one `commitClaims`. Its deadline (seconds of the chain) is fixed before anything is signed,
-- so that all attempts commit the same. It is solidified when the set is committed; what becomes of the set is below.
alter table settlement.batches
  add column to_claim boolean not null default false,
  add column claimable_until_s bigint check (claimable_until_s is null or to_claim),
  add constraint batches_claim_deadline check (not to_claim or state in (1, 6) or claimable_until_s is not null);

-- The vault reserved the batch for claims instead of paying it.
alter table settlement.vault_payments add column to_claim boolean not null default false;

-- Lines of sets that were claimed, and sets that were released, from the vault's logs on the solidified chain.
create table settlement.claimed_lines (
  chain_batch_id bytea not null check (octet_length(chain_batch_id) = 32),
  line integer not null check (line >= 0),
  txid bytea not null check (octet_length(txid) = 32),
  block_number bigint not null,
  -- Its payout counts as paid.
  booked boolean not null default false,
  primary key (chain_batch_id, line)
);
create index claimed_lines_unbooked on settlement.claimed_lines (chain_batch_id) where not booked;
create table settlement.claim_releases (
  chain_batch_id bytea primary key check (octet_length(chain_batch_id) = 32),
  txid bytea not null check (octet_length(txid) = 32),
  units bigint not null check (units >= 0),
  block_number bigint not null
);

-- A committed set. State, that of its release: 1 none is under way, 2 signed, 3 broadcast, 4 confirmed, 5 over: every line
-- is claimed, or the rest was released and has gone back.
create table settlement.claim_sets (
  batch_no bigint primary key references settlement.batches,
  state smallint not null default 1 check (state between 1 and 5),
  attempts integer not null default 0,
  over_at_ms bigint,
  check ((state = 5) = (over_at_ms is not null))
);
create index claim_sets_open on settlement.claim_sets (batch_no) where state < 5;

-- Signed transactions of releases, stored before they are sent; as settlement.attempts.
create table settlement.release_attempts (
  batch_no bigint not null references settlement.claim_sets,
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
create unique index release_attempts_open on settlement.release_attempts (batch_no) where outcome = 0;
revoke delete on settlement.claim_sets, settlement.release_attempts from swarmledger_settlement;
revoke update, delete on settlement.claimed_lines, settlement.claim_releases from swarmledger_settlement;
grant update (booked) on settlement.claimed_lines to swarmledger_settlement;
