using Insa.Iiot.Storage.Postgres.Rollups;

namespace Insa.Iiot.Storage.Postgres.Telemetry;

/// <summary>The newest points of some devices.</summary>
internal sealed class LatestOfDevices
{
    private readonly DeviceStreams[] _devices;
    private readonly WindowPoint?[][] _latest;

    private LatestOfDevices(DeviceStreams[] devices)
    {
        _devices = devices;
        _latest = Array.ConvertAll(devices, device => new WindowPoint?[device.Metrics.Length]);
    }

    public static async Task<LatestOfDevices> ReadAsync(
        PostgresDatabase database,
        TenantId tenant,
        DeviceId[] devices,
        CancellationToken cancellationToken
    )
    {
        var wanted = Array.ConvertAll(devices, device => (device, (string?)null));
        var (found, reach) = await DeviceStreams.FindAsync(database, tenant, wanted, cancellationToken).ConfigureAwait(false);
        var latest = new LatestOfDevices(found);
        await latest.ReadFramesAsync(database, tenant, cancellationToken).ConfigureAwait(false);
        await latest.ReadChunksAsync(database, tenant, reach.HotFrom, cancellationToken).ConfigureAwait(false);
        return latest;
    }

    /// <summary>The newest points of one of the devices, by metric.</summary>
    public IEnumerable<TelemetryPoint> Of(int device)
    {
        for (var rank = 0; rank < _latest[device].Length; rank++)
        {
            if (_latest[device][rank] is { } point)
            {
                var metric = _devices[device].Metrics[rank];
                yield return new TelemetryPoint(metric, PostgresTime.ToDateTime(point.Time), point.Value, point.Quality);
            }
        }
    }

    // Devices that have said something lately are asked for apart from the others, for which many more partitions are looked at.
    private async Task ReadFramesAsync(PostgresDatabase database, TenantId tenant, CancellationToken cancellationToken)
    {
        var newest =
            _devices.Length == 0
                ? DateTime.MinValue
                : _devices.Max(device => device.StreamNos.Length == 0 ? DateTime.MinValue : device.NewestFrom);
        var recent = newest > DateTime.MinValue.AddDays(1) ? newest.AddDays(-1) : DateTime.MinValue;
        var places = new Dictionary<int, List<int>>();
        var (late, early) = (new List<int>(), new List<int>());
        for (var i = 0; i < _devices.Length; i++)
        {
            foreach (var streamNo in _devices[i].StreamNos)
            {
                if (places.TryAdd(streamNo, []))
                    (_devices[i].NewestFrom >= recent ? late : early).Add(streamNo);
                places[streamNo].Add(i);
            }
        }

        if (places.Count == 0)
            return;
        var batch = await TenantBatch.OpenAsync(database, tenant, cancellationToken).ConfigureAwait(false);
        await using var disposeBatch = batch.ConfigureAwait(false);
        Add(batch, late, recent);
        Add(
            batch,
            early,
            early.Count == 0 ? recent : _devices.Where(device => device.StreamNos.Length > 0).Min(device => device.NewestFrom)
        );
        var rows = await batch.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var disposeRows = rows.ConfigureAwait(false);
        var decoders = Array.ConvertAll(_devices, device => (FrameRows?)null);
        using var window = new PointWindow();
        do
        {
            while (await rows.ReadAsync(cancellationToken).ConfigureAwait(false))
            {
                foreach (var place in places[rows.GetInt32(0)])
                {
                    window.Clear();
                    (decoders[place] ??= new FrameRows(_devices[place])).Read(rows, window);
                    Keep(place, window);
                }
            }
        } while (await rows.NextResultAsync(cancellationToken).ConfigureAwait(false));
    }

    private static void Add(TenantBatch batch, List<int> streamNos, DateTime from)
    {
        if (streamNos.Count > 0)
            FrameQuery.AddNewest(batch, [.. streamNos], PostgresTime.Ceiling(from));
    }

    // Only of metrics whose newest frame is of a time that may be compacted: what is in a chunk is older than all other frames.
    private async Task ReadChunksAsync(PostgresDatabase database, TenantId tenant, long hotFrom, CancellationToken cancellationToken)
    {
        var (places, deviceNos, metricNos) = (new List<int>(), new List<int>(), new List<int>());
        for (var i = 0; i < _devices.Length; i++)
        {
            for (var rank = 0; rank < _latest[i].Length; rank++)
            {
                if (_latest[i][rank] is { } point && point.Time >= hotFrom)
                    continue;
                places.Add(i);
                deviceNos.Add(_devices[i].DeviceNo!.Value);
                metricNos.Add(_devices[i].MetricNos[rank]);
            }
        }

        if (places.Count == 0)
            return;
        var batch = await TenantBatch.OpenAsync(database, tenant, cancellationToken).ConfigureAwait(false);
        await using var disposeBatch = batch.ConfigureAwait(false);
        batch.Add(
            $"""
            select c.metric_no, c.t0, c.t1, c.d, s.place from unnest($1, $2, $3) s (place, device, metric) cross join lateral (
              select metric_no, t0, t1, d from iiot.telemetry_chunk
              where tenant_no = {TenantBatch.Number} and device_no = s.device and metric_no = s.metric order by t0 desc limit 1) c
            """,
            Parameter.Numbers([.. places]),
            Parameter.Numbers([.. deviceNos]),
            Parameter.Numbers([.. metricNos])
        );
        var rows = await batch.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var disposeRows = rows.ConfigureAwait(false);
        using var window = new PointWindow();
        while (await rows.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            var place = rows.GetInt32(4);
            window.Clear();
            new ChunkReading(_devices[place], long.MinValue).AddLast(rows, window);
            Keep(place, window);
        }
    }

    private void Keep(int place, PointWindow window)
    {
        var latest = _latest[place];
        for (var i = 0; i < window.Count; i++)
        {
            var point = window[i];
            if (latest[point.Rank] is not { } other || (point.Time, point.Arrived).CompareTo((other.Time, other.Arrived)) > 0)
                latest[point.Rank] = point;
        }
    }
}
