-- What cannot be read: frames that are not of their stream's layout, and chunks that do not decode. Jobs set it aside, bytes and all, so that it
-- keeps nothing else from being compacted and deleted. ends: the first instant after it. Of a frame stream_no, arrived_at, vals (bytes) and extra.
create table iiot_data.quarantine (
  tenant_no int not null,
  id uuid not null default gen_random_uuid(),
  set_aside_at timestamptz not null default now(),
  reason text not null,
  device_no int not null,
  metric_nos int[] not null,
  starts timestamptz not null,
  ends timestamptz not null,
  stream_no int,
  arrived_at timestamptz,
  bytes bytea not null,
  extra bytea,
  primary key (tenant_no, id),
  unique (tenant_no, stream_no, starts, arrived_at)
);
grant select, insert, delete on iiot_data.quarantine to iiot_jobs;

-- Points are proven by their minutes too, which are packed: only the points themselves say whether they are right.
drop function iiot_data.is_proven(iiot_data.telemetry_chunk);

-- As before (migration 3), but told how long to wait for the lock: a partition that is in use at any time needs a little longer.
drop function iiot_data.empty_frames(timestamptz);
create function iiot_data.empty_frames(at timestamptz, wait interval default '40 ms') returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp set timezone = 'UTC' set lock_timeout = '40ms' as $$
declare
  found record;
begin
  select p.* into found from iiot_data.partitions('iiot_data.telemetry_frame') p where p.starts = at;
  if found is null then
    return true;
  end if;
  perform set_config('lock_timeout', ceil(extract(epoch from least(wait, interval '1 second')) * 1000)::text, true);
  execute format('lock table only %s in access exclusive mode', found.partition);
  if exists (select from iiot_data.late_write w where w.hour >= found.starts and w.hour < found.ends) then
    return false;
  end if;
  execute format('truncate only %s', found.partition);
  return true;
end
$$;
grant execute on function iiot_data.empty_frames to iiot_jobs;

drop function iiot_data.drop_partition(regclass, timestamptz, boolean);
create function iiot_data.drop_partition(of_table regclass, at timestamptz, if_empty boolean, wait interval default '40 ms') returns boolean
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
  perform set_config('lock_timeout', ceil(extract(epoch from least(wait, interval '1 second')) * 1000)::text, true);
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

-- Partitions of chunks and rollups are as wide as retention can use (Jobs/TierPartitions): 'day', 'week', 'month' or 'year'. Those there are stay.
-- A new one takes what they leave of the span that it would have.
create function iiot_data.make_partition_around(
  of_table text, key_column text, at timestamptz, width text, out starts timestamptz, out ends timestamptz
)
language plpgsql set search_path = pg_catalog, pg_temp set timezone = 'UTC' as $$
declare
  parent regclass := format('iiot_data.%I', of_table)::regclass;
begin
  if width not in ('day', 'week', 'month', 'year') then
    raise exception 'There are no partitions of a %', width;
  end if;
  for attempt in 1 .. 2 loop
    select p.starts, p.ends into starts, ends from iiot_data.partitions(parent) p where p.starts <= at and p.ends > at;
    if found then
      return;
    end if;

    -- Another may have made it while we waited.
    perform pg_advisory_xact_lock(7461201);
  end loop;
  select greatest(date_trunc(width, at), max(p.ends) filter (where p.ends <= at)),
      least(date_trunc(width, at) + ('1 ' || width)::interval, min(p.starts) filter (where p.starts > at))
    into starts, ends from iiot_data.partitions(parent) p;
  perform iiot_data.make_partition(of_table, key_column, of_table || '_' || to_char(starts, 'YYYYMMDD'), starts, ends);
end
$$;

drop function iiot_data.ensure_rollup_partition(text, timestamptz);
create function iiot_data.ensure_rollup_partition(tier text, at timestamptz, width text default null, out starts timestamptz, out ends timestamptz)
language plpgsql security definer set search_path = pg_catalog, pg_temp set timezone = 'UTC' as $$
begin
  if tier not in ('minute', 'hour', 'day') then
    raise exception 'There is no rollup tier %', tier;
  end if;
  select p.starts, p.ends into starts, ends from iiot_data.make_partition_around(
    'rollup_' || tier, case tier when 'minute' then 'hour' else 'bucket' end, at,
    coalesce(width, case tier when 'day' then 'year' else 'month' end)) p;
end
$$;
grant execute on function iiot_data.ensure_rollup_partition to iiot_jobs;

drop function iiot_data.ensure_chunk_partition(timestamptz);
create function iiot_data.ensure_chunk_partition(at timestamptz, width text default 'month') returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp set timezone = 'UTC' as $$
begin
  perform iiot_data.make_partition_around('telemetry_chunk', 't0', at, width);
end
$$;
grant execute on function iiot_data.ensure_chunk_partition to iiot_jobs;
