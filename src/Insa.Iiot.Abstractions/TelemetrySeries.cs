namespace Insa.Iiot;

/// <summary>One metric of one device.</summary>
/// <param name="Device">The device.</param>
/// <param name="Metric">The metric's name.</param>
public readonly record struct TelemetrySeries(DeviceId Device, string Metric);
