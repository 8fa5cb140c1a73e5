-- Tables of the admin service. Times are milliseconds since 1970.

-- A session is known by the SHA-256 of its cookie, so that a copy of this table opens no door.
create table admin.sessions (
  token_hash bytea primary key check (octet_length(token_hash) = 32),
  actor text not null,
  role text not null check (role in ('viewer', 'operator')),
  address text not null,
  created_at_ms bigint not null,
  expires_at_ms bigint not null check (expires_at_ms > created_at_ms)
);
create index sessions_expiry on admin.sessions (expires_at_ms);

-- Failed logins of one client address; kept here so that a restart does not forgive them.
create table admin.login_attempts (
  address text primary key,
  failures integer not null check (failures >= 0),
  first_failure_at_ms bigint not null,
  locked_until_ms bigint not null default 0
);
create index login_attempts_age on admin.login_attempts (first_failure_at_ms);

-- What operators did: who, what, when and how it ended. Every row carries the SHA-256 of its content
-- and of the row before it, so that a changed or removed row is seen.
create table admin.audit (
  audit_no bigint primary key check (audit_no > 0),
  at_ms bigint not null,
  actor text not null,
  role text not null,
  address text not null,
  action text not null,
  outcome text not null,
  detail text not null,
  row_hash bytea not null check (octet_length(row_hash) = 32)
);
-- Nobody rewrites the record of operators.
revoke update, delete on admin.audit from swarmledger_admin;

-- The dashboard lists the newest deposits; without this every refresh would sort them all.
create index deposits_latest on ledger.deposits (credited_at_ms desc);
