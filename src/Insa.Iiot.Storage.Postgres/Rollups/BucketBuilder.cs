using Insa.Iiot.Storage.Postgres.Telemetry;

namespace Insa.Iiot.Storage.Postgres.Rollups;

/// <summary>Gathers what comes by time into buckets of one series.</summary>
internal sealed class BucketBuilder(int series, DateTime from, TimeSpan width)
{
    private RollupStats _stats;
    private long _bucket;
    private long? _before;

    /// <summary>Adds what lies within one bucket.</summary>
    /// <returns>Whether it begins another bucket; then the one before it, if there was one, is <paramref name="ended"/>.</returns>
    public bool Add(long time, in RollupStats stats, out TelemetrySeriesBucket ended)
    {
        var bucket = PostgresTime.FloorDivide(PostgresTime.ToDateTime(time).Ticks - DateTime.UnixEpoch.Ticks, width.Ticks);
        var hasEnded = _stats.Count > 0 && bucket != _bucket;
        ended = hasEnded ? End() : default;
        _bucket = bucket;
        _stats.Merge(stats);
        return hasEnded;
    }

    /// <summary>Ends the bucket that is open, if any.</summary>
    public bool TryEnd(out TelemetrySeriesBucket ended)
    {
        var hasEnded = _stats.Count > 0;
        ended = hasEnded ? End() : default;
        return hasEnded;
    }

    private TelemetrySeriesBucket End()
    {
        var start = DateTime.UnixEpoch.Ticks + (_bucket * width.Ticks);
        var followsGap = start > from.Ticks && _before != _bucket - 1;
        var ended = new TelemetrySeriesBucket(
            series,
            new TelemetryBucket(new DateTime(start, DateTimeKind.Utc), _stats.Count, _stats.Min, _stats.Max, _stats.Sum),
            followsGap,
            _stats.First,
            _stats.Last,
            _stats.SumOfSquares
        );
        _before = _bucket;
        _stats = default;
        return ended;
    }
}
