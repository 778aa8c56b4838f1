using System.Runtime.CompilerServices;
using Insa.Iiot.Storage.Postgres.Rollups;
using Npgsql;

namespace Insa.Iiot.Storage.Postgres.Telemetry;

/// <summary>Reads one tenant's telemetry, a bounded stretch at a time.</summary>
internal sealed class PostgresTelemetryReader(PostgresDatabase database) : ITelemetryReader
{
    private const int FewestFramesPerStretch = 64;
    private const int MostFramesPerStretch = 8192;
    private const int FewestChunksPerStretch = 200;
    private const int MostPointsPerStretch = 100_000;
    private const int MostTextBytesPerStretch = 16 * 1024 * 1024;
    public static readonly TimeSpan ShortestBucket = TimeSpan.FromMilliseconds(1);

    public async IAsyncEnumerable<TelemetryPoint> ReadAsync(
        TenantId tenant,
        TelemetryQuery query,
        [EnumeratorCancellation] CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(query);
        ArgumentOutOfRangeException.ThrowIfNegative(query.Limit, nameof(query));
        var left = query.Limit;
        if (left == 0)
            yield break;
        var from = query.After is { } after && after.Timestamp > query.From ? after.Timestamp : query.From;
        var streams = await FindAsync(tenant, query.Device, query.Metrics, cancellationToken).ConfigureAwait(false);
        await foreach (var window in StretchesAsync(tenant, streams, from, query.To, left, cancellationToken).ConfigureAwait(false))
        {
            for (var i = 0; i < window.Count; i++)
            {
                var point = window[i];
                var (metric, timestamp) = (streams.Metrics[point.Rank], PostgresTime.ToDateTime(point.Time));
                if (query.After is { } seen && timestamp == seen.Timestamp && string.CompareOrdinal(metric, seen.Metric) <= 0)
                    continue;
                yield return new TelemetryPoint(metric, timestamp, point.Value, point.Quality);
                if (--left == 0)
                    yield break;
            }
        }
    }

    public async ValueTask<IReadOnlyList<TelemetryPoint>> ReadLatestAsync(
        TenantId tenant,
        DeviceId device,
        CancellationToken cancellationToken = default
    )
    {
        try
        {
            var latest = await LatestOfDevices.ReadAsync(database, tenant, [device], cancellationToken).ConfigureAwait(false);
            return [.. latest.Of(0)];
        }
        catch (Exception e) when (PostgresErrors.IsOfStore(e))
        {
            throw PostgresErrors.ToStoreException(e);
        }
    }

    public async ValueTask<IReadOnlyList<TelemetryBucket>> AggregateAsync(
        TenantId tenant,
        TelemetryAggregateQuery query,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(query);
        ArgumentOutOfRangeException.ThrowIfLessThan(query.Bucket, ShortestBucket, nameof(query));
        var buckets = new List<TelemetryBucket>();
        var series = new TelemetrySeriesQuery
        {
            Series = [new TelemetrySeries(query.Device, query.Metric)],
            From = query.From,
            To = query.To,
            Bucket = query.Bucket,
        };
        await foreach (var found in new BucketReader(database, this).ReadAsync(tenant, series, cancellationToken).ConfigureAwait(false))
            buckets.Add(found.Bucket);
        return buckets;
    }

