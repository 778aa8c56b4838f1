namespace Insa.Iiot.LoadTest.Measuring;

/// <summary>What one run came to.</summary>
internal sealed record RunResult(
    string Side,
    long Acknowledged,
    double AcknowledgedPerSecond,
    double P50Milliseconds,
    double P99Milliseconds,
    double CpuMicrosecondsPerMessage,
    double PeakMebibytes,
    double? AllocatedBytesPerMessage,
    long Errors,
    ResidentMemory? Resident
);
