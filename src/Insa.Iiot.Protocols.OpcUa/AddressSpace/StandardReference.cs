namespace Insa.Iiot.Protocols.OpcUa.AddressSpace;

/// <summary>A reference between nodes of the table, seen from one of them; nodes are indexes.</summary>
internal readonly record struct StandardReference(ushort Type, ushort Target, bool IsForward);
