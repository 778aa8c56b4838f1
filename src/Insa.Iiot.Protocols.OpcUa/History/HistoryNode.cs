namespace Insa.Iiot.Protocols.OpcUa.History;

/// <summary>A variable with history: one metric of one device.</summary>
internal readonly record struct HistoryNode(DeviceId Device, string Metric);
