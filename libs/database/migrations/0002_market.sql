-- Tables of the auction service. Amounts are units, times are milliseconds since 1970. `part` is the
-- partition of the topic market-orders that the swarm belongs to.

-- The fence: one row per partition of the order log. Who takes a partition raises its epoch; every
-- write to a book first compares epoch and offset here, in its own transaction, so that a process
-- that lost the partition without noticing can neither apply an order nor clear a round.
create table market.log_offsets (
  topic text not null,
  part smallint not null,
  next_offset bigint not null,
  epoch bigint not null default 0,
  primary key (topic, part)
);
insert into market.log_offsets (topic, part, next_offset)
select 'market-orders', part, 0 from generate_series(0, 3) part;

create table market.orders (
  order_id bytea primary key check (octet_length(order_id) = 32),
  part smallint not null,
  -- Tells a repeated request from another one with the same id.
  content_hash bytea not null,
  -- 1 ask, 2 bid.
  side smallint not null check (side in (1, 2)),
  owner text not null,
  swarm bytea not null check (octet_length(swarm) in (20, 32)),
  slots integer not null check (slots > 0),
  slots_open integer not null check (slots_open between 0 and slots),
  slot_rate_mib integer not null,
  price_units bigint not null check (price_units > 0),
  volume_mib bigint not null,
  budget_units bigint not null,
  -- 1 pending, 2 open, 3 filled, 4 cancelled, 5 expired.
  state smallint not null check (state between 1 and 5),
  at_ms bigint not null,
  expires_at_ms bigint not null,
  check (state <> 3 or slots_open = 0)
);
-- Loading a partition's book, and finding what never reached the log, touch live orders only.
create index orders_live on market.orders (part, state) where state in (1, 2);
create index orders_swarm on market.orders (swarm, owner) where state in (1, 2);

create sequence market.round_numbers as bigint;

create table market.rounds (
  round_no bigint primary key,
  part smallint not null,
  swarm bytea not null,
  cleared_at_ms bigint not null,
  price_units bigint not null,
  slots_matched integer not null,
  transcript text not null,
  transcript_hash bytea not null check (octet_length(transcript_hash) = 32)
);

create table market.matches (
  match_id bytea primary key check (octet_length(match_id) = 32),
  round_no bigint not null,
  -- Place in the round, the highest bid first.
  line integer not null,
  ask_id bytea not null,
  bid_id bytea not null,
  provider text not null,
  requester text not null,
  swarm bytea not null,
  price_units bigint not null check (price_units > 0),
  volume_mib bigint not null check (volume_mib > 0),
  slot_rate_mib integer not null,
  channel_id bytea not null unique,
  deposit_units bigint not null check (deposit_units = price_units * volume_mib),
  unique (round_no, line),
  -- One slot of a bid per provider, for the whole life of the bid.
  unique (bid_id, provider),
  check (provider <> requester)
);
create index matches_ask on market.matches (ask_id);

-- Events wait here, in the transaction that makes them true, until the relay has published them.
create table market.outbox (
  event_no bigint generated always as identity primary key,
  topic text not null,
  part integer not null,
  key bytea not null,
  value bytea not null
);

-- Records of the log that cannot be read: should stay empty, raises an alarm.
create table market.quarantine (
  quarantine_no bigint generated always as identity primary key,
  topic text not null,
  part smallint not null,
  log_offset bigint not null,
  reason text not null,
  content bytea not null,
  at_ms bigint not null
);
