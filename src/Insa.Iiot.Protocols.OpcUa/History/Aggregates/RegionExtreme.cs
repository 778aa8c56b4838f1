namespace Insa.Iiot.Protocols.OpcUa.History.Aggregates;

/// <summary>A least or greatest value of an interval.</summary>
/// <param name="Ticks">When it first stood.</param>
/// <param name="Number">The value.</param>
/// <param name="IsInterpolated">Whether it is a bound that no stored value stands at.</param>
/// <param name="Count">How often it was found.</param>
internal readonly record struct RegionExtreme(long Ticks, double Number, bool IsInterpolated, int Count);
