namespace Insa.Iiot.Protocols.OpcUa.AddressSpace;

/// <summary>What can be done with a variable's value (OPC 10000-3 §8.57).</summary>
[Flags]
internal enum AccessLevels : byte
{
    None = 0,
    CurrentRead = 0x01,
    CurrentWrite = 0x02,
    HistoryRead = 0x04,
    HistoryWrite = 0x08,
    SemanticChange = 0x10,
    StatusWrite = 0x20,
    TimestampWrite = 0x40,
}
