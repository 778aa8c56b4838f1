namespace Insa.Iiot;

/// <summary>How many devices a tenant has.</summary>
/// <param name="Enabled">Those that may connect.</param>
/// <param name="Disabled">Those that may not.</param>
/// <param name="Seen">Those, of both, with telemetry of a time asked for or later.</param>
public readonly record struct DeviceCounts(long Enabled, long Disabled, long Seen);
