-- Numbers are looked up under the lock that every write shares and the erasure of a tenant takes: none begins between the look at the tenant's name
-- and the numbers that are made for it. All else is as it was.
create or replace function iiot_data.find_streams(tenant_name text, devices text[], layouts text[])
returns table (generation bigint, tenant_no int, stream_nos int[])
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
  gen bigint;
  t int;
begin
  perform pg_advisory_xact_lock_shared(7461202);
  select generation into strict gen from iiot_data.telemetry_state;
  perform set_config('iiot.tenant_name', tenant_name, true);
  select x.tenant_no into t from iiot.tenant x where x.name = tenant_name;
  if t is null then
    insert into iiot.tenant (name) values (tenant_name) on conflict do nothing;
    select x.tenant_no into strict t from iiot.tenant x where x.name = tenant_name;
  end if;
  perform set_config('iiot.tenant', t::text, true);

  -- In the same order everywhere, so that two hosts that meet the same names do not lock each other out.
  insert into iiot.telemetry_device (tenant_no, name)
    select t, d from unnest(devices) d
    where not exists (select from iiot.telemetry_device x where x.tenant_no = t and x.name = d)
    group by d order by d
    on conflict do nothing;
  insert into iiot.telemetry_metric (tenant_no, name)
    select t, m from (select distinct l from unnest(layouts) l) d, string_to_table(l, E'\n') m
    where not exists (select from iiot.telemetry_metric x where x.tenant_no = t and x.name = m)
    group by m order by m
    on conflict do nothing;
  insert into iiot.telemetry_layout (tenant_no, digest, metric_nos)
    select t, sha256(convert_to(l, 'UTF8')), array(
      select x.metric_no from string_to_table(l, E'\n') with ordinality u (m, place)
      join iiot.telemetry_metric x on x.tenant_no = t and x.name = u.m order by place)
    from (select distinct l from unnest(layouts) l) d
    where not exists (select from iiot.telemetry_layout x where x.tenant_no = t and x.digest = sha256(convert_to(l, 'UTF8')))
    order by 2
    on conflict do nothing;
  insert into iiot.telemetry_stream (tenant_no, device_no, layout_no)
    select distinct t, d.device_no, y.layout_no
    from unnest(devices, layouts) w (device, layout)
    join iiot.telemetry_device d on d.tenant_no = t and d.name = w.device
    join iiot.telemetry_layout y on y.tenant_no = t and y.digest = sha256(convert_to(w.layout, 'UTF8'))
    where not exists (
      select from iiot.telemetry_stream x where x.tenant_no = t and x.device_no = d.device_no and x.layout_no = y.layout_no)
    order by 2, 3
    on conflict do nothing;

  return query
    select gen, t, array_agg(s.stream_no order by w.place)
    from unnest(devices, layouts) with ordinality w (device, layout, place)
    join iiot.telemetry_device d on d.tenant_no = t and d.name = w.device
    join iiot.telemetry_layout y on y.tenant_no = t and y.digest = sha256(convert_to(w.layout, 'UTF8'))
    join iiot.telemetry_stream s on s.tenant_no = t and s.device_no = d.device_no and s.layout_no = y.layout_no;
  perform set_config('iiot.tenant', '', true), set_config('iiot.tenant_name', '', true);
end
$$;
