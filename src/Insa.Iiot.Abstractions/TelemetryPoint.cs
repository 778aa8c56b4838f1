namespace Insa.Iiot;

/// <summary>One value of one metric at one instant.</summary>
/// <param name="Metric">The metric's name.</param>
/// <param name="Timestamp">When, UTC, to the microsecond.</param>
/// <param name="Value">The value.</param>
/// <param name="Quality">How far to trust it.</param>
public readonly record struct TelemetryPoint(string Metric, DateTime Timestamp, TelemetryValue Value, TelemetryQuality Quality);
