using Insa.Iiot.Protocols.OpcUa.AddressSpace;

namespace Insa.Iiot.Protocols.OpcUa.Server.Writing;

/// <summary>A value that was written.</summary>
/// <param name="Result">Its place in the request.</param>
/// <param name="Metric">The metric.</param>
/// <param name="Value">The value.</param>
internal readonly record struct WrittenValue(int Result, string Metric, LatestValue Value);
