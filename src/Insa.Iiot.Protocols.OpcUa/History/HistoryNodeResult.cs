using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;

namespace Insa.Iiot.Protocols.OpcUa.History;

/// <summary>What one node of a HistoryRead is answered.</summary>
/// <param name="Status">The operation's status.</param>
/// <param name="Data">The values; <see langword="null"/> if there are none to tell of. The response disposes it.</param>
/// <param name="ContinuationPoint">Where to go on; <see langword="null"/> at the end.</param>
internal readonly record struct HistoryNodeResult(StatusCode Status, HistoryDataWriter? Data = null, byte[]? ContinuationPoint = null);
