-- Erasure of tenants. It takes two logins: the application, which must know the tenant's name, asks for it; jobs delete what was asked for, and nothing
-- else. A tenant whose erasure has begun has no name any more: whoever writes for the name writes for a new tenant.
alter table iiot.tenant
  alter name drop not null,
  add erase_requested_at timestamptz,
  add erased_name text collate "C",
  add constraint tenant_has_one_name check ((name is null) = (erased_name is not null));
comment on column iiot.tenant.erased_name is 'The name that it had before its erasure began';
grant update (erase_requested_at) on iiot.tenant to iiot_app;

-- For the functions below alone.
create policy erasing on iiot.tenant to iiot_owner
  using (tenant_no = (select nullif(current_setting('iiot.erasing', true), '')::int))
  with check (tenant_no = (select nullif(current_setting('iiot.erasing', true), '')::int));

-- All that holds rows of tenants (partitions, not what they are of), the tenants themselves aside: what refers to others comes before those.
create function iiot_data.tenant_tables() returns table (relation regclass, of_table regclass)
language sql stable set search_path = pg_catalog, pg_temp as $$
  with recursive own as (
    select c.oid, c.relkind from pg_class c
    where c.relnamespace in ('iiot'::regnamespace, 'iiot_data'::regnamespace) and c.relkind in ('r', 'p') and not c.relispartition
      and c.oid <> 'iiot.tenant'::regclass
      and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_no' and not a.attisdropped)),
  place (oid, place) as (
    select oid, 0 from own
    union all
    select o.oid, p.place + 1 from place p
    join pg_constraint k on k.conrelid = p.oid and k.contype = 'f' and k.confrelid <> k.conrelid
    join own o on o.oid = k.confrelid
    where p.place < 20)
  select leaf.oid::regclass, o.oid::regclass
  from own o
  cross join lateral (
    select o.oid where o.relkind = 'r'
    union all select t.relid from pg_partition_tree(o.oid) t where o.relkind = 'p' and t.isleaf) leaf
  order by (select max(p.place) from place p where p.oid = o.oid), o.oid::regclass::text, leaf.oid::regclass::text
$$;
grant execute on function iiot_data.tenant_tables to iiot_jobs;

-- Takes the name from a tenant whose erasure was asked for. No write is under way then, and numbers that hosts have cached hold no longer.
-- Who must wait for it gives up before anybody notices. False, and nothing is done, while a hold stands.
create function iiot_data.begin_erasure(of_tenant int) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '40ms' as $$
declare
  is_held boolean;
begin
  perform set_config('iiot.erasing', of_tenant::text, true), set_config('iiot.tenant', of_tenant::text, true);
  perform pg_advisory_xact_lock(7461202);
  lock table iiot.legal_hold in share row exclusive mode;
  is_held := exists (select from iiot.legal_hold h where h.tenant_no = of_tenant);
  if not is_held then
    update iiot.tenant set erased_name = name, name = null
      where tenant_no = of_tenant and name is not null and erase_requested_at is not null;
    if found then
      update iiot_data.telemetry_state set generation = generation + 1;
    end if;
  end if;
  perform set_config('iiot.erasing', '', true), set_config('iiot.tenant', '', true);
  return not is_held;
end
$$;
grant execute on function iiot_data.begin_erasure to iiot_jobs;

-- Deletes some rows of a tenant that has no name any more. Returns how many.
create function iiot_data.erase_rows(of_tenant int, of_relation regclass, most int) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  erased bigint := 0;
begin
  perform set_config('iiot.erasing', of_tenant::text, true), set_config('iiot.tenant', of_tenant::text, true);
  if exists (select from iiot.tenant t where t.tenant_no = of_tenant and t.name is not null)
    or not exists (select from iiot_data.tenant_tables() x where x.relation = of_relation) then
    raise exception 'The erasure of tenant % has not begun, or % is no table of tenants', of_tenant, of_relation;
  end if;
  if exists (select from iiot.tenant t where t.tenant_no = of_tenant) then
    execute format('delete from %1$s where tenant_no = $1 and ctid = any (array(select ctid from %1$s where tenant_no = $1 limit $2))', of_relation)
      using of_tenant, most;
    get diagnostics erased = row_count;
  end if;
  perform set_config('iiot.erasing', '', true), set_config('iiot.tenant', '', true);
  return erased;
end
$$;
grant execute on function iiot_data.erase_rows to iiot_jobs;

-- How many rows of a tenant there are.
create function iiot_data.count_rows(of_tenant int, of_relation regclass) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  counted bigint;
begin
  if not exists (select from iiot_data.tenant_tables() x where x.relation = of_relation) then
    raise exception '% is no table of tenants', of_relation;
  end if;
  perform set_config('iiot.tenant', of_tenant::text, true);
  execute format('select count(*) from %s where tenant_no = $1', of_relation) into counted using of_tenant;
  perform set_config('iiot.tenant', '', true);
  return counted;
end
$$;
grant execute on function iiot_data.count_rows to iiot_jobs;

-- Deletes a tenant that has no name any more, if nothing else of it is left. False, and nothing is done, if something is.
create function iiot_data.finish_erasure(of_tenant int) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  own record;
  is_left boolean := false;
begin
  perform set_config('iiot.erasing', of_tenant::text, true), set_config('iiot.tenant', of_tenant::text, true);
  for own in select relation from iiot_data.tenant_tables() loop
    execute format('select exists (select from %s where tenant_no = $1)', own.relation) into is_left using of_tenant;
    exit when is_left;
  end loop;
  if not is_left then
    delete from iiot.tenant where tenant_no = of_tenant and name is null;
  end if;
  perform set_config('iiot.erasing', '', true), set_config('iiot.tenant', '', true);
  return not is_left;
end
$$;
grant execute on function iiot_data.finish_erasure to iiot_jobs;
