using NpgsqlTypes;

namespace Insa.Iiot.Storage.Postgres.Telemetry;

internal sealed partial class DeviceStreams
{
    /// <summary>Finds the streams of many devices at once.</summary>
    /// <param name="database">The database.</param>
    /// <param name="tenant">The tenant.</param>
    /// <param name="wanted">The devices, each with the one metric that is wanted, or all.</param>
    /// <param name="cancellationToken">Ends the search.</param>
    /// <returns>What was found, in the order of <paramref name="wanted"/>; and how far rollups and compaction have come at most.</returns>
    public static async Task<(DeviceStreams[] Found, long ClosedBefore, long HotFrom)> FindAsync(
        PostgresDatabase database,
        TenantId tenant,
        IReadOnlyList<(DeviceId Device, string? Metric)> wanted,
        CancellationToken cancellationToken
    )
    {
        var names = wanted.Select(series => series.Device.Value).Distinct(StringComparer.Ordinal).ToArray();
        var batch = await TenantBatch.OpenAsync(database, tenant, cancellationToken).ConfigureAwait(false);
        await using var disposeBatch = batch.ConfigureAwait(false);
        batch.Add("select closed_before, hot_from from iiot.rollup_state");
        batch.Add(
            $"""
            select d.name, d.device_no, s.stream_no, s.last_ts, s.layout_no
            from iiot.telemetry_device d join iiot.telemetry_stream s on s.tenant_no = d.tenant_no and s.device_no = d.device_no
            where d.tenant_no = {TenantBatch.Number} and d.name = any($1)
            """,
            Texts(names)
        );

        // After the streams, so that none of theirs is missing; each once, however many devices share it.
        batch.Add(
            $"""
            select l.layout_no, l.metric_nos, array(
              select m.name from unnest(l.metric_nos) with ordinality u (no, place)
              join iiot.telemetry_metric m on m.tenant_no = l.tenant_no and m.metric_no = u.no order by place)
            from (
              select distinct s.layout_no from iiot.telemetry_device d
              join iiot.telemetry_stream s on s.tenant_no = d.tenant_no and s.device_no = d.device_no
              where d.tenant_no = {TenantBatch.Number} and d.name = any($1)) s
            join iiot.telemetry_layout l on l.tenant_no = {TenantBatch.Number} and l.layout_no = s.layout_no
            """,
            Texts(names)
        );
        var rows = await batch.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var disposeRows = rows.ConfigureAwait(false);
        var (closedBefore, hotFrom) = (long.MinValue, long.MinValue);
        while (await rows.ReadAsync(cancellationToken).ConfigureAwait(false))
            (closedBefore, hotFrom) = (rows.GetFieldValue<long>(0), rows.GetFieldValue<long>(1));

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

        await rows.NextResultAsync(cancellationToken).ConfigureAwait(false);
        var layouts = new Dictionary<int, (int[] MetricNos, string[] Names)>();
        while (await rows.ReadAsync(cancellationToken).ConfigureAwait(false))
            layouts.Add(rows.GetInt32(0), (rows.GetFieldValue<int[]>(1), rows.GetFieldValue<string[]>(2)));

        var found = new DeviceStreams[wanted.Count];
        for (var i = 0; i < found.Length; i++)
        {
            found[i] = new DeviceStreams();
            if (devices.TryGetValue(wanted[i].Device.Value, out var device))
                found[i].Take(device.DeviceNo, device.Streams, layouts, wanted[i].Metric);
        }

        return (found, closedBefore, hotFrom);
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

    private static Npgsql.NpgsqlParameter Texts(string[] values) =>
        new() { Value = values, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text };
}
