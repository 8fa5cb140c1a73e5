-- Any transaction of the hot wallet that succeeded and is in no table of attempts stops settlement: whoever has its key may
-- move TRX, tokens and permissions by other transactions than those that pay.
update settlement.own_transactions o set unexplained = true
where o.succeeded and not o.unexplained
  and not exists (select from settlement.attempts a where a.txid = o.txid)
  and not exists (select from settlement.epoch_attempts a where a.txid = o.txid)
  and not exists (select from settlement.release_attempts a where a.txid = o.txid);

-- What operators say such transactions are: evidence, never changed. From then on they stop nothing. The hash is SHA-256
-- over the other columns, so that a later change by hand is seen.
create table settlement.explanations (
  txid bytea primary key references settlement.own_transactions,
  operator text not null check (operator <> ''),
  reason text not null check (reason <> ''),
  explained_at_ms bigint not null,
  hash bytea not null check (octet_length(hash) = 32)
);
revoke update, delete on settlement.explanations from swarmledger_settlement;

-- The most payees of the next batch of a payout, whose last batch failed as a whole; null: as many as any. A batch that
-- was too much for the chain is planned again as two halves.
alter table settlement.payouts add column batch_max integer check (batch_max > 1);

-- An operator's decision about a batch is sealed when it is made: until the batch ends nothing else tells of it.
alter table settlement.batch_seals
  add column decided boolean not null default false,
  drop constraint batch_seals_pkey,
  add primary key (batch_no, ended, decided),
  add constraint batch_seals_one check (not (ended and decided));
insert into settlement.batch_seals (batch_no, ended, decided, hash)
select batch_no, false, true, sha256(convert_to(concat(batch_no, '|', approved, '|', decided_by, '|',
  decided_at_ms, '|', decision_note), 'UTF8'))
from settlement.batches where approved is not null;
