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
    private readonly long[] _wholeFrom = [long.MinValue, long.MinValue, long.MinValue, long.MinValue];
    private bool _isMixed;

    /// <summary>Hours that have been written to since they were rolled up.</summary>
    public SortedSet<long> ChangedHours { get; } = [];

    /// <summary>Days whose hours have changed since they were rolled up.</summary>
    public HashSet<long> ChangedDays { get; } = [];

    /// <summary>Before it rows of a tier, or points, have been deleted.</summary>
    public long WholeFrom(RollupTier tier) => _wholeFrom[(int)tier];

    public void SetWholeFrom(RollupTier tier, long from) => _wholeFrom[(int)tier] = from;

    /// <summary>What the points of each bucket of a tier come to, by time.</summary>
    public (IReadOnlyList<(long Start, RollupStats Stats)> Rows, int First, int End) Within(RollupTier tier, TimeRange range)
    {
        var rows = CollectionsMarshal.AsSpan(_rows[(int)tier]);
        return (_rows[(int)tier], Place(rows, range.Start), Place(rows, range.End));
    }

    /// <summary>Adds a row; one of another class joins the one of its time.</summary>
    public void Add(RollupTier tier, long start, in RollupStats stats)
    {
        var rows = _rows[(int)tier];
        _isMixed |= rows.Count > 0 && rows[^1].Start > start;
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

    /// <summary>Puts the rows in order, if they did not come so.</summary>
    public void Complete()
    {
        if (!_isMixed)
            return;
        foreach (var rows in _rows)
        {
            rows.Sort(static (a, b) => a.Start.CompareTo(b.Start));
            var kept = 0;
            for (var i = 1; i < rows.Count; i++)
            {
                if (rows[i].Start == rows[kept].Start)
                    CollectionsMarshal.AsSpan(rows)[kept].Stats.Merge(rows[i].Stats);
                else
                    rows[++kept] = rows[i];
            }

            if (rows.Count > 0)
                rows.RemoveRange(kept + 1, rows.Count - kept - 1);
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
