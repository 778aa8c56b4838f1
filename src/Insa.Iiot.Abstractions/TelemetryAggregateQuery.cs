namespace Insa.Iiot;

/// <summary>Buckets over one metric of one device.</summary>
public sealed record TelemetryAggregateQuery
{
    /// <summary>The device.</summary>
    public required DeviceId Device { get; init; }

    /// <summary>The metric.</summary>
    public required string Metric { get; init; }

    /// <summary>The first instant, inclusive, UTC.</summary>
    public required DateTime From { get; init; }

    /// <summary>The last instant, exclusive, UTC.</summary>
    public required DateTime To { get; init; }

    /// <summary>The width of a bucket, at least 1 ms. Buckets start at whole multiples of it since the Unix epoch.</summary>
    public required TimeSpan Bucket { get; init; }
}
