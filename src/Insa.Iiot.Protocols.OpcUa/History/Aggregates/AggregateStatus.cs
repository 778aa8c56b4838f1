using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;

namespace Insa.Iiot.Protocols.OpcUa.History.Aggregates;

/// <summary>Makes the status codes of results.</summary>
internal static class AggregateStatus
{
    // InfoType = DataValue (Part 4 §7.39.1): says that the low bits mean something.
    private const uint InfoTypeDataValue = 0x0400;

    public static StatusCode With(this StatusCode status, HistorianBits bits) =>
        bits == HistorianBits.Raw ? new(status.Value & 0xFFFF0000) : new((status.Value & 0xFFFF0000) | InfoTypeDataValue | (uint)bits);

    /// <summary>The class of a status: 0 good, 1 uncertain, 2 bad.</summary>
    public static int Severity(this StatusCode status) =>
        status.IsGood ? 0
        : status.IsUncertain ? 1
        : 2;
}
