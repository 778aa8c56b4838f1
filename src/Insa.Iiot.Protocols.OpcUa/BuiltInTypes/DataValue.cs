namespace Insa.Iiot.Protocols.OpcUa.BuiltInTypes;

/// <summary>A value with its status and times (Part 4 §7.11). Times are UA ticks, 0 for none.</summary>
internal readonly record struct DataValue(
    Variant Value,
    StatusCode Status = default,
    long SourceTimestamp = 0,
    long ServerTimestamp = 0,
    ushort SourcePicoseconds = 0,
    ushort ServerPicoseconds = 0
)
{
    public static DataValue Of(StatusCode status, long serverTimestamp = 0) => new(default, status, ServerTimestamp: serverTimestamp);
}
