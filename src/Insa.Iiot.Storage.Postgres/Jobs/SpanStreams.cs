using Npgsql;

namespace Insa.Iiot.Storage.Postgres.Jobs;

/// <summary>The streams of one tenant that have frames in a span, device by device.</summary>
/// <param name="TenantNo">The tenant.</param>
/// <param name="Streams">The streams, by device.</param>
internal sealed record SpanStreams(int TenantNo, List<SpanStreams.Stream> Streams)
{
    private const long BytesPerPortion = 96 * 1024 * 1024;

    // Counted rather than estimated: what is read twice because it did not fit costs more than counting all.
    public static async Task<List<SpanStreams>> FindAsync(
        NpgsqlConnection connection,
        PartitionSpan span,
        CancellationToken cancellationToken
    )
    {
        var command = new NpgsqlCommand(
            """
            select s.tenant_no, s.device_no, s.stream_no, l.layout_no, l.metric_nos, f.frames, f.extra_bytes
            from (
              select tenant_no, stream_no, count(*) as frames, coalesce(sum(octet_length(extra)), 0)::bigint as extra_bytes
              from iiot_data.telemetry_frame where ts >= $1 and ts < $2 group by tenant_no, stream_no) f
            join iiot.telemetry_stream s on s.tenant_no = f.tenant_no and s.stream_no = f.stream_no
            join iiot.telemetry_layout l on l.tenant_no = s.tenant_no and l.layout_no = s.layout_no
            order by s.tenant_no, s.device_no, s.stream_no
            """,
            connection
        )
        {
            CommandTimeout = 0,
        };
        await using var disposeCommand = command.ConfigureAwait(false);
        command.Parameters.Add(Parameter.Time(span.Starts));
        command.Parameters.Add(Parameter.Time(span.Ends));
        var rows = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var disposeRows = rows.ConfigureAwait(false);
        var tenants = new List<SpanStreams>();
        var layouts = new Dictionary<int, int[]>();
        while (await rows.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            var tenantNo = rows.GetInt32(0);
            if (tenants.Count == 0 || tenants[^1].TenantNo != tenantNo)
                tenants.Add(new SpanStreams(tenantNo, []));
            var layoutNo = rows.GetInt32(3);
            if (!layouts.TryGetValue(layoutNo, out var metricNos))
                layouts.Add(layoutNo, metricNos = rows.GetFieldValue<int[]>(4));
            var frames = rows.GetInt64(5);
            var bytes = CompactionWork.BytesOf(frames * metricNos.Length) + rows.GetInt64(6);
            tenants[^1].Streams.Add(new Stream(rows.GetInt32(1), rows.GetInt32(2), metricNos, (int)Math.Min(frames, int.MaxValue), bytes));
        }

        return tenants;
    }

    /// <summary>Cuts the streams into portions that fit into memory; none of them divides a device.</summary>
    public IEnumerable<List<Stream>> Portions()
    {
        var portion = new List<Stream>();
        var bytes = 0L;
        foreach (var stream in Streams)
        {
            if (portion.Count > 0 && bytes + stream.Bytes > BytesPerPortion && portion[^1].DeviceNo != stream.DeviceNo)
            {
                yield return portion;
                (portion, bytes) = ([], 0);
            }

            portion.Add(stream);
            bytes += stream.Bytes;
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
    /// <param name="Frames">How many frames it has.</param>
    /// <param name="Bytes">What its points take in memory.</param>
    internal readonly record struct Stream(int DeviceNo, int StreamNo, int[] MetricNos, int Frames, long Bytes);
}
