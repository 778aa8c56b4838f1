using Insa.Iiot.Storage.Postgres.Rollups;

namespace Insa.Iiot.Storage.Postgres.Telemetry;

internal sealed partial class DeviceStreams
{
    /// <summary>Finds the streams of many devices at once.</summary>
    /// <param name="database">The database.</param>
    /// <param name="tenant">The tenant.</param>
    /// <param name="wanted">The devices, each with the one metric that is wanted, or all.</param>
    /// <param name="cancellationToken">Ends the search.</param>
    /// <returns>What was found, in the order of <paramref name="wanted"/>; and how far rollups and compaction have come at most.</returns>
    public static async Task<(DeviceStreams[] Found, RollupReach Reach)> FindAsync(
        PostgresDatabase database,
        TenantId tenant,
        IReadOnlyList<(DeviceId Device, string? Metric)> wanted,
        CancellationToken cancellationToken
    )
    {
        var (devices, reach) = await ReadAsync(database, tenant, wanted, cancellationToken).ConfigureAwait(false);
        var layouts = await FindLayoutsAsync(database, tenant, devices.Values.SelectMany(device => device.Streams), cancellationToken)
            .ConfigureAwait(false);

        // Most devices have one layout, and share it with many others.
        var alike = new Dictionary<(int LayoutNo, string? Metric), DeviceStreams>();
        var found = new DeviceStreams[wanted.Count];
        for (var i = 0; i < found.Length; i++)
        {
            found[i] = new DeviceStreams();
            if (!devices.TryGetValue(wanted[i].Device.Value, out var device))
                continue;
            var key = (device.Streams[0].LayoutNo, wanted[i].Metric);
            if (device.Streams.Count == 1 && alike.TryGetValue(key, out var other))
                found[i].TakeAs(other, device.DeviceNo, device.Streams[0]);
            else
                found[i].Take(device.DeviceNo, device.Streams, layouts, wanted[i].Metric);
            if (device.Streams.Count == 1)
                alike.TryAdd(key, found[i]);
        }

        return (found, reach);
    }

    private static async Task<(
        Dictionary<string, (int DeviceNo, List<(int StreamNo, int LayoutNo, DateTime? Last)> Streams)> Devices,
        RollupReach Reach
    )> ReadAsync(
        PostgresDatabase database,
        TenantId tenant,
        IReadOnlyList<(DeviceId Device, string? Metric)> wanted,
        CancellationToken cancellationToken
    )
    {
        var names = wanted.Select(series => series.Device.Value).Distinct(StringComparer.Ordinal).ToArray();
        var batch = await TenantBatch.OpenAsync(database, tenant, cancellationToken).ConfigureAwait(false);
        await using var disposeBatch = batch.ConfigureAwait(false);
        batch.Add(
            $"""
            select s.closed_before, s.hot_from, s.rolled_from, coalesce(w.hour_from, '-infinity'), coalesce(w.day_from, '-infinity')
            from iiot.rollup_state s cross join lateral (
              select max(w.hour_from) as hour_from, max(w.day_from) as day_from
              from iiot.telemetry_metric m join iiot.tier_whole w on w.tenant_no = m.tenant_no and w.metric_no = m.metric_no
              where m.tenant_no = {TenantBatch.Number} and m.name = any($1)) w
            """,
            Parameter.Texts([.. wanted.Select(series => series.Metric).OfType<string>().Distinct(StringComparer.Ordinal)])
        );
        batch.Add(
            $"""
            select d.name, d.device_no, s.stream_no, s.last_ts, s.layout_no
            from iiot.telemetry_device d join iiot.telemetry_stream s on s.tenant_no = d.tenant_no and s.device_no = d.device_no
            where d.tenant_no = {TenantBatch.Number} and d.name = any($1)
            """,
            Parameter.Texts(names)
        );
        var rows = await batch.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var disposeRows = rows.ConfigureAwait(false);
        var reach = RollupReach.None;
        while (await rows.ReadAsync(cancellationToken).ConfigureAwait(false))
            reach = new RollupReach(
                rows.GetFieldValue<long>(0),
                rows.GetFieldValue<long>(1),
                rows.GetFieldValue<long>(2),
                rows.GetFieldValue<long>(3),
                rows.GetFieldValue<long>(4)
            );

        await rows.NextResultAsync(cancellationToken).ConfigureAwait(false);
        var devices = new Dictionary<string, (int DeviceNo, List<(int StreamNo, int LayoutNo, DateTime? Last)> Streams)>(
            StringComparer.Ordinal
        );
        while (await rows.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            var name = rows.GetString(0);
            if (!devices.TryGetValue(name, out var device))
                devices.Add(name, device = (rows.GetInt32(1), []));
            device.Streams.Add((rows.GetInt32(2), rows.GetInt32(4), rows.IsDBNull(3) ? null : rows.GetDateTime(3)));
        }

        return (devices, reach);
    }

