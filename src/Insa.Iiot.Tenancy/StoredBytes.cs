namespace Insa.Iiot.Tenancy;

/// <summary>How much room a tenant's telemetry took when it was last measured, which is once a day.</summary>
/// <param name="Bytes">The bytes, as <see cref="ITelemetryStorageMeter"/> counts them.</param>
/// <param name="MeasuredAt">When that was, UTC.</param>
public sealed record StoredBytes(long Bytes, DateTime MeasuredAt);
