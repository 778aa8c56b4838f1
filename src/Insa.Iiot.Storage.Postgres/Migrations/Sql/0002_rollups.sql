-- Rollups: what the points of a minute, an hour, a day come to, per series and quality class (0 good, 1 uncertain, 2 bad).
-- They are derived: everything here can be deleted and made again from the frames.

-- The key ends in bucket and class, so that a series over a range is one stretch of the index, by time, all classes of a bucket together.
create table iiot_data.rollup_hour (
  tenant_no int not null,
  device_no int not null,
  metric_no int not null,
  quality smallint not null check (quality between 0 and 2),
  bucket timestamptz not null,
  n bigint not null,
  sum float8 not null,
  sum_squares float8 not null,
  min float8 not null,
  max float8 not null,
  first float8 not null,
  last float8 not null,
  first_ts timestamptz not null,
  last_ts timestamptz not null,
  primary key (tenant_no, device_no, metric_no, bucket, quality)
) partition by range (bucket);

create table iiot_data.rollup_day (like iiot_data.rollup_hour including all) partition by range (bucket);

-- One row per hour with its minutes packed (MinuteCodec): a row per minute would be larger than what a slow device says in it.
-- Main: compressed, and kept in the row unless a page cannot hold it.
create table iiot_data.rollup_minute (
  tenant_no int not null,
  device_no int not null,
  metric_no int not null,
  hour timestamptz not null,
  minutes bytea not null,
  primary key (tenant_no, device_no, metric_no, hour)
) partition by range (hour);
alter table iiot_data.rollup_minute alter minutes set storage main;

-- Hours that are closed, and whose streams are not yet all in rollup_pending.
create table iiot_data.rollup_closing (hour timestamptz primary key);

-- Days of a device whose hours have changed since the day was made of them.
create table iiot_data.rollup_pending_day (
  tenant_no int not null,
  device_no int not null,
  day timestamptz not null,
  primary key (tenant_no, device_no, day)
);
create index rollup_pending_day_day on iiot_data.rollup_pending_day (day);

create index rollup_pending_hour on iiot_data.rollup_pending (hour, tenant_no, stream_no);

grant select, insert, delete on
  iiot_data.rollup_minute, iiot_data.rollup_hour, iiot_data.rollup_day, iiot_data.rollup_closing, iiot_data.rollup_pending_day
  to iiot_jobs;

create view iiot.rollup_minute with (security_barrier) as
  select tenant_no, device_no, metric_no, hour, minutes from iiot_data.rollup_minute
  where tenant_no = (select nullif(current_setting('iiot.tenant', true), '')::int);
create view iiot.rollup_hour with (security_barrier) as
  select tenant_no, device_no, metric_no, quality, bucket, n, sum, sum_squares, min, max, first, last, first_ts, last_ts
  from iiot_data.rollup_hour
  where tenant_no = (select nullif(current_setting('iiot.tenant', true), '')::int);
create view iiot.rollup_day with (security_barrier) as
  select tenant_no, device_no, metric_no, quality, bucket, n, sum, sum_squares, min, max, first, last, first_ts, last_ts
  from iiot_data.rollup_day
  where tenant_no = (select nullif(current_setting('iiot.tenant', true), '')::int);
create view iiot.rollup_pending_day with (security_barrier) as
  select tenant_no, device_no, day from iiot_data.rollup_pending_day
  where tenant_no = (select nullif(current_setting('iiot.tenant', true), '')::int);

-- How far rollups have come is the same for all tenants, and says nothing of any. hot_from: no partition that ends after it is compacted.
-- rolled_from: no rollup is older.
create view iiot.rollup_state with (security_barrier) as
  select closed_before, case when isfinite(closed_before)
    then date_bin(partition_width, closed_before, timestamptz '2000-01-01 00:00:00+00') else closed_before end as hot_from,
    coalesce((
      select min((regexp_match(pg_get_expr(c.relpartbound, c.oid), $re$FROM \('([^']+)'$re$))[1]::timestamptz)
      from pg_inherits i join pg_class c on c.oid = i.inhrelid
      where i.inhparent in ('iiot_data.rollup_minute'::regclass, 'iiot_data.rollup_hour'::regclass)), 'infinity') as rolled_from
  from iiot_data.telemetry_state
  where (select nullif(current_setting('iiot.tenant', true), '')::int) is not null;
create view iiot.rollup_closing with (security_barrier) as
  select hour from iiot_data.rollup_closing
  where (select nullif(current_setting('iiot.tenant', true), '')::int) is not null;
grant select on
  iiot.rollup_minute, iiot.rollup_hour, iiot.rollup_day, iiot.rollup_pending_day, iiot.rollup_state, iiot.rollup_closing
  to iiot_app;

-- Makes the partition of a tier ('minute', 'hour': a month; 'day': a year) that holds a time.
create function iiot_data.ensure_rollup_partition(tier text, at timestamptz, out starts timestamptz, out ends timestamptz)
language plpgsql security definer set search_path = pg_catalog, pg_temp set timezone = 'UTC' as $$
declare
  parent text := 'rollup_' || tier;
  span text := case tier when 'day' then 'year' when 'hour' then 'month' when 'minute' then 'month' end;
  key_column text := case tier when 'minute' then 'hour' else 'bucket' end;
begin
  if span is null then
    raise exception 'There is no rollup tier %', tier;
  end if;
  starts := date_trunc(span, at);
  ends := starts + ('1 ' || span)::interval;
  perform iiot_data.make_partition(parent, key_column, parent || '_' || to_char(starts, case span when 'year' then 'YYYY' else 'YYYYMM' end), starts, ends);
end
$$;
grant execute on function iiot_data.ensure_rollup_partition to iiot_jobs;

-- Closes the hours before a time, which is the start of an hour. Waits for the writes that are under way, and those that come meanwhile wait
-- for it: who calls this sets a short lock_timeout. Before the first time every hour that a partition spans may have frames.
create function iiot_data.close_hours(before timestamptz) returns int
language plpgsql security definer set search_path = pg_catalog, pg_temp set timezone = 'UTC' as $$
declare
  was timestamptz;
  closed int;
begin
  perform pg_advisory_xact_lock(7461202);
  select closed_before into strict was from iiot_data.telemetry_state for update;
  if was >= before then
    return 0;
  end if;
  insert into iiot_data.rollup_closing (hour)
    select h from iiot_data.partitions('iiot_data.telemetry_frame') p, generate_series(p.starts, least(p.ends, before) - interval '1 hour', interval '1 hour') h
    where not isfinite(was)
    union
    select h from generate_series(was, before - interval '1 hour', interval '1 hour') h where isfinite(was)
    on conflict do nothing;
  get diagnostics closed = row_count;
  update iiot_data.telemetry_state set closed_before = before;
  return closed;
end
$$;
grant execute on function iiot_data.close_hours to iiot_jobs;
