using System.Runtime.InteropServices;
using Insa.Iiot.Storage.Postgres.Telemetry;

namespace Insa.Iiot.Storage.Postgres.Rollups;

/// <summary>What was read of one series: its rollups by tier and time, and which of them are not up to date.</summary>
internal sealed class SeriesRollups
{
    private readonly List<(long Start, RollupStats Stats)>[] _rows =
    [
        [],
        [],
        [],
        [],
    ];

    /// <summary>Hours that have been written to since they were rolled up.</summary>
    public SortedSet<long> ChangedHours { get; } = [];

    /// <summary>Days whose hours have changed since they were rolled up.</summary>
    public HashSet<long> ChangedDays { get; } = [];

    /// <summary>What the points of each bucket of a tier come to, by time.</summary>
    public ReadOnlySpan<(long Start, RollupStats Stats)> Within(RollupTier tier, TimeRange range)
    {
        var rows = CollectionsMarshal.AsSpan(_rows[(int)tier]);
        var first = Place(rows, range.Start);
        return rows[first..Place(rows, range.End)];
    }

    /// <summary>Adds a row; one of another class joins the one before it.</summary>
    public void Add(RollupTier tier, long start, in RollupStats stats)
    {
        var rows = _rows[(int)tier];
        if (rows.Count == 0 || rows[^1].Start != start)
            rows.Add((start, stats));
        else
            CollectionsMarshal.AsSpan(rows)[^1].Stats.Merge(stats);
    }

    /// <summary>Adds an hour of packed minutes.</summary>
    public void AddMinutes(long hour, ReadOnlySpan<byte> minutes)
    {
        while (!minutes.IsEmpty)
        {
            if (!MinuteCodec.TryRead(ref minutes, hour, out var minute, out var quality, out var stats))
                throw new TelemetryStoreException("A stored hour of minutes cannot be read: restore it from a backup.", isTransient: false);
            if (quality < RollupQuality.Bad)
                Add(RollupTier.Minute, hour + (minute * MinuteCodec.PerMinute), stats);
        }
    }

    private static int Place(ReadOnlySpan<(long Start, RollupStats Stats)> rows, long time)
    {
        var (low, high) = (0, rows.Length);
        while (low < high)
        {
            var middle = (low + high) >>> 1;
            if (rows[middle].Start < time)
                low = middle + 1;
            else
                high = middle;
        }

        return low;
    }
}
