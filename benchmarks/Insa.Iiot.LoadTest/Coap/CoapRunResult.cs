namespace Insa.Iiot.LoadTest.Coap;

/// <summary>What one run came to.</summary>
internal sealed record CoapRunResult(
    string Side,
    long Answered,
    double PerSecond,
    double P50Milliseconds,
    double P99Milliseconds,
    double CpuMicrosecondsPerRequest,
    double PeakMebibytes,
    double? AllocatedBytesPerRequest,
    long Retransmitted,
    long Errors,
    double? HandshakesPerSecond
);
