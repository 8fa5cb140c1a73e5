-- A TRC-10 payout is invisible to the vault, so its units must be out of its account's leaf before it is signed. From
-- this moment on every epoch leaves them out; a committed one that does lets the batch be signed. Null for vault batches,
-- whose lines have leaves of their own, and while nothing is there to pay it with.
alter table settlement.batches
  add column leaving_at_ms bigint check (leaving_at_ms is null or chain_batch_id is null);

-- Batches that asked for an epoch before the ledger was read for this one, and are not whole in it all the same: the
-- ledger counts a withdrawal of theirs as ended, so no later epoch can have them either.
create table settlement.epoch_strays (
  epoch_no bigint not null references settlement.epochs,
  batch_no bigint not null references settlement.batches,
  primary key (epoch_no, batch_no)
);
create index epoch_strays_batch on settlement.epoch_strays (batch_no);
revoke update, delete on settlement.epoch_strays from swarmledger_settlement;
