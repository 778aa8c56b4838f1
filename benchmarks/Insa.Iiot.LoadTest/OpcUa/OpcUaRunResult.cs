namespace Insa.Iiot.LoadTest.OpcUa;

/// <summary>What one run came to.</summary>
/// <param name="Side">The server.</param>
/// <param name="Requests">Answered requests; of a subscription, Publish responses.</param>
/// <param name="ValuesPerSecond">Values, or notifications, a second.</param>
/// <param name="RequestsPerSecond">Requests a second.</param>
/// <param name="P50Milliseconds">Median latency of a request; of a notification, from its source time on.</param>
/// <param name="P99Milliseconds">The 99th percentile.</param>
/// <param name="CpuMicrosecondsPerRequest">The server's CPU time per request; of a subscription, per notification.</param>
/// <param name="ServerCores">The cores the server was busy on.</param>
/// <param name="PeakMebibytes">The server's largest resident size.</param>
/// <param name="AllocatedBytesPerRequest">What our server allocated per request, or per notification.</param>
/// <param name="Errors">Requests and values with a bad status.</param>
internal sealed record OpcUaRunResult(
    string Side,
    long Requests,
    double ValuesPerSecond,
    double RequestsPerSecond,
    double P50Milliseconds,
    double P99Milliseconds,
    double CpuMicrosecondsPerRequest,
    double ServerCores,
    double PeakMebibytes,
    double? AllocatedBytesPerRequest,
    long Errors
);
