using System.Numerics;

namespace Insa.Iiot.LoadTest.Measuring;

/// <summary>Counts durations in buckets 1/16 of their size wide. One writer.</summary>
internal sealed class LatencyHistogram
{
    private const int Sub = 16;
    private readonly long[] _buckets = new long[64 * Sub];

    public long Count { get; private set; }

    public void Record(long ticks)
    {
        _buckets[IndexOf(Math.Max(ticks, 1))]++;
        Count++;
    }

    public void Add(LatencyHistogram other)
    {
        for (var i = 0; i < _buckets.Length; i++)
            _buckets[i] += other._buckets[i];
        Count += other.Count;
    }

    /// <returns>The upper edge of the bucket that holds the quantile, in ticks.</returns>
    public long Quantile(double quantile)
    {
        var left = (long)Math.Ceiling(Count * quantile);
        for (var i = 0; i < _buckets.Length; i++)
        {
            left -= _buckets[i];
            if (left <= 0 && _buckets[i] > 0)
                return UpperEdge(i);
        }

        return 0;
    }

    private static int IndexOf(long ticks)
    {
        var log = BitOperations.Log2((ulong)ticks);
        return log < 4 ? (int)ticks : ((log - 3) * Sub) + (int)((ticks >> (log - 4)) & (Sub - 1));
    }

    private static long UpperEdge(int index)
    {
        if (index < Sub)
            return index;
        var log = (index / Sub) + 3;
        return (long)(Sub + (index % Sub) + 1) << (log - 4);
    }
}
