using Npgsql;

namespace Insa.Iiot.Storage.Postgres.Telemetry;

/// <summary>Counts what a tenant has: points from the rollups of days and hours, and frame by frame only what is not closed yet.</summary>
internal sealed class PostgresTelemetryStatistics(PostgresDatabase database) : ITelemetryStatistics
{
    private const string Epoch = "timestamptz '2000-01-01 00:00:00+00'";

    // In $1 to $2, which are days. Days before that of the first open hour are from their rollup, unless it is to be made again: then, and on that day, from
    // the hours. Series by series, since the keys of rollups begin with the series.
    private const string Points = $"""
        state as materialized (
          select greatest($1, closed_before) as open_from, date_bin('1 day', greatest($1, closed_before), {Epoch}) as open_day from iiot.rollup_state),
        series as materialized (
          select distinct s.device_no, m.no as metric_no from iiot.telemetry_stream s
          join iiot.telemetry_layout l on l.tenant_no = s.tenant_no and l.layout_no = s.layout_no
          cross join unnest(l.metric_nos) m (no) where s.tenant_no = {TenantBatch.Number}),
        pending as materialized (
          select p.device_no, p.day from iiot.rollup_pending_day p, state
          where p.tenant_no = {TenantBatch.Number} and p.day >= $1 and p.day < least($2, state.open_day)),
        points as (
          select k.device_no, r.bucket as day, r.n from state, series k
          join iiot.rollup_day r on r.tenant_no = {TenantBatch.Number} and r.device_no = k.device_no and r.metric_no = k.metric_no
          where r.bucket >= $1 and r.bucket < least($2, state.open_day)
            and (r.device_no, r.bucket) not in (select device_no, day from pending)
          union all
          select k.device_no, p.day, r.n from pending p join series k on k.device_no = p.device_no
          join iiot.rollup_hour r on r.tenant_no = {TenantBatch.Number} and r.device_no = k.device_no and r.metric_no = k.metric_no
            and r.bucket >= p.day and r.bucket < p.day + interval '1 day'
          union all
          select k.device_no, state.open_day, r.n from state, series k
          join iiot.rollup_hour r on r.tenant_no = {TenantBatch.Number} and r.device_no = k.device_no and r.metric_no = k.metric_no
          where r.bucket >= state.open_day and r.bucket < state.open_from and state.open_day < $2
          union all
          select s.device_no, f.day, f.n * cardinality(l.metric_nos) from (
            select stream_no, date_bin('1 day', ts, {Epoch}) as day, count(*) as n from iiot.telemetry_frame
            where tenant_no = {TenantBatch.Number} and ts >= (select open_from from state) and ts < $2 group by 1, 2) f
          join iiot.telemetry_stream s on s.tenant_no = {TenantBatch.Number} and s.stream_no = f.stream_no
          join iiot.telemetry_layout l on l.tenant_no = s.tenant_no and l.layout_no = s.layout_no)
        """;

    public async ValueTask<DeviceCounts> CountDevicesAsync(
        TenantId tenant,
        DateTime seenSince,
        CancellationToken cancellationToken = default
    )
    {
        var counts = await TenantBatch
            .ReadAsync(
                database,
                tenant,
                batch =>
                    batch.Add(
                        $"""
                        select count(*) filter (where is_enabled), count(*) filter (where not is_enabled), (
                          select count(distinct s.device_no) from iiot.telemetry_stream s
                          join iiot.telemetry_device t on t.tenant_no = s.tenant_no and t.device_no = s.device_no
                          join iiot.device d on d.tenant_no = t.tenant_no and d.name = t.name
                          where s.tenant_no = {TenantBatch.Number} and s.last_ts >= $1)
                        from iiot.device where tenant_no = {TenantBatch.Number}
                        """,
                        Parameter.Time(seenSince)
                    ),
                static rows => new DeviceCounts(rows.GetInt64(0), rows.GetInt64(1), rows.GetInt64(2)),
                cancellationToken
            )
            .ConfigureAwait(false);
        return counts[0];
    }

    public async ValueTask<IReadOnlyList<DayPointCount>> CountPointsAsync(
        TenantId tenant,
        DateOnly firstDay,
        int days,
        CancellationToken cancellationToken = default
    ) =>
        await ReadAsync(
                tenant,
                $"with {Points} select day, sum(n)::bigint from points group by day order by day",
                firstDay,
                days,
                static rows => new DayPointCount(DateOnly.FromDateTime(rows.GetDateTime(0)), rows.GetInt64(1)),
                cancellationToken
            )
            .ConfigureAwait(false);

    public async ValueTask<IReadOnlyList<DevicePointCount>> ListBusiestAsync(
        TenantId tenant,
        DateOnly firstDay,
        int days,
        int limit,
        CancellationToken cancellationToken = default
    ) =>
        await ReadAsync(
                tenant,
                $"""
                with {Points}
                select d.name, p.n from (select device_no, sum(n)::bigint as n from points group by device_no) p
                join iiot.telemetry_device d on d.tenant_no = {TenantBatch.Number} and d.device_no = p.device_no
                order by p.n desc, d.name limit $3
                """,
                firstDay,
                days,
                static rows => new DevicePointCount(DeviceId.Parse(rows.GetString(0)), rows.GetInt64(1)),
                cancellationToken,
                Parameter.Number(limit)
            )
            .ConfigureAwait(false);

    private async Task<IReadOnlyList<T>> ReadAsync<T>(
        TenantId tenant,
        string sql,
        DateOnly firstDay,
        int days,
        Func<NpgsqlDataReader, T> map,
        CancellationToken cancellationToken,
        params NpgsqlParameter[] others
    )
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(days, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(days, ITelemetryStatistics.MaxDays);
        var from = firstDay.ToDateTime(TimeOnly.MinValue, DateTimeKind.Utc);
        return await TenantBatch
            .ReadAsync(
                database,
                tenant,
                batch => batch.Add(sql, [Parameter.Time(from), Parameter.Time(from.AddDays(days)), .. others]),
                map,
                cancellationToken
            )
            .ConfigureAwait(false);
    }
}
