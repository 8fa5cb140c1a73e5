-- What the vault's calls tell beyond a plain transfer and a paid batch.

-- Lines of executed batches that the vault could not pay, from its logs on the solidified chain. Their
-- payouts wait for another batch or go back to their owners; the others of the batch are paid.
create table settlement.failed_lines (
  chain_batch_id bytea not null check (octet_length(chain_batch_id) = 32),
  line integer not null check (line >= 0),
  primary key (chain_batch_id, line)
);
revoke delete on settlement.failed_lines from swarmledger_settlement;

-- The account that a call of the vault's `deposit` named; null when the sender's is credited.
alter table settlement.deposits add column account text;
