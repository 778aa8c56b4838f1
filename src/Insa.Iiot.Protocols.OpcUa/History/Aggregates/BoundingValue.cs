using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;

namespace Insa.Iiot.Protocols.OpcUa.History.Aggregates;

/// <summary>The value at an interval's bound.</summary>
/// <param name="Status">Its status; without a value it is bad.</param>
/// <param name="Number">Its value.</param>
/// <param name="IsRaw">Whether it is a stored value.</param>
internal readonly record struct BoundingValue(StatusCode Status, double Number, bool IsRaw)
{
    public static BoundingValue None => new(StatusCodes.BadNoData, 0, false);
}
