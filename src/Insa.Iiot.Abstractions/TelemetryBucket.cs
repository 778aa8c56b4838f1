namespace Insa.Iiot;

/// <summary>What the points of one bucket come to.</summary>
/// <param name="Start">When the bucket starts, UTC.</param>
/// <param name="Count">How many points counted.</param>
/// <param name="Min">The least value.</param>
/// <param name="Max">The greatest value.</param>
/// <param name="Sum">The sum.</param>
public readonly record struct TelemetryBucket(DateTime Start, long Count, double Min, double Max, double Sum)
{
    /// <summary>The average.</summary>
    public double Average => Sum / Count;
}
