-- Hash chains committed after the opening (LedgerService.CommitTicks). A tick counts as base + index ×
-- value, so what the log carries stays an amount.
alter table ledger.channels
  add column tick_base_units bigint not null default 0 check (tick_base_units >= 0);

-- Every commitment of a channel that has made a second one or made its first one late: what a stored tick
-- is checked against, long after the channel pays by another chain. That of the opening has no
-- signature of its own. A chain is taken up only when the one before is used up and booked, so each
-- amount belongs to one of them: base < amount <= base + value × ticks.
create table ledger.tick_commitments (
  part smallint not null,
  channel_no bigint not null,
  base_units bigint not null check (base_units >= 0),
  chain_end bytea not null check (octet_length(chain_end) = 32),
  tick_value_units bigint not null check (tick_value_units > 0),
  ticks_max bigint not null check (ticks_max > 0),
  valid_until_ms bigint,
  signature bytea check (octet_length(signature) = 64),
  committed_at_ms bigint not null,
  primary key (part, channel_no, base_units),
  unique (part, channel_no, chain_end)
);
