using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;

namespace Insa.Iiot.Protocols.OpcUa.History.Aggregates;

/// <summary>What an aggregate makes of one interval.</summary>
/// <param name="Ticks">The result's timestamp, in .NET ticks, UTC.</param>
/// <param name="Status">Its status, with the historian bits.</param>
/// <param name="Type">Where the value is.</param>
/// <param name="Number">The value as a number: a double, a count or the code of a status.</param>
/// <param name="Value">The value, where it is a stored one.</param>
internal readonly record struct AggregateResult(
    long Ticks,
    StatusCode Status,
    AggregateValueType Type,
    double Number,
    TelemetryValue Value
);
