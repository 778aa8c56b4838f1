using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;

namespace Insa.Iiot.Protocols.OpcUa.History;

/// <summary>One node of a HistoryRead.</summary>
/// <param name="Status">Good, or why it is not read.</param>
/// <param name="Node">The variable.</param>
/// <param name="Aggregate">Which aggregate it wants, where it wants one.</param>
/// <param name="ContinuationPoint">Where it goes on.</param>
internal readonly record struct HistoryNodeRead(StatusCode Status, HistoryNode Node, uint Aggregate, byte[]? ContinuationPoint);
