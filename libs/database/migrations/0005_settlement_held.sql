-- What waits for an operator is listed newest first; there are few of them among many rows.
create index deposits_aside on settlement.deposits (block_number, txid, index) where state in (3, 5);
create index payouts_held on settlement.payouts (payout_no) where state = 7;
