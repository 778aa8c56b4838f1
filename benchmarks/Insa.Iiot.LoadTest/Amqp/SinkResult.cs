using System.Globalization;
using Insa.Iiot.LoadTest.Measuring;

namespace Insa.Iiot.LoadTest.Amqp;

/// <summary>What one round came to.</summary>
internal sealed record SinkResult(
    long Points,
    double AcknowledgedPerSecond,
    double StoredPerSecond,
    double P50Milliseconds,
    double P99Milliseconds,
    double CpuMicrosecondsPerPoint,
    long Errors
)
{
    public static SinkResult MedianOf(IReadOnlyList<SinkResult> results) =>
        new(
            results.Sum(result => result.Points),
            results.MedianOf(result => result.AcknowledgedPerSecond),
            results.MedianOf(result => result.StoredPerSecond),
            results.MedianOf(result => result.P50Milliseconds),
            results.MedianOf(result => result.P99Milliseconds),
            results.MedianOf(result => result.CpuMicrosecondsPerPoint),
            results.Sum(result => result.Errors)
        );

    public override string ToString() =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{AcknowledgedPerSecond:N0} points/s acknowledged, {StoredPerSecond:N0} stored meanwhile, acknowledgement p50 {P50Milliseconds:F1} ms, p99 {P99Milliseconds:F1} ms, {CpuMicrosecondsPerPoint:F2} us CPU a point without the broker, {Errors} errors"
        );
}
