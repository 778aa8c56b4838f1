using Npgsql;

namespace Insa.Iiot.Storage.Postgres.Jobs;

/// <summary>All streams of one tenant, device by device.</summary>
/// <param name="TenantNo">The tenant.</param>
/// <param name="Total">How many streams all tenants have together.</param>
/// <param name="Streams">The streams, by device.</param>
internal sealed record SpanStreams(int TenantNo, int Total, List<SpanStreams.Stream> Streams)
{
    private const int AverageFrameBytes = 150;
    private const int FramesPerPortion = 100_000;
    private const int MostStreamsPerPortion = 1000;

    public static async Task<List<SpanStreams>> FindAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var command = new NpgsqlCommand(
            """
            select s.tenant_no, s.device_no, s.stream_no, l.layout_no, l.metric_nos
            from iiot.telemetry_stream s join iiot.telemetry_layout l on l.tenant_no = s.tenant_no and l.layout_no = s.layout_no
            order by s.tenant_no, s.device_no, s.stream_no
            """,
            connection
        );
        await using var disposeCommand = command.ConfigureAwait(false);
        var rows = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var disposeRows = rows.ConfigureAwait(false);
        var tenants = new List<(int TenantNo, List<Stream> Streams)>();
        var layouts = new Dictionary<int, int[]>();
        var total = 0;
        while (await rows.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            var tenantNo = rows.GetInt32(0);
            if (tenants.Count == 0 || tenants[^1].TenantNo != tenantNo)
                tenants.Add((tenantNo, []));
            var layoutNo = rows.GetInt32(3);
            if (!layouts.TryGetValue(layoutNo, out var metricNos))
                layouts.Add(layoutNo, metricNos = rows.GetFieldValue<int[]>(4));
            tenants[^1].Streams.Add(new Stream(rows.GetInt32(1), rows.GetInt32(2), metricNos));
            total++;
        }

        return [.. tenants.Select(tenant => new SpanStreams(tenant.TenantNo, total, tenant.Streams))];
    }

    /// <summary>Cuts the streams into portions that fit into memory, none of which divides a device.</summary>
    public IEnumerable<List<Stream>> Portions(PartitionSpan span)
    {
        var frames = span.SizeBytes / AverageFrameBytes;
        var mostStreams = (int)Math.Clamp(FramesPerPortion * (long)Total / Math.Max(1, frames), 1, MostStreamsPerPortion);
        for (var start = 0; start < Streams.Count; )
        {
            var end = Math.Min(Streams.Count, start + mostStreams);
            while (end < Streams.Count && Streams[end].DeviceNo == Streams[end - 1].DeviceNo)
                end++;
            yield return Streams.GetRange(start, end - start);
            start = end;
        }
    }

    /// <param name="DeviceNo">The device.</param>
    /// <param name="StreamNo">The stream.</param>
    /// <param name="MetricNos">The metrics of its layout, in the order of a frame's values.</param>
    internal readonly record struct Stream(int DeviceNo, int StreamNo, int[] MetricNos);
}
