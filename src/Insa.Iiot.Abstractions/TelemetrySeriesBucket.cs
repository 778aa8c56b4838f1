namespace Insa.Iiot;

/// <summary>What the points of one bucket of one series come to.</summary>
/// <param name="Series">The series' place in <see cref="TelemetrySeriesQuery.Series"/>.</param>
/// <param name="Bucket">The bucket.</param>
/// <param name="FollowsGap">Whether the bucket directly before it, if it lies in the range at least in part, holds no value.</param>
/// <param name="First">The value of the first point.</param>
/// <param name="Last">The value of the last point.</param>
/// <param name="SumOfSquares">The sum of the squares of the values, for a standard deviation.</param>
public readonly record struct TelemetrySeriesBucket(
    int Series,
    TelemetryBucket Bucket,
    bool FollowsGap,
    double First,
    double Last,
    double SumOfSquares
);
