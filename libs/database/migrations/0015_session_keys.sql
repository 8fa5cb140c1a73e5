-- Keys that may open channels for an account, up to a cap of units and until a time, and pay on them. An account
-- delegates a key once, so that account and key name the delegation and a revoked key stays revoked.
create table ledger.session_keys (
  session_key_no bigint generated always as identity primary key,
  account_no bigint not null,
  -- The key's address and the key itself.
  address text not null,
  public_key bytea not null check (octet_length(public_key) = 65),
  cap_units bigint not null check (cap_units > 0),
  -- Sum of the deposits of all channels that it opened; it never falls.
  used_units bigint not null default 0 check (used_units between 0 and cap_units),
  expires_at_ms bigint not null,
  -- The account's signature, and the time until which the request was valid, which is signed with it.
  valid_until_ms bigint not null,
  signature bytea not null check (octet_length(signature) = 64),
  delegated_at_ms bigint not null,
  revoked_at_ms bigint,
  revocation_valid_until_ms bigint,
  revocation_signature bytea check (octet_length(revocation_signature) = 64),
  unique (account_no, address),
  check (num_nulls(revoked_at_ms, revocation_valid_until_ms, revocation_signature) in (0, 3))
);
-- Those that can still be used; few, since their number is bounded.
create index session_keys_live on ledger.session_keys (account_no, expires_at_ms)
  where revoked_at_ms is null;
-- What was signed is evidence.
revoke update, delete on ledger.session_keys from swarmledger_balance;
grant update (used_units, revoked_at_ms, revocation_valid_until_ms, revocation_signature)
  on ledger.session_keys to swarmledger_balance;

-- The session key that opened the channel and signs its payments; null: the payer's own key does.
alter table ledger.channels add column session_key_no bigint;
