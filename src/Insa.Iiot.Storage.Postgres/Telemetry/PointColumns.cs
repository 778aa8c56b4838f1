using System.Buffers;
using Insa.Iiot.Storage.Postgres.Chunks;

namespace Insa.Iiot.Storage.Postgres.Telemetry;

/// <summary>Points in columns. The arrays are rented: whoever made this disposes it.</summary>
internal sealed class PointColumns : IDisposable
{
    private long[] _times = [];
    private long[] _arrivals = [];
    private long[] _bits = [];
    private int[] _ranks = [];
    private TelemetryValueKind[] _kinds = [];
    private TelemetryQuality[] _qualities = [];
    private int _capacity;

    public int Count { get; private set; }

    public ReadOnlySpan<long> Times => _times.AsSpan(0, Count);

    /// <summary>A point; the bits of a text are those that it was added with.</summary>
    public (long Time, int Rank, long Arrived, TelemetryValueKind Kind, long Bits, TelemetryQuality Quality) this[int index] =>
        (_times[index], _ranks[index], _arrivals[index], _kinds[index], _bits[index], _qualities[index]);

    public void Add(long time, int rank, long arrived, TelemetryValueKind kind, long bits, TelemetryQuality quality)
    {
        if (Count == _capacity)
            Reserve(1);
        var index = Count++;
        _times[index] = time;
        _ranks[index] = rank;
        _arrivals[index] = arrived;
        _kinds[index] = kind;
        _bits[index] = bits;
        _qualities[index] = quality;
    }

    public void Add(PointColumns other, int index) =>
        Add(
            other._times[index],
            other._ranks[index],
            other._arrivals[index],
            other._kinds[index],
            other._bits[index],
            other._qualities[index]
        );

    /// <summary>Adds a part of a series that has no texts.</summary>
    public void AddRange(SeriesColumns series, Range part, int rank, long arrived)
    {
        var (offset, count) = part.GetOffsetAndLength(series.Count);
        Reserve(count);
        series.Times[part].CopyTo(_times.AsSpan(Count));
        series.Bits[part].CopyTo(_bits.AsSpan(Count));
        series.Kinds[part].CopyTo(_kinds.AsSpan(Count));
        series.Qualities[part].CopyTo(_qualities.AsSpan(Count));
        _ranks.AsSpan(Count, count).Fill(rank);
        _arrivals.AsSpan(Count, count).Fill(arrived);
        Count += count;
    }

    /// <summary>Whether two points are of one metric and time.</summary>
    public bool IsSame(int a, int b) => _times[a] == _times[b] && _ranks[a] == _ranks[b];

    /// <summary>By time, then metric, then arrival.</summary>
    public int Compare(int a, int b)
    {
        var order = _times[a].CompareTo(_times[b]);
        if (order == 0)
            order = _ranks[a].CompareTo(_ranks[b]);
        return order != 0 ? order : _arrivals[a].CompareTo(_arrivals[b]);
    }

    /// <summary>Keeps the first points only.</summary>
    public void Truncate(int count) => Count = count;

    public void Dispose()
    {
        (Count, _capacity) = (0, 0);
        Return(ref _times);
        Return(ref _arrivals);
        Return(ref _bits);
        Return(ref _ranks);
        Return(ref _kinds);
        Return(ref _qualities);
    }

    private static void Return<T>(ref T[] column)
    {
        if (column.Length > 0)
            ArrayPool<T>.Shared.Return(column);
        column = [];
    }

    private void Reserve(int more)
    {
        if (_capacity - Count >= more)
            return;
        _capacity = Math.Max(Count + more, Math.Max(16, Count * 2));
        Grow(ref _times);
        Grow(ref _arrivals);
        Grow(ref _bits);
        Grow(ref _ranks);
        Grow(ref _kinds);
        Grow(ref _qualities);
    }

    private void Grow<T>(ref T[] column)
    {
        var larger = ArrayPool<T>.Shared.Rent(_capacity);
        column.AsSpan(0, Count).CopyTo(larger);
        Return(ref column);
        column = larger;
    }
}
