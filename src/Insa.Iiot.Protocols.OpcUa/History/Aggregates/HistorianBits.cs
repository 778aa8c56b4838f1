namespace Insa.Iiot.Protocols.OpcUa.History.Aggregates;

/// <summary>Where a historical value comes from: the low bits of its status (Part 4 §7.39.1, Part 11 §6.4.3).</summary>
[Flags]
internal enum HistorianBits : uint
{
    Raw = 0,
    Calculated = 0x01,
    Interpolated = 0x02,
    Partial = 0x04,
    MultipleValues = 0x10,
}
