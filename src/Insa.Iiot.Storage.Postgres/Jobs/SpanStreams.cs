using Npgsql;

namespace Insa.Iiot.Storage.Postgres.Jobs;

/// <summary>All streams of one tenant, device by device.</summary>
/// <param name="TenantNo">The tenant.</param>
/// <param name="TotalWeight">The weight of all tenants' streams together.</param>
/// <param name="Streams">The streams, by device.</param>
internal sealed record SpanStreams(int TenantNo, long TotalWeight, List<SpanStreams.Stream> Streams)
{
    // As stored. In memory it is some three times as much.
    private const long BytesPerPortion = 32 * 1024 * 1024;
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
        var total = 0L;
        while (await rows.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            var tenantNo = rows.GetInt32(0);
            if (tenants.Count == 0 || tenants[^1].TenantNo != tenantNo)
                tenants.Add((tenantNo, []));
            var layoutNo = rows.GetInt32(3);
            if (!layouts.TryGetValue(layoutNo, out var metricNos))
                layouts.Add(layoutNo, metricNos = rows.GetFieldValue<int[]>(4));
            var stream = new Stream(rows.GetInt32(1), rows.GetInt32(2), metricNos);
            tenants[^1].Streams.Add(stream);
            total += stream.Weight;
        }

        return [.. tenants.Select(tenant => new SpanStreams(tenant.TenantNo, total, tenant.Streams))];
    }

    /// <summary>Cuts the streams into portions that fit into memory if all have said equally much; none of them divides a device.</summary>
    public IEnumerable<List<Stream>> Portions(PartitionSpan span)
    {
        var portion = new List<Stream>();
        var mostWeight = TotalWeight * ((double)BytesPerPortion / Math.Max(1, span.SizeBytes));
        var weight = 0L;
        foreach (var stream in Streams)
        {
            var isFull = weight + stream.Weight > mostWeight || portion.Count >= MostStreamsPerPortion;
            if (isFull && portion.Count > 0 && portion[^1].DeviceNo != stream.DeviceNo)
            {
                yield return portion;
                (portion, weight) = ([], 0);
            }

            portion.Add(stream);
            weight += stream.Weight;
        }

        yield return portion;
    }

    /// <summary>Cuts a portion that turned out to be too large, between two devices.</summary>
    /// <exception cref="TelemetryStoreException">It is of one device.</exception>
    public static (List<Stream> First, List<Stream> Second) Halve(List<Stream> portion)
    {
        var devices = portion.GroupBy(stream => stream.DeviceNo).ToList();
        return devices.Count > 1
            ? ([.. devices.Take(devices.Count / 2).SelectMany(of => of)], [.. devices.Skip(devices.Count / 2).SelectMany(of => of)])
            : throw new TelemetryStoreException("One device has said more than fits into memory; its frames stay.", isTransient: false);
    }

    /// <param name="DeviceNo">The device.</param>
    /// <param name="StreamNo">The stream.</param>
    /// <param name="MetricNos">The metrics of its layout, in the order of a frame's values.</param>
    internal readonly record struct Stream(int DeviceNo, int StreamNo, int[] MetricNos)
    {
        private const int BytesPerFrame = 64;

        /// <summary>About what a frame takes.</summary>
        public long Weight => BytesPerFrame + (sizeof(long) * MetricNos.Length);
    }
}
