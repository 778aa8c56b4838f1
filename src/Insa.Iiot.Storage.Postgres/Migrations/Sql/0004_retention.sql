-- From when on a tier of a metric is whole: rows before it have been deleted, if only some. Readers make do with other tiers there, and what was
-- made of a tier's rows is not made again of those that are left or come late.
create table iiot_data.tier_whole (
  tenant_no int not null,
  metric_no int not null,
  raw_from timestamptz not null default '-infinity',
  minute_from timestamptz not null default '-infinity',
  hour_from timestamptz not null default '-infinity',
  day_from timestamptz not null default '-infinity',
  primary key (tenant_no, metric_no)
);
grant select, insert, update on iiot_data.tier_whole to iiot_jobs;

create view iiot.tier_whole with (security_barrier) as
  select tenant_no, metric_no, raw_from, minute_from, hour_from, day_from from iiot_data.tier_whole
  where tenant_no = (select nullif(current_setting('iiot.tenant', true), '')::int);
grant select on iiot.tier_whole to iiot_app;

-- To the end of the transaction no hold is put up or taken down: who deletes asks once more after it. Whoever must wait for it gives up.
create function iiot_data.lock_holds() returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '1s' as $$
begin
  lock table iiot.legal_hold in share row exclusive mode;
end
$$;
grant execute on function iiot_data.lock_holds to iiot_jobs;

-- Whether a name is of a pattern with * and ?.
create function iiot_data.matches(name text, pattern text) returns boolean
language sql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
  select name like translate(replace(replace(replace(pattern, '\', '\\'), '%', '\%'), '_', '\_'), '*?', '%_')
$$;
grant execute on function iiot_data.matches to iiot_jobs;

-- Whether some hold matches a device, a metric and a stretch of time.
create function iiot_data.is_held(of_tenant int, of_device int, of_metric int, starts timestamptz, ends timestamptz) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
  select exists (
    select from iiot.legal_hold h
    join iiot.telemetry_device d on d.tenant_no = h.tenant_no and d.device_no = of_device and iiot_data.matches(d.name, h.device)
    join iiot.telemetry_metric m on m.tenant_no = h.tenant_no and m.metric_no = of_metric and iiot_data.matches(m.name, h.metric)
    where h.tenant_no = of_tenant and h.starts_at < ends and h.ends_at > starts)
$$;
grant execute on function iiot_data.is_held to iiot_jobs;

-- How long a metric is kept in a tier: by the policy that matches with most characters that are not wildcards, else by the host's default.
-- No longer than there are dates to count back to.
create function iiot_data.keep(of_tenant int, of_metric text, of_tier text, default_keep interval) returns interval
language sql stable set search_path = pg_catalog, pg_temp as $$
  select case when k.keep is not null then least(k.keep, interval '1000 years') end
  from (select coalesce((
    select p.keep from iiot.retention_policy p
    where p.tenant_no = of_tenant and p.tier = of_tier and iiot_data.matches(of_metric, p.metric)
    order by length(translate(p.metric, '*?', '')) desc, length(p.metric), p.keep desc limit 1), default_keep) as keep) k
$$;
grant execute on function iiot_data.keep to iiot_jobs;

-- Whether all that was written for a device and a stretch of time is rolled up.
create function iiot_data.is_rolled_up(of_tenant int, of_device int, starts timestamptz, ends timestamptz) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
  select not exists (select from iiot_data.rollup_closing r where r.hour >= starts and r.hour < ends)
    and not exists (
      select from iiot_data.rollup_pending p
      join iiot.telemetry_stream s on s.tenant_no = p.tenant_no and s.stream_no = p.stream_no and s.device_no = of_device
      where p.tenant_no = of_tenant and p.hour >= starts and p.hour < ends)
$$;
grant execute on function iiot_data.is_rolled_up to iiot_jobs;

-- Whether the hours say of a chunk what is noted beside it: then its points may go. False says nothing: where there are infinities, texts, numbers
-- whose squares overflow, or hours that know of more, the points themselves must be looked at. Neither
-- aggregates nor products overflow here, which would be an error.
create function iiot_data.is_proven(c iiot_data.telemetry_chunk) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
  select case when coalesce(sum(r.n) filter (where r.quality < 2), 0) <> c.n or coalesce(sum(r.n) filter (where r.quality = 2), 0) <> c.points - c.n then false
    when c.n = 0 then true
    when not bool_and(abs(r.sum) < 1e300 and r.sum_squares < 1e300) filter (where r.quality < 2) then false
    when abs(c.sum) >= 1e300 or c.sum_squares >= 1e300 or c.sum_squares > 0 and c.sum_squares < 1e-290 then false
    else min(r.min) filter (where r.quality < 2) = c.min and max(r.max) filter (where r.quality < 2) = c.max
      and (array_agg(r.first order by r.first_ts) filter (where r.quality < 2))[1] = c.first
      and (array_agg(r.last order by r.last_ts desc) filter (where r.quality < 2))[1] = c.last
      and abs(sum(r.sum) filter (where r.quality < 2 and abs(r.sum) < 1e300) - c.sum) <= 1e-9 * sqrt(c.n) * sqrt(c.sum_squares)
      and abs(sum(r.sum_squares) filter (where r.quality < 2 and r.sum_squares < 1e300) - c.sum_squares) <= 1e-9 * c.sum_squares
    end
  from iiot_data.rollup_hour r
  where r.tenant_no = c.tenant_no and r.device_no = c.device_no and r.metric_no = c.metric_no
    and r.bucket >= c.t0 and r.bucket <= c.t1
$$;
grant execute on function iiot_data.is_proven to iiot_jobs;
