-- The fast application path: what it must not pay for is taken away, what it leaves behind is chained.

-- A flush may raise every channel of a page: as much room as the rows take lets all of the new
-- versions stay beside the old ones (HOT), so that no index is touched.
do $$
begin
  for part in 0..7 loop
    execute format('alter table ledger.channels_p%s set (fillfactor = 45)', part);
    execute format('alter table ledger.balances_p%s set (fillfactor = 45)', part);
  end loop;
end
$$;

-- What kept a posting from being booked twice was never this key but the offset that moves in the same
-- transaction; it cost more than the row. Time is found by block ranges, operations by their number.
alter table ledger.journal drop constraint journal_pkey;
create index journal_time on ledger.journal using brin (at_ms) with (autosummarize = on);
create index journal_operations on ledger.journal (entry_no, line) where part = -1;

-- Signatures over many channels, one row per bundle that some channel's claim (claim_kind 3,
-- claim_detail = bundle_no) rests on. `channels` counts those claims; with the last one the row goes.
-- The number is (flush × 4096 + record in the flush) × 65536 + place in the record.
create table ledger.bundles (
  part smallint not null,
  bundle_no bigint not null,
  channels integer not null check (channels > 0),
  valid_until_ms bigint not null,
  signature bytea not null check (octet_length(signature) = 64),
  -- channel number and cumulative units of every entry, refused ones too, 16 bytes each, big-endian.
  entries bytea not null check (octet_length(entries) % 16 = 0),
  primary key (part, bundle_no)
) with (fillfactor = 50);

-- The canonical bytes of a posting.
create function ledger.journal_bytes(j ledger.journal) returns bytea
language sql immutable parallel safe return
  int8send(j.at_ms) || int2send(j.part) || int8send(j.entry_no) || int4send(j.line)
  || int2send(j.kind) || int2send(j.debit_kind) || int8send(j.debit_no)
  || int2send(j.credit_kind) || int8send(j.credit_no) || int8send(j.units)
  || coalesce(j.reference, ''::bytea);

-- Operations that are not in the chain yet; filled in their own transaction, emptied by the sealer.
create table ledger.unsealed_operations (
  operation_no bigint primary key,
  at_ms bigint not null
);

-- Links of a hash chain per part: what one flush of the voucher log booked, or (part -1) some operations.
-- A link carries sums over its whole chain, so that nothing has to be counted again.
create table ledger.flushes (
  part smallint not null,
  flush_no bigint not null,
  -- Its postings: those of the journal with this part, at_ms, and first_offset as their entry number;
  -- with part -1 those of the operations listed; with flush 0 all of the part from before this chain.
  -- The next link begins at next_offset, unless an operator has let the log begin anew.
  first_offset bigint not null,
  next_offset bigint not null,
  operations bigint[] not null default '{}',
  at_ms bigint not null,
  postings bigint not null,
  units bigint not null,
  -- Sums since the start of the chain: postings; channels opened and closed; credits − debits of the
  -- ledger account kinds 1 to 7; deposited and withdrawn units of the assets 1 and 2.
  total_postings bigint not null,
  total_opened bigint not null,
  total_closed bigint not null,
  total_net_units bigint[] not null check (cardinality(total_net_units) = 7),
  total_deposited_units bigint[] not null check (cardinality(total_deposited_units) = 2),
  total_withdrawn_units bigint[] not null check (cardinality(total_withdrawn_units) = 2),
  -- SHA-256 over the canonical bytes of the postings, by entry and line.
  postings_hash bytea not null check (octet_length(postings_hash) = 32),
  prev_hash bytea not null check (octet_length(prev_hash) = 32),
  hash bytea not null check (octet_length(hash) = 32),
  primary key (part, flush_no)
);

-- SHA-256 over the hash before, the hash of the postings and all numbers of the link as 8 bytes each.
create function ledger.flush_hash(f ledger.flushes) returns bytea
language sql immutable return sha256(f.prev_hash || f.postings_hash || (
  select string_agg(int8send(number), ''::bytea order by place)
  from unnest(
    array[f.part::bigint, f.flush_no, f.first_offset, f.next_offset, f.at_ms, f.postings, f.units,
      f.total_postings, f.total_opened, f.total_closed]
    || f.total_net_units || f.total_deposited_units || f.total_withdrawn_units || f.operations
  ) with ordinality as n(number, place)
));

-- The first link of each chain covers what was booked before there were chains. Operations of that
-- time are sealed as any others.
insert into ledger.flushes (
  part, flush_no, first_offset, next_offset, at_ms, postings, units, total_postings, total_opened,
  total_closed, total_net_units, total_deposited_units, total_withdrawn_units, postings_hash,
  prev_hash, hash
)
select p.part, 0, 0, coalesce(o.next_offset, 0), 0, s.postings, s.paid, s.postings, 0,
  (select count(*) from ledger.channels c where c.part = p.part and c.state = 3),
  array[s.paid + s.returned, -s.paid - s.returned, 0, 0, 0, 0, 0]::bigint[], '{0,0}', '{0,0}',
  s.hash, decode(repeat('00', 32), 'hex'), decode(repeat('00', 32), 'hex')
from generate_series(-1, 7) p(part)
left join ledger.log_offsets o on o.topic = 'vouchers' and o.part = p.part
cross join lateral (
  select count(*) as postings,
    coalesce(sum(j.units) filter (where j.kind = 3), 0)::bigint as paid,
    coalesce(sum(j.units) filter (where j.kind = 5), 0)::bigint as returned,
    sha256(coalesce(
      string_agg(ledger.journal_bytes(j), ''::bytea order by j.entry_no, j.line), ''::bytea
    )) as hash
  from ledger.journal j where j.part = p.part and p.part >= 0
) s;
update ledger.flushes f set hash = ledger.flush_hash(f);
insert into ledger.unsealed_operations
select distinct entry_no, at_ms from ledger.journal where part = -1;

-- Nobody rewrites the chain.
revoke update, delete on ledger.flushes from swarmledger_balance;