    private static async Task<Dictionary<int, (int[] MetricNos, string[] Names)>> FindLayoutsAsync(
        PostgresDatabase database,
        TenantId tenant,
        IEnumerable<(int StreamNo, int LayoutNo, DateTime? Last)> streams,
        CancellationToken cancellationToken
    )
    {
        var layouts = new Dictionary<int, (int[] MetricNos, string[] Names)>();
        var layoutNos = streams.Select(stream => stream.LayoutNo).Distinct().ToArray();
        if (layoutNos.Length == 0)
            return layouts;
        var batch = await TenantBatch.OpenAsync(database, tenant, cancellationToken).ConfigureAwait(false);
        await using var disposeBatch = batch.ConfigureAwait(false);
        batch.Add(
            $"""
            select l.layout_no, l.metric_nos, array(
              select m.name from unnest(l.metric_nos) with ordinality u (no, place)
              join iiot.telemetry_metric m on m.tenant_no = l.tenant_no and m.metric_no = u.no order by place)
            from iiot.telemetry_layout l where l.tenant_no = {TenantBatch.Number} and l.layout_no = any($1)
            """,
            Parameter.Numbers(layoutNos)
        );
        var rows = await batch.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var disposeRows = rows.ConfigureAwait(false);
        while (await rows.ReadAsync(cancellationToken).ConfigureAwait(false))
            layouts.Add(rows.GetInt32(0), (rows.GetFieldValue<int[]>(1), rows.GetFieldValue<string[]>(2)));
        return layouts;
    }

    private void TakeAs(DeviceStreams other, int deviceNo, (int StreamNo, int LayoutNo, DateTime? Last) stream)
    {
        DeviceNo = deviceNo;
        (Metrics, MetricNos, NewestFrom) = (other.Metrics, other.MetricNos, stream.Last ?? DateTime.MinValue);
        if (other.StreamNos.Length == 0)
            return;
        StreamNos = [stream.StreamNo];
        _streams.Add(stream.StreamNo, other[other.StreamNos[0]]);
    }

    private void Take(
        int deviceNo,
        List<(int StreamNo, int LayoutNo, DateTime? Last)> streams,
        Dictionary<int, (int[] MetricNos, string[] Names)> layouts,
        string? metric
    )
    {
        DeviceNo = deviceNo;
        var taken = new List<(int StreamNo, int[] MetricNos, string[] Names)>();
        DateTime? newest = DateTime.MaxValue;
        foreach (var (streamNo, layoutNo, last) in streams)
        {
            var (metricNos, names) = layouts[layoutNo];
            if (metric is not null && !names.Contains(metric, StringComparer.Ordinal))
                continue;
            taken.Add((streamNo, metricNos, names));
            newest =
                last is null || newest is null ? null
                : last < newest ? last
                : newest;
        }

        NewestFrom = newest ?? DateTime.MinValue;
        Take(taken, metric is null ? [] : [metric]);
    }
}
