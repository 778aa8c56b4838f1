-- Keeps the frames in a hypertable of TimescaleDB instead of partitions of our own. To be run once by a member of iiot_owner, before the first frame.
-- Unverified: written after TimescaleDB's documentation, and never run where the extension is. Nothing of its community licence is used.
begin;
set local role iiot_owner;

do $$
begin
  if not exists (select from pg_extension where extname = 'timescaledb') then
    raise exception 'TimescaleDB is not in this database: create extension timescaledb, or leave the schema as it is';
  end if;
  if exists (select from iiot_data.telemetry_frame) then
    raise exception 'There are frames already: the change is for an empty store';
  end if;
end
$$;

drop view iiot.telemetry_frame, iiot.telemetry_frame_by_time, iiot.telemetry_frame_newest;
alter table iiot_data.telemetry_frame rename to telemetry_frame_before;
create table iiot_data.telemetry_frame (like iiot_data.telemetry_frame_before including all);
drop table iiot_data.telemetry_frame_before;
grant insert on iiot_data.telemetry_frame to iiot_writer;
grant select on iiot_data.telemetry_frame to iiot_jobs;
select create_hypertable(
  'iiot_data.telemetry_frame', 'ts', create_default_indexes => false,
  chunk_time_interval => (select partition_width from iiot_data.telemetry_state));

-- As they were.
create view iiot.telemetry_frame with (security_barrier) as
  select ts, arrived_at, tenant_no, stream_no, vals, extra from iiot_data.telemetry_frame
  where tenant_no = (select nullif(current_setting('iiot.tenant', true), '')::int);
create view iiot.telemetry_frame_by_time with (security_barrier) as
  select ts, arrived_at, tenant_no, stream_no, vals, extra from iiot_data.telemetry_frame
  where tenant_no = (select nullif(current_setting('iiot.tenant', true), '')::int)
  order by tenant_no, stream_no, ts;
create view iiot.telemetry_frame_newest with (security_barrier) as
  select ts, arrived_at, tenant_no, stream_no, vals, extra from iiot_data.telemetry_frame
  where tenant_no = (select nullif(current_setting('iiot.tenant', true), '')::int)
  order by tenant_no, stream_no, ts desc;
grant select on iiot.telemetry_frame, iiot.telemetry_frame_by_time, iiot.telemetry_frame_newest to iiot_app;

-- A hypertable makes its chunks by itself.
create or replace function iiot_data.ensure_partition(at timestamptz, out starts timestamptz, out ends timestamptz)
language plpgsql security definer set search_path = pg_catalog, pg_temp set timezone = 'UTC' as $$
begin
  starts := date_bin('1 hour', at, timestamptz '2000-01-01 00:00:00+00');
  ends := starts + interval '1 hour';
end
$$;

create or replace function iiot_data.partitions(of_table regclass)
returns table (partition regclass, starts timestamptz, ends timestamptz, bytes bigint)
language sql stable security definer set search_path = pg_catalog, pg_temp set timezone = 'UTC' as $$
  select format('%I.%I', c.chunk_schema, c.chunk_name)::regclass, c.range_start, c.range_end,
    case when pg_relation_size(r.oid) > 0 then pg_table_size(r.oid) else 0 end
  from timescaledb_information.chunks c
  cross join lateral (select format('%I.%I', c.chunk_schema, c.chunk_name)::regclass::oid as oid) r
  where format('%I.%I', c.hypertable_schema, c.hypertable_name)::regclass = of_table
  union all
  select c.oid::regclass, bound[1]::timestamptz, bound[2]::timestamptz,
    case when pg_relation_size(c.oid) > 0 then pg_table_size(c.oid) else 0 end
  from pg_inherits i join pg_class c on c.oid = i.inhrelid and c.relispartition
  cross join lateral regexp_match(pg_get_expr(c.relpartbound, c.oid), $re$FROM \('(.+)'\) TO \('(.+)'\)$re$) bound
  where i.inhparent = of_table
$$;

commit;
