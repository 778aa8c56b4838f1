namespace Insa.Iiot.Protocols.OpcUa.History;

/// <summary>Where a read that was cut goes on: the next value's earliest time (or latest, newest first), or the next interval.</summary>
internal readonly record struct HistoryPosition(long Next);
