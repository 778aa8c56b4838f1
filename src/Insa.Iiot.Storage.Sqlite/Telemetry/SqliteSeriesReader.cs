using System.Runtime.CompilerServices;

namespace Insa.Iiot.Storage.Sqlite.Telemetry;

/// <summary>Reads many series or devices of one tenant, one after the other.</summary>
internal sealed class SqliteSeriesReader(SqliteTelemetryReader reader) : ITelemetrySeriesReader
{
    private const int DevicesPerRead = 250;

    private static readonly TimeSpan ShortestBucket = TimeSpan.FromMilliseconds(1);

    public IAsyncEnumerable<TelemetrySeriesBucket> AggregateAsync(
        TenantId tenant,
        TelemetrySeriesQuery query,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(query);
        ArgumentOutOfRangeException.ThrowIfLessThan(query.Bucket, ShortestBucket, nameof(query));
        return BucketsAsync(tenant, query, cancellationToken);
    }

    public async IAsyncEnumerable<TelemetryDevicePoint> ReadLatestAsync(
        TenantId tenant,
        IReadOnlyList<DeviceId> devices,
        [EnumeratorCancellation] CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(devices);

        // SQLite answers on the calling thread; the caller gets control back before the first look at the disk.
        await Task.Yield();
        foreach (var part in devices.Chunk(DevicesPerRead))
        {
            var latest = reader.ReadLatest(tenant, part, cancellationToken);
            for (var i = 0; i < part.Length; i++)
            {
                foreach (var point in latest[i])
                    yield return new TelemetryDevicePoint(part[i], point);
            }
        }
    }

    private async IAsyncEnumerable<TelemetrySeriesBucket> BucketsAsync(
        TenantId tenant,
        TelemetrySeriesQuery query,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        for (var i = 0; i < query.Series.Count; i++)
        {
            var points = new TelemetryQuery
            {
                Device = query.Series[i].Device,
                Metrics = [query.Series[i].Metric],
                From = query.From,
                To = query.To,
                Limit = int.MaxValue,
            };
            TelemetrySeriesBucket? open = null;
            long? before = null;
            await foreach (var point in reader.ReadAsync(tenant, points, cancellationToken).ConfigureAwait(false))
            {
                if (!Counts(point))
                    continue;
                var start = StartOf(point.Timestamp, query.Bucket);
                if (open is { } ended && ended.Bucket.Start != start)
                {
                    yield return ended;
                    before = ended.Bucket.Start.Ticks;
                    open = null;
                }

                var followsGap = start > query.From && before != start.Ticks - query.Bucket.Ticks;
                open = Add(open, i, start, followsGap, point.Value.AsDouble());
            }

            if (open is { } last)
                yield return last;
        }
    }

    private static bool Counts(in TelemetryPoint point) =>
        (point.Quality & TelemetryQuality.Bad) != TelemetryQuality.Bad
        && point.Value.Kind is not (TelemetryValueKind.Text or TelemetryValueKind.Json);

    private static DateTime StartOf(DateTime timestamp, TimeSpan width)
    {
        var buckets = MicrosecondTime.FloorDivide(timestamp.Ticks - DateTime.UnixEpoch.Ticks, width.Ticks);
        return new DateTime(DateTime.UnixEpoch.Ticks + (buckets * width.Ticks), DateTimeKind.Utc);
    }

    private static TelemetrySeriesBucket Add(TelemetrySeriesBucket? open, int series, DateTime start, bool followsGap, double value)
    {
        if (open is not { } bucket)
            return new TelemetrySeriesBucket(
                series,
                new TelemetryBucket(start, 1, value, value, value),
                followsGap,
                value,
                value,
                value * value
            );
        var sums = bucket.Bucket;
        return bucket with
        {
            Bucket = new TelemetryBucket(start, sums.Count + 1, Math.Min(sums.Min, value), Math.Max(sums.Max, value), sums.Sum + value),
            Last = value,
            SumOfSquares = bucket.SumOfSquares + (value * value),
        };
    }
}
