-- One schema per service and one role per schema: a role writes its own schema and nothing else.
-- Services log in with the address they are given and take their role when they connect, so the
-- database itself refuses a write to another service's table.
do $$
declare
  role_name text;
begin
  -- Roles belong to the whole server; two databases may be migrated at the same time.
  perform pg_advisory_xact_lock(hashtext('swarmledger-roles'));
  foreach role_name in array array[
    'swarmledger_balance', 'swarmledger_auction', 'swarmledger_settlement', 'swarmledger_admin'
  ] loop
    if not exists (select from pg_roles where rolname = role_name) then
      execute format('create role %I nologin', role_name);
    end if;
    execute format('grant %I to %I', role_name, current_user);
  end loop;
end
$$;

create schema ledger;
create schema market;
create schema settlement;
create schema admin;

grant usage on schema ledger to swarmledger_balance, swarmledger_admin;
grant usage on schema market to swarmledger_auction, swarmledger_admin;
grant usage on schema settlement to swarmledger_settlement, swarmledger_admin;
grant usage on schema admin to swarmledger_admin;

alter default privileges in schema ledger
  grant select, insert, update, delete on tables to swarmledger_balance;
alter default privileges in schema ledger grant usage on sequences to swarmledger_balance;
alter default privileges in schema market
  grant select, insert, update, delete on tables to swarmledger_auction;
alter default privileges in schema market grant usage on sequences to swarmledger_auction;
alter default privileges in schema settlement
  grant select, insert, update, delete on tables to swarmledger_settlement;
alter default privileges in schema settlement grant usage on sequences to swarmledger_settlement;
alter default privileges in schema admin
  grant select, insert, update, delete on tables to swarmledger_admin;
alter default privileges in schema admin grant usage on sequences to swarmledger_admin;

-- The dashboard reads everything and writes none of it.
alter default privileges in schema ledger grant select on tables to swarmledger_admin;
alter default privileges in schema market grant select on tables to swarmledger_admin;
alter default privileges in schema settlement grant select on tables to swarmledger_admin;
