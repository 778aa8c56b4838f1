-- Cold: one row per series and partition span of the frames it was made from. d: the points, compressed (Chunks/ChunkEncoder). The numbers
-- beside it are over what counts in an aggregate: numbers and booleans that are not bad.
create table iiot_data.telemetry_chunk (
  tenant_no int not null,
  device_no int not null,
  metric_no int not null,
  t0 timestamptz not null,
  t1 timestamptz not null,
  points int not null,
  n int not null,
  sum float8,
  sum_squares float8,
  min float8,
  max float8,
  first float8,
  last float8,
  d bytea not null,
  primary key (tenant_no, device_no, metric_no, t0)
) partition by range (t0);
alter table iiot_data.telemetry_chunk alter d set storage external;
comment on column iiot_data.telemetry_chunk.t0 is 'Start of the span';
comment on column iiot_data.telemetry_chunk.t1 is 'Time of the last point';
grant select, insert, delete on iiot_data.telemetry_chunk to iiot_jobs;

create view iiot.telemetry_chunk with (security_barrier) as
  select tenant_no, device_no, metric_no, t0, t1, points, n, sum, sum_squares, min, max, first, last, d from iiot_data.telemetry_chunk
  where tenant_no = (select nullif(current_setting('iiot.tenant', true), '')::int);
grant select on iiot.telemetry_chunk to iiot_app;

-- Makes the month that holds a span's chunks.
create function iiot_data.ensure_chunk_partition(at timestamptz) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp set timezone = 'UTC' as $$
declare
  starts timestamptz := date_trunc('month', at);
begin
  perform iiot_data.make_partition('telemetry_chunk', 't0', 'telemetry_chunk_' || to_char(starts, 'YYYYMM'), starts, starts + interval '1 month');
end
$$;
grant execute on function iiot_data.ensure_chunk_partition to iiot_jobs;

-- Empties the partition of frames that begins at a time, all of which are in chunks now. Only that partition is locked, and whoever must
-- wait for it gives up before anybody notices. False, and nothing is done, if it was written to since its late_write rows were deleted.
create function iiot_data.empty_frames(at timestamptz) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp set timezone = 'UTC' set lock_timeout = '40ms' as $$
declare
  found record;
begin
  select p.* into found from iiot_data.partitions('iiot_data.telemetry_frame') p where p.starts = at;
  if found is null then
    return true;
  end if;
  execute format('lock table only %s in access exclusive mode', found.partition);
  if exists (select from iiot_data.late_write w where w.hour >= found.starts and w.hour < found.ends) then
    return false;
  end if;
  execute format('truncate only %s', found.partition);
  return true;
end
$$;
grant execute on function iiot_data.empty_frames to iiot_jobs;

-- Drops a partition of one of the store's tables. Its parent is locked for the moment that the catalogue takes to change; whoever must wait
-- for it gives up before writers notice. False, and nothing is done, if there is no such partition; if it holds frames and was written to
-- since its late_write rows were deleted, or may have been without leaving any; or if it is not empty and ought to be.
create function iiot_data.drop_partition(of_table regclass, at timestamptz, if_empty boolean) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp set timezone = 'UTC' set lock_timeout = '40ms' as $$
declare
  found record;
  is_empty boolean;
begin
  select p.* into found from iiot_data.partitions(of_table) p
    join pg_class c on c.oid = of_table and c.relnamespace = 'iiot_data'::regnamespace and c.relkind in ('p', 'r')
    where p.starts = at;
  if found is null then
    return false;
  end if;
  execute format('lock table only %s in access exclusive mode', found.partition);
  execute format('select not exists (select from %s)', found.partition) into is_empty;
  if if_empty and not is_empty then
    return false;
  end if;
  if of_table = 'iiot_data.telemetry_frame'::regclass and not is_empty and (
    found.ends > (select closed_before from iiot_data.telemetry_state)
    or exists (select from iiot_data.late_write w where w.hour >= found.starts and w.hour < found.ends)) then
    return false;
  end if;
  execute format('drop table %s', found.partition);
  return true;
end
$$;
grant execute on function iiot_data.drop_partition to iiot_jobs;
