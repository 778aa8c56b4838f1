namespace Insa.Iiot;

/// <summary>A range of one device's points.</summary>
public sealed record TelemetryQuery
{
    /// <summary>The device.</summary>
    public required DeviceId Device { get; init; }

    /// <summary>The metrics; empty means all.</summary>
    public IReadOnlyList<string> Metrics { get; init; } = [];

    /// <summary>The first instant, inclusive, UTC.</summary>
    public DateTime From { get; init; } = DateTime.UnixEpoch;

    /// <summary>The last instant, exclusive, UTC.</summary>
    public DateTime To { get; init; } = DateTime.MaxValue;

    /// <summary>The most points; default 1,000.</summary>
    public int Limit { get; init; } = 1000;

    /// <summary>The last point already seen: the answer goes on after it.</summary>
    public TelemetryCursor? After { get; init; }
}
