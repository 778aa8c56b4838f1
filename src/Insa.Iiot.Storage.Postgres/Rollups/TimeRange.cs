namespace Insa.Iiot.Storage.Postgres.Rollups;

/// <summary>A stretch of time, in microseconds since 2000: the first instant and the first after it.</summary>
internal readonly record struct TimeRange(long Start, long End)
{
    public bool IsEmpty => Start >= End;

    /// <summary>What is left of this without some others, which are in order and do not overlap.</summary>
    public IEnumerable<TimeRange> Without(IEnumerable<TimeRange> others)
    {
        var start = Start;
        foreach (var other in others)
        {
            if (other.End <= start)
                continue;
            if (other.Start >= End)
                break;
            if (other.Start > start)
                yield return new TimeRange(start, other.Start);
            start = other.End;
        }

        if (start < End)
            yield return new TimeRange(start, End);
    }
}
