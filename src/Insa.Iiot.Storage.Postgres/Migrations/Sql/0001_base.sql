-- Two schemas. iiot: what the application reads and writes, every table under row-level security, telemetry as views.
-- iiot_data: telemetry itself and its bookkeeping; the application has no way in.
create schema iiot;
create schema iiot_data;
revoke all on schema iiot, iiot_data from public;
grant usage on schema iiot to iiot_app, iiot_jobs;
grant usage on schema iiot_data to iiot_writer, iiot_jobs;

-- Functions are executable by everybody unless said otherwise.
alter default privileges revoke execute on functions from public;

create table iiot.schema_migration (
  version int primary key,
  name text not null,
  checksum bytea not null,
  applied_at timestamptz not null default now()
);
grant select on iiot.schema_migration to iiot_app, iiot_jobs;

-- Tenants, devices, credentials -------------------------------------------------------------------------------------------------------

create table iiot.tenant (
  tenant_no int generated always as identity primary key,
  name text collate "C" not null unique check (name ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
  created_at timestamptz not null default now()
);

create table iiot.device (
  tenant_no int not null references iiot.tenant,
  name text collate "C" not null,
  display_name text not null,
  gateway text collate "C",
  created_at timestamptz not null,
  secret_salt bytea,
  secret_hash bytea,
  primary key (tenant_no, name)
);
create index device_gateway on iiot.device (tenant_no, gateway) where gateway is not null;

-- A certificate stands for one device of one tenant: the one unique key here, besides tenant.name, that spans tenants.
create table iiot.certificate (
  tenant_no int not null,
  sha256 bytea not null unique check (length(sha256) = 32),
  device text collate "C" not null,
  primary key (tenant_no, sha256),
  foreign key (tenant_no, device) references iiot.device (tenant_no, name) on delete cascade
);
create index certificate_device on iiot.certificate (tenant_no, device);

create table iiot.dead_letter (
  tenant_no int not null references iiot.tenant,
  id bigint generated always as identity,
  device text not null,
  received_at timestamptz not null,
  reason smallint not null,
  media_type text not null,
  payload bytea not null,
  primary key (tenant_no, id)
);

create table iiot.audit (
  tenant_no int not null references iiot.tenant,
  id bigint generated always as identity,
  at timestamptz not null default now(),
  actor text not null,
  action text not null,
  subject text not null,
  detail jsonb,
  primary key (tenant_no, id)
);

-- How long a tenant keeps what: metric is a pattern with * and ?. Without a row the host's own defaults hold.
create table iiot.retention_policy (
  tenant_no int not null references iiot.tenant,
  metric text collate "C" not null,
  tier text not null check (tier in ('raw', 'minute', 'hour', 'day')),
  keep interval not null check (keep > interval '0'),
  primary key (tenant_no, metric, tier)
);

-- While a hold stands, nothing that it matches is deleted.
create table iiot.legal_hold (
  tenant_no int not null references iiot.tenant,
  name text collate "C" not null,
  device text not null default '*',
  metric text not null default '*',
  starts_at timestamptz not null default '-infinity',
  ends_at timestamptz not null default 'infinity',
  reason text not null,
  primary key (tenant_no, name)
);

-- What telemetry is about: names and the numbers that stand for them --------------------------------------------------------------------

create table iiot.telemetry_device (
  tenant_no int not null references iiot.tenant,
  device_no int generated always as identity,
  name text collate "C" not null,
  primary key (tenant_no, device_no),
  unique (tenant_no, name)
);

create table iiot.telemetry_metric (
  tenant_no int not null references iiot.tenant,
  metric_no int generated always as identity,
  name text collate "C" not null,
  primary key (tenant_no, metric_no),
  unique (tenant_no, name)
);

-- digest: SHA-256 over the names with line feeds between. The names themselves can be too long for an index.
create table iiot.telemetry_layout (
  tenant_no int not null references iiot.tenant,
  layout_no int generated always as identity,
  digest bytea not null,
  metric_nos int[] not null,
  primary key (tenant_no, layout_no),
  unique (tenant_no, digest)
);

-- A stream is what one device says in one layout. last_ts: some time at or before its newest frame, so that "latest" need not look further back.
create table iiot.telemetry_stream (
  tenant_no int not null,
  stream_no int generated always as identity,
  device_no int not null,
  layout_no int not null,
  last_ts timestamptz,
  primary key (tenant_no, stream_no),
  unique (tenant_no, device_no, layout_no),
  foreign key (tenant_no, device_no) references iiot.telemetry_device,
  foreign key (tenant_no, layout_no) references iiot.telemetry_layout
);

-- Row-level security: a row is seen by a transaction that has named its tenant, and by no other ----------------------------------------
-- The setting is transaction-local and empty, not null, after its transaction; the scalar sub-select is evaluated once per query.

do $$
declare
  table_name text;
begin
  foreach table_name in array array[
    'device', 'certificate', 'dead_letter', 'audit', 'retention_policy', 'legal_hold',
    'telemetry_device', 'telemetry_metric', 'telemetry_layout', 'telemetry_stream'
  ] loop
    execute format('alter table iiot.%I enable row level security, force row level security', table_name);
    execute format(
      'create policy tenant on iiot.%I using (tenant_no = (select nullif(current_setting(''iiot.tenant'', true), '''')::int)) '
      'with check (tenant_no = (select nullif(current_setting(''iiot.tenant'', true), '''')::int))',
      table_name);
  end loop;
end
$$;

-- Who knows a tenant's name may look up its number; who holds a certificate may look up whom it stands for.
alter table iiot.tenant enable row level security, force row level security;
create policy named on iiot.tenant
  using (name = (select nullif(current_setting('iiot.tenant_name', true), '')))
  with check (name = (select nullif(current_setting('iiot.tenant_name', true), '')));
create policy tenant on iiot.tenant for select
  using (tenant_no = (select nullif(current_setting('iiot.tenant', true), '')::int));
create policy held on iiot.certificate for select
  using (sha256 = (select decode(nullif(current_setting('iiot.certificate', true), ''), 'hex')));

-- Jobs work on all tenants.
do $$
declare
  table_name text;
begin
  foreach table_name in array array[
    'tenant', 'retention_policy', 'legal_hold', 'telemetry_device', 'telemetry_metric', 'telemetry_layout', 'telemetry_stream'
  ] loop
    execute format('create policy jobs on iiot.%I for select to iiot_jobs using (true)', table_name);
    execute format('grant select on iiot.%I to iiot_jobs', table_name);
  end loop;
end
$$;
create policy jobs_audit on iiot.audit for insert to iiot_jobs with check (true);
grant insert on iiot.audit to iiot_jobs;

grant select, insert on iiot.tenant to iiot_app;
grant select, insert, update, delete on iiot.device, iiot.certificate to iiot_app;
grant select, insert, delete on iiot.dead_letter to iiot_app;
grant select, insert on iiot.audit to iiot_app;
grant select, insert, update, delete on iiot.retention_policy, iiot.legal_hold to iiot_app;
grant select on iiot.telemetry_device, iiot.telemetry_metric, iiot.telemetry_layout, iiot.telemetry_stream to iiot_app;

-- Telemetry -------------------------------------------------------------------------------------------------------------------------------

-- One row. generation: changes when numbers that hosts have cached no longer hold. closed_before: hours before it are, or are being, rolled up;
-- a frame that is written for one of them must be marked in rollup_pending.
create table iiot_data.telemetry_state (
  only_row boolean primary key default true check (only_row),
  generation bigint not null default 1,
  closed_before timestamptz not null default '-infinity',
  partition_width interval not null default '1 day' check (partition_width in (interval '1 hour', interval '1 day'))
);
insert into iiot_data.telemetry_state default values;
grant select on iiot_data.telemetry_state to iiot_jobs;

-- Hot: one row per message. vals: 8 bytes per value of the layout, big-endian: IEEE 754, the integer, 1 or 0, or for text its place in extra
-- (4 bytes offset, 4 bytes length). extra: a byte per value with its kind, a byte per value with its quality, then the texts in UTF-8;
-- null for a frame of doubles that are all good. arrived_at: the order of arrival; of two values for one instant the later one counts.
-- No foreign keys: measured, they make writing 22 times slower. A stream's number is only ever looked up together with its tenant's.
create table iiot_data.telemetry_frame (
  ts timestamptz not null,
  arrived_at timestamptz not null,
  tenant_no int not null,
  stream_no int not null,
  vals bytea not null,
  extra bytea,
  primary key (tenant_no, stream_no, ts)
) partition by range (ts);
alter table iiot_data.telemetry_frame alter vals set storage external, alter extra set storage extended;
grant insert on iiot_data.telemetry_frame to iiot_writer;
grant select on iiot_data.telemetry_frame to iiot_jobs;

create view iiot.telemetry_frame with (security_barrier) as
  select ts, arrived_at, tenant_no, stream_no, vals, extra from iiot_data.telemetry_frame
  where tenant_no = (select nullif(current_setting('iiot.tenant', true), '')::int);
grant select on iiot.telemetry_frame to iiot_app;

-- The same frames in the order of the key, and newest first. A barrier hides the index's order from the planner, which would read and sort the
-- whole of a stream's range for its first page; an order that the view itself asks for comes from the index. For statements about one stream,
-- with enable_sort and enable_bitmapscan off.
create view iiot.telemetry_frame_by_time with (security_barrier) as
  select ts, arrived_at, tenant_no, stream_no, vals, extra from iiot_data.telemetry_frame
  where tenant_no = (select nullif(current_setting('iiot.tenant', true), '')::int)
  order by tenant_no, stream_no, ts;
create view iiot.telemetry_frame_newest with (security_barrier) as
  select ts, arrived_at, tenant_no, stream_no, vals, extra from iiot_data.telemetry_frame
  where tenant_no = (select nullif(current_setting('iiot.tenant', true), '')::int)
  order by tenant_no, stream_no, ts desc;
grant select on iiot.telemetry_frame_by_time, iiot.telemetry_frame_newest to iiot_app;

-- What must be rolled up again: an hour of a stream that was written to after it was closed. Every transaction marks for itself. With one row for
-- all, a writer that finds its hour marked already would add nothing, and who works the mark off before that writer has committed would take it
-- away without having seen the writer's frames.
create table iiot_data.rollup_pending (
  tenant_no int not null,
  stream_no int not null,
  hour timestamptz not null,
  by_xact xid8 not null default pg_current_xact_id(),
  primary key (tenant_no, stream_no, hour, by_xact)
);
grant select, insert, delete on iiot_data.rollup_pending to iiot_jobs;

-- One row for each write that touched a closed hour: who rewrites that hour deletes them first, and finds out by new ones that it must begin again.
create table iiot_data.late_write (hour timestamptz not null);
create index late_write_hour on iiot_data.late_write (hour);
grant select, delete on iiot_data.late_write to iiot_jobs;

create view iiot.rollup_pending with (security_barrier) as
  select tenant_no, stream_no, hour from iiot_data.rollup_pending
  where tenant_no = (select nullif(current_setting('iiot.tenant', true), '')::int);
grant select on iiot.rollup_pending to iiot_app;

-- The partitions of a table, with their spans and sizes: 0 if nothing was written since they were made or emptied. This and ensure_partition are what another way of partitioning replaces (Migrations/OptIn).
create function iiot_data.partitions(of_table regclass)
returns table (partition regclass, starts timestamptz, ends timestamptz, bytes bigint)
language sql stable security definer set search_path = pg_catalog, pg_temp set timezone = 'UTC' as $$
  select c.oid::regclass, bound[1]::timestamptz, bound[2]::timestamptz,
    case when pg_relation_size(c.oid) > 0 then pg_table_size(c.oid) else 0 end
  from pg_inherits i join pg_class c on c.oid = i.inhrelid
  cross join lateral regexp_match(pg_get_expr(c.relpartbound, c.oid), $re$FROM \('(.+)'\) TO \('(.+)'\)$re$) bound
  where i.inhparent = of_table
$$;
grant execute on function iiot_data.partitions to iiot_jobs;

-- Functions of the write path. They run as the owner, so that the writer needs no other right than these and INSERT ----------------------

-- Makes a partition, unless there is one of its name. Attached, not created in place: that would lock out every writer and reader of the table.
create function iiot_data.make_partition(of_table text, key_column text, partition text, starts timestamptz, ends timestamptz) returns void
language plpgsql set search_path = pg_catalog, pg_temp set timezone = 'UTC' as $$
begin
  if to_regclass(format('iiot_data.%I', partition)) is not null then
    return;
  end if;
  perform pg_advisory_xact_lock(7461201);

  -- Asked of the table: what the function above remembers is from before the wait.
  if exists (select from pg_class c where c.relnamespace = 'iiot_data'::regnamespace and c.relname = partition) then
    return;
  end if;
  execute format('create table iiot_data.%I (like iiot_data.%I including all)', partition, of_table);
  execute format('alter table iiot_data.%I add constraint span check (%I >= %L and %I < %L)', partition, key_column, starts, key_column, ends);
  execute format('alter table iiot_data.%I attach partition iiot_data.%I for values from (%L) to (%L)', of_table, partition, starts, ends);
  execute format('alter table iiot_data.%I drop constraint span', partition);
end
$$;

-- Makes the partition of frames that holds a time.
create function iiot_data.ensure_partition(at timestamptz, out starts timestamptz, out ends timestamptz)
language plpgsql security definer set search_path = pg_catalog, pg_temp set timezone = 'UTC' as $$
declare
  width interval := (select partition_width from iiot_data.telemetry_state);
begin
  starts := date_bin(width, at, timestamptz '2000-01-01 00:00:00+00');
  ends := starts + width;
  perform iiot_data.make_partition('telemetry_frame', 'ts', 'telemetry_frame_' || to_char(starts, 'YYYYMMDD"t"HH24'), starts, ends);
end
$$;
grant execute on function iiot_data.ensure_partition to iiot_writer, iiot_jobs;

-- Finds or makes the numbers of a tenant and of its streams. layouts: one per device, the metric names with line feeds between.
create function iiot_data.find_streams(tenant_name text, devices text[], layouts text[])
returns table (generation bigint, tenant_no int, stream_nos int[])
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
  gen bigint := (select generation from iiot_data.telemetry_state);
  t int;
begin
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
grant execute on function iiot_data.find_streams to iiot_writer;

-- Begins a write: from here to the end of the transaction no hour is closed. Who closes one takes the same lock exclusively.
create function iiot_data.begin_write(out generation bigint, out closed_before timestamptz)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform pg_advisory_xact_lock_shared(7461202);
  select s.generation, s.closed_before into strict generation, closed_before from iiot_data.telemetry_state s;
end
$$;
grant execute on function iiot_data.begin_write to iiot_writer;

create function iiot_data.mark_late(tenant_nos int[], stream_nos int[], hours timestamptz[]) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
  insert into iiot_data.late_write (hour) select distinct h from unnest(hours) h;
  insert into iiot_data.rollup_pending (tenant_no, stream_no, hour)
  select * from unnest(tenant_nos, stream_nos, hours) w order by 1, 2, 3 on conflict do nothing
$$;
grant execute on function iiot_data.mark_late to iiot_writer;

-- Which of some frames are stored, by their places in the arrays from 0. It says no more than a key violation would. Looked up one by one: the keys
-- come in the order of the index, and a partition is larger than a batch.
create function iiot_data.find_frames(tenant_nos int[], stream_nos int[], times timestamptz[]) returns int[]
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
set enable_hashjoin = off set enable_mergejoin = off set enable_seqscan = off as $$
declare
  found int[];
begin
  execute
    'select array_agg(w.place::int - 1 order by w.place) from unnest($1, $2, $3) with ordinality w (t, s, at, place) where exists ('
    '  select from iiot_data.telemetry_frame f where f.tenant_no = w.t and f.stream_no = w.s and f.ts = w.at and f.ts between $4 and $5)'
    into found using tenant_nos, stream_nos, times, (select min(at) from unnest(times) at), (select max(at) from unnest(times) at);
  return coalesce(found, array[]::int[]);
end
$$;
grant execute on function iiot_data.find_frames to iiot_writer;

-- Writes frames that may be there already, each key at most once in a call; what arrived last is kept. A replay is written again with its new
-- arrival even if it says the same: a frame of another layout may have said something else about the instant in between.
-- Returns the generation; if it is not the caller's, nothing was written.
create function iiot_data.write_frames(
  of_generation bigint, tenant_nos int[], stream_nos int[], times timestamptz[], arrivals timestamptz[],
  vals_at int[], vals_length int[], extra_at int[], extra_length int[], bytes bytea
) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  state record;
begin
  state := iiot_data.begin_write();
  if state.generation <> of_generation then
    return state.generation;
  end if;
  if exists (select from unnest(times) at where at < state.closed_before) then
    perform iiot_data.mark_late(array_agg(t), array_agg(s), array_agg(hour)) from (
      select distinct t, s, date_bin('1 hour', at, timestamptz '2000-01-01 00:00:00+00') as hour
      from unnest(tenant_nos, stream_nos, times) w (t, s, at) where at < state.closed_before) late;
  end if;
  insert into iiot_data.telemetry_frame as f (ts, arrived_at, tenant_no, stream_no, vals, extra)
    select w.at, w.arrived, w.t, w.s, substring(bytes from w.v_at + 1 for w.v_length),
      case when w.x_length > 0 then substring(bytes from w.x_at + 1 for w.x_length) end
    from unnest(tenant_nos, stream_nos, times, arrivals, vals_at, vals_length, extra_at, extra_length)
      w (t, s, at, arrived, v_at, v_length, x_at, x_length)
    on conflict (tenant_no, stream_no, ts) do update
      set arrived_at = excluded.arrived_at, vals = excluded.vals, extra = excluded.extra
      where excluded.arrived_at >= f.arrived_at;
  return of_generation;
end
$$;
grant execute on function iiot_data.write_frames to iiot_writer;

-- Remembers how far streams have come. Not part of a write: it may lag, never lead, or a newest frame before it would not be looked for. So, whoever
-- says so, a time counts only if the stream has a frame of that very time: one look into the index each, of the partitions in between alone.
create function iiot_data.touch_streams(of_tenant int, stream_nos int[], times timestamptz[]) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform set_config('iiot.tenant', of_tenant::text, true);
  execute
    'update iiot.telemetry_stream s set last_ts = w.at from ('
    '  select * from unnest($2, $3) u (no, at) where exists ('
    '    select from iiot_data.telemetry_frame f where f.tenant_no = $1 and f.stream_no = u.no and f.ts = u.at and f.ts between $4 and $5)'
    '  order by 1) w'
    ' where s.tenant_no = $1 and s.stream_no = w.no and (s.last_ts is null or s.last_ts < w.at)'
    using of_tenant, stream_nos, times, (select min(at) from unnest(times) at), (select max(at) from unnest(times) at);
  perform set_config('iiot.tenant', '', true);
end
$$;
grant execute on function iiot_data.touch_streams to iiot_writer;
