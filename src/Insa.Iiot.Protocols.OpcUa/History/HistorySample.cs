using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;

namespace Insa.Iiot.Protocols.OpcUa.History;

/// <summary>One stored value as the aggregates see it.</summary>
/// <param name="Ticks">When, in .NET ticks, UTC.</param>
/// <param name="Number">The value as a number; 0 where there is none.</param>
/// <param name="Status">Its status.</param>
/// <param name="Value">The value itself.</param>
internal readonly record struct HistorySample(long Ticks, double Number, StatusCode Status, TelemetryValue Value);
