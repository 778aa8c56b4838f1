namespace Insa.Iiot.LoadTest.OpcUa;

/// <summary>What a server has used so far.</summary>
/// <param name="CpuSeconds">CPU time.</param>
/// <param name="PeakMebibytes">The largest resident size.</param>
/// <param name="Allocated">Bytes allocated, of our own.</param>
internal readonly record struct OpcUaUsage(double CpuSeconds, double PeakMebibytes, long? Allocated);
