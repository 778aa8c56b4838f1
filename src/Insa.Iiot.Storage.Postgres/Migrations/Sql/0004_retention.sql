-- What is not made again any more: hours of which points have been deleted, days of which hours have. They say more than what is left.
create table iiot_data.rollup_frozen (
  tenant_no int not null,
  metric_no int not null,
  hours_before timestamptz not null default '-infinity',
  days_before timestamptz not null default '-infinity',
  primary key (tenant_no, metric_no)
);
grant select, insert, update on iiot_data.rollup_frozen to iiot_jobs;

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
create function iiot_data.keep(of_tenant int, of_metric text, of_tier text, default_keep interval) returns interval
language sql stable set search_path = pg_catalog, pg_temp as $$
  select coalesce((
    select p.keep from iiot.retention_policy p
    where p.tenant_no = of_tenant and p.tier = of_tier and iiot_data.matches(of_metric, p.metric)
    order by length(translate(p.metric, '*?', '')) desc, length(p.metric), p.keep desc limit 1), default_keep)
$$;
grant execute on function iiot_data.keep to iiot_jobs;

-- Whether the rollups say of a chunk what the chunk says: then its points may go.
create function iiot_data.is_proven(c iiot_data.telemetry_chunk) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
  select coalesce(sum(r.n), 0) = c.n and (c.n = 0 or (
    min(r.min) = c.min and max(r.max) = c.max
    and abs(sum(r.sum) - c.sum) <= 1e-9 * sqrt(c.n * c.sum_squares) + 1e-300))
  from iiot_data.rollup_hour r
  where r.tenant_no = c.tenant_no and r.device_no = c.device_no and r.metric_no = c.metric_no and r.quality < 2
    and r.bucket >= c.t0 and r.bucket <= c.t1
$$;
grant execute on function iiot_data.is_proven to iiot_jobs;
