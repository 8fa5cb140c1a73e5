-- Large batches wait for an operator. Whether one does is fixed when it is planned, so that a change of
-- the configuration releases nothing.
alter table settlement.batches
  add column needs_approval boolean not null default false,
  -- Null while nobody has decided.
  add column approved boolean,
  add column decided_by text,
  add column decided_at_ms bigint,
  add column decision_note text not null default '',
  -- Nothing leaves the state of a plan before somebody said yes; a no ends the batch.
  add constraint batches_decided check (
    (approved is null) = (decided_by is null) and (approved is null) = (decided_at_ms is null)
    and (approved is null or needs_approval)
    and (not needs_approval or approved is true or state = case when approved is null then 1 else 6 end)
  );
create index batches_undecided on settlement.batches (batch_no) where needs_approval and approved is null;
-- Those that may be signed and driven: what waits for people must not hold up the others.
drop index settlement.batches_open;
create index batches_open on settlement.batches (batch_no)
  where state < 5 and (not needs_approval or approved);

-- Who decided what is evidence.
create function settlement.keep_decision() returns trigger language plpgsql as $$
begin
  if old.needs_approval <> new.needs_approval or (old.approved is not null and
    (old.approved, old.decided_by, old.decided_at_ms, old.decision_note) is distinct from
    (new.approved, new.decided_by, new.decided_at_ms, new.decision_note))
  then
    raise exception 'batch %: a decision stays as it was made', old.batch_no
      using errcode = 'check_violation';
  end if;
  return new;
end
$$;
create trigger keep_decision before update on settlement.batches
  for each row execute function settlement.keep_decision();
