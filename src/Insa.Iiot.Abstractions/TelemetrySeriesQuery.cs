namespace Insa.Iiot;

/// <summary>Buckets over several series.</summary>
public sealed record TelemetrySeriesQuery
{
    /// <summary>The series. The answer is in their order.</summary>
    public required IReadOnlyList<TelemetrySeries> Series { get; init; }

    /// <summary>The first instant, inclusive, UTC.</summary>
    public required DateTime From { get; init; }

    /// <summary>The last instant, exclusive, UTC.</summary>
    public required DateTime To { get; init; }

    /// <summary>The width of a bucket, at least 1 ms. Buckets start at whole multiples of it since the Unix epoch.</summary>
    public required TimeSpan Bucket { get; init; }
}
