using System.Runtime.CompilerServices;
using Insa.Iiot.Storage.Postgres.Rollups;
using Npgsql;
using NpgsqlTypes;

namespace Insa.Iiot.Storage.Postgres.Telemetry;

/// <summary>Reads one tenant's telemetry, a bounded stretch at a time.</summary>
internal sealed class PostgresTelemetryReader(PostgresDatabase database) : ITelemetryReader
{
    private const int FewestFramesPerStretch = 64;
    private const int MostFramesPerStretch = 8192;
    private const int FewestChunksPerStretch = 200;
    private const long MostChunkPointsPerStretch = 100_000;
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
            foreach (var point in window.Points)
            {
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
        var streams = await FindAsync(tenant, device, [], cancellationToken).ConfigureAwait(false);
        var latest = new WindowPoint?[streams.Metrics.Length];
        try
        {
            await ReadNewestAsync(tenant, streams, latest, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (PostgresErrors.IsOfStore(e))
        {
            throw PostgresErrors.ToStoreException(e);
        }

        var points = new List<TelemetryPoint>();
        foreach (var point in latest)
        {
            if (point is { } found)
                points.Add(
                    new TelemetryPoint(streams.Metrics[found.Rank], PostgresTime.ToDateTime(found.Time), found.Value, found.Quality)
                );
        }

        return points;
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
        var window = new PointWindow();
        while (next < end)
        {
            // A few more than are wanted, so that one stretch will do.
            var frames = (int)
                Math.Clamp((wantedPoints / Math.Max(1, streams.Metrics.Length)) + 2L, FewestFramesPerStretch, MostFramesPerStretch);
            window.Clear();
            long last;
            try
            {
                last = await ReadStretchAsync(tenant, streams, next, end, frames, window, cancellationToken).ConfigureAwait(false);
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

    /// <returns>The last microsecond of the stretch.</returns>
    private async Task<long> ReadStretchAsync(
        TenantId tenant,
        DeviceStreams streams,
        long first,
        long end,
        int frames,
        PointWindow window,
        CancellationToken cancellationToken
    )
    {
        // At least one more than a span can have, so that the first span is always whole.
        var mostChunks = Math.Max(FewestChunksPerStretch, streams.Metrics.Length + 1);
        var batch = await TenantBatch.OpenAsync(database, tenant, cancellationToken).ConfigureAwait(false);
        await using var disposeBatch = batch.ConfigureAwait(false);
        batch.Add(
            "select stream_no, ts, arrived_at, vals, extra from iiot.read_frames($1, $2, $3, $4)",
            Numbers(streams.StreamNos),
            Time(first),
            Time(end),
            TenantBatch.Number32(frames)
        );

        // After the frames: what a compaction moves in between is then found twice, and never missed. Whole spans only, within bounds.
        batch.Add(
            $"""
            select metric_no, t0, t1, d, total from (
              select metric_no, t0, t1, d, count(*) over () as total, sum(points) over (order by t0) as running, min(t0) over () as soonest
              from (
                select metric_no, t0, t1, d, points from iiot.telemetry_chunk
                where tenant_no = {TenantBatch.Number} and device_no = $1 and metric_no = any ($2)
                  and t0 > $3::timestamptz - interval '1 day' and t0 < $4 and t1 >= $3
                order by t0 limit $5) c) c
            where running <= $6 or t0 = soonest order by t0
            """,
            TenantBatch.Number32(streams.DeviceNo!.Value),
            Numbers(streams.MetricNos),
            Time(first),
            Time(end),
            TenantBatch.Number32(mostChunks),
            TenantBatch.Number64(MostChunkPointsPerStretch)
        );
        var rows = await batch.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var disposeRows = rows.ConfigureAwait(false);
        var decoder = new FrameRows(streams);
        var last = end - 1;
        var counts = new Dictionary<int, int>();
        while (await rows.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            var (streamNo, time) = decoder.Read(rows, window);

            // Where a stream has more, the stretch ends; the rows come by time, so the first to be full ends soonest.
            var count = counts.GetValueOrDefault(streamNo) + 1;
            counts[streamNo] = count;
            if (count == frames)
                last = Math.Min(last, time);
        }

        await rows.NextResultAsync(cancellationToken).ConfigureAwait(false);
        var chunks = new ChunkReading(streams, first);
        while (await rows.ReadAsync(cancellationToken).ConfigureAwait(false))
            chunks.Add(rows);
        return Math.Min(last, chunks.Complete(mostChunks, window));
    }

    private async Task ReadNewestAsync(TenantId tenant, DeviceStreams streams, WindowPoint?[] latest, CancellationToken cancellationToken)
    {
        if (streams.StreamNos.Length == 0)
            return;
        var batch = await TenantBatch.OpenAsync(database, tenant, cancellationToken).ConfigureAwait(false);
        await using var disposeBatch = batch.ConfigureAwait(false);
        batch.Add(
            $"""
            select f.stream_no, f.ts, f.arrived_at, f.vals, f.extra
            from unnest($1) s (no) cross join lateral (
              select stream_no, ts, arrived_at, vals, extra from iiot.telemetry_frame
              where tenant_no = {TenantBatch.Number} and stream_no = s.no and ts >= $2 order by ts desc limit 1) f
            """,
            Numbers(streams.StreamNos),
            Time(PostgresTime.Ceiling(streams.NewestFrom))
        );

        // The newest may be in a chunk already, also while older frames came late and are still there.
        batch.Add(
            $"""
            select c.metric_no, c.t0, c.t1, c.d from unnest($2) m (no) cross join lateral (
              select metric_no, t0, t1, d from iiot.telemetry_chunk
              where tenant_no = {TenantBatch.Number} and device_no = $1 and metric_no = m.no order by t0 desc limit 1) c
            """,
            TenantBatch.Number32(streams.DeviceNo!.Value),
            Numbers(streams.MetricNos)
        );
        var rows = await batch.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var disposeRows = rows.ConfigureAwait(false);
        var window = new PointWindow();
        var decoder = new FrameRows(streams);
        while (await rows.ReadAsync(cancellationToken).ConfigureAwait(false))
            decoder.Read(rows, window);
        await rows.NextResultAsync(cancellationToken).ConfigureAwait(false);
        var chunks = new ChunkReading(streams, long.MinValue);
        while (await rows.ReadAsync(cancellationToken).ConfigureAwait(false))
            chunks.AddLast(rows, window);
        foreach (var point in window.Points)
        {
            if (latest[point.Rank] is not { } other || (point.Time, point.Arrived).CompareTo((other.Time, other.Arrived)) > 0)
                latest[point.Rank] = point;
        }
    }

    // As microseconds, which may lie outside of what a DateTime holds.
    private static NpgsqlParameter<long> Time(long microseconds) =>
        new NpgsqlParameter<long> { TypedValue = microseconds, NpgsqlDbType = NpgsqlDbType.TimestampTz };

    private static NpgsqlParameter Numbers(int[] values) =>
        new() { Value = values, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Integer };
}
