-- Every hot wallet that there was, and the newest solidified block when it was first used. What a former one sends to the
-- vault or to its successor is the ledger's own and credited to nobody, whoever has its key now; what it did up to that
-- block has to be explained.
create table settlement.hot_wallets (
  wallet_no bigint generated always as identity primary key,
  address text not null,
  since_block bigint not null
);
revoke update, delete on settlement.hot_wallets from swarmledger_settlement;
