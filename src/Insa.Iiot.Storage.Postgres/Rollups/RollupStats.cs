namespace Insa.Iiot.Storage.Postgres.Rollups;

/// <summary>What some points come to. Two of them merge into what all their points come to.</summary>
internal record struct RollupStats
{
    public long Count { get; set; }

    public double Sum { get; set; }

    public double SumOfSquares { get; set; }

    public double Min { get; set; }

    public double Max { get; set; }

    public double First { get; set; }

    public double Last { get; set; }

    /// <summary>The time of the first point, in microseconds since 2000.</summary>
    public long FirstTime { get; set; }

    /// <summary>The time of the last point, in microseconds since 2000.</summary>
    public long LastTime { get; set; }

    public static RollupStats Of(long time, double value) =>
        new()
        {
            Count = 1,
            Sum = value,
            SumOfSquares = value * value,
            Min = value,
            Max = value,
            First = value,
            Last = value,
            FirstTime = time,
            LastTime = time,
        };

    /// <summary>Adds a point that is later than all others.</summary>
    public void Add(long time, double value)
    {
        if (Count == 0)
        {
            this = Of(time, value);
            return;
        }

        Count++;
        Sum += value;
        SumOfSquares += value * value;
        Min = Math.Min(Min, value);
        Max = Math.Max(Max, value);
        (Last, LastTime) = (value, time);
    }

    /// <summary>Whether all points that the other was made of can be among these: they are no fewer, and lie as far apart.</summary>
    public readonly bool Covers(in RollupStats other) =>
        other.Count == 0 || (Count >= other.Count && FirstTime <= other.FirstTime && LastTime >= other.LastTime);

    /// <summary>Adds other points.</summary>
    public void Merge(in RollupStats other)
    {
        if (other.Count == 0)
            return;
        if (Count == 0)
        {
            this = other;
            return;
        }

        Count += other.Count;
        Sum += other.Sum;
        SumOfSquares += other.SumOfSquares;
        Min = Math.Min(Min, other.Min);
        Max = Math.Max(Max, other.Max);
        if (other.FirstTime < FirstTime)
            (First, FirstTime) = (other.First, other.FirstTime);
        if (other.LastTime > LastTime)
            (Last, LastTime) = (other.Last, other.LastTime);
    }
}