    private async Task<DeviceStreams> FindAsync(
        TenantId tenant,
        DeviceId device,
        IReadOnlyCollection<string> metrics,
        CancellationToken cancellationToken
    )
    {
        try
        {
            return await DeviceStreams.FindAsync(database, tenant, device, metrics, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (PostgresErrors.IsOfStore(e))
        {
            throw PostgresErrors.ToStoreException(e);
        }
    }

    /// <summary>A range in stretches of bounded size, each whole. The window is the same object each time.</summary>
    public async IAsyncEnumerable<PointWindow> StretchesAsync(
        TenantId tenant,
        DeviceStreams streams,
        DateTime from,
        DateTime to,
        int wantedPoints,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        if (streams.StreamNos.Length == 0)
            yield break;
        var (next, end) = (PostgresTime.Ceiling(from), PostgresTime.Ceiling(to));
        var frames = FramesPerStretch(streams, wantedPoints);
        using var window = new PointWindow();
        while (next < end)
        {
            window.Clear();
            long last;
            try
            {
                (last, frames) = await ReadStretchAsync(tenant, streams, next, end, frames, wantedPoints, window, cancellationToken)
                    .ConfigureAwait(false);
            }
            catch (Exception e) when (PostgresErrors.IsOfStore(e))
            {
                throw PostgresErrors.ToStoreException(e);
            }

            window.Complete(last);
            yield return window;
            next = last + 1;
        }
    }

    // Of each stream: a few more than are wanted, so that one stretch will do, and no more of all together than fit.
    private static int FramesPerStretch(DeviceStreams streams, int wantedPoints)
    {
        var pointsPerFrame = streams.StreamNos.Sum(streamNo => streams[streamNo].Wanted);
        var most = Math.Clamp(MostPointsPerStretch / Math.Max(1, pointsPerFrame), 2, MostFramesPerStretch);
        return (int)Math.Clamp((wantedPoints / Math.Max(1, streams.Metrics.Length)) + 2L, Math.Min(FewestFramesPerStretch, most), most);
    }

    /// <returns>The last microsecond of the stretch, and how many frames of each stream to ask for in the next one.</returns>
    private async Task<(long Last, int Frames)> ReadStretchAsync(
        TenantId tenant,
        DeviceStreams streams,
        long first,
        long end,
        int frames,
        int wantedPoints,
        PointWindow window,
        CancellationToken cancellationToken
    )
    {
        // At least one more than a span can have, so that the first span is always whole.
        var mostChunks = Math.Max(FewestChunksPerStretch, streams.Metrics.Length + 1);
        var batch = await TenantBatch.OpenAsync(database, tenant, cancellationToken).ConfigureAwait(false);
        await using var disposeBatch = batch.ConfigureAwait(false);
        FrameQuery.AddRange(batch, streams.StreamNos, first, end, frames);

        // After the frames: what a compaction moves in between is then found twice, and never missed. Whole spans only, within bounds.
        batch.Add(
            $"""
            select metric_no, t0, t1, d, total, points from (
              select metric_no, t0, t1, d, points, count(*) over () as total, sum(points) over (order by t0) as running, min(t0) over () as soonest
              from (
                select metric_no, t0, t1, d, points from iiot.telemetry_chunk
                where tenant_no = {TenantBatch.Number} and device_no = $1 and metric_no = any ($2)
                  and t0 > $3::timestamptz - interval '1 day' and t0 < $4 and t1 >= $3
                order by t0 limit $5) c) c
            where running <= $6 or t0 = soonest order by t0
            """,
            Parameter.Number(streams.DeviceNo!.Value),
            Parameter.Numbers(streams.MetricNos),
            Parameter.Time(first),
            Parameter.Time(end),
            Parameter.Number(mostChunks),
            Parameter.Number((long)MostPointsPerStretch)
        );
        var rows = await batch.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var disposeRows = rows.ConfigureAwait(false);
        var (last, nextFrames) = await ReadFramesAsync(rows, streams, end, frames, window, cancellationToken).ConfigureAwait(false);
        await rows.NextResultAsync(cancellationToken).ConfigureAwait(false);
        var chunks = new ChunkReading(streams, first);
        while (await rows.ReadAsync(cancellationToken).ConfigureAwait(false))
            chunks.Add(rows);
        var mostPoints = (int)Math.Min(MostPointsPerStretch, wantedPoints + (2L * streams.Metrics.Length));
        return (Math.Min(last, chunks.Complete(mostChunks, mostPoints, window)), nextFrames);
    }

    private static async Task<(long Last, int Frames)> ReadFramesAsync(
        NpgsqlDataReader rows,
        DeviceStreams streams,
        long end,
        int frames,
        PointWindow window,
        CancellationToken cancellationToken
    )
    {
        var decoder = new FrameRows(streams);
        var counts = new Dictionary<int, int>();
        var (last, before, read) = (end - 1, long.MaxValue, 0);
        while (await rows.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            var (streamNo, time) = decoder.Read(rows, window);

            // Texts can be large: where there is no more room the stretch ends, and the next ones ask for fewer.
            if (time > before && window.TextBytes > MostTextBytesPerStretch)
                return (Math.Min(last, before), Math.Max(1, read / (2 * streams.StreamNos.Length)));
            (before, read) = (time, read + 1);

            // Where a stream has more, the stretch ends; the rows come by time, so the first to be full ends soonest.
            var count = counts.GetValueOrDefault(streamNo) + 1;
            counts[streamNo] = count;
            if (count == frames)
                last = Math.Min(last, time);
        }

        return (last, frames);
    }
}
