namespace Insa.Iiot.Protocols.OpcUa.Subscriptions;

/// <summary>What filters may ask of an attribute.</summary>
/// <param name="IsNumber">Whether its values are numbers or arrays of numbers: what a deadband needs.</param>
/// <param name="RangeWidth">The width of its node's EURange, which a percent deadband needs; not positive or not a number if it has none.</param>
internal readonly record struct MonitoredKind(bool IsNumber, double RangeWidth = double.NaN);
